"""Where things live: the four folders, the lock on a folder, and the program itself.

``OMNITRAY_HOME=DIR`` puts all four folders under ``DIR``; otherwise the desktop's own places are
used. Folders are made on demand with mode 0700. The run folder holds the token of the local API and
may lie under a shared temporary folder, so it is refused when another user could own it.

:class:`FolderLock` says who keeps a folder: the running instance keeps the data folder, the history
its alerts. It locks a file in the folder and, where the system can, the folder itself: a lock file
that is removed lets no second process in. ``flock`` where there is one (a lock of the open file,
also across PID namespaces and over NFS), the first byte of the file on Windows. ``QLockFile``
writes a pid and a host name and judges by them whether the holder lives: wrong in containers and
after a change of the name; and it brings Qt to the command line (docs/adr/019).

:func:`typed` gives the words that start this installation at the prompt where they are shown.
"""

import contextlib
import enum
import errno
import importlib
import importlib.util
import os
import shlex
import stat
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from omnitray.base import process_environment
from omnitray.base.bounded import kind_of
from omnitray.base.durable import CANNOT, StorageError, make_folder, open_owned, tolerated
from omnitray.base.process_environment import expanded, run_folder, working_folder

PRIVATE = 0o700
HERE = Path(__file__).parent.parent


class FolderError(OSError):
    """A folder that cannot be made; the sentence says why and what to do."""


class UnsafeFolderError(OSError):
    """A folder that is a link, belongs to another user or is open to others."""


class Paths(msgspec.Struct, frozen=True):
    """The four folders; every file name of the program is derived from them."""

    config: Path
    data: Path
    state: Path
    run: Path

    @property
    def config_file(self) -> Path:
        """The settings."""
        return self.config / "config.toml"

    @property
    def alerts(self) -> Path:
        """One JSON file an alert, and their index."""
        return self.data / "alerts"

    @property
    def archive(self) -> Path:
        """Alerts beyond the newest 500, compressed by month."""
        return self.alerts / "archive"

    @property
    def quarantine(self) -> Path:
        """Damaged alert files."""
        return self.alerts / "quarantine"

    @property
    def actions_journal(self) -> Path:
        """What was done to jobs, and the way back."""
        return self.data / "actions.jsonl"

    @property
    def recordings(self) -> Path:
        """What the protector decided from, around each incident."""
        return self.data / "recordings"

    @property
    def servers_file(self) -> Path:
        """Which watched servers run, and what was learnt of their starts."""
        return self.data / "servers.json"

    @property
    def server_logs(self) -> Path:
        """A rotated log for each watched server."""
        return self.state / "servers"

    @property
    def published_servers(self) -> Path:
        """Servers of test runs, as the runs publish them."""
        return self.run / "servers"

    @property
    def log_file(self) -> Path:
        """The rotated log."""
        return self.state / "log" / "omnitray.log"

    @property
    def api_file(self) -> Path:
        """Address and token of the running instance's local API."""
        return self.run / "api.json"

    def create(self) -> tuple[str, ...]:
        """Make all folders; what comes back says which of them cannot be made.

        Without those the program runs: settings are the defaults, alerts stay in memory. The run
        folder is needed: raises OSError, UnsafeFolderError for one that is not ours alone.
        """
        missing = []
        for folder in (self.config, self.data, self.state, self.alerts, self.log_file.parent):
            try:
                _tightened(private_folder(folder))
            except FolderError as error:
                missing.append(f"{error}")
        own_folder(self.run)
        return tuple(dict.fromkeys(missing))


def find_paths(environ: Mapping[str, str] | None = None) -> Paths:
    """The folders of this user, or those under ``OMNITRAY_HOME``. Creates nothing."""
    home = (os.environ if environ is None else environ).get("OMNITRAY_HOME")
    if home:
        root = working_folder() / expanded(home)
        return Paths(root / "config", root / "data", root / "state", root / "run")
    from platformdirs import PlatformDirs  # noqa: PLC0415 - half of this module's import time

    dirs = PlatformDirs("omnitray", appauthor=False)
    run = run_folder() / "omnitray" if hasattr(os, "getuid") else dirs.user_runtime_path
    try:
        return Paths(
            _anchored(dirs.user_config_path),
            _anchored(dirs.user_data_path),
            _anchored(dirs.user_state_path),
            run,
        )
    except RuntimeError:  # platformdirs 4.4 and later, without a home
        root = process_environment.home()
        shares = (root / ".config", root / ".local/share", root / ".local/state")
        config, data, state = (share / "omnitray" for share in shares)
        return Paths(config, data, state, run)


def _anchored(folder: Path) -> Path:
    """Below the home where it is not whole: ``~`` is left as it is where there is no user."""
    parts = [part for part in folder.parts if part != "~"]
    return folder if folder.is_absolute() else process_environment.home().joinpath(*parts)


def private_folder(folder: Path) -> Path:
    """Make a folder, and those above it that are missing, readable by this user alone.

    Raises FolderError.
    """
    try:
        make_folder(folder)
    except (OSError, StorageError) as error:
        reason = error.fault.value if isinstance(error, StorageError) else error.strerror
        why = f"{folder} cannot be made: {reason}"
        raise FolderError(why_not_made(folder) or why) from error
    return folder


def why_not_made(folder: Path) -> str:
    """What stands against making a folder, and what helps; empty where nothing does."""
    there = next(each for each in (folder, *folder.parents) if os.path.lexists(each))
    if not there.is_dir():
        kind = "a link that leads nowhere" if there.is_symlink() else "a file"
        return f"{there} is {kind}, and a folder is needed; remove it or set OMNITRAY_HOME"
    if not os.access(there, os.W_OK | os.X_OK):
        return f"{there} cannot be written; change its permissions or set OMNITRAY_HOME"
    return ""


def _tightened(folder: Path) -> None:
    """Shut others out of a folder that was made by hand, where its file system and owner let us."""
    if stat.S_IMODE(folder.stat().st_mode) & 0o077:
        with contextlib.suppress(OSError):
            folder.chmod(PRIVATE)


def own_folder(folder: Path) -> Path:
    """Like :func:`private_folder`, and make sure that no other user can reach or replace it."""
    private_folder(folder)
    found = folder.lstat()
    if stat.S_ISLNK(found.st_mode) or not stat.S_ISDIR(found.st_mode):
        raise UnsafeFolderError(f"{folder} is a link; remove it, a real folder is needed")
    _refuse_foreign(folder, found)
    _refuse_replaceable(folder.parent)
    if stat.S_IMODE(found.st_mode) & 0o077:
        with tolerated():
            folder.chmod(PRIVATE)
    return folder


def resource(name: str) -> Path:
    """A shipped file: inside the installed package, else beside it in a checkout."""
    for root in (HERE / "resources", HERE.parent / "resources"):
        if (root / name).exists():
            return root / name
    raise FileNotFoundError(f"{name} is missing from the resources; install OmniTray again")


def _refuse_foreign(folder: Path, found: os.stat_result) -> None:
    """Ownership says nothing where there are no numeric users (Windows)."""
    if hasattr(os, "getuid") and found.st_uid != os.getuid():
        raise UnsafeFolderError(f"{folder} belongs to another user; remove it or set OMNITRAY_HOME")


def _refuse_replaceable(parent: Path) -> None:
    """A user who may rename entries of the parent could put another folder in its place."""
    if not hasattr(os, "getuid"):
        return
    found = parent.stat()
    if found.st_uid not in (0, os.getuid()):
        raise UnsafeFolderError(f"{parent} belongs to another user; set OMNITRAY_HOME")
    if found.st_mode & 0o022 and not found.st_mode & stat.S_ISVTX:
        raise UnsafeFolderError(f"{parent} can be written by others; set OMNITRAY_HOME")


def why_no_place(path: Path) -> str:
    """A sentence where no file can be written to ``path``; empty where one can, so far."""
    try:
        kind = kind_of(path.stat().st_mode)
    except OSError:
        kind = ""  # not there, or whatever writing says of it
    if kind:
        helps = "name a file in it" if kind == "a folder" else "name a file"
        return f"cannot write {path}: it is {kind}; {helps}"
    if not os.path.isdir(path.parent):  # noqa: PTH112 - False also where one may not look
        return f"cannot write {path}: there is no folder {path.parent}; make it first"
    if not os.access(os.path.realpath(path.parent), os.W_OK) and not path.is_symlink():
        return f"cannot write {path}: {path.parent} takes no files; choose another folder"
    return ""


NAME = "omnitray"


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """How this process was started, as far as it says where the command is."""

    script: str = msgspec.field(default_factory=lambda: sys.argv[0])
    python: str = sys.executable
    folder: str = msgspec.field(default_factory=lambda: str(working_folder()))
    environ: Mapping[str, str] = msgspec.field(default_factory=lambda: os.environ)


def own_command(start: Start | None = None) -> list[str]:
    """What starts this very installation, from any folder."""
    start = start or Start()
    found = _script(start)
    return [str(found)] if found is not None else [start.python, "-m", NAME]


def typed(*words: str, start: Start | None = None) -> str:
    """The same with these words behind it, as short as works here: ``.venv/bin/omnitray status``.

    Plain ``omnitray`` where the search path leads to this installation and no other.
    """
    start = start or Start()
    command = own_command(start)
    if len(command) == 1:
        command = [_short(Path(command[0]), start)]
    return shlex.join([*command, *words])


def _script(start: Start) -> Path | None:
    """The command that was run; else the one beside the interpreter."""
    run = Path(start.folder, start.script)
    ran_us = run.stem in (NAME, f"{NAME}-tray") and run.suffix in ("", ".exe")
    folders = [*([run.parent] if ran_us else []), Path(start.python).parent]
    found = (folder / f"{NAME}{ending}" for folder in folders for ending in ("", ".exe"))
    return next((each for each in found if each.is_file()), None)


def _short(command: Path, start: Start) -> str:
    for place in start.environ.get("PATH", "").split(os.pathsep):
        first = Path(start.folder, place, command.name)
        if os.access(first, os.X_OK) and first.is_file():
            if first.samefile(command):
                return NAME
            break
    try:
        return str(command.relative_to(start.folder))
    except ValueError:
        return str(command)


class LockState(enum.Enum):
    """What came of trying."""

    HELD = "held by us"
    TAKEN = "held by another"
    IMPOSSIBLE = "this file system cannot lock"


class FolderLock:
    """An exclusive lock on a folder. ``name`` is that of the lock file in it."""

    def __init__(self, folder: Path, name: str = ".lock") -> None:
        self._places = (folder / name, folder)
        self._held: dict[Path, int] = {}
        self.state = LockState.TAKEN

    def acquire(self) -> bool:
        """Acquire the lock, or keep it; False while another process holds it.

        Where the file system cannot lock, every caller gets it and :attr:`state` is IMPOSSIBLE.
        Raises OSError where there is neither a file nor a folder that could be locked, and for a
        fault of the disk.
        """
        if self._held:
            return True
        self.state = self._take(self._places)
        return self.state is not LockState.TAKEN

    def renew(self) -> bool:
        """Lock what stands there now, where that is not what we hold: it was removed or replaced.

        False when another process has taken it. Raises OSError.
        """
        moved = [place for place in self._places if not self._is_in_place(place)]
        before = [self._held.pop(place) for place in moved if place in self._held]
        if not before:
            return True
        try:
            return self._take(moved) is not LockState.TAKEN
        finally:
            _close(before)

    def release(self) -> None:
        """Give it back. Idempotent."""
        _close(self._held.values())
        self._held.clear()

    def _take(self, places: Iterable[Path]) -> LockState:
        opened: dict[Path, int] = {}
        failures = []
        for place in places:
            try:
                handle = _opened(place, is_folder=place == self._places[1])
            except OSError as error:
                failures.append(error)
            else:
                opened[place] = handle
        if failures and not opened and not self._held:
            raise failures[0]
        try:
            states = {_locked(handle) for handle in opened.values()}
        except OSError:
            _close(opened.values())
            raise
        if LockState.TAKEN in states:
            _close(opened.values())
            return LockState.TAKEN
        self._held.update(opened)
        return LockState.HELD if LockState.HELD in states else LockState.IMPOSSIBLE

    def _is_in_place(self, place: Path) -> bool:
        try:
            return os.path.samestat(place.stat(), os.fstat(self._held[place]))
        except (OSError, KeyError):
            return False


def _opened(place: Path, *, is_folder: bool) -> int:
    """A descriptor to lock; raises OSError, also where folders have none."""
    if not is_folder:
        return open_owned(place, os.O_RDWR | os.O_CREAT, follow=False)
    if not hasattr(os, "O_DIRECTORY"):
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
    return os.open(place, os.O_RDONLY | os.O_DIRECTORY)


def _locked(handle: int) -> LockState:
    """Try to lock; raises OSError for a fault of the disk."""
    if importlib.util.find_spec("fcntl") is None:
        msvcrt: Any = importlib.import_module("msvcrt")
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return LockState.TAKEN
        return LockState.HELD
    fcntl: Any = importlib.import_module("fcntl")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return LockState.TAKEN
    except OSError as error:
        if error.errno not in CANNOT:
            raise
        return LockState.IMPOSSIBLE
    return LockState.HELD


def _close(handles: Iterable[int]) -> None:
    for handle in handles:
        with contextlib.suppress(OSError):  # closed all the same, see close(2)
            os.close(handle)

"""Where things live: config, data, state and run folders, and the files with fixed names.

``OMNITRAY_HOME=DIR`` puts all four under ``DIR``; otherwise the desktop's own places are used.
Folders are made on demand with mode 0700. The run folder holds the token of the local API and
may lie under a shared temporary folder, so it is refused when another user could own it.
"""

import contextlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path

import msgspec

from omnitray.base import process_environment
from omnitray.base.bounded import kind_of
from omnitray.base.durable import StorageError, make_folder, tolerated
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

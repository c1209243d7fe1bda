"""What a process need not have, and what holds without it. This module alone asks for it.

| need not be there | then |
|---|---|
| a home (no HOME, no entry in the password database) | ``/``, as systemd and containers have it |
| a working folder (it was deleted) | ``/`` |
| open standard streams | the null device, so that no file of ours gets their numbers |
| a terminal with columns | no line is cut |
| a locale that can say every letter | what it cannot say is escaped |
| signals that are not ignored (``nohup``) | who ignored them before us is right |
| a display that answers | the program runs headless (``is_survived``) |
| a session bus that answers | Qt takes it for none (``runtime.notifications.set_hung_bus_aside``) |
| a run folder of the session | one in the temporary folder, else in the home |
| a free file descriptor | the protector uses its reserve (``DescriptorReserve``) |
| leave to open as many files as it needs | it does not start, and says why (``lacking_files``) |
| a time zone that Python can count with | times are in UTC (``set_up_time_zone``) |

A test holds that no other module asks.
"""

import contextlib
import errno
import faulthandler
import importlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TextIO

ROOT = Path(os.path.abspath(os.sep))  # noqa: PTH100 - Path.absolute() asks for the working folder
_STANDARD = ("stdin", "stdout", "stderr")
_LOOK_AGAIN_S = 0.005
_DAY_S = 86_400


def home(environ: Mapping[str, str] | None = None) -> Path:
    """The home folder: HOME where it is a whole path, else the password database's, else ``/``."""
    named = (os.environ if environ is None else environ).get("HOME", "")
    if named and os.path.isabs(named):  # noqa: PTH117 - an empty or relative one is none
        return Path(named)
    try:
        entry = importlib.import_module("pwd").getpwuid(os.getuid())
    except KeyError:
        return ROOT
    except ImportError:  # Windows has no such database, and a profile for every user
        return Path.home()
    return Path(entry.pw_dir) if entry.pw_dir else ROOT


def expanded(path: str) -> Path:
    """A path that a person wrote, with the home for ``~``."""
    if path == "~" or path.startswith(("~/", f"~{os.sep}")):
        return home() / path[2:]
    try:
        return Path(path).expanduser()
    except RuntimeError:  # ``~x`` without such a user is a name like any other
        return Path(path)


def working_folder() -> Path:
    """Where we are; ``/`` where that was deleted."""
    try:
        return Path.cwd()
    except OSError:
        return ROOT


def run_folder(environ: Mapping[str, str] | None = None) -> Path:
    """Where sockets and locks of this session live; the first of these that can be used.

    ``XDG_RUNTIME_DIR`` may be left over from another user (``su``) or have gone with the session.
    """
    given = os.environ if environ is None else environ
    user = os.getuid() if hasattr(os, "getuid") else 0
    for place in (given.get("XDG_RUNTIME_DIR", ""), f"/run/user/{user}"):
        if place and _is_ours(place):
            return Path(place)
    import tempfile  # noqa: PLC0415 - 10 ms, where a session has no folder of its own

    try:
        return Path(tempfile.gettempdir()) / f"runtime-{user}"
    except OSError:  # nothing temporary can be written here
        return home() / ".cache"


def _is_ours(place: str) -> bool:
    if not Path(place).is_absolute():
        return False
    try:
        found = Path(place).stat()
    except OSError:
        return False
    return found.st_uid == os.getuid() and os.access(place, os.W_OK | os.X_OK)


def terminal_columns(unknown: int, environ: Mapping[str, str] | None = None) -> int:
    """As wide as ``COLUMNS`` or the terminal says; ``unknown`` for neither, and for nonsense."""
    given = os.environ if environ is None else environ
    named = given.get("COLUMNS", "")
    if named.isdecimal() and int(named) > 0:
        return int(named)
    try:
        return os.get_terminal_size().columns or unknown
    except (ValueError, OSError):
        return unknown


def terminal_lines(unknown: int) -> int:
    """As high as the terminal says; ``unknown`` where there is none."""
    try:
        return os.get_terminal_size().lines or unknown
    except (ValueError, OSError):
        return unknown


def processors() -> int:
    """How many processors this process may run on: a container may have fewer than the machine."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


def hearable(names: Iterable[str]) -> tuple[signal.Signals, ...]:
    """Those of the signals that exist here and were not ignored when we were started.

    ``nohup`` ignores SIGHUP and a shell without job control SIGINT for what it runs behind itself.
    """
    known = [signal.Signals[name] for name in names if name in signal.Signals.__members__]
    return tuple(each for each in known if signal.getsignal(each) is not signal.SIG_IGN)


def set_up_streams() -> None:
    """Fill closed standard descriptors, and make every stream able to say every letter.

    To be called before anything is opened: a file, a socket or a lock with number 1 or 2 would get
    what others print. A stream that was closed stays None, as Python has made it.
    """
    for number in range(len(_STANDARD)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free: this one
    for name in _STANDARD[1:]:
        stream: TextIO | None = getattr(sys, name)
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def set_up_working_folder() -> None:
    """Leave a working folder that was deleted: libraries ask for it and fail."""
    try:
        os.getcwd()  # noqa: PTH109 - only whether it is there
    except OSError:
        os.chdir(ROOT)


def set_up_time_zone() -> None:
    """UTC where ``TZ`` is a day or more from it: C allows that, and Python then reads no time."""
    if abs(time.localtime().tm_gmtoff) >= _DAY_S:
        os.environ["TZ"] = "UTC"
        time.tzset()


# A headless program at rest has 62 open, the reserve of the protector among them. With 48 it goes
# on without its API, with 42 it does not obey TERM, and below 41 GLib ends the process. 1024 is
# what sessions are given, and what select() can count.
LEAST_FILES = 48
_FILES = 1024


def lacking_files() -> str:
    """What stands against a start: too few files; empty where nothing does.

    The soft limit of files is raised where the hard one allows it. To be called before anything is
    opened: without them a library ends the process with an abort.
    """
    files = _files_allowed()
    if files < LEAST_FILES:
        return f"only {files} files may be open at once, it needs {LEAST_FILES} (see ulimit -n)"
    return ""


def _files_allowed() -> int:
    try:
        resource = importlib.import_module("resource")
    except ImportError:  # Windows has no such limit
        return _FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft == resource.RLIM_INFINITY or soft >= most:
        return _FILES if soft == resource.RLIM_INFINITY else int(soft)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return int(resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def is_survived(attempt: Callable[[], object], limit_s: float) -> bool:
    """Whether a copy of this process lives through ``attempt`` within so many seconds.

    For what ends a process instead of raising: Qt aborts where a display does not answer, refuses
    us, or lacks a library. The copy is silent and leaves no core file. To be called before any
    thread is started.
    """
    if not hasattr(os, "fork"):
        return True
    pid = os.fork()
    if pid == 0:
        _attempt_and_leave(attempt)
    deadline_s = time.monotonic() + limit_s
    while time.monotonic() < deadline_s:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return status == 0
        time.sleep(_LOOK_AGAIN_S)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return False


def _attempt_and_leave(attempt: Callable[[], object]) -> None:
    """In the copy: no word, no dump, no session manager that waits for us, and no way back."""
    code = 1
    try:
        silence = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(silence, number)
        faulthandler.disable()
        os.environ.pop("SESSION_MANAGER", None)
        with contextlib.suppress(ImportError, OSError, AttributeError):
            ctypes = importlib.import_module("ctypes")
            ctypes.CDLL(None).prctl(4, 0)  # PR_SET_DUMPABLE: no core file and no crash report
        attempt()
        code = 0
    finally:
        os._exit(code)


# Compositors give 20 to 40 letters, GNOME's names hold the program and its host.
LONGEST_TOKEN = 1024


def usable_token(token: str) -> str:
    """The token, or nothing where it cannot be one: it becomes an environment variable."""
    return token if len(token) <= LONGEST_TOKEN and token.isascii() and token.isprintable() else ""


USED_UP = frozenset({errno.EMFILE, errno.ENFILE})


def lacks_descriptors(error: BaseException | None) -> bool:
    """Whether it failed for want of file descriptors."""
    return isinstance(error, OSError) and error.errno in USED_UP


# A scan has two open at once, a lever three, the journal one, and the monitor reads beside it.
_KEPT = 16


class DescriptorReserve:
    """File descriptors to protect with when the process has none left.

    Looking at processes needs descriptors. A leak in a library, a client that opens all that it
    may, or a low limit (``ulimit -n``, ``prlimit``) must not blind the protector: a few are held
    from the start and closed when nothing else is left. Owned by one thread, which calls
    :meth:`tend` before it needs descriptors.
    """

    def __init__(self) -> None:
        self._held: list[int] = []
        self.is_spent = False
        self._fill()

    def tend(self) -> bool:
        """Give the reserve away when none is left, take it back when there are some; its change.

        True when :attr:`is_spent` has changed.
        """
        was_spent = self.is_spent
        if self.is_spent:
            self._fill()
        elif not _one_is_left():
            self.close()
            self.is_spent = True
        return self.is_spent != was_spent

    def close(self) -> None:
        """Give them back."""
        for descriptor in self._held:
            os.close(descriptor)
        self._held.clear()

    def _fill(self) -> None:
        """All of them and one to spare, or none."""
        try:
            while len(self._held) <= _KEPT:
                self._held.append(os.open(os.devnull, os.O_RDONLY))
        except OSError as error:
            if error.errno not in USED_UP:
                raise
            self.close()
            self.is_spent = True
            return
        os.close(self._held.pop())
        self.is_spent = False


def _one_is_left() -> bool:
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error.errno not in USED_UP
    return True

"""Real processes: start in a session of their own, tell the tree, end it, see who listens.

An identity is pid and start time, checked under a pidfd before each signal, so that a pid that
was given to another process is never hit. Where there are no pidfds the identity is checked right
before the signal, which leaves a race of microseconds. :class:`Scopes` is the seam to what keeps
the processes of a server together beyond its session.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

import psutil

from omnitray.base.facts import ProcessIdentity
from omnitray.base.process_environment import expanded
from omnitray.servers.model import PortOwner
from omnitray.settings.servers import ServerSettings

_DEAD = {"Z", "X", "x"}
_STOPPED = {"T", "t"}
MARK = "OMNITRAY_SERVER"  # in the environment of a server: its log, which no other one has
_MOST_ENVIRON = 2_000_000  # the kernel's own limit for words and environment together
_DELETED = " (deleted)"
_START_FIELD = 19  # after the name in /proc/PID/stat
# What the service manager gave to OmniTray is not the server's.
_NOT_INHERITED = (
    *("NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_FDS", "LISTEN_PID"),
    *("INVOCATION_ID", "JOURNAL_STREAM", "SYSTEMD_EXEC_PID", "OMNITRAY_HOME"),
)


def identity_of(pid: int) -> ProcessIdentity | None:
    """The process that has this pid now; None where there is none or it has ended."""
    start = _start_of(pid)
    if start is None:
        return None
    try:
        exe = os.readlink(f"/proc/{pid}/exe")  # noqa: PTH115 - no Path for each
    except OSError:
        exe = None
    return ProcessIdentity(pid=pid, start_ticks=start, exe=exe)


def child(pid: int) -> ProcessIdentity:
    """The same of a child that was not yet waited for: it may have ended, its pid is still its."""
    found = identity_of(pid)
    if found is not None:
        return found
    stat = _stat(pid)
    return ProcessIdentity(pid=pid, start_ticks=stat[1] if stat else 0)


def same_program(before: ProcessIdentity, now: ProcessIdentity) -> bool:
    """Whether the executable is the one of before; an upgrade may have deleted the file."""
    if before.exe is None or now.exe is None:
        return True
    return before.exe.removesuffix(_DELETED) == now.exe.removesuffix(_DELETED)


def ended(process: "subprocess.Popen[bytes]") -> int | None:
    """How a child ended (minus the signal), without taking its pid away; None while it lives.

    As long as it is not waited for, its pid and its session's id go to no other process.
    """
    waitid = getattr(os, "waitid", None)
    if waitid is None:
        return process.poll()
    if process.returncode is not None:
        return process.returncode
    try:
        found = waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:  # something else waited for it
        return process.poll()
    if found is None:
        return None
    return int(found.si_status if found.si_code == os.CLD_EXITED else -found.si_status)


def lives(process: ProcessIdentity) -> bool:
    """Whether that very process lives."""
    return _start_of(process.pid) == process.start_ticks


def is_paused(process: ProcessIdentity) -> bool:
    """Whether that very process stands still (stopped or traced)."""
    found = _stat(process.pid)
    if found is not None:
        return found[1] == process.start_ticks and found[0] in _STOPPED
    try:
        return psutil.Process(process.pid).status() == psutil.STATUS_STOPPED
    except psutil.Error:
        return False


def boot_id() -> str:
    """Tells boots apart: a pid and a start time say nothing after another one."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return str(round(psutil.boot_time()))


def spawn(
    command: Iterable[str], cwd: Path, env: Mapping[str, str], log: int
) -> "subprocess.Popen[bytes]":
    """Start it in a session of its own with its output in ``log``; raises OSError."""
    inherited = {key: text for key, text in os.environ.items() if key not in _NOT_INHERITED}
    words = tuple(command)
    path = {**inherited, **env}.get("PATH", os.defpath)
    return subprocess.Popen(
        words,
        executable=_found(words[0], cwd, path),
        cwd=cwd,
        # Otherwise the last lines of a Python server that crashes are lost in its buffer.
        env={"PYTHONUNBUFFERED": "1", **inherited, **env},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )


def tree_of(root: ProcessIdentity | None, session: int, group: frozenset[int]) -> set[int]:
    """Pids of what lives of a server: its descendants, its session, its scope."""
    pids = set(group)
    for pid in psutil.pids():
        with contextlib.suppress(OSError):  # it has ended meanwhile
            if os.getsid(pid) == session:
                pids.add(pid)
    if root is not None and lives(root):
        with contextlib.suppress(psutil.Error):
            pids |= {each.pid for each in psutil.Process(root.pid).children(recursive=True)}
            pids.add(root.pid)
    return {pid for pid in pids if _start_of(pid) is not None and pid != os.getpid()}


def send(process: ProcessIdentity, number: signal.Signals) -> bool:
    """Signal that very process; False where it has ended."""
    try:
        with pidfd(process) as descriptor:
            if descriptor is None:
                os.kill(process.pid, number)
            else:
                signal.pidfd_send_signal(descriptor, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


@contextlib.contextmanager
def pidfd(process: ProcessIdentity) -> Iterator[int | None]:
    """A pidfd of that very process, None without pidfds; raises ProcessLookupError."""
    descriptor = open_pidfd(process)
    try:
        yield descriptor
    finally:
        if descriptor is not None:
            os.close(descriptor)


def open_pidfd(process: ProcessIdentity) -> int | None:
    """The same for a caller who closes it."""
    opened: Callable[[int], int] | None = getattr(os, "pidfd_open", None)
    descriptor = opened(process.pid) if opened is not None else None
    if not lives(process):
        if descriptor is not None:
            os.close(descriptor)
        raise ProcessLookupError(process.pid)
    return descriptor


def listening(pids: Iterable[int]) -> frozenset[int]:
    """Ports that these processes listen on (TCP)."""
    ports: set[int] = set()
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            for each in psutil.Process(pid).net_connections("tcp"):
                if each.status == psutil.CONN_LISTEN and each.laddr:
                    ports.add(each.laddr.port)
    return frozenset(ports)


def owners_of(port: int) -> tuple[PortOwner, ...]:
    """Who listens on a port of this machine; slow (19 ms with 1,075 processes)."""
    found: dict[int | None, PortOwner] = {}
    for each in psutil.net_connections("tcp"):
        if each.status != psutil.CONN_LISTEN or not each.laddr or each.laddr.port != port:
            continue
        name = ""
        with contextlib.suppress(psutil.Error):
            name = psutil.Process(each.pid).name() if each.pid else ""
        found[each.pid] = PortOwner(pid=each.pid, name=name)
    return tuple(found.values())


def mark_of(pid: int) -> str:
    """The mark that a process has inherited from the server that started it; empty without."""
    try:
        with Path(f"/proc/{pid}/environ").open("rb") as file:
            found = file.read(_MOST_ENVIRON).split(b"\0")
    except OSError:
        return ""
    start = f"{MARK}=".encode()
    return next((os.fsdecode(each[len(start) :]) for each in found if each.startswith(start)), "")


def program_stamp(spec: ServerSettings, cwd: Path) -> tuple[tuple[int, int] | None, ...]:
    """Change time and mode of each file that may be a server's program; None: there is none."""
    program = spec.command[0] if spec.command else ""
    path = {**os.environ, **spec.env}.get("PATH", os.defpath)
    places = (
        [cwd / expanded(program)]
        if os.sep in program
        else [cwd / folder / program for folder in path.split(os.pathsep)]
    )
    return tuple(_changed(place) for place in places)


def _changed(place: Path) -> tuple[int, int] | None:
    try:
        found = place.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_mode


def _found(program: str, cwd: Path, path: str) -> str:
    """Where a program is: a path belongs to the server's folder, a name to the server's PATH."""
    if os.sep in program:
        return str(cwd / expanded(program))
    for folder in path.split(os.pathsep):
        candidate = (cwd / folder / program) if folder else cwd / program
        if candidate.is_file() and os.access(candidate, os.X_OK):
            return str(candidate)
    raise FileNotFoundError(2, "there is no such program", program)


def _stat(pid: int) -> tuple[str, int] | None:
    """State and start time of a process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return fields[0].decode("ascii"), int(fields[_START_FIELD])
    except (OSError, ValueError, IndexError):
        return None


def _start_of(pid: int) -> int | None:
    """What tells a process from another one with its pid; None for one that has ended."""
    found = _stat(pid)
    if found is not None:
        return None if found[0] in _DEAD else found[1]
    if Path("/proc/self/stat").exists():
        return None
    try:
        process = psutil.Process(pid)
        dead = process.status() == psutil.STATUS_ZOMBIE
        return None if dead else int(process.create_time() * 1000)
    except psutil.Error:
        return None


class Scopes(Protocol):
    """Groups of processes that the platform keeps together (systemd scopes)."""

    def adopt(self, name: str, pid: int) -> str:
        """Move a fresh process into a group of its own; the group, empty where there is none."""
        ...

    def members(self, group: str) -> frozenset[int]:
        """The pids in a group; empty for one that is gone."""
        ...


class NoScopes:
    """Where the session's manager has none."""

    def adopt(self, name: str, pid: int) -> str:
        """Nothing to move it into."""
        del name, pid
        return ""

    def members(self, group: str) -> frozenset[int]:
        """Nothing is in it."""
        del group
        return frozenset()

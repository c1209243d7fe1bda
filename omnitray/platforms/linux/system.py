"""What Linux can do to a process, each time to that very one.

A signal goes through a pidfd that was opened before the start time was read again, so it cannot
reach another process that got the pid. Priorities have no such call: the pidfd is held and the
identity checked right before, which leaves no time for the pid to be given to another process.

Nice and I/O class belong to single threads, so both are set on every thread that has the value
of the first one; a thread that was given another value on purpose keeps it. Setting a class of
I/O has no wrapper in the C library: it goes through ``syscall``.
"""

import ctypes
import os
import re
import resource
import signal
import time
from collections.abc import Iterable
from pathlib import Path

from omnitray.base.dbus import PATIENCE_S, BlockingSessionBus, BusError
from omnitray.base.facts import ProcessIdentity
from omnitray.platforms.linux.proc import Proc
from omnitray.platforms.linux.ties import Ties
from omnitray.platforms.linux.units import UserUnits
from omnitray.processes.process_roles import ShellJob, Tie
from omnitray.protector.actuators.system import AccessRefused, Gone, IoPriority, OneWay, Sign

_IOPRIO_CALLS = {"x86_64": (251, 252), "aarch64": (30, 31), "armv7l": (314, 315)}  # set, get
_IOPRIO_WHO_PROCESS = 1
_CLASS_SHIFT = 13
_LEVEL_MASK = (1 << _CLASS_SHIFT) - 1
_AUTOGROUP_ATTEMPTS = 3
_AUTOGROUP_PAUSE_S = 0.11
_NICE_OF_RLIMIT = 20  # a limit of 20 allows nice 0
_CAP_SYS_NICE = 1 << 23
_CAPABILITIES = re.compile(r"^CapEff:\s*([0-9a-f]+)$", re.MULTILINE)
_ALL_USERS = ["0", "4294967295"]  # user_namespaces(7): the machine's own maps all users
_SIGNALS = {
    Sign.TERM: signal.SIGTERM,
    Sign.KILL: signal.SIGKILL,
    Sign.STOP: signal.SIGSTOP,
    Sign.CONT: signal.SIGCONT,
}


class Priorities:
    """Reads and sets priorities, each time of that very process."""

    def __init__(self, proc: Proc, root: Path = Path("/proc")) -> None:
        self._proc = proc
        self._root = root
        self._libc = ctypes.CDLL(None, use_errno=True)

    def nice(self, identity: ProcessIdentity) -> int:
        """Nice of the first thread."""
        self._proc.require(identity)
        return _nice(identity.pid)

    def set_nice(self, identity: ProcessIdentity, nice: int) -> None:
        """Set it on every thread that has the first one's value."""
        with self._proc.held(identity):
            old = _nice(identity.pid)
            for thread in self._proc.threads(identity):
                if _nice(thread) == old:
                    _set_nice(thread, nice)

    def may_set_nice(self, identity: ProcessIdentity, nice: int) -> bool:
        """The limit of the process that is to be changed counts, not ours (getrlimit(2))."""
        if self._may_set_any():
            return True
        try:
            return _allows(resource.prlimit(identity.pid, resource.RLIMIT_NICE), nice)
        except ProcessLookupError as error:
            raise Gone(f"process {identity.pid} has ended") from error
        except PermissionError:
            return False

    def _may_set_any(self) -> bool:
        """CAP_SYS_NICE, and not that of a user namespace: the kernel asks for the machine's own."""
        try:
            users = (self._root / "self/uid_map").read_text().split()
            status = (self._root / "self/status").read_text()
        except OSError:
            return False
        found = _CAPABILITIES.search(status)
        return users[1:] == _ALL_USERS and bool(found and int(found[1], 16) & _CAP_SYS_NICE)

    def io_priority(self, identity: ProcessIdentity) -> IoPriority:
        """I/O class of the first thread."""
        self._proc.require(identity)
        return self._io(identity.pid)

    def set_io_priority(self, identity: ProcessIdentity, priority: IoPriority) -> None:
        """Set it on every thread that has the first one's."""
        with self._proc.held(identity):
            old = self._io(identity.pid)
            value = priority.io_class << _CLASS_SHIFT | priority.level
            for thread in self._proc.threads(identity):
                if self._io(thread) == old:
                    self._syscall(0, _IOPRIO_WHO_PROCESS, thread, value)

    def autogroup_why_not(self, identity: ProcessIdentity) -> str:
        """Empty where the process's session is what the kernel schedules."""
        try:
            switch = (self._root / "sys/kernel/sched_autogroup_enabled").read_text().strip()
        except OSError:
            return "this kernel has no autogroup"
        if switch != "1":
            return "autogroup is switched off here"
        if not _is_in_root_cpu_cgroup(self._cgroups(identity)):
            return "a cpu cgroup schedules it, not its session"
        if not self._autogroup_text(identity):
            return "its session has no autogroup"
        return ""

    def autogroup_nice(self, identity: ProcessIdentity) -> int:
        """``/autogroup-7 nice 0``: the last word."""
        self._proc.require(identity)
        text = self._autogroup_text(identity)
        if not text:
            raise AccessRefused("its session has no autogroup")
        return int(text.split()[-1])

    def set_autogroup_nice(self, identity: ProcessIdentity, nice: int) -> None:
        """Set it, for the whole session. Unprivileged, the kernel takes one a tenth of a second."""
        with self._proc.held(identity):
            for attempt in range(_AUTOGROUP_ATTEMPTS):
                try:
                    (self._root / str(identity.pid) / "autogroup").write_text(str(nice))
                except BlockingIOError:
                    time.sleep(_AUTOGROUP_PAUSE_S * (attempt + 1))
                except OSError as error:
                    raise AccessRefused(f"autogroup of {identity.pid}: {error.strerror}") from error
                else:
                    return
            raise AccessRefused("the kernel takes one autogroup change in a tenth of a second")

    def _autogroup_text(self, identity: ProcessIdentity) -> str:
        try:
            return (self._root / str(identity.pid) / "autogroup").read_text().strip()
        except OSError:
            return ""

    def _cgroups(self, identity: ProcessIdentity) -> str:
        try:
            return (self._root / str(identity.pid) / "cgroup").read_text()
        except OSError as error:
            raise Gone(f"process {identity.pid} has ended") from error

    def _io(self, thread: int) -> IoPriority:
        value = self._syscall(1, _IOPRIO_WHO_PROCESS, thread)
        return IoPriority(value >> _CLASS_SHIFT, value & _LEVEL_MASK)

    def _syscall(self, which: int, *arguments: int) -> int:
        numbers = _IOPRIO_CALLS.get(os.uname().machine)
        if numbers is None:
            raise AccessRefused("the I/O class cannot be set on this kind of processor")
        result = int(self._libc.syscall(numbers[which], *arguments))
        if result < 0:
            code = ctypes.get_errno()
            if code == 3:  # noqa: PLR2004 - ESRCH
                raise Gone(f"thread {arguments[1]} has ended")
            raise AccessRefused(f"I/O class: {os.strerror(code)}")
        return result


def _allows(limit: tuple[int, int], nice: int) -> bool:
    soft = limit[0]
    return soft == resource.RLIM_INFINITY or soft >= _NICE_OF_RLIMIT - nice


def _nice(thread: int) -> int:
    try:
        return os.getpriority(os.PRIO_PROCESS, thread)
    except ProcessLookupError as error:
        raise Gone(f"thread {thread} has ended") from error


def _set_nice(thread: int, nice: int) -> None:
    try:
        os.setpriority(os.PRIO_PROCESS, thread, nice)
    except ProcessLookupError:
        return  # a thread that ended meanwhile needs no priority
    except PermissionError as error:
        raise OneWay("without privilege a nice value cannot be lowered again") from error


def _is_in_root_cpu_cgroup(text: str) -> bool:
    """Whether no cpu cgroup stands between the process and the session's autogroup.

    In the unified hierarchy a process counts as being in the root cpu cgroup where no cgroup on
    its path has the cpu controller; version 1 says so by the path of ``cpu``.
    """
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        if "cpu" in controllers.split(","):
            return path == "/"
        if controllers == "" and path != "/" and _has_cpu_controller(path):
            return False
    return True


def _has_cpu_controller(path: str, cgroups: Path = Path("/sys/fs/cgroup")) -> bool:
    """Whether the kernel weighs any cgroup on the path: ``cpu.weight`` is there only then."""
    own = Path(path.lstrip("/"))
    levels = [own, *own.parents][:-1]
    return any((cgroups / level / "cpu.weight").exists() for level in levels)


class LinuxSystem(Priorities):
    """The real system. Use it from one thread: it holds a connection to the session bus."""

    def __init__(self, root: Path = Path("/proc"), patience_s: float = PATIENCE_S) -> None:
        super().__init__(Proc(root), root)
        self._bus = BlockingSessionBus(patience_s)
        self._ties = Ties(self._owners, proc=root)
        self._units = UserUnits(self._bus, root, patience_s=patience_s)

    @property
    def units(self) -> UserUnits:
        """The user's own service manager."""
        return self._units

    def boot_id(self) -> str:
        """The kernel's name for this boot."""
        try:
            return (self._root / "sys/kernel/random/boot_id").read_text().strip()
        except OSError:
            return ""

    @staticmethod
    def wait(seconds: float) -> None:
        """Sleep for so many seconds."""
        time.sleep(seconds)

    def is_there(self, identity: ProcessIdentity) -> bool:
        """Whether that very process lives."""
        return self._proc.is_there(identity)

    def identify(self, pids: Iterable[int]) -> tuple[ProcessIdentity, ...]:
        """The identities of those pids that live."""
        return self._proc.identify(pids)

    def family(self, identities: Iterable[ProcessIdentity]) -> tuple[ProcessIdentity, ...]:
        """Those that live and their descendants."""
        return self._proc.family(identities)

    def ties(self, identities: Iterable[ProcessIdentity]) -> dict[int, frozenset[Tie]]:
        """What ties each to the person."""
        return self._ties.of(tuple(each.pid for each in identities))

    def ties_of(self, pids: tuple[int, ...]) -> dict[int, frozenset[Tie]]:
        """The same for processes that a scan has just shown."""
        return self._ties.of(pids)

    def send(self, identity: ProcessIdentity, sign: Sign) -> None:
        """Send under a pidfd; anything but CONT only to the program that was decided about."""
        with self._proc.held(identity) as pidfd:
            if sign is not Sign.CONT:
                self._proc.require_program(identity)
            try:
                signal.pidfd_send_signal(pidfd, _SIGNALS[sign])
            except ProcessLookupError as error:
                raise Gone(f"process {identity.pid} has ended") from error
            except PermissionError as error:
                raise AccessRefused(f"process {identity.pid} belongs to another user") from error

    def is_stopped(self, identity: ProcessIdentity) -> bool:
        """Whether a signal has stopped it, or will as soon as it comes back from the kernel."""
        state = self._proc.require(identity).state
        return state == "T" or self._proc.is_told_to_stop(identity) or self._proc.stops(identity)

    def shell_job(self, identity: ProcessIdentity) -> ShellJob:
        """Whether a shell waits for it as a job of its terminal."""
        return self._proc.shell_job(identity)

    def session(self, identity: ProcessIdentity) -> int:
        """Its session's id."""
        return self._proc.require(identity).session

    def session_members(self, session: int) -> frozenset[int]:
        """Everything alive in the session."""
        return self._proc.session_members(session)

    def close(self) -> None:
        """Close the connection to the bus."""
        self._bus.close()

    def _owners(self) -> frozenset[int]:
        try:
            return self._bus.name_owners()
        except BusError:
            return frozenset()  # without a bus no process has a name on it

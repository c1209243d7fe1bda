"""Single processes as /proc shows them: identity, family, session, threads; and this one."""

import os
import re
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from omnitray.base.facts import OwnFacts, ProcessFacts, ProcessIdentity
from omnitray.platforms.linux.files import printable
from omnitray.processes.process_roles import ShellJob
from omnitray.protector.actuators.system import AccessRefused, Gone

_DEAD = {"Z", "X", "x"}
_DELETED = " (deleted)"
_PROC = Path("/proc")
_SHARED_PENDING = re.compile(rb"^ShdPnd:\s*([0-9a-f]+)$", re.MULTILINE)
_STOP_BIT = 1 << (signal.SIGSTOP - 1)
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_NS_PER_TICK = 1_000_000_000 // TICKS_PER_S
_LAST = 22  # the fields after the name that are of use
# Fields after the name, counted from 0.
_STATE, _PPID, _GROUP, _SESSION, _TTY = 0, 1, 2, 3, 4
_UTIME, _STIME, _NICE, _THREADS, _START, _RSS = 11, 12, 16, 17, 19, 21


class Stat(NamedTuple):
    """What is needed of /proc/PID/stat."""

    pid: int
    state: str
    parent: int
    group: int
    session: int
    terminal: int
    foreground: int
    start_ticks: int


class Proc:
    """Reads one process at a time, or all for a family. ``root`` points tests elsewhere."""

    def __init__(self, root: Path = Path("/proc")) -> None:
        self._root = root
        self._lists_children = Path(f"{root}/self/task/{os.getpid()}/children").exists()

    def stat(self, pid: int) -> Stat | None:
        """None for a process that is not there."""
        return self._stat(pid, f"{self._root}/{pid}/stat")

    def _stat(self, pid: int, path: str) -> Stat | None:
        try:
            fields = self._read(path).rpartition(b")")[2].split()
            numbers = [int(fields[index]) for index in (1, 2, 3, 4, 5, 19)]
        except (OSError, IndexError, ValueError):
            return None
        return Stat(pid, fields[0].decode("ascii", "replace"), *numbers)

    @staticmethod
    def _read(path: str) -> bytes:
        """A family may take a thousand of these: three times as fast as through pathlib."""
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.read(descriptor, 1024)
        finally:
            os.close(descriptor)

    def all(self) -> Iterator[Stat]:
        """Every process that lives now."""
        for entry in os.scandir(self._root):
            if entry.name.isdigit() and (stat := self.stat(int(entry.name))):
                yield stat

    def exe(self, pid: int) -> str | None:
        """Path of the executable, None where it cannot be read."""
        try:
            return printable(os.readlink(os.fsencode(self._root / str(pid) / "exe")))  # noqa: PTH115 - bytes: names may be none
        except OSError:
            return None

    def is_there(self, identity: ProcessIdentity) -> bool:
        """Whether that very process lives; one that awaits its parent does not."""
        stat = self.stat(identity.pid)
        return (
            stat is not None
            and stat.start_ticks == identity.start_ticks
            and stat.state not in _DEAD
        )

    def require(self, identity: ProcessIdentity) -> Stat:
        """The process's stat; raises Gone."""
        stat = self.stat(identity.pid)
        if stat is None or stat.start_ticks != identity.start_ticks or stat.state in _DEAD:
            raise Gone(f"process {identity.pid} has ended")
        return stat

    def is_told_to_stop(self, identity: ProcessIdentity) -> bool:
        """Whether a stop waits for it: in the middle of a long call of the kernel it comes late."""
        try:
            status = (self._root / str(identity.pid) / "status").read_bytes()
        except OSError:
            return False
        found = _SHARED_PENDING.search(status)
        return found is not None and bool(int(found[1], 16) & _STOP_BIT)

    def stops(self, identity: ProcessIdentity) -> bool:
        """Whether a thread of it stands: one takes the stop, the others follow when they can."""
        tasks = f"{self._root}/{identity.pid}/task"
        stats = (self._stat(each, f"{tasks}/{each}/stat") for each in self.threads(identity))
        return any(stat.state == "T" for stat in stats if stat)

    def shell_job(self, identity: ProcessIdentity) -> ShellJob:
        """Whether its parent has put it into a group of its own on their terminal: job control.

        What that process starts shares its group, and the shell does not see it stop.
        """
        stat = self.require(identity)
        parent = self.stat(stat.parent) if stat.terminal else None
        if parent is None or parent.session != stat.session or parent.group == stat.group:
            return ShellJob.NONE
        is_front = stat.foreground == stat.group
        return ShellJob.FOREGROUND if is_front else ShellJob.BACKGROUND

    def require_program(self, identity: ProcessIdentity) -> None:
        """Raises AccessRefused where the process now runs another program."""
        now, wanted = self.exe(identity.pid), identity.exe
        if wanted is None or now is None:
            return
        if now.removesuffix(_DELETED) != wanted.removesuffix(_DELETED):  # a file may go meanwhile
            raise AccessRefused(f"process {identity.pid} runs {now} now, not {wanted}")

    def identify(self, pids: Iterable[int]) -> tuple[ProcessIdentity, ...]:
        """The identities of those pids that live."""
        stats = (self.stat(pid) for pid in sorted(pids))
        return tuple(self._identity(stat) for stat in stats if stat and stat.state not in _DEAD)

    def family(self, identities: Iterable[ProcessIdentity]) -> tuple[ProcessIdentity, ...]:
        """Those that live and their living descendants, parents first.

        Where the kernel lists the children of a process, no other process is looked at. That list
        may miss one while another ends, so a caller that acts on a family looks until none is new.
        """
        if not self._lists_children:
            return self._searched(identities)
        given = {each.pid: each for each in identities}
        roots = sorted(filter(self.is_there, given.values()), key=lambda each: each.start_ticks)
        found: dict[int, ProcessIdentity] = {each.pid: each for each in roots}
        waiting = list(found)
        for pid in waiting:
            for child in self._children(pid):
                stat = self.stat(child) if child not in found else None
                if stat and stat.state not in _DEAD:
                    found[child] = given.get(child) or self._identity(stat)
                    waiting.append(child)
        return tuple(found.values())

    def session_members(self, session: int) -> frozenset[int]:
        """Everything alive in the session."""
        if self._root != _PROC:
            return frozenset(
                stat.pid
                for stat in self.all()
                if stat.session == session and stat.state not in _DEAD
            )
        pids = (int(name) for name in os.listdir(_PROC) if name.isdigit())  # noqa: PTH208 - no Path for each
        found = (self.stat(pid) for pid in pids if _session_of(pid) == session)
        return frozenset(stat.pid for stat in found if stat and stat.state not in _DEAD)

    def _children(self, pid: int) -> list[int]:
        """Of every thread: each has those that it has started."""
        children: list[int] = []
        try:
            for thread in os.listdir(f"{self._root}/{pid}/task"):  # noqa: PTH208 - no Path for each
                children += map(int, self._whole(f"{self._root}/{pid}/task/{thread}/children"))
        except (OSError, ValueError):
            return children  # it has ended
        return children

    @staticmethod
    def _whole(path: str) -> list[bytes]:
        """The words of a list of any length."""
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - three times as fast
            return (file.read() or b"").split()

    def _searched(self, identities: Iterable[ProcessIdentity]) -> tuple[ProcessIdentity, ...]:
        living = {stat.pid: stat for stat in self.all() if stat.state not in _DEAD}
        children: dict[int, list[int]] = {}
        for stat in living.values():
            children.setdefault(stat.parent, []).append(stat.pid)
        given = {each.pid: each for each in identities}
        roots = [pid for pid, each in given.items() if self._is(living.get(pid), each)]
        order = _breadth_first(roots, children, living)
        return tuple(given.get(pid) or self._identity(living[pid]) for pid in order)

    def threads(self, identity: ProcessIdentity) -> list[int]:
        """Ids of the process's threads; raises Gone."""
        try:
            tasks = self._root / str(identity.pid) / "task"
            return [int(task.name) for task in tasks.iterdir()]
        except OSError as error:
            raise Gone(f"process {identity.pid} has ended") from error

    @contextmanager
    def held(self, identity: ProcessIdentity) -> Iterator[int]:
        """A pidfd of that very process, its start time read again after it was opened."""
        try:
            pidfd = os.pidfd_open(identity.pid)
        except ProcessLookupError as error:
            raise Gone(f"process {identity.pid} has ended") from error
        try:
            self.require(identity)
            yield pidfd
        finally:
            os.close(pidfd)

    @staticmethod
    def _is(stat: Stat | None, identity: ProcessIdentity) -> bool:
        return stat is not None and stat.start_ticks == identity.start_ticks

    def _identity(self, stat: Stat) -> ProcessIdentity:
        return ProcessIdentity(pid=stat.pid, start_ticks=stat.start_ticks, exe=self.exe(stat.pid))


def _session_of(pid: int) -> int:
    """A system call takes a fiftieth of the time of a file."""
    try:
        return os.getsid(pid)
    except OSError:
        return -1


def _breadth_first(
    roots: list[int], children: dict[int, list[int]], living: dict[int, Stat]
) -> list[int]:
    """Every root before its descendants, each process once; roots by age so parents lead."""
    order: dict[int, None] = {}
    waiting = sorted(roots, key=lambda pid: (living[pid].start_ticks, pid))
    while waiting:
        pid = waiting.pop(0)
        if pid not in order:
            order[pid] = None
            waiting += children.get(pid, [])
    return list(order)


def written_bytes(process: ProcessFacts) -> int | None:
    """What the process has caused to be written to disks, None where that may not be read."""
    try:
        text = Path(f"/proc/{process.pid}/io").read_bytes()
    except OSError:
        return None
    found = re.search(rb"^write_bytes: (\d+)$", text, re.MULTILINE)
    return int(found[1]) if found else None


def parse_stat(raw: bytes) -> ProcessFacts | None:
    """The process in this line (user and CPU unknown), or None where the line makes no sense.

    The name stands in brackets and may hold anything, ``foo) Z 1`` included; what follows it is
    numbers only, so that the last bracket is the one that counts.
    """
    opening, closing = raw.find(b"("), raw.rfind(b")")
    fields = raw[closing + 2 :].split(b" ", _LAST)
    try:
        return ProcessFacts(
            pid=int(raw[: opening - 1]),
            ppid=int(fields[_PPID]),
            start_ticks=int(fields[_START]),
            name=printable(raw[opening + 1 : closing]),
            state=fields[_STATE].decode("ascii"),
            session=int(fields[_SESSION]),
            group=int(fields[_GROUP]),
            tty=int(fields[_TTY]),
            threads=int(fields[_THREADS]),
            nice=int(fields[_NICE]),
            rss_bytes=max(0, int(fields[_RSS])) * PAGE_BYTES,
        )
    except (ValueError, IndexError):
        return None


def start_ticks(raw: bytes) -> int | None:
    """When it started, which together with the pid says who it is."""
    try:
        return int(raw[raw.rfind(b")") + 2 :].split(b" ", _START + 1)[_START])
    except (ValueError, IndexError):
        return None


def used_ns(raw: bytes) -> int:
    """Processor time so far, to the tick (10 ms); of a line that was parsed before."""
    fields = raw[raw.rfind(b")") + 2 :].split(b" ", _STIME + 1)
    return (int(fields[_UTIME]) + int(fields[_STIME])) * _NS_PER_TICK


def own_rss_bytes() -> int | None:
    """Resident set of this process, or None where /proc cannot be read."""
    try:
        return int(Path("/proc/self/statm").read_bytes().split()[1]) * PAGE_BYTES
    except (OSError, IndexError, ValueError):
        return None


def own_facts() -> OwnFacts:
    """Our pids, those that we were started by, and our user."""
    ancestors, pid = set(), os.getppid()
    while pid > 1 and pid not in ancestors:
        ancestors.add(pid)
        pid = _parent(pid)
    return OwnFacts(
        pids=frozenset({os.getpid(), *_children()}), ancestors=frozenset(ancestors), uid=os.getuid()
    )


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return 0


def _children() -> set[int]:
    """Children of all our threads (``CONFIG_PROC_CHILDREN``): the watchdog is one."""
    found: set[int] = set()
    for file in Path("/proc/self/task").glob("*/children"):
        try:
            found.update(int(word) for word in file.read_bytes().split())
        except (OSError, ValueError):
            continue
    return found

"""The process table from /proc, at about 3 µs a process where most sleep, and details of few.

Opening and reading /proc/PID/stat costs several times as much as asking for the processor time of
a process through its clock (clock_getcpuclockid(3)), which takes no file and no privilege. Who has
not run since the last scan has not changed, so only those who have are read. What can change under
a sleeping process is its parent (read again when the parent is gone), and its priority and memory
(others may take both from it): every line is read again after three minutes to six.

Where the clocks cannot be asked (a sandbox forbids it, a test has a folder of its own) every line
is read at every scan, and processor time is known to the tick.

A pid can be given to another process between the scan and the reading of a detail, so that the
start time is read again after every reading: only then is the answer of the process asked for.
"""

import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from omnitray.base.facts import ProcessFacts
from omnitray.base.process_environment import USED_UP
from omnitray.platforms.linux.files import KeptFile, printable, read_once
from omnitray.platforms.linux.mounts import remote_points, written_folder, written_mounts
from omnitray.platforms.linux.proc import parse_stat, start_ticks, used_ns

CpuClock = Callable[[int], int]

_SECOND = 1_000_000_000
_OLD_NS = 180 * _SECOND  # to which up to as much is added, so that not all are read at once
_TRUSTED_NS = 10 * _SECOND  # a thread of the kernel that runs: its pid may have a new owner
_LISTED_NS = 30 * _SECOND  # who is put back with a pid of its choice (CRIU) takes no new one
_KTHREADD = 2
_LINE = 2048  # /proc/PID/stat has 52 numbers and a name of at most 64 bytes
_EFFECTIVE_UID = re.compile(rb"^Uid:\t\d+\t(\d+)", re.MULTILINE)
_ARGUMENTS = 32 * 1024  # a command line may have megabytes, no person reads them
_PSS = re.compile(rb"^Pss:\s+(\d{1,15}) kB", re.MULTILINE)
_WRITTEN = re.compile(rb"^write_bytes: (\d{1,19})$", re.MULTILINE)
_MOVED = re.compile(rb"^(?:read|write)_bytes: (\d{1,19})$", re.MULTILINE)
Answer = TypeVar("Answer")


def clock_of(pid: int) -> int:
    """The clock that counts the processor time of all threads of a process.

    Source: ``MAKE_PROCESS_CPUCLOCK(pid, CPUCLOCK_SCHED)`` in the kernel's posix-timers.
    """
    return ~pid << 3 | 2


class NewestPid:
    """The pid that the kernel gave out last; while it stays the same no process was started.

    It stands at the end of /proc/loadavg, which costs a hundredth of listing /proc, and counts for
    our own pid namespace. Threads take pids too. lxcfs lays a file of its own over it that is
    renewed every few seconds: that one is of another device, and of no use. In gVisor it is always
    0: what has never changed says nothing either.
    """

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._file = KeptFile(proc / "loadavg")
        self._first: bytes | None = None
        self._changes = False
        try:
            self._is_true = (proc / "loadavg").stat().st_dev == proc.stat().st_dev
        except OSError:
            self._is_true = False

    def read(self) -> bytes | None:
        """None where it is not known."""
        content = self._file.read() if self._is_true else None
        pid = content.rpartition(b" ")[2] if content else None
        self._first = self._first or pid
        self._changes = self._changes or pid not in {None, self._first}
        return pid if self._changes else None

    def close(self) -> None:
        """Give the descriptor back."""
        self._file.close()


class _KnownProcess:
    """What is remembered of one process between scans."""

    __slots__ = ("clock", "due_ns", "facts", "resting", "seen_ns", "trusted_ns", "used_ns")

    def __init__(self, facts: ProcessFacts, seen_ns: int, used: int) -> None:
        self.facts = facts
        self.clock = clock_of(facts.pid)
        self.seen_ns = seen_ns
        self.used_ns = used
        self.resting = facts.cpu_percent == 0.0
        # A thread of the kernel has no memory and no other parent: its time is all there is to it.
        in_kernel = facts.ppid == _KTHREADD and not facts.rss_bytes and facts.state != "Z"
        spread_ns = facts.pid * 7919 * 1_000_000 % _OLD_NS
        self.due_ns = seen_ns + _OLD_NS + spread_ns
        self.trusted_ns = seen_ns + _TRUSTED_NS if in_kernel else 0

    def rest(self) -> None:
        """It has not run since the last scan."""
        self.resting = True
        self.facts = msgspec.structs.replace(self.facts, cpu_percent=0.0)

    def run(self, used: int, now_ns: int, scanned_ns: int) -> None:
        """It has run, and nothing else can have changed."""
        share = _share(used - self.used_ns, now_ns - max(self.seen_ns, scanned_ns))
        self.facts = msgspec.structs.replace(self.facts, cpu_percent=share)
        self.resting = False
        self.seen_ns, self.used_ns = now_ns, used


class LinuxProcessTable:
    """A ``processes.process_table.ProcessTable``; one instance belongs to one thread.

    A scan lists the processes only where one may have been started since the last listing; where
    ``newest_pid`` cannot say so, always.
    """

    def __init__(
        self,
        proc: Path = Path("/proc"),
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
        cpu_clock: CpuClock | None = time.clock_gettime_ns,
        newest_pid: Callable[[], bytes | None] = lambda: None,
    ) -> None:
        self._folder = os.open(proc, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._monotonic_ns = monotonic_ns
        self._cpu_clock = cpu_clock if cpu_clock and _answers(cpu_clock) else None
        self._newest_pid = newest_pid
        self._newest: bytes | None = None
        self._listed_until_ns = 0  # so long the newest pid counts
        self._known: dict[str, _KnownProcess] = {}
        self._ended: set[int] = set()  # whose children are still to be read again
        self._scanned_ns = 0

    def scan(self) -> tuple[ProcessFacts, ...]:
        """All processes now, by pid; CPU since the previous scan, None where there was none.

        A process that has not changed is the same object as in the previous scan.
        """
        now = self._monotonic_ns()
        came, listed_until_ns = self._listed(now)
        known, ended = self._known, self._ended
        for name in self._to_be_read(now):
            if (fresh := self._read(name, known[name])) is not None:
                known[name] = fresh
            else:
                ended.add(known.pop(name).facts.pid)
        for name in came:
            if (fresh := self._read(name, None)) is not None:
                known[name] = fresh
        if came:
            by_pid = sorted(known.items(), key=lambda each: each[1].facts.pid)
            self._known = known = dict(by_pid)
        if ended:
            self._follow_orphans(ended)
            ended.clear()
        self._scanned_ns, self._listed_until_ns = now, listed_until_ns
        return tuple([entry.facts for entry in known.values()])

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self._folder)

    def _listed(self, now: int) -> tuple[list[str], int]:
        """The names of who came, and how long the newest pid will count.

        A process has its pid some moments before it is listed: after a new one was given out there
        are two listings. A scan that fails is followed by another listing.
        """
        newest = self._newest_pid()
        seen, self._newest = newest is not None and newest == self._newest, newest
        if seen and now < self._listed_until_ns:
            return [], self._listed_until_ns
        self._listed_until_ns = 0
        names = os.listdir(self._folder)  # noqa: PTH208 - by descriptor, and Paths are slow
        known = self._known
        self._ended.update(known.pop(name).facts.pid for name in known.keys() - names)
        came = [name for name in names if name not in known and name.isdecimal()]
        return came, now + _LISTED_NS if seen else 0

    def _to_be_read(self, now: int) -> list[str]:
        """The names of who has run since the last scan, has ended, or was not read for long."""
        clock = self._cpu_clock or _no_clock
        found = []
        for name, entry in self._known.items():
            if entry.due_ns > now:
                # In line, not in a function of its own: this is what runs for every process.
                try:
                    used = clock(entry.clock)
                    if used == entry.used_ns:
                        if not entry.resting:
                            entry.rest()
                        continue
                    if now < entry.trusted_ns and used > entry.used_ns:
                        entry.run(used, now, self._scanned_ns)
                        continue
                except OSError:
                    pass  # it is going: the reading will tell
            found.append(name)
        return found

    def _read(self, name: str, before: _KnownProcess | None) -> _KnownProcess | None:
        """The process as it is now; None when it has gone or cannot be understood."""
        # The clock first: what runs after it was asked is noticed at the next scan.
        used = self._clock_now(name)
        raw = self._contents(name + "/stat")
        seen_ns = self._monotonic_ns()
        facts = parse_stat(raw) if raw else None
        if facts is None:
            return None
        if used is None:
            used = used_ns(raw)
        if before is None or before.facts.start_ticks != facts.start_ticks:
            # Not there at the scan before: all that it used, it used since.
            rate = _share(used, seen_ns - self._scanned_ns) if self._scanned_ns else None
            facts = msgspec.structs.replace(facts, uid=self._uid(name, facts), cpu_percent=rate)
            return _KnownProcess(facts, seen_ns, used)
        since_ns = max(before.seen_ns, self._scanned_ns)
        same = facts.name == before.facts.name  # a program that starts another may become root
        facts = msgspec.structs.replace(
            facts,
            uid=before.facts.uid if same else self._uid(name, facts),
            cpu_percent=_share(used - before.used_ns, seen_ns - since_ns),
        )
        return _KnownProcess(before.facts if facts == before.facts else facts, seen_ns, used)

    def _follow_orphans(self, ended: set[int]) -> None:
        """Children of who has ended were given another parent without having run."""
        known = self._known
        for name in [name for name, entry in known.items() if entry.facts.ppid in ended]:
            if (fresh := self._read(name, known[name])) is not None:
                known[name] = fresh

    def _clock_now(self, name: str) -> int | None:
        if self._cpu_clock is None:
            return None
        try:
            return self._cpu_clock(clock_of(int(name)))
        except OSError:
            return None

    def _contents(self, path: str) -> bytes:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._folder)
        except OSError as error:
            if error.errno in USED_UP:  # it is there: we cannot look
                raise
            return b""
        try:
            return os.read(descriptor, _LINE)
        except OSError:  # it has gone in between
            return b""
        finally:
            os.close(descriptor)

    def _uid(self, name: str, facts: ProcessFacts) -> int | None:
        """The effective user."""
        try:
            uid = os.stat(name, dir_fd=self._folder).st_uid
        except OSError:
            return None
        if uid or not facts.rss_bytes:
            return uid
        # Root owns the folder of a process that is not dumpable, whatever user runs it.
        found = _EFFECTIVE_UID.search(self._contents(name + "/status"))
        return int(found[1]) if found else uid


def _answers(cpu_clock: CpuClock) -> bool:
    """Whether this system lets us ask."""
    try:
        return cpu_clock(clock_of(os.getpid())) > 0
    except OSError:
        return False


def _no_clock(_: int) -> int:
    """Equal to no processor time: every process is read."""
    return -1


def _share(used: int, elapsed: int) -> float | None:
    return max(0.0, 100.0 * used / elapsed) if elapsed > 0 else None


class LinuxProcessDetails:
    """Reads below ``proc``; keeps nothing but the list of mounts."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc

    def exe(self, process: ProcessFacts, /) -> str | None:
        """Path of the executable."""
        return self._of(process, lambda folder: _link(folder / "exe"))

    def cmdline(self, process: ProcessFacts, /) -> tuple[str, ...] | None:
        """Arguments, made printable, cut at 32 kB."""
        return self._of(process, lambda folder: _arguments(folder / "cmdline"))

    def cwd(self, process: ProcessFacts, /) -> str | None:
        """Working folder, as it was called where it has been deleted."""
        place = self._of(process, lambda folder: _link(folder / "cwd"))
        return place.removesuffix(" (deleted)") if place else None

    def cgroup(self, process: ProcessFacts, /) -> str | None:
        """Path in the unified hierarchy; in systemd's own where that one is not used."""
        return self._of(process, lambda folder: _cgroup(read_once(folder / "cgroup")))

    def pss_bytes(self, process: ProcessFacts, /) -> int | None:
        """Proportional set size from smaps_rollup: 30 µs to some ms, by the size of the process."""
        return self._of(process, lambda folder: _pss(read_once(folder / "smaps_rollup")))

    def written_bytes(self, process: ProcessFacts, /) -> int | None:
        """``write_bytes`` of /proc/PID/io; of our own processes alone, without privilege."""
        return self._of(process, lambda folder: _written(read_once(folder / "io")))

    def io_bytes(self, process: ProcessFacts, /) -> int | None:
        """``read_bytes`` and ``write_bytes`` of /proc/PID/io; unprivileged, of our own alone."""
        return self._of(process, lambda folder: _moved(read_once(folder / "io")))

    def writes_to(self, process: ProcessFacts, mounts: tuple[str, ...], /) -> frozenset[str] | None:
        """By what fdinfo says of its descriptors; the files themselves are not touched."""
        here = read_once(self._proc / "self/mountinfo") or b""
        return self._of(process, lambda folder: written_mounts(folder, here, mounts))

    def writes_in(self, process: ProcessFacts, /) -> str | None:
        """By the offsets in fdinfo and the name of the link; the files are not touched."""
        return self._of(process, written_folder)

    def is_remote(self, folder: str, /) -> bool:
        """Whether looking into this folder may have to wait for a server."""
        points = remote_points(read_once(self._proc / "self/mountinfo") or b"")
        place = os.fsencode(folder).rstrip(b"/") + b"/"
        return any(place.startswith(point) for point in points)

    def _of(self, process: ProcessFacts, read: Callable[[Path], Answer | None]) -> Answer | None:
        folder = self._proc / str(process.pid)
        answer = read(folder)
        if answer is None:
            return None
        line = read_once(folder / "stat")
        same = line is not None and start_ticks(line) == process.start_ticks
        return answer if same else None


def _link(path: Path) -> str | None:
    try:
        return printable(os.readlink(os.fsencode(path)))  # noqa: PTH115 - bytes: names may be none
    except OSError:
        return None


def _arguments(path: Path) -> tuple[str, ...] | None:
    try:
        with path.open("rb", buffering=0) as file:
            raw = file.read(_ARGUMENTS)
    except OSError:
        return None
    if raw is None:
        return None
    return tuple(printable(each) for each in raw.rstrip(b"\0").split(b"\0")) if raw else ()


def _cgroup(content: bytes | None) -> str | None:
    paths = {}
    for line in (content or b"").split(b"\n"):
        _, _, rest = line.partition(b":")
        controllers, colon, path = rest.partition(b":")
        if colon:
            paths[controllers] = printable(path)
    unified, systemd = paths.get(b""), paths.get(b"name=systemd")
    return systemd if unified in {None, "/"} and systemd else unified


def _pss(content: bytes | None) -> int | None:
    found = _PSS.search(content or b"")
    return int(found[1]) * 1024 if found else None


def _written(content: bytes | None) -> int | None:
    found = _WRITTEN.search(content or b"")
    return int(found[1]) if found else None


def _moved(content: bytes | None) -> int | None:
    found = _MOVED.findall(content or b"")
    return sum(map(int, found)) if found else None

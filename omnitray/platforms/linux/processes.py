"""The process table from /proc, at about 3 µs a process where most of them sleep.

Opening and reading /proc/PID/stat costs several times as much as asking for the processor time of
a process through its clock (clock_getcpuclockid(3)), which takes no file and no privilege. Who has
not run since the last scan has not changed, so only those who have are read. What can change under
a sleeping process is its parent (read again when the parent is gone), and its priority and memory
(others may take both from it): every line is read again after three minutes to six.

Where the clocks cannot be asked (a sandbox forbids it, a test has a folder of its own) every line
is read at every scan, and processor time is known to the tick.
"""

import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from omnitray.base.descriptors import USED_UP
from omnitray.base.facts import ProcessFacts
from omnitray.platforms.linux.proc import parse_stat, used_ns

CpuClock = Callable[[int], int]

_SECOND = 1_000_000_000
_OLD_NS = 180 * _SECOND  # to which up to as much is added, so that not all are read at once
_TRUSTED_NS = 10 * _SECOND  # a thread of the kernel that runs: its pid may have a new owner
_KTHREADD = 2
_LINE = 2048  # /proc/PID/stat has 52 numbers and a name of at most 64 bytes
_EFFECTIVE_UID = re.compile(rb"^Uid:\t\d+\t(\d+)", re.MULTILINE)


def clock_of(pid: int) -> int:
    """The clock that counts the processor time of all threads of a process.

    Source: ``MAKE_PROCESS_CPUCLOCK(pid, CPUCLOCK_SCHED)`` in the kernel's posix-timers.
    """
    return ~pid << 3 | 2


class _KnownProcess:
    """What is remembered of one process between scans."""

    __slots__ = ("clock", "due_ns", "facts", "resting", "seen_ns", "trusted_ns", "used_ns")

    def __init__(self, facts: ProcessFacts, seen_ns: int, used: int) -> None:
        self.facts = facts
        self.clock = clock_of(facts.pid)
        self.seen_ns = seen_ns
        self.used_ns = used
        self.resting = False
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
    """A ``processes.process_table.ProcessTable``; one instance belongs to one thread."""

    def __init__(
        self,
        proc: Path = Path("/proc"),
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
        cpu_clock: CpuClock | None = time.clock_gettime_ns,
    ) -> None:
        self._folder = os.open(proc, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._monotonic_ns = monotonic_ns
        self._cpu_clock = cpu_clock if cpu_clock and _answers(cpu_clock) else None
        self._known: dict[str, _KnownProcess] = {}
        self._scanned_ns = 0

    def scan(self) -> tuple[ProcessFacts, ...]:
        """All processes now; CPU since the previous scan, None where there was none."""
        now = self._monotonic_ns()
        clock = self._cpu_clock or _no_clock
        before, known = self._known, {}
        for name in os.listdir(self._folder):  # noqa: PTH208 - by descriptor, and Paths are slow
            entry = before.get(name)
            if entry is None:
                if not name.isdecimal():
                    continue
            elif entry.due_ns > now:
                # In line, not in a function of its own: this is what runs for every process.
                try:
                    used = clock(entry.clock)
                    if used == entry.used_ns:
                        if not entry.resting:
                            entry.rest()
                        known[name] = entry
                        continue
                    if now < entry.trusted_ns and used > entry.used_ns:
                        entry.run(used, now, self._scanned_ns)
                        known[name] = entry
                        continue
                except OSError:
                    pass  # it is going: the reading will tell
            if (fresh := self._read(name, entry)) is not None:
                known[name] = fresh
        self._follow_orphans(before, known)
        self._known = known
        self._scanned_ns = now
        return tuple([entry.facts for entry in known.values()])

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self._folder)

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
        return _KnownProcess(facts, seen_ns, used)

    def _follow_orphans(
        self, before: dict[str, _KnownProcess], known: dict[str, _KnownProcess]
    ) -> None:
        """Children of who has gone were given another parent without having run."""
        gone = {entry.facts.pid for name, entry in before.items() if name not in known}
        if not gone:
            return
        orphans = [name for name, entry in known.items() if entry.facts.ppid in gone]
        for name in orphans:
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
        # Root owns the folder of a process that forbids to be looked into, whoever runs it.
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

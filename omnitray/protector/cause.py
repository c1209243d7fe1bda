"""What causes a shortage of memory: growth since things were calm, and births.

    scans  →  ``MemoryHistory.grown_bytes`` of each process, ``Births.is_fork_bomb`` of each job

A size alone is no guilt: a browser with a hundred tabs has been large all day. What has grown
since memory was last clear of its limit is what used it up. Where no scan was taken while it was
clear, the first scan of the shortage is where the count starts. One thread.
"""

from collections import Counter, deque
from collections.abc import Iterator, Sequence

import msgspec

from omnitray.base.conditions import ContentionJudge
from omnitray.base.facts import Job, JobKind, ProcessFacts
from omnitray.processes.jobs import Growths

_Identity = tuple[int, int]


# Of 2 GB that an ended process held, half was available after 0.1 s, the rest came back over
# minutes at 10 MB/s on the slowest machine measured; half a minute is what the breaker waits too.
_GIVEN_BACK_S = 30.0
_COMES_BACK_S = 300.0  # until then it may still stand in the machine's figure
_STARTS_LATE_S = 30.0  # as for the memory that an end gives back: by then what is seen says more
_WORTH_BYTES = 16 << 20  # less is breathing
_KEPT = 0.4  # of the rate so far, as of the processes
_UNSEEN_LEAST = 0.5  # of the growth: sizes and the machine's figure are not read at one moment


class MemoryHistory:
    """What each process held when memory was clear."""

    def __init__(self) -> None:
        self._calm: dict[_Identity, int] = {}
        self._sizes: dict[_Identity, int] = {}  # of the scan before
        self._gone: deque[tuple[float, float]] = deque()  # when, and what it had grown by
        self._calm_used_bytes = self._calm_held_bytes = self._used_bytes = 0
        self._now_s = 0.0
        self.used_bps = 0.0  # of the machine's memory
        self._is_known = False
        self._short_since_s = float("-inf")  # counted from a first look in the shortage

    def observe(
        self, jobs: Sequence[Job], now_s: float, *, clear: bool, used_bytes: int = 0
    ) -> None:
        """Take the sizes of one scan; ``clear``: memory is well under its limit.

        ``used_bytes``: of the machine, as far as it lies in memory.
        """
        self._rate_used(now_s, used_bytes)
        sizes = {_identity(each): each.rss_bytes for job in jobs for each in job.processes}
        before, self._sizes = self._sizes, sizes
        if clear or not self._is_known:
            self._short_since_s = float("-inf") if clear else now_s
            self._calm, self._is_known = sizes, True
            self._calm_used_bytes, self._calm_held_bytes = used_bytes, sum(sizes.values())
            self._gone.clear()
            return
        given_back = sum(
            max(0, size - max(sizes.get(who, 0), self._calm.get(who, 0)))
            for who, size in before.items()
        )
        if given_back >= _WORTH_BYTES:
            self._gone.append((now_s, float(given_back)))
        while self._gone and now_s - self._gone[0][0] > _COMES_BACK_S:
            self._gone.popleft()
        # What has shrunk since counts from its new size; what is gone is forgotten.
        self._calm = {
            who: min(size, sizes[who]) for who, size in self._calm.items() if who in sizes
        }

    def _rate_used(self, now_s: float, used_bytes: int) -> None:
        gap_s = now_s - self._now_s
        if self._is_known and gap_s > 0.0:
            rate = (used_bytes - self._used_bytes) / gap_s
            self.used_bps = _KEPT * self.used_bps + (1.0 - _KEPT) * rate
        self._now_s, self._used_bytes = now_s, used_bytes

    @property
    def starts_late(self) -> bool:
        """Whether most growth may have been before the first look, which came in the shortage."""
        return self._now_s - self._short_since_s < _STARTS_LATE_S

    @property
    def gone_bytes(self) -> float:
        """Bytes of growth that were freed a moment ago: they may not be available yet.

        Of those that have ended, and of those that are about to: the kernel takes the memory of
        what it ends first, and the process is seen for a moment longer without any. What is on its
        way back is still in use: a pool whose workers end one after another frees and takes the
        same memory many times.
        """
        gone = sum(grown for at_s, grown in self._gone if self._now_s - at_s <= _GIVEN_BACK_S)
        growth = self._used_bytes - self._calm_used_bytes
        unseen = growth - (sum(self._sizes.values()) - self._calm_held_bytes)
        return min(gone, max(0.0, growth, unseen)) if self._used_bytes else gone

    def unseen_bytes(self, jobs: Sequence[Job], used_bytes: int) -> float:
        """What is used more than when memory was clear, and by no process that can be seen.

        Files in memory, the kernel, other users' processes that are hidden: a file of gigabytes in
        ``/dev/shm`` stands in no process's size. Where less than half of the growth is so it is 0.
        """
        if not self._is_known:
            return 0.0
        grown = sum(self.grown_bytes(each) for job in jobs for each in job.processes)
        growth = used_bytes - self._calm_used_bytes
        unseen = growth - grown - sum(gone for _, gone in self._gone)
        return unseen if unseen >= _UNSEEN_LEAST * growth and unseen > 0.0 else 0.0

    def grown_bytes(self, process: ProcessFacts) -> float:
        """Bytes that it takes more than then; one that was not there yet takes all of its own."""
        if not self._is_known:
            return 0.0
        return max(0.0, process.rss_bytes - self._calm.get(_identity(process), 0))


# A pool or a prefork server starts its workers within a second and then stops; a browser that
# restores a session starts a hundred within some seconds, below one parent. A bomb goes on, or its
# children have children of their own within the first second.
_WINDOW_S = 4.0
_LEAST_PROCESSES = 20
_LEAST_BIRTHS_PER_S = 10.0
_FLAT_FOR_S, _DEEP_FOR_S = 3.0, 0.5
_DEEP = 3  # generations of the same name
_ALIKE = 0.8  # of its processes have one name
_RUNS = {JobKind.TEST_RUN, JobKind.BUILD}  # start as many as they are configured to
_NONE: frozenset[_Identity] = frozenset()
_SPAWNS = 0.25  # of the new ones; a run that only replaces a worker beside the bomb is none of it


class _Scan(msgspec.Struct, frozen=True):
    at_s: float
    born: int
    ended: int


class Births:
    """How fast each job starts processes, and whether their ends keep up."""

    def __init__(self) -> None:
        self._known: dict[str, frozenset[_Identity]] = {}
        self._all: frozenset[_Identity] | None = None
        self._born_s: dict[_Identity, float] = {}  # when first seen; not those of the first scan
        self._scans: dict[str, deque[_Scan]] = {}
        self._bombs: dict[str, frozenset[_Identity]] = {}  # by job, what belongs to it
        self.lost: frozenset[str] = frozenset()  # jobs of which a process ended since the last scan

    def observe(self, jobs: Sequence[Job], now_s: float) -> None:
        """Take the processes of one scan."""
        known = {job.key: frozenset(map(_identity, job.processes)) for job in jobs}
        scans: dict[str, deque[_Scan]] = {}
        for job in jobs:
            before = self._known.get(job.key)
            kept = self._scans.get(job.key, deque())
            there = known[job.key]
            if before is None:
                kept.append(_Scan(now_s, 0, 0))
            else:
                kept.append(_Scan(now_s, len(there - before), len(before - there)))
            while now_s - kept[0].at_s > _WINDOW_S:
                kept.popleft()
            scans[job.key] = kept
        self.lost = frozenset(
            key for key, there in known.items() if self._known.get(key, _NONE) - there
        )
        self._known, self._scans = known, scans
        self._keep_births(now_s)
        # One that was recognized stays so while it lives: once held, it starts nothing.
        bombs: dict[str, frozenset[_Identity]] = {}
        for job in jobs:
            some = self._bombs.get(job.key, _NONE)
            if self._outruns(job):
                some |= self._spawners(job)
            if some:
                bombs[job.key] = _with_descendants(job, some)
        self._bombs = bombs

    def _keep_births(self, now_s: float) -> None:
        there = frozenset().union(*self._known.values())
        if self._all is not None:
            born = dict.fromkeys(there - self._all, now_s)
            kept = {who: at_s for who, at_s in self._born_s.items() if who in there}
            self._born_s = kept | born
        self._all = there

    def is_born_since(self, process: ProcessFacts, since_s: float) -> bool:
        """Whether it was first seen after that."""
        return self._born_s.get(_identity(process), float("-inf")) > since_s

    def is_fork_bomb(self, job: Job) -> bool:
        """Whether its like children are born faster than they end, on and on."""
        return job.key in self._bombs

    def is_of_fork_bomb(self, job: Job, process: ProcessFacts) -> bool:
        """Whether it starts like children on and on, or comes from what does.

        The run that a worker has gone wild in does not: its other workers do what they should.
        """
        return _identity(process) in self._bombs.get(job.key, _NONE)

    def _outruns(self, job: Job) -> bool:
        scans = self._scans[job.key]
        span_s = scans[-1].at_s - scans[0].at_s
        if job.process_count < _LEAST_PROCESSES or job.kind in _RUNS or span_s <= 0.0:
            return False
        after = list(scans)[1:]
        net = sum(each.born - each.ended for each in after)
        goes_on = all(each.born for each in after[-3:])
        if not goes_on or net < _LEAST_BIRTHS_PER_S * span_s:
            return False
        name, count = Counter(each.name for each in job.processes).most_common(1)[0]
        if count < _ALIKE * job.process_count:
            return False
        long_s = _DEEP_FOR_S if _generations(job, name) >= _DEEP else _FLAT_FOR_S
        return span_s >= long_s

    def _spawners(self, job: Job) -> frozenset[_Identity]:
        """What starts the new ones: those with a good part of them, and their own likes above."""
        since_s = self._scans[job.key][0].at_s
        new = [each for each in job.processes if self.is_born_since(each, since_s)]
        started = Counter(each.ppid for each in new)
        by_pid = {each.pid: each for each in job.processes}
        found = {
            by_pid[pid] for pid in started if pid in by_pid and started[pid] > _SPAWNS * len(new)
        }
        for one in new:
            above = by_pid.get(one.ppid)
            while above is not None and above.name == one.name and above not in found:
                found.add(above)
                above = by_pid.get(above.ppid)
        return frozenset(map(_identity, found))


# A reading of the processors is at most a second old while they are short, and is of half a second
# or more: the loops that had ended counted for 0.7 s (recorded in the room ``player``).
_READ_OVER_S = 2.0


class EndedCpu:
    """What each job took of the processors in processes that have ended a moment ago.

    The reading is of the time before: who is left is not what filled them.
    """

    def __init__(self) -> None:
        self._shares: dict[_Identity, tuple[str, float]] = {}
        self._ended: deque[tuple[float, str, float]] = deque()

    def observe(self, jobs: Sequence[Job], now_s: float) -> None:
        """Take one scan."""
        shares = {
            _identity(each): (job.key, each.cpu_percent or 0.0)
            for job in jobs
            for each in job.processes
        }
        gone = self._shares.keys() - shares.keys()
        self._ended.extend((now_s, *self._shares[who]) for who in gone)
        while self._ended and now_s - self._ended[0][0] > _READ_OVER_S:
            self._ended.popleft()
        self._shares = shares

    def beside(self, key: str, now_s: float) -> float:
        """Per cent of one core that jobs other than this one took so."""
        return sum(
            percent
            for at_s, job_key, percent in self._ended
            if job_key != key and now_s - at_s <= _READ_OVER_S
        )


_STOP_SEEN_S = 1.0  # ``omnitray run`` slows down by stops of 0.15 s in each 0.2 s
_STOPPED = frozenset({"T", "t"})


class Stops:
    """Which processes stand still, or did a moment ago, by a stop of ours or of another."""

    def __init__(self) -> None:
        self._seen_s: dict[_Identity, float] = {}

    def observe(self, jobs: Sequence[Job], now_s: float) -> None:
        """Take one scan."""
        stopped = {
            _identity(each): now_s
            for job in jobs
            for each in job.processes
            if each.state in _STOPPED
        }
        self._seen_s = {
            who: at_s for who, at_s in self._seen_s.items() if now_s - at_s <= _STOP_SEEN_S
        } | stopped

    def holds(self, pid: int, start_ticks: int) -> bool:
        """Whether this process was seen so."""
        return (pid, start_ticks) in self._seen_s


class JobHistories:
    """What all scans so far tell of processes and jobs."""

    def __init__(self) -> None:
        self.ended_cpu = EndedCpu()
        self.growths = Growths()
        self.memory = MemoryHistory()
        self.births = Births()
        self.contention = ContentionJudge()
        self.stops = Stops()

    def observe(
        self,
        jobs: Sequence[Job],
        now_s: float,
        *,
        clear: bool,
        cores: float,
        used_bytes: int = 0,
    ) -> None:
        """Take one scan of a machine of so many cores; ``clear``: memory is under its limit."""
        self.contention.observe(jobs, cores, now_s)
        self.ended_cpu.observe(jobs, now_s)
        self.stops.observe(jobs, now_s)
        self.births.observe(jobs, now_s)
        self.growths.observe(jobs, now_s, self.births.lost)
        self.memory.observe(jobs, now_s, clear=clear, used_bytes=used_bytes)


def _generations(job: Job, name: str) -> int:
    """How deep the line of processes of this name goes."""
    parents = {each.pid: each.ppid for each in job.processes if each.name == name}
    return max((sum(1 for _ in _line(pid, parents)) for pid in parents), default=0)


def _line(pid: int, parents: dict[int, int]) -> Iterator[int]:
    for _ in range(_DEEP + 1):
        if pid not in parents:
            return
        yield pid
        pid = parents[pid]


def _with_descendants(job: Job, some: frozenset[_Identity]) -> frozenset[_Identity]:
    """Those of them that are still in the job, and all below them."""
    children: dict[int, list[ProcessFacts]] = {}
    for each in job.processes:
        children.setdefault(each.ppid, []).append(each)
    found: set[_Identity] = set()
    waiting = [each for each in job.processes if _identity(each) in some]
    while waiting:
        one = waiting.pop()
        if _identity(one) not in found:
            found.add(_identity(one))
            waiting += children.get(one.pid, ())
    return frozenset(found)


def _identity(process: ProcessFacts) -> _Identity:
    return process.pid, process.start_ticks

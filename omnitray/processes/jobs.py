"""Jobs: the processes of a scan, grouped and named as a person would.

``JobTracker.update`` runs with every scan. The rules stand in ``job_grouping``, the names in
``naming``; a project is the git root of a folder, else the folder. An update
costs what has changed since the one before: a job whose processes all slept is reused as it was.

The growth of small processes is not followed: with ten thousand of them that keeps a scan cheap.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from itertools import combinations
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

import msgspec

from omnitray.base.clock import Clock
from omnitray.base.facts import Job, JobKind, ProcessFacts
from omnitray.processes.job_grouping import BY_AGENT, JobAssignment, JobGroup, JobGrouping
from omnitray.processes.process_roles import OURSELVES, Role, role_of
from omnitray.processes.process_table import Identity, ProcessDetailCache, ProcessDetails, identity

_WORTH_BYTES = 16 << 20
_SHORTEST_S = 0.05  # under it, the steps of the counters would be multiplied
_KEPT = 0.4  # of the rate so far, when a new one comes


class Growths:
    """Growth rates by identity, smoothed over a few scans; a job's includes its new processes."""

    def __init__(self) -> None:
        self._processes = _Rates[tuple[int, int]]()
        self._jobs = _Rates[str]()

    def of(self, pid: int, start_ticks: int) -> float | None:
        """Bytes a second; None until there are enough readings."""
        return self._processes.rates.get((pid, start_ticks))

    def of_job(self, key: str) -> float:
        """Bytes a second that it grows, in its processes or in their number; 0 if not known."""
        return self._jobs.rates.get(key, 0.0)

    def faster(self, key: str, history_bps: float | None) -> float:
        """That, or the rate that a history of the job's last readings shows; never negative.

        Of a saw's tooth such a history sees the rise alone: where the job comes back to a size
        that it had some seconds ago, which takes nothing new, it does not count.
        """
        history_bps = 0.0 if self._jobs.comes_back(key) else history_bps or 0.0
        return max(0.0, history_bps, self.of_job(key))

    def observe(
        self, jobs: Sequence[Job], now_s: float, lost: AbstractSet[str] = frozenset()
    ) -> None:
        """Take the sizes of one look; ``lost``: jobs of which a process has ended since.

        What is left of such a job may grow, though it is smaller than all of it was.
        """
        self._jobs.observe({job.key: job.rss_bytes for job in jobs}, now_s, lost)
        self._processes.observe(
            {
                (process.pid, process.start_ticks): process.rss_bytes
                for job in jobs
                for process in job.processes
                if process.rss_bytes >= _WORTH_BYTES
            },
            now_s,
        )


Who = TypeVar("Who")


class _Rates(Generic[Who]):
    """What changes how fast; forgets what is not there any more."""

    def __init__(self) -> None:
        self.rates: dict[Who, float] = {}
        self._sizes: dict[Who, int] = {}
        self._at_s = 0.0
        self._peaks: dict[Who, _Peak] = {}

    def comes_back(self, who: Who) -> bool:
        """Whether it is under its peak of some seconds ago, or there again after a fall."""
        peak = self._peaks.get(who)
        return peak is not None and peak.fell and self._sizes[who] <= peak.size

    def observe(
        self, sizes: dict[Who, int], now_s: float, lost: AbstractSet[Who] = frozenset()
    ) -> None:
        """Take the sizes of one look."""
        gap_s = now_s - self._at_s
        if self._sizes and gap_s < _SHORTEST_S:
            return
        before, known = self._sizes, self.rates
        rates, peaks = {}, {}
        for who, size in sizes.items():
            peak = self._peaks.get(who) if who not in lost else None
            peaks[who] = _peak_with(peak, now_s, size)
            then = before.get(who)
            if then is not None:
                risen, since_s = size - then, gap_s
                if peak is not None and peak.fell and risen > 0:  # what is over its peak counts
                    risen, since_s = max(0, size - peak.size), now_s - peak.at_s
                rate = risen / since_s
                so_far = known.get(who)
                rates[who] = rate if so_far is None else _KEPT * so_far + (1.0 - _KEPT) * rate
        self._peaks = peaks
        self.rates, self._sizes, self._at_s = rates, sizes, now_s


# Four teeth of a program that takes and gives back some memory every five seconds, as a
# fresh user's test did; a heap that is collected more seldom counts as growing at each rise.
_PEAK_S = 20.0
_TOOTH = 0.25  # of the peak: what falls by more begins another one, and its rise is seen at once


class _Peak(NamedTuple):
    """The largest size within the last seconds; ``fell``: it was smaller after that by enough."""

    at_s: float
    size: int
    fell: bool


def _peak_with(peak: _Peak | None, now_s: float, size: int) -> _Peak:
    if peak is None or now_s - peak.at_s > _PEAK_S or size < (1.0 - _TOOTH) * peak.size:
        return _Peak(now_s, size, fell=False)
    if peak.fell and abs(size - peak.size) <= _WORTH_BYTES:
        return _Peak(now_s, max(size, peak.size), fell=True)  # there again
    if size > peak.size:
        return _Peak(now_s, size, fell=False)
    if peak.fell or size >= peak.size - _WORTH_BYTES:
        return peak
    return _Peak(peak.at_s, peak.size, fell=True)


_MOST_FOLLOWED = 8  # readings kept: 28 slopes
_FEWEST = 3
_SPAN_S = 1.0  # under it, noise would be multiplied
_OLDEST_S = 60.0
_NOISE_BYTES = 1 << 20


class Growth:
    """The sizes of one job; the slope is the median of all pairs (Theil and Sen)."""

    def __init__(self, moments: Iterable[float] = (), size_bytes: int = 0) -> None:
        readings = ((moment, size_bytes) for moment in moments)
        self._readings: deque[tuple[float, int]] = deque(readings, maxlen=_MOST_FOLLOWED)

    @property
    def moments(self) -> list[float]:
        """When its readings were taken."""
        return [moment for moment, _ in self._readings]

    def add(self, now_s: float, size_bytes: int) -> float | None:
        """Take a reading; bytes a second so far, None until there are enough."""
        readings = self._readings
        if readings and now_s <= readings[-1][0]:
            readings.pop()
        while readings and now_s - readings[0][0] > _OLDEST_S:
            readings.popleft()
        readings.append((now_s, size_bytes))
        if len(readings) < _FEWEST or now_s - readings[0][0] < _SPAN_S:
            return None
        sizes = [size for _, size in readings]
        if max(sizes) - min(sizes) < _NOISE_BYTES:
            return 0.0
        return _median(
            (later[1] - earlier[1]) / (later[0] - earlier[0])
            for earlier, later in combinations(readings, 2)
        )

    def is_steady(self, moments: Sequence[float]) -> bool:
        """Whether its readings are of these moments, and all of one size."""
        readings = self._readings
        return len({size for _, size in readings}) == 1 and self.moments == moments


def _median(slopes: Iterable[float]) -> float:
    """As ``statistics`` has it, whose import would be half a megabyte for this."""
    ordered = sorted(slopes)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


_MOST = 1000  # folders remembered
_DEEPEST = 40
_WITH_PROJECT = frozenset({JobKind.COMMAND, JobKind.TEST_RUN, JobKind.BUILD, JobKind.AGENT})
# Reading a process's unshared size walks all its pages (30 us to some ms): of few, and seldom.
_MOST_SMAPS = 24
_MEASURED_FOR_S = 10.0


class Projects:
    """Which project a folder belongs to, as a person says it; remembered after the first time.

    ``is_remote`` says where looking may have to wait for another machine: such a folder is its own
    project, without a look.
    """

    def __init__(self, home: Path, is_remote: Callable[[str], bool]) -> None:
        self._home = home
        self._is_remote = is_remote
        self._known: dict[str, str | None] = {}

    def name(self, folder: str | None) -> str | None:
        """``~/shop``; None for the root folder and where nothing is known."""
        if not folder or folder == "/":
            return None
        if folder not in self._known:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[folder] = self._short(self._root(folder))
        return self._known[folder]

    def _root(self, folder: str) -> Path:
        place = Path(folder)
        if self._is_remote(folder):
            return place
        for above in (place, *place.parents[:_DEEPEST]):
            # A repository of dot files in the home folder is not the project of all below it.
            if above == self._home and place != above:
                break
            if _is_repository(above):
                return above
        return place

    def _short(self, place: Path) -> str:
        if place == self._home:
            return "~"
        if place.is_relative_to(self._home):
            return f"~/{place.relative_to(self._home)}"
        return str(place)


def _is_repository(folder: Path) -> bool:
    try:
        return (folder / ".git").exists()  # a file in worktrees and submodules
    except OSError:
        return False


_DEAD = frozenset({"Z", "X"})
_MOST_NAMING = 16  # members that are asked whether a shell's job is named after them


def is_over(job: Job) -> bool:
    """Whether all of it has ended and waits for a parent to collect it: that is no job any more.

    A process whose first thread has ended is a zombie too while others of its threads run on.
    """
    return all(each.state in _DEAD and each.threads <= 1 for each in job.processes)


class _KnownProject(NamedTuple):
    """The project of a job, and of which program (pid, start, name) the folder was."""

    program: tuple[int, int, str]
    project: str | None


class _KnownJob:
    """A job as it was handed out, and how it grew.

    ``growth`` is None while its size has been the same for as long as sizes are kept.
    """

    __slots__ = ("group", "growth", "is_over", "job")

    def __init__(self, group: JobGroup, job: Job, growth: Growth | None) -> None:
        self.group = group
        self.job = job
        self.growth = growth
        self.is_over = not job.rss_bytes and is_over(job)


class _UnsharedPart(NamedTuple):
    """What part of a job's resident size no other process shares; None: it cannot be read."""

    ratio: float | None
    measured_mono_s: float


class JobTracker:
    """Remembers from scan to scan: who was in which job, how jobs grow, what was looked up.

    ``own_pid`` is OmniTray's, which is a job of its own whatever has started it.
    """

    def __init__(
        self, details: ProcessDetails, clock: Clock, home: Path, own_pid: int | None = None
    ) -> None:
        self._details = details
        self._clock = clock
        self._cache = ProcessDetailCache(details, clock)
        self._grouping = JobGrouping(self._cache, own_pid)
        self._projects = Projects(home, details.is_remote)
        self._project_of: dict[tuple[Identity, str], _KnownProject] = {}
        self._known: dict[str, _KnownJob] = {}
        self._growing: dict[str, _KnownJob] = {}  # whose rate may be another now
        self._steady = Growth()  # of all others, whose size stays the same
        self._steady_bps: float | None = None
        self._unshared: dict[str, _UnsharedPart] = {}

    def update(self, processes: Sequence[ProcessFacts], /) -> tuple[Job, ...]:
        """The jobs of a scan, the heaviest in CPU and memory together first; zombies are none."""
        now_mono_s = self._clock.monotonic()
        grouping, known = self._grouping, self._known
        changes = grouping.update(processes)
        others = (*changes.refreshed, *(now for _, now in changes.moved))
        changed = {grouping.job_key(process.pid) for process in others}
        fresh = False
        for key in changed | grouping.regrouped:
            group, before = grouping.groups.get(key), known.get(key)
            if group is None:
                known.pop(key, None)
                self._growing.pop(key, None)
            else:
                known[key] = self._growing[key] = self._renewed(group, before)
                fresh = fresh or before is None
        if fresh:  # those of one weight are handed out by their key
            self._known = known = dict(sorted(known.items()))
        self._follow_growth(now_mono_s)
        self._forget_projects()
        return _heaviest_first([each.job for each in known.values() if not each.is_over])

    def _renewed(self, group: JobGroup, before: _KnownJob | None) -> _KnownJob:
        job = self._job(group)
        if before is None:
            return _KnownJob(group, job, Growth())
        growth = before.growth
        if growth is None and job.rss_bytes != before.job.rss_bytes:
            growth = Growth(self._steady.moments, before.job.rss_bytes)
        return _KnownJob(group, job, growth)

    def _follow_growth(self, now_mono_s: float) -> None:
        """Add the sizes of this scan; a job that stays as large as it is costs nothing."""
        steady_bps = self._steady.add(now_mono_s, 0)
        if steady_bps != self._steady_bps:
            self._steady_bps = steady_bps
            self._growing = dict(self._known)
        moments = self._steady.moments
        for key, known in list(self._growing.items()):
            rate = steady_bps
            if known.growth is not None:
                rate = known.growth.add(now_mono_s, known.job.rss_bytes)
            if rate != known.job.growth_bps:
                known.job = msgspec.structs.replace(known.job, growth_bps=rate)
            if known.growth is None or known.growth.is_steady(moments):
                known.growth = None
                del self._growing[key]

    def with_pss(self, jobs: Sequence[Job], count: int = 3) -> tuple[Job, ...]:
        """The same jobs, the first ``count`` with their proportional set size.

        The unshared part of a job's resident size is measured every 10 s; the resident size is
        that of the scan.
        """
        now = self._clock.monotonic()
        self._unshared = {
            key: part
            for key, part in self._unshared.items()
            if key in self._known and now - part.measured_mono_s < _MEASURED_FOR_S
        }
        return (*map(self._measured, jobs[:count]), *jobs[count:])

    def _measured(self, job: Job) -> Job:
        part = self._unshared.get(job.key)
        if part is None:
            part = _UnsharedPart(self._unshared_ratio(job), self._clock.monotonic())
            self._unshared[job.key] = part
        if part.ratio is None:
            return job
        return msgspec.structs.replace(job, pss_bytes=round(job.rss_bytes * part.ratio))

    def _unshared_ratio(self, job: Job) -> float | None:
        """Of the largest processes; the rest is taken to share as they do."""
        largest = sorted(job.processes, key=lambda each: -each.rss_bytes)[:_MOST_SMAPS]
        sizes = [(each.rss_bytes, self._details.pss_bytes(each)) for each in largest]
        known = [(rss, pss) for rss, pss in sizes if pss is not None]
        rss = sum(each for each, _ in known)
        return min(1.0, sum(pss for _, pss in known) / rss) if rss else None

    def _job(self, group: JobGroup) -> Job:
        by_pid = self._grouping.tree.by_pid
        members = tuple([by_pid[pid] for pid in group.members])
        leader = by_pid[group.leader]
        known = [each.cpu_percent for each in members if each.cpu_percent is not None]
        assignment = group.assignment
        return Job(
            key=assignment.key,
            name=assignment.name,
            project=self._project(assignment, leader, members),
            kind=assignment.kind,
            leader_pid=leader.pid,
            processes=members,
            cpu_percent=sum(known) if known else None,
            rss_bytes=sum([process.rss_bytes for process in members]),
            cgroup=assignment.cgroup,
            is_own_command=self._is_own_command(assignment.name, members),
        )

    def _is_own_command(self, name: str, members: Sequence[ProcessFacts]) -> bool:
        """Whether it is a command of OmniTray and no more; a name alone may be chosen by anyone.

        What reads its output belongs to it: ``omnitray explain | less``. ``omnitray run`` bears the
        name of what it runs: that is no command of ours.
        """
        if not _names_own_command(name.removeprefix(BY_AGENT)):
            return False
        return all(
            (each.name in _READS_OUTPUT and each.rss_bytes <= _READS_WITH_BYTES)
            or _names_own_command(self._cache.command(each).name)
            for each in members
        )

    def _project(
        self, assignment: JobAssignment, leader: ProcessFacts, members: Sequence[ProcessFacts]
    ) -> str | None:
        """Where the program runs that the job is named after; a shell may have gone there first."""
        detached = assignment.is_detached_command
        if assignment.kind not in _WITH_PROJECT and not detached:
            return None
        key = (assignment.root, assignment.name)
        namer = leader
        if role_of(leader) is Role.SHELL:
            namer = self._namer(assignment.name, members) or leader
        known = self._project_of.get(key)
        program = (*identity(namer), namer.name)
        if known is None or (known.program != program and role_of(namer) is not Role.SHELL):
            known = _KnownProject(program, self._projects.name(self._cache.cwd(namer)))
            self._project_of[key] = known
        # It may be a script in a project; a daemon stands in the root folder, its data or the home.
        if detached and not (known.project or "").startswith("~/"):
            return None
        return known.project

    def _namer(self, name: str, members: Sequence[ProcessFacts]) -> ProcessFacts | None:
        """The member of a shell's job that the shell's line is named after."""
        own = name.removeprefix(BY_AGENT)
        return next(
            (
                each
                for each in members[:_MOST_NAMING]
                if role_of(each) is not Role.SHELL and self._cache.command(each).name == own
            ),
            None,
        )

    def _forget_projects(self) -> None:
        if len(self._project_of) > 2 * len(self._known):
            roots = {known.group.assignment.root for known in self._known.values()}
            self._project_of = {k: v for k, v in self._project_of.items() if k[0] in roots}


# What stands behind a command in a pipe, as far as it takes no more than a page of text does.
_READS_OUTPUT = frozenset(
    (
        *("awk", "cat", "column", "cut", "grep", "head", "jq", "less", "mawk", "more"),
        *("sed", "sort", "tail", "tee", "tr", "uniq", "wc", "xxd"),
    )
)
_READS_WITH_BYTES = 64 << 20


def _names_own_command(name: str) -> bool:
    """``omnitray undo``; the program that watches is called ``OmniTray``."""
    return name.partition(" ")[0] == OURSELVES.lower()


def _heaviest_first(jobs: Sequence[Job]) -> tuple[Job, ...]:
    """By the share of all CPU (of one core at least, so that noise is none) and of all memory.

    Jobs of one weight stay in the order that they are given in.
    """
    cpu = [job.cpu_percent or 0.0 for job in jobs]
    rss = [job.rss_bytes for job in jobs]
    all_cpu, all_rss = max(100.0, sum(cpu)), max(1, sum(rss))
    weights = [used / all_cpu + held / all_rss for used, held in zip(cpu, rss, strict=True)]
    order = sorted(range(len(jobs)), key=weights.__getitem__, reverse=True)
    return tuple([jobs[index] for index in order])

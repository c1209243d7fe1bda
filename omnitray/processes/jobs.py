"""Jobs: the processes of a scan, grouped and named as a person would.

``JobTracker.update`` is what runs at every look; ``group_jobs`` is the pure part of it. The rules
stand in ``job_grouping``, the names in ``command_names`` and ``cgroup_units``, projects in
``projects``.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from operator import attrgetter
from pathlib import Path

import msgspec

from omnitray.base.clock import Clock
from omnitray.base.facts import Job, JobKind, ProcessFacts
from omnitray.processes.growth import Growth
from omnitray.processes.job_grouping import seat_all
from omnitray.processes.job_looks import (
    Identity,
    JobAssignment,
    PreviousScan,
    ProcessDetailCache,
    RememberedLooks,
    identity,
)
from omnitray.processes.process_table import ProcessDetails
from omnitray.processes.projects import Projects

_WITH_PROJECT = frozenset({JobKind.COMMAND, JobKind.TEST_RUN, JobKind.BUILD, JobKind.AGENT})
_BY_AGE = attrgetter("start_ticks", "pid")
_MOST_SMAPS = 64  # reading them all for a job of a thousand would cost a second


class JobGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A job before it is measured."""

    seat: JobAssignment
    leader: int
    members: tuple[int, ...]


def group_jobs(
    processes: Sequence[ProcessFacts],
    looks: ProcessDetailCache,
    past: PreviousScan | None = None,
    unmoved: AbstractSet[int] = frozenset(),
) -> tuple[JobGroup, ...]:
    """Each process (by pid) in exactly one group, whatever the order they come in."""
    seats = seat_all(processes, looks, past or PreviousScan(), unmoved)
    members: dict[str, list[ProcessFacts]] = {}
    for process in processes:
        members.setdefault(seats[process.pid].key, []).append(process)
    return tuple(_group(each, seats) for each in members.values())


def _group(members: list[ProcessFacts], seats: Mapping[int, JobAssignment]) -> JobGroup:
    members.sort(key=_BY_AGE)
    # Several strangers may have begun one unit: the oldest of them speaks.
    seat = seats[members[0].pid]
    leader = next((each for each in members if identity(each) == seat.root), members[0])
    return JobGroup(seat=seat, leader=leader.pid, members=tuple(each.pid for each in members))


class JobTracker:
    """Remembers from scan to scan: who was in which job, how jobs grow, what was looked up."""

    def __init__(self, details: ProcessDetails, clock: Clock, home: Path) -> None:
        self._details = details
        self._clock = clock
        self._looks = RememberedLooks(details, clock)
        self._projects = Projects(home, details.is_remote)
        self._past = PreviousScan()
        self._groups: tuple[JobGroup, ...] = ()
        self._project_of: dict[tuple[Identity, str], str | None] = {}
        self._growths: dict[str, Growth] = {}

    def update(self, processes: Sequence[ProcessFacts], /) -> tuple[Job, ...]:
        """The jobs of a scan, the heaviest in CPU and memory together first."""
        now = self._clock.monotonic()
        by_pid = {process.pid: process for process in processes}
        self._regroup(processes, by_pid)
        growths, self._growths = self._growths, {}
        jobs = []
        for group in self._groups:
            growth = self._growths[group.seat.key] = growths.get(group.seat.key) or Growth()
            members = tuple([by_pid[pid] for pid in group.members])
            jobs.append(self._job(group, by_pid[group.leader], members, growth, now))
        self._forget(processes)
        return _heaviest_first(jobs)

    def _regroup(
        self, processes: Sequence[ProcessFacts], by_pid: Mapping[int, ProcessFacts]
    ) -> None:
        """Group anew, unless everybody is where he was."""
        past = self._past
        unmoved = past.unmoved(processes)
        nobody_moved = len(unmoved) == len(processes) == len(past.processes)
        if not nobody_moved or not self._looks.settled:
            self._groups = group_jobs(processes, self._looks, past, unmoved)
        seats = {
            (pid, by_pid[pid].start_ticks): group.seat
            for group in self._groups
            for pid in group.members
        }
        self._past = PreviousScan(seats, by_pid, past.orphaned(processes, unmoved))

    def with_pss(self, jobs: Sequence[Job], count: int = 3) -> tuple[Job, ...]:
        """The same jobs, the first ``count`` with their proportional set size."""
        measured = [msgspec.structs.replace(job, pss_bytes=self._pss(job)) for job in jobs[:count]]
        return (*measured, *jobs[count:])

    def _job(
        self,
        group: JobGroup,
        leader: ProcessFacts,
        members: tuple[ProcessFacts, ...],
        growth: Growth,
        now: float,
    ) -> Job:
        rss = sum([process.rss_bytes for process in members])
        known = [each.cpu_percent for each in members if each.cpu_percent is not None]
        seat = group.seat
        return Job(
            key=seat.key,
            name=seat.name,
            project=self._project(group.seat, leader),
            kind=seat.kind,
            leader_pid=leader.pid,
            processes=members,
            cpu_percent=sum(known) if known else None,
            rss_bytes=rss,
            growth_bps=growth.add(now, rss),
            cgroup=seat.cgroup,
        )

    def _project(self, seat: JobAssignment, leader: ProcessFacts) -> str | None:
        if seat.kind not in _WITH_PROJECT:
            return None
        key = (seat.root, seat.name)
        if key not in self._project_of:
            self._project_of[key] = self._projects.name(self._looks.cwd(leader))
        return self._project_of[key]

    def _pss(self, job: Job) -> int | None:
        if len(job.processes) > _MOST_SMAPS:
            return None
        sizes = [self._details.pss_bytes(process) for process in job.processes]
        known = [size for size in sizes if size is not None]
        return sum(known) if known else None

    def _forget(self, processes: Sequence[ProcessFacts]) -> None:
        self._looks.forget_all_but(processes)
        if len(self._project_of) > 2 * len(self._growths):
            roots = {group.seat.root for group in self._groups}
            self._project_of = {k: v for k, v in self._project_of.items() if k[0] in roots}


def _heaviest_first(jobs: Sequence[Job]) -> tuple[Job, ...]:
    """By the share of all CPU (of one core at least, so that noise is none) and of all memory."""
    all_cpu = max(100.0, sum(job.cpu_percent or 0.0 for job in jobs))
    all_rss = max(1, sum(job.rss_bytes for job in jobs))

    def weight(job: Job) -> tuple[float, str]:
        return -((job.cpu_percent or 0.0) / all_cpu + job.rss_bytes / all_rss), job.key

    return tuple(sorted(jobs, key=weight))

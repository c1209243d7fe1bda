"""Looks closely at processes for the protector: program, arguments, folder, ties, bytes written.

A look at a process costs tens of microseconds, so it is kept for as long as the process lives
under the same name (an exec changes the name). Ties cost more and change, so they are asked for
the jobs that weigh most only, but where a person or a rule names others, and kept for two seconds.
"""

import time
from collections.abc import Callable, Iterable, Sequence

import msgspec

from omnitray.base.facts import WORTH_WRITING_BPS, Job, ProcessDetail, ProcessFacts
from omnitray.processes.process_roles import Tie
from omnitray.processes.process_table import ProcessDetails

_TIES_KEPT_S = 2.0
_TIES_SHARE = 0.01  # of a core is what asking may take: with thousands of processes more seldom
# ``smaps_rollup`` of a process of 140 MB takes a good part of a millisecond, of a tab that has
# leaked 3.7 GB forty: nine of them, seldom, and more seldom still where they take so long.
_PSS_KEPT_S, _PSS_JOBS, _PSS_PROCESSES, _PSS_LEAST_PROCESSES = 5.0, 3, 3, 4
_PSS_SHARE = 0.005  # of a core
_RATE_OVER_S = 0.25  # what writes in gulps has no rate over less
_TIED_JOBS = 4  # of each order: CPU, memory, growth

TiesOf = Callable[[tuple[int, ...]], dict[int, frozenset[Tie]]]
WrittenBytes = Callable[[ProcessFacts], int | None]
_Key = tuple[int, int, str]


class _Written(msgspec.Struct):
    at_s: float
    total_bytes: int
    bps: float | None = None  # since the count before
    writes_to: frozenset[str] | None = None
    writes_in: str | None = None


class Look(msgspec.Struct, frozen=True):
    """What was found, by pid."""

    details: dict[int, ProcessDetail]
    ties: dict[int, frozenset[Tie]]
    pss_bytes: dict[int, int] = {}


class Inspector:
    """Remembers what it saw; one instance belongs to one thread."""

    def __init__(self, details: ProcessDetails, ties: TiesOf, written: WrittenBytes) -> None:
        self._details = details
        self._ties_of = ties
        self._written_of = written
        self._known: dict[_Key, ProcessDetail] = {}
        self._ties: dict[int, frozenset[Tie]] = {}
        self._ties_until_s = float("-inf")
        self._shared: dict[tuple[int, int], int] = {}
        self._shared_until_s = float("-inf")
        self._written: dict[_Key, _Written] = {}

    def look(
        self,
        jobs: Sequence[Job],
        now_s: float,
        *,
        filling: tuple[str, ...] = (),
        every_tie: bool = False,
    ) -> Look:
        """Look at the processes of these jobs.

        ``filling``: mounts that fill; then also at how fast each process writes, and whether to
        one of these. ``every_tie``: any of the jobs may be acted on, or is spoken of, however
        little it takes.
        """
        processes = [process for job in jobs for process in job.processes]
        known = {_key(process): self._detail(process) for process in processes}
        self._known = known
        if filling:
            known = self._with_writing(processes, known, now_s, filling)
        details = {key[0]: detail for key, detail in known.items()}
        tied = self._tied(jobs if every_tie else weightiest(jobs), now_s)
        return Look(details, tied, self._measured(jobs, now_s))

    def details(self, jobs: Sequence[Job]) -> dict[int, ProcessDetail]:
        """What programs these are, by pid, and no more: reading the maps of some costs most."""
        processes = (process for job in jobs for process in job.processes)
        self._known = {_key(process): self._detail(process) for process in processes}
        return {key[0]: detail for key, detail in self._known.items()}

    def _measured(self, jobs: Sequence[Job], now_s: float) -> dict[int, int]:
        """Proportional sizes of the largest processes of the largest jobs.

        One process alone hardly shares anything; reading its maps would take milliseconds just
        when there is no time.
        """
        if now_s >= self._shared_until_s:
            began_s = time.perf_counter()
            self._shared = self._measured_shared(jobs)
            took_s = time.perf_counter() - began_s
            self._shared_until_s = now_s + max(_PSS_KEPT_S, took_s / _PSS_SHARE)
        return {
            process.pid: max(0, process.rss_bytes - shared)
            for job in jobs
            for process in job.processes
            if (shared := self._shared.get((process.pid, process.start_ticks))) is not None
        }

    def _measured_shared(self, jobs: Sequence[Job]) -> dict[tuple[int, int], int]:
        """What is not their own of it, by process: it hardly changes while they grow."""
        largest = sorted(jobs, key=lambda job: -job.rss_bytes)[:_PSS_JOBS]
        measured = (
            (process, self._details.pss_bytes(process))
            for job in largest
            if job.process_count >= _PSS_LEAST_PROCESSES
            for process in sorted(job.processes, key=lambda each: -each.rss_bytes)[:_PSS_PROCESSES]
        )
        return {
            (process.pid, process.start_ticks): max(0, process.rss_bytes - pss)
            for process, pss in measured
            if pss is not None
        }

    def _detail(self, process: ProcessFacts) -> ProcessDetail:
        found = self._known.get(_key(process))
        if found is not None:
            return found
        return ProcessDetail(
            start_ticks=process.start_ticks,
            exe=self._details.exe(process),
            arguments=self._details.cmdline(process) or (),
            cwd=self._details.cwd(process),
        )

    def _with_writing(
        self,
        processes: Iterable[ProcessFacts],
        known: dict[_Key, ProcessDetail],
        now_s: float,
        filling: tuple[str, ...],
    ) -> dict[_Key, ProcessDetail]:
        before, self._written = self._written, {}
        rated = dict(known)
        for process in processes:
            total = self._written_of(process)
            if total is None:
                continue
            key = _key(process)
            then = before.get(key)
            if then is None:
                self._written[key] = _Written(now_s, total)
                continue
            if now_s - then.at_s >= _RATE_OVER_S:
                rate = max(0.0, (total - then.total_bytes) / (now_s - then.at_s))
                then = _Written(now_s, total, rate, *self._where(process, rate, filling))
            self._written[key] = then
            if then.bps is not None:
                rated[key] = msgspec.structs.replace(
                    known[key],
                    write_bps=then.bps,
                    writes_to=then.writes_to,
                    writes_in=then.writes_in,
                )
        return rated

    def _where(
        self, process: ProcessFacts, rate: float, filling: tuple[str, ...]
    ) -> tuple[frozenset[str] | None, str | None]:
        """Asked of those alone whose writing counts: each open file costs a look."""
        if rate < WORTH_WRITING_BPS:
            return None, None
        return self._details.writes_to(process, filling), self._details.writes_in(process)

    def _tied(self, jobs: Sequence[Job], now_s: float) -> dict[int, frozenset[Tie]]:
        """Of all when it is time; in between of those alone that were not seen yet.

        On a desk where something is born all the time each look would ask about all again: that
        was two thirds of what a look cost with 350 processes.
        """
        pids = tuple(process.pid for job in jobs for process in job.processes)
        known = self._ties if now_s < self._ties_until_s else {}
        unknown = tuple(pid for pid in pids if pid not in known)
        if unknown:
            began_s = time.perf_counter()
            asked = self._ties_of(unknown)
            if not known:
                took_s = time.perf_counter() - began_s
                self._ties_until_s = now_s + max(_TIES_KEPT_S, took_s / _TIES_SHARE)
            found = known | {pid: asked.get(pid, frozenset()) for pid in unknown}
            self._ties = {pid: found[pid] for pid in pids}
        return self._ties


def weightiest(jobs: Sequence[Job]) -> list[Job]:
    """The jobs that could be acted on: the first few by CPU, memory and growth."""
    orders: tuple[Callable[[Job], float], ...] = (
        lambda job: job.cpu_percent or 0.0,
        lambda job: float(job.rss_bytes),
        lambda job: job.growth_bps or 0.0,
    )
    chosen: dict[str, Job] = {}
    for weight in orders:
        for job in sorted(jobs, key=weight, reverse=True)[:_TIED_JOBS]:
            chosen[job.key] = job
    return list(chosen.values())


def _key(process: ProcessFacts) -> _Key:
    return (process.pid, process.start_ticks, process.name)

"""More figures of the jobs that a page shows: disk I/O, growth, shared memory, badges.

    jobs of the newest scan, the chosen one, the person's list  →  ``JobInspection``

It is taken only while a page shows it: reading what a process moved costs tens of microseconds.
One that used no processor has moved nothing and is not asked again. One thread.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import msgspec

from omnitray.base.clock import Clock
from omnitray.base.facts import GuardReading, Job, MemoryFacts, OwnFacts, ProcessFacts
from omnitray.base.policy import ProtectPolicy
from omnitray.processes.inspector import Inspector
from omnitray.processes.process_table import Identity, ProcessDetails, identity
from omnitray.protector.cause import JobHistories
from omnitray.protector.context import DecisionContext
from omnitray.protector.exclusions.rules import ExclusionRules
from omnitray.protector.job_workers import telling, workers
from omnitray.protector.model import EscalationStep, ExclusionReason, Facts
from omnitray.protector.view import Protected

_MOST = 2000  # processes whose I/O is read; the heaviest jobs come first
_MOST_SMAPS = 64  # reading the maps of a large process takes milliseconds
_SHORTEST_S = 0.9  # a rate over less would jump
_PSS_EVERY_S = 5.0
# Judging 700 processes takes 10 to 20 ms and who is protected seldom changes. On a desk where
# something is born all the time, a job that is new waits a moment for its badge.
_JUDGED_FOR_S = 10.0
_NEW_WAITS_S = 4.0


class Wanted(msgspec.Struct, frozen=True):
    """What to look at: the jobs of a scan, the key of the chosen one, what the person protects.

    Without ``figures`` only who is protected is found out: disk I/O and memory cost more.
    """

    jobs: tuple[Job, ...] = ()
    chosen: str = ""
    protected: tuple[str, ...] = ()
    figures: bool = True


class JobInspection(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen, by ``(pid, start_ticks)``; what may not be read is not in it.

    ``io_bps``: read from and written to disks. ``pss_bytes``: of the chosen job alone, with the
    shared pages divided among those who share them. ``protected`` is by job key; of the jobs in
    ``judged`` it is known whether they are.
    """

    io_bps: dict[Identity, float] = {}
    growth_bps: dict[Identity, float] = {}
    pss_bytes: dict[Identity, int] = {}
    protected: dict[str, Protected] = {}
    judged: frozenset[str] = frozenset()


class _Moved(msgspec.Struct):
    at_s: float
    total_bytes: int
    rate_bps: float | None = None


class _Measured(msgspec.Struct, frozen=True):
    key: str = ""
    at_s: float = 0.0
    sizes: dict[Identity, int] = {}


class _Judged(msgspec.Struct, frozen=True):
    """The jobs that were judged, and who of them is protected, under which words."""

    at_s: float = float("-inf")
    keys: frozenset[str] = frozenset()
    words: tuple[str, ...] = ()
    protected: dict[str, Protected] = {}


class JobInspector:
    """Remembers from look to look; one instance belongs to one thread."""

    def __init__(
        self,
        details: ProcessDetails,
        protection: ExclusionRules,
        own: Callable[[], OwnFacts],
        clock: Clock,
    ) -> None:
        self._details = details
        self._protection = protection
        self._own = own
        self._clock = clock
        self._inspector = Inspector(details, lambda _pids: {}, details.written_bytes)
        self._histories = JobHistories()
        self._grown: tuple[Job, ...] = ()
        self._moved: dict[Identity, _Moved] = {}
        self._measured = _Measured()
        self._judged = _Judged()

    def look(self, wanted: Wanted) -> JobInspection:
        """Look at these jobs."""
        now = self._clock.monotonic()
        protected = self._protected(wanted, now)
        judged = self._judged.keys
        if not wanted.figures:
            return JobInspection(protected=protected, judged=judged)
        if wanted.jobs is not self._grown:  # the same scan twice would look like no growth
            self._grown = wanted.jobs
            self._histories.growths.observe(wanted.jobs, now)
        return JobInspection(
            io_bps=self._io(wanted.jobs, now),
            growth_bps=self._growth(wanted.jobs),
            pss_bytes=self._pss(wanted, now),
            protected=protected,
            judged=judged,
        )

    def _io(self, jobs: Iterable[Job], now: float) -> dict[Identity, float]:
        before, self._moved = self._moved, {}
        real = (each for each in _processes(jobs) if each.rss_bytes)  # the kernel's own have none
        for process in islice(real, _MOST):
            key = identity(process)
            moved = self._moved_by(process, before.get(key), now)
            if moved is not None:
                self._moved[key] = moved
        rates = ((key, each.rate_bps) for key, each in self._moved.items())
        return {key: rate for key, rate in rates if rate is not None}

    def _moved_by(self, process: ProcessFacts, then: _Moved | None, now: float) -> _Moved | None:
        if then is not None and now - then.at_s < _SHORTEST_S:
            return then
        if then is not None and process.cpu_percent == 0.0 and process.state != "D":
            return _Moved(then.at_s, then.total_bytes, 0.0)
        total = self._details.io_bytes(process)
        if total is None or then is None:
            return None if total is None else _Moved(now, total)
        rate = max(0.0, (total - then.total_bytes) / (now - then.at_s))
        return _Moved(now, total, rate)

    def _growth(self, jobs: Iterable[Job]) -> dict[Identity, float]:
        rates = (
            (identity(each), self._histories.growths.of(each.pid, each.start_ticks))
            for each in _processes(jobs)
        )
        return {key: rate for key, rate in rates if rate is not None}

    def _pss(self, wanted: Wanted, now: float) -> dict[Identity, int]:
        known = self._measured
        if known.key == wanted.chosen and now - known.at_s < _PSS_EVERY_S:
            return known.sizes
        job = next((each for each in wanted.jobs if each.key == wanted.chosen), None)
        if job is None or job.process_count > _MOST_SMAPS:
            return {}
        sizes = ((identity(each), self._details.pss_bytes(each)) for each in job.processes)
        found = {key: size for key, size in sizes if size is not None}
        self._measured = _Measured(wanted.chosen, now, found)
        return found

    def _protected(self, wanted: Wanted, now: float) -> dict[str, Protected]:
        """Who is protected: judged again after a while, sooner when a job or the words are new."""
        before, keys = self._judged, frozenset(job.key for job in wanted.jobs)
        kept_s = _JUDGED_FOR_S if keys <= before.keys else _NEW_WAITS_S
        if now - before.at_s < kept_s and wanted.protected == before.words:
            return before.protected
        protected = self._judge(wanted, now)
        self._judged = _Judged(now, keys, wanted.protected, protected)
        return protected

    def _judge(self, wanted: Wanted, now: float) -> dict[str, Protected]:
        facts = Facts(
            reading=GuardReading(
                monotonic_s=now, memory=MemoryFacts(total_bytes=0, available_bytes=0)
            ),
            jobs=wanted.jobs,
            details=self._inspector.details(wanted.jobs),
            own=self._own(),
        )
        policy = ProtectPolicy(protected=wanted.protected)
        context = DecisionContext(
            facts,
            policy,
            now,
            self._protection,
            self._histories,
            excluded_jobs={},
            excluded_steps={},
        )
        badges = (self._badge(context, job) for job in wanted.jobs)
        return {each.job_key: each for each in badges if each is not None}

    def _badge(self, context: DecisionContext, job: Job) -> Protected | None:
        """A job is protected when nothing of it may be touched."""
        reasons: dict[int, ExclusionReason] = {}
        for worker in workers(context, job, EscalationStep.SLOW_DOWN):
            if worker.excluded is None:
                return None
            reasons[worker.process.pid] = worker.excluded
        why = telling(job, reasons)
        if why is None:
            return None
        if why is not ExclusionReason.PERSON:
            return Protected(job_key=job.key, why=why.sentence)
        words = tuple(word for word in context.policy.protected if self._means(word, context, job))
        return Protected(job_key=job.key, why=why.sentence, by_person=True, words=words)

    def _means(self, word: str, context: DecisionContext, job: Job) -> bool:
        """Whether this entry of the person's list means the job."""
        verdicts = (
            self._protection.verdict(process, job, context.facts, (word,))
            for process in job.processes
        )
        return any(verdict is ExclusionReason.PERSON for verdict in verdicts)


def _processes(jobs: Iterable[Job]) -> Iterator[ProcessFacts]:
    return (process for job in jobs for process in job.processes)

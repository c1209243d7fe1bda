"""One moment, made ready for deciding: facts, policy and what is remembered, with look-ups.

Everything that costs something is computed at the first question: most moments ask nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from functools import cached_property

import msgspec

from omnitray.base import conditions
from omnitray.base.facts import (
    Job,
    ProcessDetail,
    ProcessFacts,
    ProcessIdentity,
    ProtectState,
    Resource,
)
from omnitray.base.policy import JobRule, ModeLimits, ProtectPolicy, clears_under
from omnitray.processes.process_roles import Tie
from omnitray.protector.cause import JobHistories
from omnitray.protector.circuit_breaker import BreakerRecord
from omnitray.protector.exclusions.rules import ExclusionRules, detail_of
from omnitray.protector.model import (
    Action,
    ActionState,
    ActiveAction,
    EscalationStep,
    ExclusionReason,
    Facts,
    SubtreeTotals,
    WeighedProcess,
)

# A job's key, what was decided about it a moment ago and is not reported yet.
HandedOut = tuple[str, EscalationStep, Resource]
_IN_FORCE = {ActionState.HELD, ActionState.ENDING}
GROWTH_TELLS = 0.02  # of all memory; less growth than this is the noise of a desktop
# A good part of the cause: an eighth of equal leaks is one, a program that idles beside a hog not.
CAUSE_LEAST_SHARE, CAUSE_BESIDE_LARGEST, CAUSE_LEAST_GROWN = 0.1, 0.25, 0.005
_NOTHING_BELOW = SubtreeTotals()
_DEEPEST = 100_000  # a circle of parents cannot be, but a damaged scan may show one


class DecisionContext:
    """What is so at ``now_s``.

    ``ending`` are the processes that are being ended, by job. ``excluded_jobs`` are left alone for
    a reason of their own, ``excluded_steps`` are what the person does not want done to a job.
    """

    def __init__(
        self,
        facts: Facts,
        policy: ProtectPolicy,
        now_s: float,
        protection: ExclusionRules,
        histories: JobHistories,
        *,
        excluded_jobs: dict[str, ExclusionReason],
        excluded_steps: Mapping[tuple[str, EscalationStep], ExclusionReason],
        handed_out: AbstractSet[HandedOut] = frozenset(),
    ) -> None:
        self.all_jobs = facts.jobs  # OmniTray's own commands too, which are no cause of anything
        self.facts = facts.without_own_commands()
        self.policy = policy
        self.now_s = now_s
        self.excluded_jobs = excluded_jobs
        self.excluded_steps = excluded_steps
        self.handed_out = handed_out
        self.breaker: BreakerRecord | None = None  # where one decides about ends
        self._protection = protection
        self._histories = histories
        self._verdicts: dict[int, ExclusionReason | None] = {}
        self.rules = policy.rules_in_force
        self._forbidden: dict[int, frozenset[str]] = {}
        self._below: dict[int, SubtreeTotals] = {}
        self.ending = facts.ending
        self.weighed: dict[
            tuple[str, EscalationStep], list[WeighedProcess]
        ] = {}  # kept by ``victims``

    @property
    def limits(self) -> ModeLimits:
        """The limits of the mode in force."""
        return self.policy.limits

    @property
    def total_bytes(self) -> int:
        """All memory there is."""
        return self.facts.reading.memory.total_bytes

    @property
    def available_percent(self) -> float:
        """Memory that is left."""
        return 100.0 - self.facts.reading.memory.used_percent

    @property
    def is_at_floor(self) -> bool:
        """Whether memory and swap are used up."""
        return conditions.is_at_floor(self.facts.reading.memory, self.limits)

    @cached_property
    def is_near_floor(self) -> bool:
        """Whether the floor is near at the rate at which the jobs grow."""
        growth_bps = sum(self.job_growth_bps(job) for job in self.facts.jobs)
        return conditions.is_near_floor(self.facts.reading.memory, self.limits, growth_bps)

    @property
    def is_thrashing(self) -> bool:
        """Whether memory is low and everything waits for it."""
        reading = self.facts.reading
        return conditions.is_thrashing(reading.memory, reading.pressure, self.limits)

    @cached_property
    def cpu_contention(self) -> bool:
        """Whether others have to wait for a processor, as far as that is known."""
        pressure, probe = self.facts.reading.pressure, self.facts.probe
        return self._histories.contention.verdict(self.now_s, pressure, probe) is True

    @cached_property
    def unseen_cpu_percent(self) -> float:
        """Of one core: what is used and taken by no job that can be seen.

        By what is outside of a container or virtual machine, or runs in between two scans.
        """
        used = (self.facts.reading.cpu_percent or 0.0) * self.facts.cores
        return max(0.0, used - sum(job.cpu_percent or 0.0 for job in self.all_jobs))

    @property
    def sees_cpu_users(self) -> bool:
        """Whether a good part of what takes the processors is among the jobs."""
        percent, cores = self.facts.reading.cpu_percent, self.facts.cores
        return conditions.is_cpu_seen(percent, cores, self.all_jobs)

    def ended_cpu_percent(self, job: Job) -> float:
        """What other jobs took in what has ended a moment ago: the reading may still count it."""
        return self._histories.ended_cpu.beside(job.key, self.now_s)

    def has_enough(self, action: Action) -> bool:
        """Whether there is enough of what the action was taken for, so that it may be undone."""
        value, line = self._value_for(action), self._line_for(action)
        return value is not None and line is not None and value < line

    def _line_for(self, action: Action) -> float | None:
        """The per cent under which it is undone; lower where the limit has become lower."""
        if action.restores_below is None or action.resource is Resource.DISK:
            return action.restores_below
        is_cpu = action.resource is Resource.CPU
        now = clears_under(self.limits.cpu_percent if is_cpu else self.limits.memory_percent)
        return now if action.step is EscalationStep.SLOW_DOWN else min(action.restores_below, now)

    def _value_for(self, action: Action) -> float | None:
        """The per cent that the action's line is compared with; None when it is not known."""
        if action.resource is Resource.CPU:
            return self.facts.reading.cpu_percent
        if action.resource is Resource.MEMORY:
            return self.facts.reading.memory.used_percent
        disks = self.facts.disks
        gone = 0.0 if disks else None  # nothing is known of any, or this one was taken out
        return next((disk.used_percent for disk in disks if disk.mount == action.mount), gone)

    def growth_bps(self, process: ProcessFacts) -> float | None:
        """Change of its memory a second; None until it is known."""
        return self._histories.growths.of(process.pid, process.start_ticks)

    def job_growth_bps(self, job: Job) -> float:
        """The faster of what the job's own history says and what the last looks say."""
        return self._histories.growths.faster(job.key, job.growth_bps)

    def running_growth_bps(self, job: Job) -> float:
        """The same without what is paused, whose last rate says nothing any more."""
        held = [each for each in job.processes if self.is_paused(each)]
        if not held:
            return self.job_growth_bps(job)
        stale = sum(max(0.0, self.growth_bps(each) or 0.0) for each in held)
        return max(0.0, self._histories.growths.of_job(job.key) - stale)

    @cached_property
    def _paused(self) -> frozenset[tuple[int, int]]:
        return frozenset(
            (target.pid, target.start_ticks)
            for active in self.facts.active
            if active.action.step is EscalationStep.PAUSE and active.state != "failed"
            for target in active.action.targets
        )

    def is_paused(self, process: ProcessFacts | ProcessIdentity) -> bool:
        """Whether this very process stands still, by a pause of ours or stopped by another."""
        who = (process.pid, process.start_ticks)
        return who in self._paused or self._histories.stops.holds(*who)

    def is_born_since(self, process: ProcessFacts, since_s: float) -> bool:
        """Whether it was first seen after that."""
        return self._histories.births.is_born_since(process, since_s)

    def grown_bytes(self, process: ProcessFacts) -> float:
        """What it takes more than when memory was clear."""
        return self._histories.memory.grown_bytes(process)

    def is_fork_bomb(self, job: Job) -> bool:
        """Whether its like children are born faster than they end, on and on."""
        return self._histories.births.is_fork_bomb(job)

    def is_of_fork_bomb(self, job: Job, process: ProcessFacts) -> bool:
        """Whether it is one of the like children of a fork bomb, or starts them."""
        return self._histories.births.is_of_fork_bomb(job, process)

    @cached_property
    def _unshared_ratio(self) -> dict[str, float]:
        """By job, how much of its resident memory is its own, as far as some were measured.

        Resident sizes count shared pages once for every process: a browser of 116 processes sums
        to 16 GB where 2.6 GB are used.
        """
        pss, ratios = self.facts.pss_bytes, {}
        for job in self.facts.jobs:
            measured = [each for each in job.processes if each.pid in pss and each.rss_bytes]
            if measured:
                rss = sum(each.rss_bytes for each in measured)
                ratios[job.key] = min(1.0, sum(pss[each.pid] for each in measured) / rss)
        return ratios

    def unshared_ratio(self, job: Job) -> float:
        """How much of its resident memory is its own."""
        return self._unshared_ratio.get(job.key, 1.0)

    def unshared_bytes(self, job: Job) -> float:
        """What the job holds, with shared pages divided among those that share them."""
        return job.rss_bytes * self.unshared_ratio(job)

    @cached_property
    def _grown_by_job(self) -> dict[str, float] | None:
        """Growth since memory was clear; None where so little has grown that sizes must tell.

        What has ended a moment ago counts as grown: its memory is on its way back, and who stands
        beside it is not the cause because of that.
        """
        grown = {
            job.key: sum(self.grown_bytes(each) for each in job.processes)
            * self._unshared_ratio.get(job.key, 1.0)
            for job in self.facts.jobs
        }
        whole = sum(grown.values()) + self._histories.memory.gone_bytes + self.unseen_bytes
        return grown if whole >= GROWTH_TELLS * self.total_bytes else None

    @cached_property
    def unseen_bytes(self) -> float:
        """What took a good part of memory since it was clear and is no process that can be seen."""
        used_bytes = conditions.used_in_memory(self.facts.reading)
        unseen = self._histories.memory.unseen_bytes(self.facts.jobs, used_bytes)
        return unseen if unseen >= GROWTH_TELLS * self.total_bytes else 0.0

    @property
    def fastest_growth_bps(self) -> float:
        """Of the jobs, or of what no process accounts for."""
        rates = [self.job_growth_bps(job) for job in self.facts.jobs]
        unseen = self._histories.memory.used_bps - sum(rates) if self.unseen_bytes else 0.0
        return max([*rates, unseen])

    @property
    def memory_comes_back(self) -> bool:
        """Whether something is ending or has just ended that held a good part: it is late."""
        gone = self._histories.memory.gone_bytes
        return bool(self.ending) or gone >= GROWTH_TELLS * self.total_bytes

    @property
    def knows_growth(self) -> bool:
        """Whether enough has grown since memory was clear to tell the cause by it."""
        return self._grown_by_job is not None

    @cached_property
    def memory_causes(self) -> dict[str, float]:
        """By job, its part (0 to 1) in the shortage of memory.

        It is the part in all growth since memory was clear, of which some may have ended a moment
        ago, and some may be no process; where little has grown since then, in what all jobs hold.
        """
        parts, whole = self._memory_parts
        return {key: part / whole for key, part in parts.items()}

    @cached_property
    def _memory_parts(self) -> tuple[dict[str, float], float]:
        """By job, and the whole of which these are parts."""
        parts = self._grown_by_job
        if parts is None:
            parts = {job.key: self.unshared_bytes(job) for job in self.facts.jobs}
            return parts, max(1.0, sum(parts.values()))
        gone = self._histories.memory.gone_bytes
        return parts, max(1.0, sum(parts.values()) + gone + self.unseen_bytes)

    def is_memory_cause(self, job: Job) -> bool:
        """Whether the job is a good part of what used memory up."""
        grown, share = self._grown_by_job, self.memory_causes.get(job.key, 0.0)
        if grown is not None and grown.get(job.key, 0.0) < CAUSE_LEAST_GROWN * self.total_bytes:
            return False
        if share < self._least_share:
            return False
        if grown is None or not self._histories.memory.starts_late:
            return True
        # It cannot have grown by more than it holds; the others that grow may have, before.
        largest = max(
            self.unshared_bytes(each)
            for each in self.facts.jobs
            if self.memory_causes[each.key] >= self._least_share
        )
        return self.unshared_bytes(job) >= CAUSE_BESIDE_LARGEST * largest

    @cached_property
    def _least_share(self) -> float:
        """Less is no good part of the cause."""
        unseen = self.unseen_bytes / self._memory_parts[1]
        largest = max((*self.memory_causes.values(), unseen))
        return max(CAUSE_LEAST_SHARE, CAUSE_BESIDE_LARGEST * largest)

    @cached_property
    def top_memory_cause(self) -> Job | None:
        """The job that is the largest part of it, whether it may be touched or not."""
        causes = self.memory_causes
        return max(self.facts.jobs, key=lambda job: (causes[job.key], job.key), default=None)

    @cached_property
    def written_bps(self) -> dict[str, float]:
        """What each job writes to disks a second; without those that write nothing."""
        written: dict[str, float] = defaultdict(float)
        for job in self.facts.jobs:
            for process in job.processes:
                detail = detail_of(process, self.facts)
                if detail is not None and detail.write_bps:
                    written[job.key] += detail.write_bps
        return dict(written)

    def of_disk(self, mount: str) -> "DecisionContext":
        """The same moment without what is known to write elsewhere: who fills this disk?"""
        details = {pid: _as_seen_from(mount, detail) for pid, detail in self.facts.details.items()}
        seen = DecisionContext(
            msgspec.structs.replace(self.facts, details=details, jobs=self.all_jobs),
            self.policy,
            self.now_s,
            self._protection,
            self._histories,
            excluded_jobs=self.excluded_jobs,
            excluded_steps=self.excluded_steps,
            handed_out=self.handed_out,
        )
        seen.ending = self.ending  # with what was decided a moment ago
        return seen

    def ties(self, process: ProcessFacts) -> frozenset[Tie]:
        """What ties a process to the person, by what it holds and by what it is."""
        held = self.facts.ties.get(process.pid, frozenset())
        detail = detail_of(process, self.facts)
        is_machine = detail is not None and self._protection.runs_machine(detail.exe)
        return held | {Tie.MACHINE} if is_machine else held

    def exclusion(self, process: ProcessFacts, job: Job) -> ExclusionReason | None:
        """Why nothing at all may be done to this process."""
        if process.pid not in self._verdicts:
            self._verdicts[process.pid] = self._exclusion(process, job)
        return self._verdicts[process.pid]

    def _exclusion(self, process: ProcessFacts, job: Job) -> ExclusionReason | None:
        if (process.pid, process.start_ticks) in self.ending.get(job.key, ()):
            return ExclusionReason.DYING
        verdict = self._protection.verdict(process, job, self.facts, self.policy.protected)
        if verdict is None and process.pid in self._leaders_of_strangers:
            return ExclusionReason.LEADER
        return verdict

    def ends(self, job_key: str, targets: Iterable[ProcessIdentity]) -> None:
        """These are being ended from now on: what is decided after it must know that."""
        before = self.ending.get(job_key, frozenset())
        self.ending[job_key] = before | {(each.pid, each.start_ticks) for each in targets}
        for known in (self._verdicts, self._below, self.weighed):
            known.clear()

    def is_meant(self, rule: JobRule, process: ProcessFacts, job: Job) -> bool:
        """Whether a rule of the person's means this process."""
        detail = detail_of(process, self.facts)
        return self._protection.is_meant(process, job, detail, rule.words)

    def forbidden(self, process: ProcessFacts, job: Job) -> frozenset[str]:
        """The steps that rules of the person's forbid for this process."""
        if process.pid not in self._forbidden:
            self._forbidden[process.pid] = frozenset(
                step
                for rule in self.rules
                if rule.never and self.is_meant(rule, process, job)
                for step in rule.never
            )
        return self._forbidden[process.pid]

    @cached_property
    def children(self) -> dict[int, list[tuple[ProcessFacts, Job]]]:
        """Living children by parent, with their jobs."""
        below: dict[int, list[tuple[ProcessFacts, Job]]] = defaultdict(list)
        for job in self.all_jobs:
            for process in job.processes:
                if process.state != "Z":
                    below[process.ppid].append((process, job))
        return below

    @cached_property
    def _leaders_of_strangers(self) -> frozenset[int]:
        """Session leaders that have processes of other jobs in their session."""
        job_of = {process.pid: job.key for job in self.all_jobs for process in job.processes}
        return frozenset(
            process.session
            for job in self.all_jobs
            for process in job.processes
            if process.session in job_of and job_of[process.session] != job.key
        )

    def below(self, pid: int) -> SubtreeTotals:
        """All that is below a process, in any job; each process is visited once a moment."""
        waiting = [pid]
        while waiting:
            children = self.children.get(waiting[-1], [])
            unknown = [each.pid for each, _ in children if each.pid not in self._below]
            if unknown and len(waiting) <= _DEEPEST:
                waiting += unknown
                continue
            self._below[waiting.pop()] = self._summed(children)
        return self._below[pid]

    def _summed(self, children: list[tuple[ProcessFacts, Job]]) -> SubtreeTotals:
        deeper = [self._below.get(process.pid, _NOTHING_BELOW) for process, _ in children]
        return SubtreeTotals(
            count=len(children) + sum(each.count for each in deeper),
            rss_bytes=sum(process.rss_bytes for process, _ in children)
            + sum(each.rss_bytes for each in deeper),
            grown_bytes=sum(self.grown_bytes(process) for process, _ in children)
            + sum(each.grown_bytes for each in deeper),
            growth_bps=sum(max(0.0, self.growth_bps(process) or 0.0) for process, _ in children)
            + sum(each.growth_bps for each in deeper),
            protected=any(each.protected for each in deeper)
            or any(self._is_protected(process, job) for process, job in children),
            forbidden=frozenset().union(
                *(each.forbidden for each in deeper),
                *(self.forbidden(process, job) for process, job in children),
            ),
        )

    def _is_protected(self, process: ProcessFacts, job: Job) -> bool:
        """Whether those above it must be left alone too.

        One that ended between the scan and the look has neither a path nor arguments; it does
        not count any more.
        """
        reason = self.exclusion(process, job)
        if reason is ExclusionReason.UNKNOWN:
            detail = detail_of(process, self.facts)
            return detail is not None and bool(detail.arguments)
        return reason not in {None, ExclusionReason.DYING}

    @cached_property
    def _active_by_job(self) -> dict[str, list[ActiveAction]]:
        by_job: dict[str, list[ActiveAction]] = defaultdict(list)
        for active in self.facts.active:
            by_job[active.action.job_key].append(active)
        return by_job

    def active(
        self, job_key: str, step: EscalationStep | None = None, resource: Resource | None = None
    ) -> tuple[ActiveAction, ...]:
        """What is in force on a job, the oldest first."""
        return tuple(
            active
            for active in self._active_by_job.get(job_key, ())
            if self._is_in_force(active)
            and step in {None, active.action.step}
            and resource in {None, active.action.resource}
        )

    def _is_in_force(self, active: ActiveAction) -> bool:
        """What would have been done counts as done only for as long as nothing is done at all."""
        watched = active.state is ActionState.WATCHED
        return active.state in _IN_FORCE or (watched and self.policy.state is ProtectState.WATCH)

    def has_refused_any(self, job_key: str) -> bool:
        """Whether the system refused anything about this job a moment ago."""
        known = self._active_by_job.get(job_key, ())
        return any(active.state is ActionState.FAILED for active in known)

    def has_refused(self, job_key: str, step: EscalationStep) -> bool:
        """Whether the system refused this a moment ago."""
        return any(
            active.state is ActionState.FAILED and active.action.step is step
            for active in self._active_by_job.get(job_key, ())
        )


def _as_seen_from(mount: str, detail: ProcessDetail) -> ProcessDetail:
    if detail.writes_to is None or mount in detail.writes_to:
        return detail
    return msgspec.structs.replace(detail, write_bps=None)

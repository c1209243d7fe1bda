"""Who is acted on: the job first, then the processes of it. Pure comparisons, a total order.

A job is weighed by what it takes of what is scarce and by its growth, times how little its kind
is missed; ``job_workers`` says which of its processes are meant. The order of jobs and processes
in a scan makes no difference.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import msgspec

from omnitray.base.facts import (
    WORTH_WRITING_BPS,
    Job,
    JobKind,
    ProcessFacts,
    ProcessIdentity,
    Resource,
)
from omnitray.processes.process_roles import LOST_BY_AN_END, Tie, helps_workers
from omnitray.protector.context import DecisionContext
from omnitray.protector.exclusions.rules import detail_of
from omnitray.protector.job_workers import (
    is_stopped_by_others,
    joins,
    least_growth_bps,
    not_ours,
    tied_reason,
    workers,
    workers_for,
)
from omnitray.protector.model import (
    ENDED_IF_ASKED,
    HORIZON_S,
    Candidate,
    EscalationStep,
    ExclusionReason,
    WeighedProcess,
)

# A player that needs 20 ms every 40 ms takes half a core beside a hog of one or more; what has a
# window is slowed down only where nothing takes more.
HEAVY_BESIDE_HEAVIEST, HEAVY_BESIDE_HEAVIEST_TIED = 0.5, 1.0
# The kernel gives each that wants more an equal part: one that gets less does not want more. On a
# machine that others kept busy the player took 67 of 200, where an equal part was 100.
_EQUAL_PART = 0.9  # two that take the same are not measured the same
_IS_PARTY = 0.25  # of what the heaviest takes; less is a program that idles


KIND_WEIGHT = {  # how little it is missed; a run can be made again, a session cannot
    JobKind.TEST_RUN: 1.0,
    JobKind.BUILD: 0.9,
    JobKind.COMMAND: 0.9,
    JobKind.AGENT: 0.7,
    JobKind.SERVICE: 0.5,
    JobKind.APP: 0.4,
    JobKind.SYSTEM: 0.1,
}
_HELD_WEIGHT = 2.0  # what had to be paused already is the first to be ended
# A server that tests depend on is the last to be slowed down, whatever it takes.
_SERVER_WEIGHT = 1e-6
_GOES_BEFORE_A_SERVER = frozenset({JobKind.TEST_RUN, JobKind.BUILD})
_LEAST_CORES = 0.01  # the smallest quota there is
_MOST_CONSIDERED = 8
LEAST_SHARE = {  # of the machine, for a job to be worth it
    (Resource.CPU, EscalationStep.SLOW_DOWN): 0.2,
    (Resource.CPU, EscalationStep.PAUSE): 0.2,
    (Resource.DISK, EscalationStep.SLOW_DOWN): 0.5,  # of what the heaviest writer writes
    (Resource.DISK, EscalationStep.PAUSE): 0.5,
    (Resource.MEMORY, EscalationStep.SLOW_DOWN): 0.1,
    (Resource.MEMORY, EscalationStep.PAUSE): 0.01,
    (Resource.MEMORY, EscalationStep.END): 0.01,
}


class VictimChoice(msgspec.Struct, frozen=True, kw_only=True):
    """Who is acted on, and who was weighed; ``job`` None when all were excluded."""

    job: Job | None
    targets: tuple[ProcessIdentity, ...] = ()
    expected_bytes: int = 0
    considered: tuple[Candidate, ...] = ()
    part: str = ""  # of the job: "worker 3", "2 of 9 processes"; empty: all of it


_NOBODY = VictimChoice(job=None)


def choose_in(
    context: DecisionContext, key: str, resource: Resource, step: EscalationStep
) -> VictimChoice:
    """The same within one job; ``job`` None when it is gone or excluded."""
    job = next((job for job in context.facts.jobs if job.key == key), None)
    if job is None or job_exclusion(context, job, resource, step) is not None:
        return VictimChoice(job=None)
    chosen = workers_for(context, job, resource, step)
    if not chosen:
        return VictimChoice(job=None)
    return _choice(context, job, chosen, [_candidate(context, job, resource, None)])


def held_or_free(
    context: DecisionContext, job: Job, named: Sequence[ProcessIdentity], step: EscalationStep
) -> VictimChoice:
    """What a question named, as far as it lives and may be touched; else all that may.

    What a rule of the person's forbids is not done even where the person asks.
    """
    known = {(each.pid, each.start_ticks) for each in named}
    asked = EscalationStep.SLOW_DOWN if step is EscalationStep.END else step
    free = [
        each.identity
        for each in workers(context, job, asked)
        if each.excluded is None and not forbids(context, job, each.process, step)
    ]
    targets = [each for each in free if (each.pid, each.start_ticks) in known]
    if step is EscalationStep.SLOW_DOWN or not known:
        targets = free
    if not targets:
        return VictimChoice(job=None)
    chosen = {(each.pid, each.start_ticks) for each in targets}
    processes = [each for each in job.processes if (each.pid, each.start_ticks) in chosen]
    return VictimChoice(job=job, targets=tuple(targets), part=part_of(context, job, processes))


def anyway(context: DecisionContext, job: Job, named: Sequence[ProcessIdentity]) -> VictimChoice:
    """What is left alone by itself and may be ended because the person has said so.

    Checked again at the answer: what is protected for another reason by now stays untouched.
    """
    known = {(each.pid, each.start_ticks) for each in named}
    if job.key in context.excluded_jobs:
        return VictimChoice(job=None)
    targets = tuple(
        each.identity
        for each in workers(context, job, EscalationStep.END)
        if (each.process.pid, each.process.start_ticks) in known
        and each.excluded in {None, *ENDED_IF_ASKED}
        and not forbids(context, job, each.process, EscalationStep.END)
    )
    if not targets:
        return VictimChoice(job=None)
    chosen = {each.pid for each in targets}
    processes = [each for each in job.processes if each.pid in chosen]
    return VictimChoice(
        job=job,
        targets=targets,
        expected_bytes=sum(each.rss_bytes for each in processes),
        part=part_of(context, job, processes),
    )


def forbids(
    context: DecisionContext, job: Job, process: ProcessFacts, step: EscalationStep
) -> bool:
    """Whether a rule forbids this for the process, or for one below it."""
    below = context.below(process.pid)
    return step in below.forbidden or step in context.forbidden(process, job)


def choose_by_rule(
    context: DecisionContext,
    job: Job,
    pids: AbstractSet[int],
    resource: Resource,
    step: EscalationStep,
) -> VictimChoice:
    """What a rule means of a job, as far as it may be touched; no matter what else is short."""
    if standing_exclusion(context, job, resource, step) is not None:
        return VictimChoice(job=None)
    free = [
        each
        for each in workers(context, job, step)
        if each.excluded is None and each.process.pid in pids
    ]
    considered = [_candidate(context, job, resource, None)]
    return _choice(context, job, tuple(free), considered) if free else _NOBODY


def choose(
    context: DecisionContext, resource: Resource, step: EscalationStep, *, innocent: bool = False
) -> VictimChoice:
    """The job and the processes of it that this step would act on now.

    ``innocent``: also one that is not the cause, where the person has said so.
    """
    considered: list[Candidate] = []
    for job in ranked(context, resource):
        excluded = job_exclusion(context, job, resource, step, innocent=innocent)
        chosen = () if excluded else workers_for(context, job, resource, step)
        if not chosen:
            reason = excluded or _why_none(context, job, step)
            considered.append(_candidate(context, job, resource, reason))
            if len(considered) >= _MOST_CONSIDERED and excluded is ExclusionReason.LITTLE:
                break
            continue
        considered.insert(0, _candidate(context, job, resource, None))
        considered[1:1] = _workers_considered(context, job, step, chosen)
        rest = [each for each in ranked(context, resource) if not _is_in(each, considered)]
        considered += [
            _candidate(context, each, resource, _why_not(context, each, job, resource, step))
            for each in rest[:3]
        ]
        return _choice(context, job, chosen, considered)
    return VictimChoice(job=None, considered=tuple(considered[:_MOST_CONSIDERED]))


def _choice(
    context: DecisionContext,
    job: Job,
    chosen: tuple[WeighedProcess, ...],
    considered: list[Candidate],
) -> VictimChoice:
    return VictimChoice(
        job=job,
        targets=tuple(worker.identity for worker in chosen),
        expected_bytes=sum(worker.process.rss_bytes for worker in chosen),
        considered=tuple(considered[:_MOST_CONSIDERED]),
        part=part_of(context, job, [worker.process for worker in chosen]),
    )


def part_of(context: DecisionContext, job: Job, chosen: Sequence[ProcessFacts]) -> str:
    """Which part of a job is meant, as its person counts: ``worker 3`` is the third of its kind.

    What a pool starts beside its workers is not counted among them, nor is ``omnitray run``.
    """
    all_of_it = not_ours(context, job)
    if len(chosen) >= len(all_of_it):
        return ""
    if len(chosen) > 1:
        return f"{len(chosen)} of {len(all_of_it)} processes"
    (one,) = chosen
    alike = [
        each
        for each in job.processes
        if (each.ppid, each.name) == (one.ppid, one.name)
        and (each.pid == one.pid or not _helps_workers(context, each))
    ]
    if len(alike) > 1:
        births = sorted((each.start_ticks, each.pid) for each in alike)
        return f"worker {births.index((one.start_ticks, one.pid)) + 1}"
    return "" if one.pid == job.leader_pid else f"{one.name} {one.pid}"


def _helps_workers(context: DecisionContext, process: ProcessFacts) -> bool:
    detail = detail_of(process, context.facts)
    return detail is not None and helps_workers(detail.arguments)


def hands_over(context: DecisionContext, choice: VictimChoice) -> bool:
    """Whether a pause of these would give a terminal's keyboard to its shell."""
    return any(each.pid in context.facts.hands_over for each in choice.targets)


def ranked(context: DecisionContext, resource: Resource) -> list[Job]:
    """All jobs, the first to be acted on first."""
    return sorted(context.facts.jobs, key=lambda job: job_key(context, job, resource))


def job_key(context: DecisionContext, job: Job, resource: Resource) -> tuple[float, str]:
    """The comparison: the heavier first, then by name."""
    weight = KIND_WEIGHT[job.kind] * _taken(context, job, resource)
    if resource is Resource.MEMORY and context.active(
        job.key, EscalationStep.PAUSE, Resource.MEMORY
    ):
        weight *= _HELD_WEIGHT
    if is_server(context, job):
        weight *= _SERVER_WEIGHT
    return -weight, job.key


def job_exclusion(
    context: DecisionContext,
    job: Job,
    resource: Resource,
    step: EscalationStep,
    *,
    innocent: bool = False,
) -> ExclusionReason | None:
    """Why the job as a whole is not the one; ``innocent``: it need not be a cause."""
    if (standing := standing_exclusion(context, job, resource, step)) is not None:
        return standing
    if _share(context, job, resource) < LEAST_SHARE.get((resource, step), 0.0):
        return ExclusionReason.LITTLE
    if step is EscalationStep.END and is_server(context, job):
        others = (each for each in context.facts.jobs if each.kind in _GOES_BEFORE_A_SERVER)
        if any(_can_be_ended(context, each, resource, innocent=innocent) for each in others):
            return ExclusionReason.SERVER
    if resource is Resource.MEMORY:
        return _memory_exclusion(context, job, step, innocent=innocent)
    if resource is Resource.CPU:
        return ExclusionReason.LIGHT if _is_light(context, job, step) else None
    wrote = context.written_bps.get(job.key, 0.0)
    return ExclusionReason.LITTLE if wrote < WORTH_WRITING_BPS else None


def is_server(context: DecisionContext, job: Job) -> bool:
    """Whether a watched server runs in it; a test run that has one of its own is a test run."""
    pids = context.facts.server_pids
    return job.kind not in _GOES_BEFORE_A_SERVER and any(each.pid in pids for each in job.processes)


def _can_be_ended(
    context: DecisionContext, job: Job, resource: Resource, *, innocent: bool
) -> bool:
    if job_exclusion(context, job, resource, EscalationStep.END, innocent=innocent) is not None:
        return False
    return bool(workers_for(context, job, resource, EscalationStep.END))


def standing_exclusion(
    context: DecisionContext, job: Job, resource: Resource, step: EscalationStep
) -> ExclusionReason | None:
    """Why this must not be done to the job now, whatever it takes: said, held, or refused."""
    reason = context.excluded_jobs.get(job.key) or context.excluded_steps.get((job.key, step))
    if reason is not None:
        return reason
    if job.key in context.ending and (resource, step) != (Resource.MEMORY, EscalationStep.PAUSE):
        return ExclusionReason.DYING  # what holds it up delays its exit; the rest of it may grow on
    if context.has_refused(job.key, step):
        return ExclusionReason.REFUSED
    if step is not EscalationStep.END and is_stopped_by_others(context, job):
        return ExclusionReason.HELD
    return ExclusionReason.HELD if _is_held(context, job, resource, step) else None


def _memory_exclusion(
    context: DecisionContext, job: Job, step: EscalationStep, *, innocent: bool
) -> ExclusionReason | None:
    """The cause, or none: what grows is paused, a good part of the cause slowed down or ended."""
    if step is EscalationStep.PAUSE:
        grows = context.job_growth_bps(job) >= least_growth_bps(context)
        return None if grows else ExclusionReason.STEADY
    if step is EscalationStep.SLOW_DOWN and (ties := _ties(context, job)):
        return tied_reason(ties)  # a memory limit would bring it to a standstill
    if not innocent and not context.is_memory_cause(job):
        return ExclusionReason.NOT_CAUSE
    return None


def _ties(context: DecisionContext, job: Job) -> frozenset[Tie]:
    """Whether a process of it has a window, plays sound or is typed into."""
    ties = (context.ties(each) for each in job.processes)
    return frozenset().union(*ties) & LOST_BY_AN_END


def _is_light(context: DecisionContext, job: Job, step: EscalationStep) -> bool:
    """Whether others take so much more that this one is not what they all wait for.

    It takes much less than the heaviest, or less than an equal part of what the heavy ones take.
    Among those are the other jobs, what cannot be seen, and what has ended a moment ago and is
    still in the reading: a player alone was slowed down for loops that had ended half a second
    before. A build or a test run comes first wherever it is a good part of it, also beside a server
    that takes a little more; and what cannot be seen may be its own: it starts what runs in between
    two scans.
    """
    if step is not EscalationStep.SLOW_DOWN:
        return False
    takes = [each.cpu_percent or 0.0 for each in context.facts.jobs]
    beside = HEAVY_BESIDE_HEAVIEST_TIED if _ties(context, job) else HEAVY_BESIDE_HEAVIEST
    if job.kind in _GOES_BEFORE_A_SERVER:
        return (job.cpu_percent or 0.0) < beside * max(takes)
    takes.append(max(context.unseen_cpu_percent, context.ended_cpu_percent(job)))
    most = max(takes)
    heavy = [each for each in takes if each >= _IS_PARTY * most]
    part = max(beside * most, _EQUAL_PART * sum(heavy) / len(heavy))
    return (job.cpu_percent or 0.0) < part


def _is_held(context: DecisionContext, job: Job, resource: Resource, step: EscalationStep) -> bool:
    """Whether this step has been taken; a job that is paused may grow on in other processes."""
    if not context.active(job.key, step, resource if step is EscalationStep.SLOW_DOWN else None):
        return (job.key, step, resource) in context.handed_out
    if (resource, step) != (Resource.MEMORY, EscalationStep.PAUSE):
        return True
    return not joins(context, job)


def _taken(context: DecisionContext, job: Job, resource: Resource) -> float:
    if resource is Resource.CPU:
        return job.cpu_percent or 0.0
    if resource is Resource.MEMORY:
        return context.unshared_bytes(job) + context.job_growth_bps(job) * HORIZON_S
    return context.written_bps.get(job.key, 0.0)


def _share(context: DecisionContext, job: Job, resource: Resource) -> float:
    if resource is Resource.CPU:
        return (job.cpu_percent or 0.0) / (100.0 * max(_LEAST_CORES, context.facts.cores))
    if resource is Resource.MEMORY:
        return context.unshared_bytes(job) / max(1, context.total_bytes)
    written = context.written_bps
    return written.get(job.key, 0.0) / max(1.0, *written.values()) if written else 0.0


def _why_none(context: DecisionContext, job: Job, step: EscalationStep) -> ExclusionReason:
    """The verdict on the largest process speaks for the job."""
    weighed = workers(context, job, step)
    reason = next((each.excluded for each in weighed if each.excluded), None)
    return of_job(context, job, reason) or (
        ExclusionReason.HELD if step is EscalationStep.PAUSE else ExclusionReason.DYING
    )


def of_job(
    context: DecisionContext, job: Job, reason: ExclusionReason | None
) -> ExclusionReason | None:
    """The verdict on one of its processes as one on the job, which may be the person's."""
    uid = context.facts.own.uid
    is_own = any(each.pid == job.leader_pid and each.uid == uid for each in job.processes)
    if reason is ExclusionReason.OTHER_USER and is_own:
        return ExclusionReason.OTHERS_INSIDE  # sudo in a terminal, a container that runs as root
    return reason


def _why_not(
    context: DecisionContext, job: Job, chosen: Job, resource: Resource, step: EscalationStep
) -> ExclusionReason:
    """Why a job that comes after the chosen one was not acted on."""
    if all(each.excluded is not None for each in workers(context, job, step)):
        return _why_none(context, job, step)
    if (reason := job_exclusion(context, job, resource, step)) is not None:
        return reason
    takes_less = _taken(context, job, resource) <= _taken(context, chosen, resource)
    return ExclusionReason.LESS if takes_less else ExclusionReason.MISSED_MORE


def _candidate(
    context: DecisionContext, job: Job, resource: Resource, excluded: ExclusionReason | None
) -> Candidate:
    return Candidate(
        job_key=job.key,
        title=job.title,
        kind=job.kind,
        rss_bytes=job.rss_bytes,
        growth_bps=context.job_growth_bps(job),
        cpu_percent=job.cpu_percent,
        write_bps=context.written_bps.get(job.key),
        writes_in=_writes_in(context, job),
        excluded=excluded,
        share=round(_share(context, job, resource), 3),
        held_bytes=int(context.unshared_bytes(job)),
    )


def _writes_in(context: DecisionContext, job: Job) -> str | None:
    """The folder into which the process of it that writes most does."""
    known = (detail_of(each, context.facts) for each in job.processes)
    writing = [each for each in known if each is not None and each.write_bps]
    most = max(writing, key=lambda each: each.write_bps or 0.0, default=None)
    return most.writes_in if most else None


def _workers_considered(
    context: DecisionContext, job: Job, step: EscalationStep, chosen: tuple[WeighedProcess, ...]
) -> list[Candidate]:
    """The chosen ones, and the largest of those that were not, where not all were."""
    if len(chosen) == job.process_count:
        return []
    taken = {each.process.pid for each in chosen}
    others = [each for each in workers(context, job, step) if each.process.pid not in taken]
    return [
        Candidate(
            job_key=job.key,
            title=f"{each.process.name} {each.process.pid}",
            kind=job.kind,
            rss_bytes=each.process.rss_bytes,
            growth_bps=each.growth_bps,
            cpu_percent=each.process.cpu_percent,
            write_bps=each.write_bps or None,
            pid=each.process.pid,
            excluded=None
            if each.process.pid in taken
            else each.excluded or _beside(chosen[0], each),
        )
        for each in (*chosen[:2], *others[:2])
    ]


def _beside(chosen: WeighedProcess, other: WeighedProcess) -> ExclusionReason:
    takes_less = other.future_bytes <= chosen.future_bytes
    return ExclusionReason.LESS if takes_less else ExclusionReason.STEADY


def _is_in(job: Job, considered: list[Candidate]) -> bool:
    return any(each.job_key == job.key for each in considered)


def why_not(
    context: DecisionContext, job: Job, resource: Resource, step: EscalationStep
) -> ExclusionReason | None:
    """Why this job would not be acted on so; None where it would be."""
    reason = job_exclusion(context, job, resource, step)
    if reason is None and not workers_for(context, job, resource, step):
        return _why_none(context, job, step)
    return reason

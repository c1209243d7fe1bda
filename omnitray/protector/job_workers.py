"""Which processes of a job are meant: the workers that take, not the run that they belong to."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from omnitray.base.facts import Job, ProcessFacts, ProcessIdentity, Resource
from omnitray.processes.process_roles import LOST_BY_AN_END, Tie
from omnitray.protector.context import CAUSE_BESIDE_LARGEST, GROWTH_TELLS, DecisionContext
from omnitray.protector.exclusions.rules import detail_of
from omnitray.protector.model import EscalationStep, ExclusionReason, SubtreeTotals, WeighedProcess

_HELPER_RATIO = 4.0  # a parent so much larger than all below it is the worker itself
_COVERED = 0.8  # of a job's growth is paused
_ENOUGH_SHARE = 0.03  # of all memory is what an end should bring back
_MOST_ENDED = 8  # at once, however large the pool: what is still too much is the next end's
_COUNTS_SHARE, _COUNTS_BYTES = 0.01, 64 << 20  # of all memory; less is not worth a further end
_COUNTS_BESIDE = 0.5  # of the first
WORTH_GROWTH_BPS = 1 << 20  # at this rate 1 GB lasts for a quarter of an hour
GROWS_BESIDE_FASTEST = 0.1  # a murmur beside a hog is not paused with it
# A parent is stopped by its workers, and what is ending already needs no further step.
_SAYS_LITTLE = {ExclusionReason.PARENT, ExclusionReason.DYING}
_IN_REACH = {None, *_SAYS_LITTLE}
_SAID_OF_TIES = (
    (Tie.TYPED_INTO, ExclusionReason.TYPED_INTO),
    (Tie.MACHINE, ExclusionReason.MACHINE),
    (Tie.DISPLAY, ExclusionReason.TIED),
    (Tie.SOUND, ExclusionReason.TIED),
    (Tie.BUS_NAME, ExclusionReason.TIED),
    (Tie.UNKNOWN, ExclusionReason.UNSEEN),
)


def least_growth_bps(context: DecisionContext) -> float:
    """The rate under which a job is no good part of what uses memory up.

    What memory falls by and no job is seen to grow by counts as a cause that is beside it.
    """
    forecast = context.facts.memory_forecast
    seen_bps = sum(context.job_growth_bps(job) for job in context.facts.jobs)
    unseen_bps = max(0.0, forecast.slope_bps - seen_bps) if forecast is not None else 0.0
    beside = max(
        GROWS_BESIDE_FASTEST * context.fastest_growth_bps, CAUSE_BESIDE_LARGEST * unseen_bps
    )
    return max(WORTH_GROWTH_BPS, beside)


def not_ours(context: DecisionContext, job: Job) -> tuple[ProcessFacts, ...]:
    """Its processes without ``omnitray run``, which waits for the rest of them."""
    return tuple(
        each
        for each in job.processes
        if context.exclusion(each, job) is not ExclusionReason.OURSELVES
    )


def is_stopped_by_others(context: DecisionContext, job: Job) -> bool:
    """Whether all of it stands still by no pause of ours: by ``omnitray run`` at its budget."""
    if not any(map(context.is_paused, job.processes)):
        return False
    if context.active(job.key, EscalationStep.PAUSE):
        return False
    return all(map(context.is_paused, not_ours(context, job)))


def workers_for(
    context: DecisionContext, job: Job, resource: Resource, step: EscalationStep
) -> tuple[WeighedProcess, ...]:
    """The processes of a job that this step would act on; empty when none may or none is meant."""
    free = [each for each in workers(context, job, step) if each.excluded is None]
    if step is EscalationStep.SLOW_DOWN or not free:
        return tuple(free)
    if context.is_fork_bomb(job):
        bomb = [each for each in free if context.is_of_fork_bomb(job, each.process)]
        return tuple(sorted(bomb, key=_spawner_first))
    if step is EscalationStep.PAUSE:
        return _to_pause(context, job, free, resource)
    return _to_end(context, job, free)


def _spawner_first(worker: WeighedProcess) -> tuple[int, int]:
    """Of a fork bomb the oldest is held first: the younger ones are what it started."""
    return worker.process.start_ticks, worker.process.pid


def workers(context: DecisionContext, job: Job, step: EscalationStep) -> list[WeighedProcess]:
    """Every process of a job with its verdict for this step, the first to be acted on first."""
    known = context.weighed.get((job.key, step))
    if known is None:
        weighed = (_worker(context, job, process, step) for process in job.processes)
        known = context.weighed[job.key, step] = sorted(weighed, key=worker_key)
    return known


def worker_key(worker: WeighedProcess) -> tuple[float, int, int]:
    """The comparison: the larger first, then the younger, then the higher pid."""
    process = worker.process
    return -worker.future_bytes, -process.start_ticks, -process.pid


def _worker(
    context: DecisionContext, job: Job, process: ProcessFacts, step: EscalationStep
) -> WeighedProcess:
    detail = detail_of(process, context.facts)
    return WeighedProcess(
        process=process,
        identity=ProcessIdentity(
            pid=process.pid,
            start_ticks=process.start_ticks,
            exe=detail.exe if detail else None,
        ),
        growth_bps=context.growth_bps(process) or 0.0,
        write_bps=(detail.write_bps or 0.0) if detail else 0.0,
        grown_bytes=context.grown_bytes(process),
        excluded=_worker_exclusion(context, job, process, step),
    )


def _worker_exclusion(
    context: DecisionContext, job: Job, process: ProcessFacts, step: EscalationStep
) -> ExclusionReason | None:
    if (reason := context.exclusion(process, job)) is not None:
        return reason
    if step in context.forbidden(process, job):
        return ExclusionReason.RULE
    below = context.below(process.pid)
    if below.protected or step in below.forbidden:
        return ExclusionReason.PARENT
    ties = context.ties(process)
    if step is EscalationStep.END:
        ties &= LOST_BY_AN_END
    if step is not EscalationStep.SLOW_DOWN and ties:
        return tied_reason(ties)
    if step is EscalationStep.SLOW_DOWN or not below.count:
        return None
    if context.is_of_fork_bomb(job, process):
        return None
    return ExclusionReason.PARENT if _is_parent(context, process, below) else None


def telling(job: Job, verdicts: Mapping[int, ExclusionReason | None]) -> ExclusionReason | None:
    """The verdict, of those on its processes by pid, that speaks for a job to a person.

    Their own word; else what is said of the process that leads it; else the first that says more
    than what stands above or below it.
    """
    reasons = [each for each in verdicts.values() if each is not None]
    if ExclusionReason.PERSON in reasons:
        return ExclusionReason.PERSON
    leader = verdicts.get(job.leader_pid)
    if leader is not None and leader not in _SAYS_LITTLE:
        return leader
    return next((each for each in reasons if each not in _SAYS_LITTLE), next(iter(reasons), None))


def tied_reason(ties: AbstractSet[Tie]) -> ExclusionReason:
    """What is said of a process with these ties: what a person recognises comes first."""
    return next((reason for tie, reason in _SAID_OF_TIES if tie in ties), ExclusionReason.TIED)


def _is_parent(context: DecisionContext, process: ProcessFacts, below: SubtreeTotals) -> bool:
    """Whether the run is in its workers: they grow more than it does, or have; helpers are none.

    Where neither has grown, the sizes tell.
    """
    rate = max(0.0, context.growth_bps(process) or 0.0)
    grown = context.grown_bytes(process)
    told = max(_COUNTS_SHARE * context.total_bytes, float(_COUNTS_BYTES))
    if rate + below.growth_bps >= WORTH_GROWTH_BPS:
        return rate < below.growth_bps
    if grown + below.grown_bytes >= told:
        return grown < below.grown_bytes
    return process.rss_bytes < _HELPER_RATIO * below.rss_bytes


def _to_pause(
    context: DecisionContext, job: Job, free: list[WeighedProcess], resource: Resource
) -> tuple[WeighedProcess, ...]:
    """For memory those that make up most of the growth; for the rest all of them.

    In a job that is held already all that ``joins`` join at once: it is held once, not in slices.
    Where one that may not be paused does the growing, none is meant.
    """
    if resource is Resource.DISK:
        return tuple(each for each in free if each.write_bps > 0.0) or tuple(free)
    if resource is Resource.CPU:
        return tuple(free)
    if context.active(job.key, EscalationStep.PAUSE, Resource.MEMORY):
        return joins(context, job)
    running = [each for each in free if not context.is_paused(each.identity)]
    growing = sorted(
        (each for each in running if each.growth_bps > 0.0),
        key=lambda each: (-each.growth_bps, worker_key(each)),
    )
    unknown = tuple(each for each in running if context.growth_bps(each.process) is None)
    wanted = _COVERED * sum(each.growth_bps for each in growing)
    chosen: list[WeighedProcess] = []
    for worker in growing:
        if wanted <= 0.0:
            break
        chosen.append(worker)
        wanted -= worker.growth_bps
    if chosen or unknown:
        return tuple(chosen) or unknown
    elsewhere = any((context.growth_bps(each) or 0.0) >= WORTH_GROWTH_BPS for each in job.processes)
    return () if elsewhere else tuple(running)


def _to_end(
    context: DecisionContext, job: Job, free: list[WeighedProcess]
) -> tuple[WeighedProcess, ...]:
    """The largest of those that have grown; further ones only where each brings back enough too.

    Of a run whose memory lies in many small workers one is ended and its memory waited for: more
    of them would take the run away and bring back hardly more. At most half of the workers go.
    """
    most = max((context.grown_bytes(each) for each in job.processes), default=0.0)
    if most >= GROWTH_TELLS * context.total_bytes:
        free = [each for each in free if each.grown_bytes >= CAUSE_BESIDE_LARGEST * most]
    else:  # where growth does not tell, what is small beside what may not be ended frees nothing
        largest = max(
            each.process.rss_bytes
            for each in workers(context, job, EscalationStep.END)
            if each.excluded is not ExclusionReason.PARENT
        )
        free = [each for each in free if each.process.rss_bytes >= CAUSE_BESIDE_LARGEST * largest]
    if not free:
        return ()
    first = free[0].process.rss_bytes
    counts = max(_COUNTS_SHARE * context.total_bytes, float(_COUNTS_BYTES), _COUNTS_BESIDE * first)
    wanted = _ENOUGH_SHARE * context.total_bytes - first
    chosen = [free[0]]
    for worker in free[1 : min(_MOST_ENDED, (len(free) + 1) // 2)]:
        if wanted <= 0 or worker.process.rss_bytes < counts:
            break
        chosen.append(worker)
        wanted -= worker.process.rss_bytes
    return tuple(chosen)


def beyond_reach(context: DecisionContext, job: Job) -> tuple[ProcessFacts, ...]:
    """The processes that do most of a job's growing, where they may be neither paused nor ended.

    Empty where half of it or more lies in what may be: then the job can be stopped. What does not
    grow now counts with what it has grown by.
    """
    steps = (EscalationStep.PAUSE, EscalationStep.END)
    verdicts = [
        {each.process: each.excluded for each in workers(context, job, step)} for step in steps
    ]
    ending = context.ending.get(job.key, frozenset())
    rates = {
        each: max(0.0, context.growth_bps(each) or 0.0)
        for each in job.processes
        if not context.is_paused(each)
    }
    taken = rates if sum(rates.values()) >= WORTH_GROWTH_BPS else {}
    taken = taken or {each: context.grown_bytes(each) for each in job.processes}
    beyond = [
        each
        for each, amount in taken.items()
        if amount > 0.0
        and (each.pid, each.start_ticks) not in ending
        and all(known[each] not in _IN_REACH for known in verdicts)
    ]
    is_most = 2.0 * sum(taken[each] for each in beyond) > sum(taken.values())
    return tuple(beyond) if is_most else ()


def joins(context: DecisionContext, job: Job) -> tuple[WeighedProcess, ...]:
    """What belongs under the pause of a job beside what is paused: the fastest first.

    What the job has started since, and what grows itself. The rest of it only stands beside: of a
    browser whose page leaks, the process that fetches all its pages, for instance.
    """
    held = context.active(job.key, EscalationStep.PAUSE, Resource.MEMORY)
    since_s = min((each.since_s for each in held), default=float("inf"))
    running = [
        each
        for each in workers(context, job, EscalationStep.PAUSE)
        if each.excluded is None and not context.is_paused(each.identity)
    ]
    fastest = max((each.growth_bps for each in running), default=0.0)
    line = max(WORTH_GROWTH_BPS, GROWS_BESIDE_FASTEST * fastest)
    joining = (
        each
        for each in running
        if each.growth_bps >= line or context.is_born_since(each.process, since_s)
    )
    return tuple(sorted(joining, key=lambda each: (-each.growth_bps, worker_key(each))))

"""Memory: over the limit slow down, before it runs out pause what grows, at the floor end one.

At the floor is: 5 per cent or less available *and* no swap left to use. Pressure alone ends
nothing. Before that, what grows is paused, which takes no memory back but leaves time to answer;
a pause that has stopped the fall puts an end off by some seconds, a pause that has not does not.
"""

from collections.abc import Iterator, Sequence

from omnitray.base.amounts import size
from omnitray.base.conditions import (
    THRASHING_PERCENT,
    HoldTimer,
    is_memory_clear,
    is_memory_over,
    memory_left,
)
from omnitray.base.facts import Job, LastResort, ProcessFacts, ProtectState, Resource
from omnitray.base.policy import clears_under
from omnitray.protector import circuit_breaker
from omnitray.protector.context import (
    CAUSE_BESIDE_LARGEST,
    CAUSE_LEAST_GROWN,
    DecisionContext,
)
from omnitray.protector.decisions import DecisionBuilder, ProtectorState
from omnitray.protector.job_workers import (
    WORTH_GROWTH_BPS,
    beyond_reach,
    least_growth_bps,
    not_ours,
    workers,
)
from omnitray.protector.model import (
    ActionState,
    ActiveAction,
    AlarmReason,
    Candidate,
    Decision,
    EscalationStep,
    Evidence,
    ExclusionReason,
    NamedCause,
    ProtectReason,
    Signal,
)
from omnitray.protector.policies import constants
from omnitray.protector.victims import VictimChoice, anyway, choose, hands_over, of_job, why_not

_WANTED_SO = {ExclusionReason.TAKEN_BACK, ExclusionReason.LEFT_ALONE}
# Verdicts of the moment: the cause is held or will be, and nothing has to be said about it.
_PASSING = {
    *(ExclusionReason.HELD, ExclusionReason.DYING, ExclusionReason.STEADY),
    *(ExclusionReason.LESS, ExclusionReason.LITTLE, ExclusionReason.MISSED_MORE),
    *(ExclusionReason.TAKEN_BACK, ExclusionReason.LEFT_ALONE, ExclusionReason.NOT_CAUSE),
    ExclusionReason.REFUSED,
}
_NAMED = 3

Why = tuple[ProtectReason, Evidence]


class MemoryPolicy:
    """Slows down, pauses, ends; tells where nothing may be touched."""

    def __init__(self, state: ProtectorState) -> None:
        self._state = state
        self._held = HoldTimer()
        self._left_at_pause: dict[str, int] = {}  # by action: memory when its pause was first seen
        self._told = False  # in this episode
        self._named_s: dict[str, float] = {}  # by cause ("": none is known), when
        self._paused_s = float("-inf")
        self._slowed_s = float("-inf")
        self._would_end_s = float("-inf")

    def decide(self, context: DecisionContext) -> list[Decision]:
        """What is done about memory now."""
        out = DecisionBuilder(context, self._state)
        memory, limits, now_s = context.facts.reading.memory, context.limits, out.now_s
        over = is_memory_over(memory, limits)
        held_s = self._held.true_for("over", now_s, condition=over)
        clear = is_memory_clear(memory, limits)
        if self._held.true_for("clear", now_s, condition=clear) >= constants.CLEAR_HOLD_S:
            self._told = False
        self._see_pauses(context)
        if not context.facts.jobs:
            return []
        if context.is_at_floor and self._end(out):
            return out.decisions
        why = urgent(context) or _grows_on(context)
        if why is not None and now_s - self._paused_s >= constants.NEXT_PAUSE_S:
            self._pause(out, *why)
        if held_s >= limits.hold_s:
            evidence = Evidence(
                signal=Signal.MEMORY,
                value=memory.used_percent,
                threshold=limits.memory_percent,
                held_s=held_s,
            )
            self._slow_down(out, evidence)
        return out.decisions

    def _see_pauses(self, context: DecisionContext) -> None:
        """Keep what was left when each pause was first seen."""
        now, before = context.facts.reading.memory.available_bytes, self._left_at_pause
        self._left_at_pause = {
            each.action.id: before.get(each.action.id, now) for each in _pauses(context)
        }

    def _pause_may_do(self, context: DecisionContext) -> bool:
        """Whether something was paused a moment ago and memory has stood still since."""
        memory = context.facts.reading.memory
        if context.available_percent <= context.limits.memory_floor_percent / 2:
            return False
        newest = max(_pauses(context), key=lambda each: each.since_s, default=None)
        if newest is None or context.now_s - newest.since_s >= constants.PAUSE_SHOWS_S:
            return False
        noise = max(constants.FALLS_ON_SHARE * memory.total_bytes, constants.FALLS_ON_BYTES)
        return self._left_at_pause[newest.action.id] - memory.available_bytes < noise

    def _end(self, out: DecisionBuilder) -> bool:
        """End the victim; False when that must not be now."""
        context = out.context
        if out.watches and out.now_s - self._would_end_s < constants.TELL_AGAIN_S:
            return False
        may_end = circuit_breaker.may_end(self._state.breaker, out.now_s)
        if self._pause_may_do(context) or not may_end:
            return False
        choice = choose(context, Resource.MEMORY, EscalationStep.END)
        reason = ProtectReason.MEMORY_FLOOR
        if choice.job is None and context.policy.last_resort is LastResort.END:
            choice = choose(context, Resource.MEMORY, EscalationStep.END, innocent=True)
            reason = ProtectReason.LAST_RESORT
        if choice.job is None:
            causes = list(_left_alone(context))
            self._alarm(out, AlarmReason.NOBODY_LEFT, choice, causes)
            self._ask_for_last_resort(out)
            return False
        evidence = Evidence(
            signal=Signal.MEMORY_LEFT,
            value=context.available_percent,
            threshold=context.limits.memory_floor_percent,
            forecast=context.facts.memory_forecast,
        )
        out.end(choice, choice.job, reason, evidence)
        if out.watches:
            self._would_end_s = out.now_s
        return True

    def _pause(self, out: DecisionBuilder, reason: ProtectReason, evidence: Evidence) -> None:
        choice = choose(out.context, Resource.MEMORY, EscalationStep.PAUSE)
        top = out.context.top_memory_cause
        is_top = top is not None and choice.job is not None and choice.job.key == top.key
        causes = list(_left_alone(out.context))
        if causes or top is None or not is_top or beyond_reach(out.context, top):
            self._alarm(out, AlarmReason.CAUSE_UNTOUCHABLE, choice, causes)
        if choice.job is None:
            return
        resource = Resource.MEMORY
        if hands_over(out.context, choice) and _lasts_s(out.context) > constants.ASKS_FIRST_S:
            out.ask_first(choice, resource, reason, evidence)
            return
        out.no_time_to_ask(choice.job.key)
        self._paused_s = out.now_s
        joins = bool(out.context.active(choice.job.key, EscalationStep.PAUSE, Resource.MEMORY))
        used, limits = out.context.facts.reading.memory.used_percent, out.context.limits
        out.act(
            EscalationStep.PAUSE,
            Resource.MEMORY,
            reason,
            evidence,
            choice,
            notify=not joins,
            restores_below=clears_under(min(used, limits.memory_percent)),
        )
        wait_s = limits.memory_end_after_s
        out.ask(choice, Resource.MEMORY, reason, evidence, EscalationStep.END, wait_s)

    def _alarm(
        self,
        out: DecisionBuilder,
        reason: AlarmReason,
        choice: VictimChoice,
        causes: Sequence[NamedCause],
    ) -> None:
        """Name a cause that is left alone: one alarm for each, the largest first."""
        own = next((each for each in causes if each.process is not None), None)
        if own is not None:
            self._ask_about_cause(out, own)
        unseen = out.context.unseen_bytes if not causes else 0.0
        if unseen:
            out.alarm(AlarmReason.UNSEEN, size(int(unseen)))
            return
        if not causes and reason is AlarmReason.CAUSE_UNTOUCHABLE:
            return
        named_s, long_ago_s = self._named_s, float("-inf")
        cause: NamedCause | None = None
        last_s = max(named_s.values(), default=long_ago_s)
        if causes:
            cause = min(causes, key=lambda each: named_s.get(each.job_key, long_ago_s))
            last_s = named_s.get(cause.job_key, long_ago_s)
        if out.now_s - last_s >= constants.TELL_AGAIN_S:
            named_s[cause.job_key if cause else ""] = out.now_s
            out.alarm(reason, named(choice.considered), cause)

    def _ask_about_cause(self, out: DecisionBuilder, cause: NamedCause) -> None:
        """Whether it is to be ended all the same, where it is the person's own."""
        job = next(each for each in out.context.facts.jobs if each.key == cause.job_key)
        choice = anyway(out.context, job, (cause.process,) if cause.process else ())
        out.ask_about_cause(cause, choice, _left(out.context))

    def _ask_for_last_resort(self, out: DecisionBuilder) -> None:
        """Whether another job is to be ended instead; without an answer none is.

        Not while the cause itself could be ended on the person's word.
        """
        if any(each.cause is not None for each in self._state.questions.values()):
            return
        if out.context.policy.last_resort is not LastResort.ASK:
            return
        choice = choose(out.context, Resource.MEMORY, EscalationStep.END, innocent=True)
        if choice.job is None or choice.job.key in self._state.answered:
            return
        if any(each.reason is ProtectReason.LAST_RESORT for each in self._state.questions.values()):
            return
        resource, reason = Resource.MEMORY, ProtectReason.LAST_RESORT
        out.ask(choice, resource, reason, _left(out.context), EscalationStep.END, 0.0)

    def _slow_down(self, out: DecisionBuilder, evidence: Evidence) -> None:
        """The heaviest job; further ones only while memory goes on falling."""
        context = out.context
        slowed = any(
            (each.action.step, each.action.resource) == (EscalationStep.SLOW_DOWN, Resource.MEMORY)
            for each in context.facts.active
        )
        if slowed and context.facts.memory_forecast is None:
            return
        if out.now_s - self._slowed_s < constants.NEXT_MEMORY_SLOW_DOWN_S:
            return
        choice = choose(context, Resource.MEMORY, EscalationStep.SLOW_DOWN)
        reason, resource = ProtectReason.MEMORY_OVER, Resource.MEMORY
        if choice.job is not None:
            self._slowed_s = out.now_s
            out.act(
                EscalationStep.SLOW_DOWN,
                resource,
                reason,
                evidence,
                choice,
                notify=True,
                restores_below=clears_under(evidence.threshold),
            )
        elif not slowed and not self._told and not context.memory_comes_back:
            self._told = True
            notify = not _is_wanted_so(choice)
            out.act(EscalationStep.TELL, resource, reason, evidence, choice, notify=notify)


def _lasts_s(context: DecisionContext) -> float:
    """How long memory lasts at the least, as far as can be foretold."""
    if context.is_near_floor or context.is_thrashing:
        return 0.0
    forecast = context.facts.memory_forecast
    growth_bps = sum(context.job_growth_bps(job) for job in context.facts.jobs)
    left_s = memory_left(context.facts.reading.memory, context.limits) / max(1.0, growth_bps)
    return left_s if forecast is None else min(left_s, forecast.low_s)


def urgent(context: DecisionContext) -> Why | None:
    """Why what grows must stop growing now; None where there is time."""
    limits, reading = context.limits, context.facts.reading
    forecast = context.facts.memory_forecast
    is_clear = is_memory_clear(reading.memory, limits)
    if forecast is not None and not is_clear and forecast.high_s < limits.memory_runs_out_s:
        evidence = Evidence(
            signal=Signal.FORECAST,
            value=forecast.high_s,
            threshold=limits.memory_runs_out_s,
            forecast=forecast,
        )
        return ProtectReason.MEMORY_RUNS_OUT, evidence
    if context.is_near_floor:
        return ProtectReason.MEMORY_NEAR_FLOOR, _left(context)
    if context.is_thrashing and reading.pressure and reading.pressure.memory:
        evidence = Evidence(
            signal=Signal.MEMORY_PRESSURE,
            value=reading.pressure.memory.full_avg10 or 0.0,
            threshold=THRASHING_PERCENT,
        )
        return ProtectReason.MEMORY_THRASHES, evidence
    return None


def _causes_now(context: DecisionContext) -> list[Job]:
    """Those to name: what has grown most, or grows; at the floor a size alone names the largest."""
    jobs = context.facts.jobs
    if context.knows_growth or context.is_at_floor:
        shares = context.memory_causes
        causes = [job for job in jobs if context.is_memory_cause(job)]
        causes.sort(key=lambda job: (shares[job.key], job.key), reverse=True)
        return causes if context.knows_growth else causes[:1]
    # The first megabytes of a program that has just started say nothing of what it will take.
    least = CAUSE_LEAST_GROWN * context.total_bytes
    grown = [job for job in jobs if context.unshared_bytes(job) >= least]
    fastest = max(grown, key=lambda job: (context.job_growth_bps(job), job.key), default=None)
    if fastest is None or context.job_growth_bps(fastest) < least_growth_bps(context):
        return []
    return [fastest]


def _left_alone(context: DecisionContext) -> Iterator[NamedCause]:
    """The causes that are left alone for good, the largest first.

    Below one that may be held none is named: what is done to it may be enough. Below one that is
    held, or that the system refused to hold, only those at whose own rate memory runs out all the
    same. What the person wants left alone is no news, but what stands beside it is.
    """
    is_below = False
    for job in _causes_now(context):
        if context.excluded_jobs.get(job.key) in _WANTED_SO:
            continue
        cause = _untouchable(context, job)
        if cause is not None:
            if not is_below or _runs_out_by(context, cause):
                yield cause
            continue
        is_done_with = context.active(job.key) or context.has_refused_any(job.key)
        if not (is_done_with or job.key in context.ending):
            return
        is_below = True


def _runs_out_by(context: DecisionContext, cause: NamedCause) -> bool:
    """Whether memory is used up soon at its rate alone, whatever is done to others."""
    return cause.left_s is not None and cause.left_s < context.limits.memory_runs_out_s


def _untouchable(context: DecisionContext, job: Job) -> NamedCause | None:
    """The cause with what forbids to touch it; None where it may be, or is held.

    A job of which a part may be paused is left alone all the same where the rest does the growing.
    """
    beyond = beyond_reach(context, job)
    excluded = why_not(context, job, Resource.MEMORY, EscalationStep.END)
    if not beyond:
        if context.active(job.key) or excluded is None or excluded in _PASSING:
            return None
        if why_not(context, job, Resource.MEMORY, EscalationStep.PAUSE) is None:
            return None
    growth_bps = context.job_growth_bps(job)
    left = memory_left(context.facts.reading.memory, context.limits)
    rest = not_ours(context, job)
    others = [each for each in beyond if each in rest] or rest or job.processes
    grower, is_known = _grower(context, others)
    if not (is_known or context.is_at_floor):
        return None  # at the next look it is known which of its processes grows
    own = next(each for each in workers(context, job, EscalationStep.END) if each.process == grower)
    reason = context.excluded_jobs.get(job.key) or of_job(context, job, own.excluded) or excluded
    if reason is None:
        return None
    watches = context.policy.state is ProtectState.WATCH
    largest = max(each.rss_bytes for each in job.processes)
    would_help = is_known and grower.rss_bytes >= CAUSE_BESIDE_LARGEST * largest
    may_end = would_help and not watches and anyway(context, job, (own.identity,)).job is not None
    return NamedCause(
        job_key=job.key,
        title=job.title,
        excluded=reason,
        share=context.memory_causes[job.key],
        held_bytes=context.unshared_bytes(job),
        growth_bps=growth_bps,
        pid=grower.pid,
        name=grower.name,
        process=own.identity if may_end else None,
        started=context.below(grower.pid).count,
        left_s=left / growth_bps if growth_bps >= WORTH_GROWTH_BPS else None,
    )


def _grower(
    context: DecisionContext, processes: Sequence[ProcessFacts]
) -> tuple[ProcessFacts, bool]:
    """The one that grows, else the one that has grown most, else the largest.

    Whether it is known, too: of what was seen once only it is not, unless it is one process.
    """

    def taken(process: ProcessFacts) -> tuple[float, float, int, int]:
        rate = context.growth_bps(process) or 0.0
        grows = rate if rate >= WORTH_GROWTH_BPS else 0.0
        return grows, context.grown_bytes(process), process.rss_bytes, process.pid

    most = max(processes, key=taken)
    rate, grown, *_ = taken(most)
    return most, rate + grown > 0.0 or len(processes) == 1


def _left(context: DecisionContext) -> Evidence:
    """How much is left, beside the floor."""
    return Evidence(
        signal=Signal.MEMORY_LEFT,
        value=context.available_percent,
        threshold=context.limits.memory_floor_percent,
    )


def _grows_on(context: DecisionContext) -> Why | None:
    """A job was paused a moment ago and has started new processes since, which grow.

    The evidence is of now: what spoke for the first pause may be over.
    """
    jobs = {job.key: job for job in context.facts.jobs}
    for active in context.facts.active:
        action = active.action
        if (action.step, action.resource) != (EscalationStep.PAUSE, Resource.MEMORY):
            continue
        job = jobs.get(action.job_key)
        is_new = context.now_s - active.since_s <= constants.GROWS_ON_S
        if job and is_new and context.running_growth_bps(job) >= constants.GROWS_ON_BPS:
            return ProtectReason.MEMORY_GROWS_ON, _left(context)
    return None


def _pauses(context: DecisionContext) -> list[ActiveAction]:
    return [
        active
        for active in context.facts.active
        if active.state is ActionState.HELD
        and (active.action.step, active.action.resource) == (EscalationStep.PAUSE, Resource.MEMORY)
    ]


def _is_wanted_so(choice: VictimChoice) -> bool:
    """Whether the person has said of the first taker that it is to be left as it is."""
    return any(each.excluded in _WANTED_SO for each in choice.considered[:1])


def named(considered: tuple[Candidate, ...]) -> str:
    """``code (an editor), postgres (a database)``: the first few, and why each is left alone."""
    words = (f"{each.title} ({each.excluded.sentence})" for each in considered if each.excluded)
    return ", ".join(list(dict.fromkeys(words))[:_NAMED])

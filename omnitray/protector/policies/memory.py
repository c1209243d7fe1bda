"""Memory: over the limit slow down, before it runs out pause what grows, at the floor end one.

At the floor is: 5 per cent or less available *and* no swap left to use. Pressure alone ends
nothing. Before that, what grows is paused, which takes no memory back but leaves time to answer;
a pause that has stopped the fall puts an end off by some seconds, a pause that has not does not.
"""

from omnitray.base.facts import Job, Resource
from omnitray.protector import circuit_breaker
from omnitray.protector.context import DecisionContext
from omnitray.protector.decisions import DecisionBuilder
from omnitray.protector.forecast import memory_left
from omnitray.protector.model import (
    ActionState,
    ActiveAction,
    AlarmReason,
    Candidate,
    Evidence,
    ExclusionReason,
    ProtectReason,
    Signal,
)
from omnitray.protector.policies import constants
from omnitray.protector.steps import EscalationStep
from omnitray.protector.victims import VictimChoice, choose

_WANTED_SO = {ExclusionReason.TAKEN_BACK, ExclusionReason.LEFT_ALONE}
_NAMED = 3

Why = tuple[ProtectReason, Evidence]


def step(turn: DecisionBuilder) -> None:
    """Decide about memory."""
    scene, memo = turn.scene, turn.memo
    memory = scene.facts.reading.memory
    limit = scene.limits.memory_percent
    held_s = memo.held_s("memory", turn.now_s, so=memory.used_percent >= limit)
    clear = memory.used_percent < constants.clears_under(limit)
    if memo.held_s("memory clear", turn.now_s, so=clear) >= constants.CLEAR_HOLD_S:
        memo.times.pop("tell memory", None)
    _see_pauses(turn)
    if not scene.facts.jobs:
        return
    if is_at_floor(scene) and _end(turn):
        return
    if (why := urgent(scene) or _grows_on(scene)) is not None and memo.is_due(
        "pause memory", turn.now_s, constants.NEXT_PAUSE_S
    ):
        _pause(turn, *why)
    if held_s >= scene.limits.hold_s:
        evidence = Evidence(
            signal=Signal.MEMORY, value=memory.used_percent, threshold=limit, held_s=held_s
        )
        _slow_down(turn, evidence)


def is_at_floor(scene: DecisionContext) -> bool:
    """Whether memory and swap are used up."""
    return scene.available_percent <= scene.limits.memory_floor_percent and scene.is_swap_gone


def urgent(scene: DecisionContext) -> Why | None:
    """Why what grows must stop growing now; None where there is time."""
    floor = scene.limits.memory_floor_percent
    left = Evidence(signal=Signal.MEMORY_LEFT, value=scene.available_percent, threshold=floor)
    forecast = scene.facts.memory_forecast
    over_clear = scene.facts.reading.memory.used_percent >= constants.clears_under(
        scene.limits.memory_percent
    )
    if forecast is not None and over_clear and forecast.high_s < scene.limits.memory_runs_out_s:
        evidence = Evidence(
            signal=Signal.FORECAST,
            value=forecast.high_s,
            threshold=scene.limits.memory_runs_out_s,
            forecast=forecast,
        )
        return ProtectReason.MEMORY_RUNS_OUT, evidence
    if is_near_floor(scene):
        return ProtectReason.MEMORY_NEAR_FLOOR, left
    return _thrashing(scene, floor)


def is_near_floor(scene: DecisionContext) -> bool:
    """Whether the floor is a point away, or seconds at the rate at which the jobs grow."""
    points = scene.available_percent - scene.limits.memory_floor_percent
    if not scene.is_swap_gone or points > constants.GETS_NEAR_POINTS:
        return False
    if points <= constants.NEAR_FLOOR_POINTS:
        return True
    growth_bps = sum(scene.job_growth_bps(job) for job in scene.facts.jobs)
    left = memory_left(scene.facts.reading.memory, scene.limits)
    return left < growth_bps * constants.GETS_NEAR_S


def _thrashing(scene: DecisionContext, floor: float) -> Why | None:
    """Memory is low, swap is not used up, and everything waits for it."""
    pressure = scene.facts.reading.pressure
    full = pressure.memory.full_avg10 if pressure and pressure.memory else None
    if full is None or full < constants.THRASHING or scene.available_percent > floor:
        return None
    evidence = Evidence(signal=Signal.MEMORY_PRESSURE, value=full, threshold=constants.THRASHING)
    return ProtectReason.MEMORY_THRASHES, evidence


def _grows_on(scene: DecisionContext) -> Why | None:
    """A job was paused a moment ago and has started new processes meanwhile, which grow."""
    jobs = {job.key: job for job in scene.facts.jobs}
    for active in scene.facts.active:
        action = active.action
        if (action.rung, action.resource) != (EscalationStep.PAUSE, Resource.MEMORY):
            continue
        job = jobs.get(action.job_key)
        is_new = scene.now_s - active.since_s <= constants.GROWS_ON_S
        if job and is_new and scene.job_growth_bps(job) >= constants.GROWS_ON_BPS:
            return action.reason, action.evidence
    return None


def _see_pauses(turn: DecisionBuilder) -> None:
    """Keep what was left when each pause was first seen."""
    now = turn.scene.facts.reading.memory.available_bytes
    before = turn.memo.left_at_pause
    turn.memo.left_at_pause = {
        each.action.id: before.get(each.action.id, now) for each in _pauses(turn.scene)
    }


def _pauses(scene: DecisionContext) -> list[ActiveAction]:
    return [
        active
        for active in scene.facts.active
        if active.state is ActionState.HELD
        and (active.action.rung, active.action.resource) == (EscalationStep.PAUSE, Resource.MEMORY)
    ]


def pause_may_do(turn: DecisionBuilder) -> bool:
    """Whether something was paused a moment ago and memory has stood still since."""
    memory = turn.scene.facts.reading.memory
    if turn.scene.available_percent <= turn.scene.limits.memory_floor_percent / 2:
        return False
    newest = max(_pauses(turn.scene), key=lambda each: each.since_s, default=None)
    if newest is None or turn.now_s - newest.since_s >= constants.PAUSE_SHOWS_S:
        return False
    noise = max(constants.FALLS_ON_SHARE * memory.total_bytes, constants.FALLS_ON_BYTES)
    return turn.memo.left_at_pause[newest.action.id] - memory.available_bytes < noise


def _end(turn: DecisionBuilder) -> bool:
    """End the victim; False when that must not be now."""
    scene, memo, now_s = turn.scene, turn.memo, turn.now_s
    if turn.watches and not memo.is_due("would end", now_s, constants.TELL_AGAIN_S):
        return False
    if pause_may_do(turn) or not circuit_breaker.may_end(memo.breaker, now_s):
        return False
    choice = choose(scene, Resource.MEMORY, EscalationStep.END)
    if choice.job is None:
        turn.alarm(AlarmReason.NOBODY_LEFT, named(choice.considered))
        return False
    evidence = Evidence(
        signal=Signal.MEMORY_LEFT,
        value=scene.available_percent,
        threshold=scene.limits.memory_floor_percent,
        forecast=scene.facts.memory_forecast,
    )
    end(turn, choice, choice.job, ProtectReason.MEMORY_FLOOR, evidence)
    return True


def end(
    turn: DecisionBuilder, choice: VictimChoice, job: Job, reason: ProtectReason, evidence: Evidence
) -> None:
    """Decide an end, of whatever resource's sake, and let the breaker know."""
    resource = Resource.MEMORY if reason is not ProtectReason.CPU_UNANSWERED else Resource.CPU
    below = constants.clears_under(turn.scene.limits.memory_percent)  # where it only would be ended
    action = turn.act(
        EscalationStep.END, resource, reason, evidence, choice, notify=True, restores_below=below
    )
    if turn.watches:
        turn.memo.times["would end"] = turn.now_s
        return
    memory = turn.scene.facts.reading.memory
    turn.memo.breaker = circuit_breaker.began(turn.memo.breaker, action, memory, job, turn.now_s)
    turn.withdraw(job.key)


def _pause(turn: DecisionBuilder, reason: ProtectReason, evidence: Evidence) -> None:
    choice = choose(turn.scene, Resource.MEMORY, EscalationStep.PAUSE)
    if choice.job is None:
        return
    turn.memo.times["pause memory"] = turn.now_s
    used = turn.scene.facts.reading.memory.used_percent
    turn.act(
        EscalationStep.PAUSE,
        Resource.MEMORY,
        reason,
        evidence,
        choice,
        notify=True,
        restores_below=constants.clears_under(min(used, turn.scene.limits.memory_percent)),
    )
    wait_s = turn.scene.limits.memory_end_after_s
    turn.ask(choice, Resource.MEMORY, reason, evidence, EscalationStep.END, wait_s)


def _slow_down(turn: DecisionBuilder, evidence: Evidence) -> None:
    """The heaviest job; further ones only while memory goes on falling."""
    scene, memo, now_s = turn.scene, turn.memo, turn.now_s
    slowed = any(
        (each.action.rung, each.action.resource) == (EscalationStep.SLOW_DOWN, Resource.MEMORY)
        for each in scene.facts.active
    )
    if slowed and scene.facts.memory_forecast is None:
        return
    if not memo.is_due("slow memory", now_s, constants.NEXT_MEMORY_SLOW_DOWN_S):
        return
    choice = choose(scene, Resource.MEMORY, EscalationStep.SLOW_DOWN)
    below = constants.clears_under(evidence.threshold)
    if choice.job is not None:
        memo.times["slow memory"] = now_s
        turn.act(
            EscalationStep.SLOW_DOWN,
            Resource.MEMORY,
            ProtectReason.MEMORY_OVER,
            evidence,
            choice,
            notify=True,
            restores_below=below,
        )
    elif not slowed and "tell memory" not in memo.times:
        memo.times["tell memory"] = now_s
        turn.act(
            EscalationStep.TELL,
            Resource.MEMORY,
            ProtectReason.MEMORY_OVER,
            evidence,
            choice,
            notify=not _is_wanted_so(choice),
        )


def _is_wanted_so(choice: VictimChoice) -> bool:
    """Whether the person has said of the first taker that it is to be left as it is."""
    return any(each.spared in _WANTED_SO for each in choice.considered[:1])


def named(considered: tuple[Candidate, ...]) -> str:
    """``code (an editor), postgres (a database)``: the first few, and why nobody touches them."""
    told = (f"{each.title} ({each.spared.sentence})" for each in considered if each.spared)
    return ", ".join(list(dict.fromkeys(told))[:_NAMED])

"""Disks: over the limit clean caches; before one is full, let its writer wait, then pause it."""

import msgspec

from omnitray.base.conditions import HoldTimer
from omnitray.base.facts import WORTH_WRITING_BPS, DiskFacts, Forecast, Job, Resource
from omnitray.base.policy import clears_under
from omnitray.protector.context import DecisionContext
from omnitray.protector.decisions import DecisionBuilder, ProtectorState
from omnitray.protector.model import (
    ActionState,
    Decision,
    EscalationStep,
    Evidence,
    ExclusionReason,
    ProtectReason,
    Signal,
)
from omnitray.protector.policies import constants
from omnitray.protector.victims import VictimChoice, choose, choose_in, hands_over

Why = tuple[ProtectReason, Evidence]
# Verdicts of the moment, or ones that the person has given: nothing has to be said.
_PASSING = {
    *(ExclusionReason.HELD, ExclusionReason.DYING, ExclusionReason.LITTLE, ExclusionReason.LESS),
    *(ExclusionReason.TAKEN_BACK, ExclusionReason.LEFT_ALONE, None),
}


class _Course(msgspec.Struct):
    """What is remembered of one file system."""

    free_bytes: int  # at the last change worth it
    filled_s: float = float("-inf")
    cleaned_s: float = float("-inf")
    named_s: float = float("-inf")


class DiskPolicy:
    """Cleans, slows the writer down, pauses it."""

    def __init__(self, state: ProtectorState) -> None:
        self._state = state
        self._over = HoldTimer()  # by mount
        self._courses: dict[str, _Course] = {}

    def decide(self, context: DecisionContext) -> list[Decision]:
        """What is done about disks now; whether one is in danger is for the engine too."""
        out = DecisionBuilder(context, self._state)
        self._state.disks_in_danger.clear()
        for disk in context.facts.disks:
            course = self._courses.setdefault(disk.mount, _Course(disk.free_bytes))
            self._clean(out, disk, course)
            _see_filling(course, disk, out.now_s)
            why = _danger(context, disk, course)
            if why is None:
                continue
            self._state.disks_in_danger.add(disk.mount)
            if context.facts.jobs and not _hold_writer(out, disk, *why):
                self._name_writer(out, disk, course, *why)
        return out.decisions

    def _name_writer(
        self,
        out: DecisionBuilder,
        disk: DiskFacts,
        course: _Course,
        reason: ProtectReason,
        evidence: Evidence,
    ) -> None:
        """Notify the person of what fills the disk and is left alone, and why."""
        context = out.context.of_disk(disk.mount)
        writes = any(bps >= WORTH_WRITING_BPS for bps in context.written_bps.values())
        held = any(each.action.mount == disk.mount for each in context.facts.active)
        if not writes or held or out.now_s - course.named_s < constants.TELL_AGAIN_S:
            return
        considered = choose(context, Resource.DISK, EscalationStep.PAUSE).considered
        takers = [each for each in considered if each.excluded not in _PASSING]
        if not takers or (takers[0].write_bps or 0.0) < WORTH_WRITING_BPS:
            return
        course.named_s = out.now_s
        nobody = VictimChoice(job=None, considered=tuple(takers))
        step, resource = EscalationStep.TELL, Resource.DISK
        out.act(step, resource, reason, evidence, nobody, notify=True, mount=disk.mount)

    def _clean(self, out: DecisionBuilder, disk: DiskFacts, course: _Course) -> None:
        limit = out.context.policy.disk_clean_percent
        over = disk.used_percent >= limit
        held_s = self._over.true_for(disk.mount, out.now_s, condition=over)
        if held_s < out.context.limits.hold_s:
            return
        if out.now_s - course.cleaned_s >= constants.CLEAN_AGAIN_S:
            course.cleaned_s = out.now_s
            evidence = Evidence(
                signal=Signal.DISK, value=disk.used_percent, threshold=limit, held_s=held_s
            )
            out.clean(disk.mount, evidence)


def _danger(context: DecisionContext, disk: DiskFacts, course: _Course) -> Why | None:
    policy, forecast = context.policy, _forecast(context, disk)
    if forecast is not None and forecast.high_s < policy.disk_runs_out_s:
        evidence = Evidence(
            signal=Signal.FORECAST,
            value=forecast.high_s,
            threshold=policy.disk_runs_out_s,
            forecast=forecast,
        )
        return ProtectReason.DISK_RUNS_OUT, evidence
    fills = context.now_s - course.filled_s < constants.DISK_STILL_FILLS_S
    if disk.used_percent < policy.disk_danger_percent or not fills:
        return None
    evidence = Evidence(
        signal=Signal.DISK, value=disk.used_percent, threshold=policy.disk_danger_percent
    )
    return ProtectReason.DISK_NEARLY_FULL, evidence


def _see_filling(course: _Course, disk: DiskFacts, now_s: float) -> None:
    """Notice that a disk gets less free; one that is just nearly full has no writer to hold."""
    if course.free_bytes - disk.free_bytes >= constants.DISK_WORTH_BYTES:
        course.filled_s = now_s
    elif disk.free_bytes <= course.free_bytes:
        return
    course.free_bytes = disk.free_bytes


def _forecast(context: DecisionContext, disk: DiskFacts) -> Forecast | None:
    forecasts = context.facts.disk_forecasts
    return next((each for each in forecasts if each.mount == disk.mount), None)


def _hold_writer(
    out: DecisionBuilder, disk: DiskFacts, reason: ProtectReason, evidence: Evidence
) -> bool:
    """First its writing waits for all other writing; if that is not enough, it is paused.

    Whether something was done or asked, or will be.
    """
    below = clears_under(min(disk.used_percent, out.context.policy.disk_danger_percent))
    forecast = evidence.forecast
    no_time = forecast is not None and forecast.high_s < constants.DISK_NO_TIME_S
    context = out.context.of_disk(disk.mount)
    choice = (
        VictimChoice(job=None)
        if no_time
        else choose(context, Resource.DISK, EscalationStep.SLOW_DOWN)
    )
    step = EscalationStep.SLOW_DOWN
    if choice.job is None:
        choice, step = _to_pause(context, disk, no_time=no_time), EscalationStep.PAUSE
    if choice.job is None:
        return False
    if step is EscalationStep.PAUSE:
        lasts_s = float("inf") if forecast is None else forecast.low_s
        if hands_over(out.context, choice) and lasts_s > constants.ASKS_FIRST_S:
            out.ask_first(choice, Resource.DISK, reason, evidence, disk.mount)
            return True
        out.no_time_to_ask(choice.job.key)
    out.act(
        step,
        Resource.DISK,
        reason,
        evidence,
        choice,
        notify=True,
        restores_below=below,
        mount=disk.mount,
    )
    if step is EscalationStep.PAUSE:
        out.ask(
            choice, Resource.DISK, reason, evidence, EscalationStep.PAUSE, 0.0, mount=disk.mount
        )
    return True


def _to_pause(context: DecisionContext, disk: DiskFacts, *, no_time: bool) -> VictimChoice:
    """The heaviest writer, if it was slowed down long enough and would fill the disk soon."""
    if no_time:
        return choose(context, Resource.DISK, EscalationStep.PAUSE)
    for active in context.facts.active:
        action = active.action
        if active.state not in {ActionState.HELD, ActionState.WATCHED}:
            continue
        if (action.step, action.mount) != (EscalationStep.SLOW_DOWN, disk.mount):
            continue
        if context.now_s - active.since_s < constants.DISK_SLOWED_FOR_S:
            continue
        choice = choose_in(context, action.job_key, Resource.DISK, EscalationStep.PAUSE)
        if choice.job is not None and _fills_soon(context, disk, choice.job):
            return choice
    return VictimChoice(job=None)


def _fills_soon(context: DecisionContext, disk: DiskFacts, job: Job) -> bool:
    bps = context.written_bps.get(job.key, 0.0)
    return disk.free_bytes < bps * constants.DISK_FILLED_WITHIN_S

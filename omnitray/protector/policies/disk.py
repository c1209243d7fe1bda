"""Disks: over the limit clean caches; before one is full, let its writer wait, then pause it."""

from omnitray.base.facts import DiskFacts, Job, Resource
from omnitray.base.readings import Forecast
from omnitray.protector.context import DecisionContext
from omnitray.protector.decisions import DecisionBuilder
from omnitray.protector.model import ActionState, Evidence, ProtectReason, Signal
from omnitray.protector.policies import constants
from omnitray.protector.steps import EscalationStep
from omnitray.protector.victims import VictimChoice, choose, choose_in

Why = tuple[ProtectReason, Evidence]


def step(turn: DecisionBuilder) -> None:
    """Decide about disks."""
    turn.memo.disk_in_danger = False
    for disk in turn.scene.facts.disks:
        _clean(turn, disk)
        _see_filling(turn, disk)
        why = _danger(turn, disk)
        turn.memo.disk_in_danger |= why is not None
        if why is not None and turn.scene.facts.jobs:
            _hold_writer(turn, disk, *why)


def _clean(turn: DecisionBuilder, disk: DiskFacts) -> None:
    limit = turn.scene.policy.disk_clean_percent
    over = disk.used_percent >= limit
    held_s = turn.memo.held_s(f"disk {disk.mount}", turn.now_s, so=over)
    key = f"clean {disk.mount}"
    if held_s < turn.scene.limits.hold_s:
        return
    if turn.memo.is_due(key, turn.now_s, constants.CLEAN_AGAIN_S):
        turn.memo.times[key] = turn.now_s
        evidence = Evidence(
            signal=Signal.DISK, value=disk.used_percent, threshold=limit, held_s=held_s
        )
        turn.clean(disk.mount, evidence)


def _danger(turn: DecisionBuilder, disk: DiskFacts) -> Why | None:
    forecast = _forecast(turn, disk)
    policy = turn.scene.policy
    if forecast is not None and forecast.high_s < policy.disk_runs_out_s:
        evidence = Evidence(
            signal=Signal.FORECAST,
            value=forecast.high_s,
            threshold=policy.disk_runs_out_s,
            forecast=forecast,
        )
        return ProtectReason.DISK_RUNS_OUT, evidence
    if disk.used_percent < policy.disk_danger_percent or not _fills(turn, disk):
        return None
    evidence = Evidence(
        signal=Signal.DISK, value=disk.used_percent, threshold=policy.disk_danger_percent
    )
    return ProtectReason.DISK_NEARLY_FULL, evidence


def _see_filling(turn: DecisionBuilder, disk: DiskFacts) -> None:
    """Notice that a disk gets less free; one that is just nearly full has no writer to hold."""
    memo = turn.memo
    before = memo.disk_free.setdefault(disk.mount, disk.free_bytes)
    if before - disk.free_bytes >= constants.DISK_WORTH_BYTES:
        memo.times[f"fills {disk.mount}"] = turn.now_s
    elif disk.free_bytes <= before:
        return
    memo.disk_free[disk.mount] = disk.free_bytes


def _fills(turn: DecisionBuilder, disk: DiskFacts) -> bool:
    return not turn.memo.is_due(f"fills {disk.mount}", turn.now_s, constants.DISK_STILL_FILLS_S)


def _forecast(turn: DecisionBuilder, disk: DiskFacts) -> Forecast | None:
    forecasts = turn.scene.facts.disk_forecasts
    return next((each for each in forecasts if each.mount == disk.mount), None)


def _hold_writer(
    turn: DecisionBuilder, disk: DiskFacts, reason: ProtectReason, evidence: Evidence
) -> None:
    """First its writing waits for everybody else's; if that is not enough, it is paused."""
    below = constants.clears_under(min(disk.used_percent, turn.scene.policy.disk_danger_percent))
    forecast = evidence.forecast
    no_time = forecast is not None and forecast.high_s < constants.DISK_NO_TIME_S
    scene = turn.scene.of_disk(disk.mount)
    choice = (
        VictimChoice(job=None)
        if no_time
        else choose(scene, Resource.DISK, EscalationStep.SLOW_DOWN)
    )
    rung = EscalationStep.SLOW_DOWN
    if choice.job is None:
        choice, rung = _to_pause(scene, disk, no_time=no_time), EscalationStep.PAUSE
    if choice.job is None:
        return
    turn.act(
        rung,
        Resource.DISK,
        reason,
        evidence,
        choice,
        notify=True,
        restores_below=below,
        mount=disk.mount,
    )
    if rung is EscalationStep.PAUSE:
        turn.ask(choice, Resource.DISK, reason, evidence, EscalationStep.PAUSE, 0.0)


def _to_pause(scene: DecisionContext, disk: DiskFacts, *, no_time: bool) -> VictimChoice:
    """The heaviest writer, if it was slowed down long enough and would fill the disk soon."""
    if no_time:
        return choose(scene, Resource.DISK, EscalationStep.PAUSE)
    for active in scene.facts.active:
        action = active.action
        if active.state not in {ActionState.HELD, ActionState.WATCHED}:
            continue
        if (action.rung, action.mount) != (EscalationStep.SLOW_DOWN, disk.mount):
            continue
        if scene.now_s - active.since_s < constants.DISK_SLOWED_FOR_S:
            continue
        choice = choose_in(scene, action.job_key, Resource.DISK, EscalationStep.PAUSE)
        if choice.job is not None and _fills_soon(scene, disk, choice.job):
            return choice
    return VictimChoice(job=None)


def _fills_soon(scene: DecisionContext, disk: DiskFacts, job: Job) -> bool:
    bps = scene.written_bps.get(job.key, 0.0)
    return disk.free_bytes < bps * constants.DISK_FILLED_WITHIN_S

"""Giving back: when there is enough again, when the person says so, when it is switched off."""

from omnitray.base.facts import Resource
from omnitray.protector.context import DecisionContext
from omnitray.protector.decisions import DecisionBuilder
from omnitray.protector.model import Action, ActionState, ActiveAction, ProtectReason, RestoreReason
from omnitray.protector.policies import constants
from omnitray.protector.steps import EscalationStep

_RESTORABLE = {ActionState.HELD, ActionState.WATCHED}


def step(turn: DecisionBuilder) -> None:
    """Give back what has been under its line for long enough; of pauses one at a time."""
    for active in sorted(_restorable(turn.scene), key=lambda each: -each.since_s):
        action = active.action
        if action.job_key in turn.memo.kept:
            continue
        so = has_enough(turn.scene, action)
        clear_s = turn.memo.held_s(f"clear {action.id}", turn.now_s, so=so)
        if clear_s < constants.CLEAR_HOLD_S:
            continue
        if action.rung is EscalationStep.PAUSE:
            if not turn.memo.is_due("resumed", turn.now_s, constants.CLEAR_HOLD_S):
                continue
            turn.memo.times["resumed"] = turn.now_s
        turn.restore(action.id, RestoreReason.RELIEVED)


def other_state(turn: DecisionBuilder) -> None:
    """Who only watches holds nothing and asks nothing; who acts has to act for the first time."""
    if turn.watches:
        _give_back(turn, ActionState.HELD, RestoreReason.WATCHES)
        for job_key in list(turn.memo.questions):
            turn.withdraw(job_key)
    else:
        _give_back(turn, ActionState.WATCHED, RestoreReason.ARMED)


def unanswered(turn: DecisionBuilder) -> None:
    """Nobody's silence pauses anything in this mode: what was paused for it goes on."""
    for active in turn.scene.facts.active:
        action = active.action
        if (action.rung, action.reason) == (EscalationStep.PAUSE, ProtectReason.CPU_STARVES):
            job(turn, action.job_key, RestoreReason.MODE, EscalationStep.PAUSE)


def everything(turn: DecisionBuilder, reason: RestoreReason) -> None:
    """Give everything back and ask nothing any more; what was paused first."""
    for active in sorted(
        _restorable(turn.scene), key=lambda each: each.action.rung is not EscalationStep.PAUSE
    ):
        turn.restore(active.action.id, reason)
    for job_key in list(turn.memo.questions):
        turn.withdraw(job_key)


def _give_back(turn: DecisionBuilder, state: ActionState, reason: RestoreReason) -> None:
    for active in turn.scene.facts.active:
        if active.state is state:
            turn.restore(active.action.id, reason)


def job(
    turn: DecisionBuilder, job_key: str, reason: RestoreReason, rung: EscalationStep | None = None
) -> None:
    """Give a job back, or one rung of it."""
    for active in turn.scene.active(job_key, rung):
        if active.state in _RESTORABLE:
            turn.restore(active.action.id, reason)


def has_enough(scene: DecisionContext, action: Action) -> bool:
    """Whether there is enough of what it was done for, so that it may be given back."""
    value, line = value_of(scene, action), _line(scene, action)
    return value is not None and line is not None and value < line


def _line(scene: DecisionContext, action: Action) -> float | None:
    """The per cent under which it is given back; lower where the limit has become lower."""
    if action.restores_below is None or action.resource is Resource.DISK:
        return action.restores_below
    limits = scene.limits
    is_cpu = action.resource is Resource.CPU
    limit = limits.cpu_percent if is_cpu else limits.memory_percent
    now = constants.clears_under(limit)
    return now if action.rung is EscalationStep.SLOW_DOWN else min(action.restores_below, now)


def value_of(scene: DecisionContext, action: Action) -> float | None:
    """The per cent that the action's line is compared with; None when it cannot be told."""
    if action.resource is Resource.CPU:
        return scene.facts.reading.cpu_percent
    if action.resource is Resource.MEMORY:
        return scene.facts.reading.memory.used_percent
    disks = scene.facts.disks
    gone = 0.0 if disks else None  # nothing is known of any, or this one was taken out
    return next((disk.used_percent for disk in disks if disk.mount == action.mount), gone)


def _restorable(scene: DecisionContext) -> list[ActiveAction]:
    return [each for each in scene.facts.active if each.state in _RESTORABLE]

"""Giving back: when there is enough again, when the person says so, when it is switched off."""

from omnitray.core.deciding import ladder
from omnitray.core.deciding.identity import Rung
from omnitray.core.deciding.protect_reasons import RestoreReason
from omnitray.core.deciding.protection import Action, ActionState, ActiveAction
from omnitray.core.deciding.scene import Scene
from omnitray.core.deciding.turn import Turn
from omnitray.core.facts import Resource

_RESTORABLE = {ActionState.HELD, ActionState.WATCHED}


def step(turn: Turn) -> None:
    """Give back what has been under its line for long enough; of pauses one at a time."""
    for active in sorted(_restorable(turn.scene), key=lambda each: -each.since_s):
        action = active.action
        value = value_of(turn.scene, action)
        line = action.restores_below
        if line is None or action.job_key in turn.memo.kept:
            continue
        so = value is not None and value < line
        clear_s = turn.memo.held_s(f"clear {action.id}", turn.now_s, so=so)
        if clear_s < ladder.CLEAR_HOLD_S:
            continue
        if action.rung is Rung.PAUSE:
            if not turn.memo.is_due("resumed", turn.now_s, ladder.CLEAR_HOLD_S):
                continue
            turn.memo.times["resumed"] = turn.now_s
        turn.restore(action.id, RestoreReason.RELIEVED)


def everything(turn: Turn, reason: RestoreReason) -> None:
    """Give everything back and ask nothing any more; what was paused first."""
    for active in sorted(
        _restorable(turn.scene), key=lambda each: each.action.rung is not Rung.PAUSE
    ):
        turn.restore(active.action.id, reason)
    for job_key in list(turn.memo.questions):
        turn.withdraw(job_key)


def job(turn: Turn, job_key: str, reason: RestoreReason, rung: Rung | None = None) -> None:
    """Give a job back, or one rung of it."""
    for active in turn.scene.active(job_key, rung):
        if active.state in _RESTORABLE:
            turn.restore(active.action.id, reason)


def value_of(scene: Scene, action: Action) -> float | None:
    """The per cent that the action's line is compared with; None when it cannot be told."""
    if action.resource is Resource.CPU:
        return scene.facts.reading.cpu_percent
    if action.resource is Resource.MEMORY:
        return scene.facts.reading.memory.used_percent
    disks = scene.facts.disks
    return next((disk.used_percent for disk in disks if disk.mount == action.mount), None)


def _restorable(scene: Scene) -> list[ActiveAction]:
    return [each for each in scene.facts.active if each.state in _RESTORABLE]

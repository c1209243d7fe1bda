"""Giving back: when there is enough again, when the person says so, when it is switched off."""

from omnitray.base.conditions import HoldTimer
from omnitray.protector.context import DecisionContext
from omnitray.protector.decisions import RESTORABLE, DecisionBuilder, ProtectorState
from omnitray.protector.model import (
    ActionState,
    ActiveAction,
    Decision,
    EscalationStep,
    ExclusionReason,
    RestoreReason,
)
from omnitray.protector.policies import constants


class RestorePolicy:
    """Takes back what has been under its line for long enough; of pauses one at a time."""

    def __init__(self, state: ProtectorState) -> None:
        self._state = state
        self._clear = HoldTimer()  # by action
        self._resumed_s = float("-inf")

    def decide(self, context: DecisionContext) -> list[Decision]:
        """The actions to undo now."""
        out = DecisionBuilder(context, self._state)
        restorable = [each for each in context.facts.active if each.state in RESTORABLE]
        self._on_state_change(out)
        self._clear.keep({each.action.id for each in restorable})
        for active in sorted(restorable, key=lambda each: -each.since_s):
            if _is_forbidden_now(context, active):
                out.restore(active.action.id, RestoreReason.PROTECTED_NOW)
            elif active.action.job_key not in self._state.kept:
                self._relieve(out, active)
        return out.decisions

    def _relieve(self, out: DecisionBuilder, active: ActiveAction) -> None:
        """Undo a pause that was made in parts as one, when there is enough for each."""
        action, now_s = active.action, out.now_s
        if active.action.id in self._state.restoring:
            return
        parts = [active]
        if action.step is EscalationStep.PAUSE:
            parts = [*out.context.active(action.job_key, action.step, action.resource)] or parts
        enough = all(out.context.has_enough(each.action) for each in parts)
        clear_s = self._clear.true_for(action.id, now_s, condition=enough)
        if clear_s < constants.CLEAR_HOLD_S:
            return
        if action.step is EscalationStep.PAUSE:
            if now_s - self._resumed_s < constants.CLEAR_HOLD_S:
                return
            self._resumed_s = now_s
        for each in parts:
            out.restore(each.action.id, RestoreReason.RELIEVED)

    def _on_state_change(self, out: DecisionBuilder) -> None:
        """Watching holds nothing and asks nothing; acting has to act for the first time."""
        if out.watches:
            self._give_back(out, ActionState.HELD, RestoreReason.WATCHES)
            for job_key in list(self._state.questions):
                out.withdraw(job_key)
        else:
            self._give_back(out, ActionState.WATCHED, RestoreReason.ARMED)

    def _give_back(self, out: DecisionBuilder, state: ActionState, reason: RestoreReason) -> None:
        for active in out.context.facts.active:
            if active.state is state:
                out.restore(active.action.id, reason)


def _is_forbidden_now(context: DecisionContext, active: ActiveAction) -> bool:
    """Whether the person has put all that is held on their list since, or a rule forbids it now."""
    job = next((each for each in context.all_jobs if each.key == active.action.job_key), None)
    if job is None:
        return False
    held = {(each.pid, each.start_ticks) for each in active.action.targets}
    verdicts = [
        context.exclusion(each, job) is ExclusionReason.PERSON
        or active.action.step in context.forbidden(each, job)
        for each in job.processes
        if (each.pid, each.start_ticks) in held
    ]
    return bool(verdicts) and all(verdicts)


def switch_off(context: DecisionContext, state: ProtectorState) -> list[Decision]:
    """Give everything back, what is paused first; no question stays open."""
    out = DecisionBuilder(context, state)
    restorable = [each for each in context.facts.active if each.state in RESTORABLE]
    for active in sorted(restorable, key=lambda each: each.action.step is not EscalationStep.PAUSE):
        out.restore(active.action.id, RestoreReason.SWITCHED_OFF)
    for job_key in list(state.questions):
        out.withdraw(job_key)
    return out.decisions

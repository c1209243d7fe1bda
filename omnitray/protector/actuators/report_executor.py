"""Carries out what the protector decides, and reports back in the facts that it decides from.

    decisions  →  ``carry_out``  →  ``active``, ``take_ended`` and ``take_let_run``  →  ``Facts``

It pulls no lever itself (``actions.py`` does) and asks nobody: questions, alarms and cleaning are
for others. One thread.
"""

from collections.abc import Iterable

from omnitray.base.clock import Clock
from omnitray.protector import model
from omnitray.protector.actuators.executor import Actions
from omnitray.protector.actuators.results import (
    Outcome,
    Performed,
    Step,
    TakenBack,
    Who,
    is_lever_of,
    order_for,
)
from omnitray.protector.identity import Rung
from omnitray.protector.model import (
    Action,
    ActionState,
    ActiveAction,
    Decision,
    EndOutcome,
    Restore,
)

FAILED_FOR_S = 60.0  # so long a failed action is reported, that it is not decided again at once
_TOUCHING = (Rung.SLOW_DOWN, Rung.PAUSE, Rung.END)


class Executor:
    """Keeps what was handed out in step with what is really in force."""

    def __init__(self, actions: Actions, clock: Clock) -> None:
        self._actions = actions
        self._clock = clock
        self._active: dict[str, ActiveAction] = {}
        self._ended: list[EndOutcome] = []
        self._let_run: list[model.TakenBack] = []

    def carry_out(
        self, decisions: Iterable[Decision]
    ) -> tuple[tuple[Performed, ...], tuple[TakenBack, ...]]:
        """Do and undo, in the order of the decisions."""
        done: list[Performed] = []
        undone: list[TakenBack] = []
        for decision in decisions:
            if isinstance(decision, Action) and decision.rung in _TOUCHING:
                done += self._do(decision)
            elif isinstance(decision, Restore):
                undone += self.undo(decision.action_id, decision.reason, Who.PROTECTOR)
        return tuple(done), tuple(undone)

    def undo(self, action_id: str, reason: str, who: Who = Who.PERSON) -> tuple[TakenBack, ...]:
        """Take one action back."""
        undone = self._actions.undo(action_id, reason, who)
        if all(each.outcome is not Outcome.FAILED for each in undone):
            self._active.pop(action_id, None)
        return undone

    def undo_all(self, reason: str, who: Who = Who.PROTECTOR) -> tuple[TakenBack, ...]:
        """Take everything back."""
        undone = self._actions.undo_all(reason, who)
        failed = {each.action_id for each in undone if each.outcome is Outcome.FAILED}
        self._active = {key: each for key, each in self._active.items() if key in failed}
        return undone

    def look(self, *, hurry: bool = False) -> Step:
        """Look after what is in force; to be called when ``Step.next_s`` has passed."""
        step = self._actions.step(hurry=hurry)
        now = self._clock.monotonic()
        for end in step.ended:
            outcome = EndOutcome(action_id=end.action_id, at_s=now, survived=end.survived)
            self._ended.append(outcome)
            self._active.pop(end.action_id, None)
        for lever_id in step.let_run:
            paused = (key for key in self._active if is_lever_of(key, lever_id))
            self._let_run += [_let_run(self._active[key].action) for key in paused]
        for lever_id in step.gone:
            self._drop_if_over(lever_id)
        self._active = {key: each for key, each in self._active.items() if _is_told(each, now)}
        return step

    def active(self) -> tuple[ActiveAction, ...]:
        """For ``Facts.active``."""
        return tuple(self._active.values())

    def take_ended(self) -> tuple[EndOutcome, ...]:
        """For ``Facts.ended``: the ends that were over since the last call."""
        ended, self._ended = tuple(self._ended), []
        return ended

    def take_let_run(self) -> tuple[model.TakenBack, ...]:
        """For ``Facts.taken_back``: the pauses that somebody else has ended since the last call."""
        let_run, self._let_run = tuple(self._let_run), []
        return let_run

    def _do(self, action: Action) -> tuple[Performed, ...]:
        done = self._actions.perform(order_for(action))
        self._active[action.id] = ActiveAction(
            action=action,
            state=_state(action, done),
            since_s=self._clock.monotonic(),
            note="; ".join(note for each in done for note in each.notes),
        )
        return done

    def _drop_if_over(self, lever_id: str) -> None:
        """An action is over with its last lever."""
        over = [key for key in self._active if is_lever_of(key, lever_id)]
        left = [active.action_id for active in self._actions.active()]
        for action_id in over:
            if not any(is_lever_of(action_id, each) for each in left):
                del self._active[action_id]


def _state(action: Action, done: tuple[Performed, ...]) -> ActionState:
    if action.dry_run:
        return ActionState.WATCHED
    if all(each.outcome is Outcome.FAILED for each in done):
        return ActionState.FAILED
    return ActionState.ENDING if action.rung is Rung.END else ActionState.HELD


def _let_run(action: Action) -> model.TakenBack:
    return model.TakenBack(job_key=action.job_key, rung=action.rung)


def _is_told(active: ActiveAction, now_s: float) -> bool:
    return active.state is not ActionState.FAILED or now_s - active.since_s < FAILED_FOR_S

"""What the API asks of the protector, and how it hears of it."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest

from omnitray.api import facade, wire
from omnitray.cleanup.facts import CleanPlan
from omnitray.protector.actuators.results import ActuationOutcome, UndoResult
from omnitray.protector.model import ActuatorKind
from omnitray.protector.view import ActionFeedback
from omnitray.runtime.cleaning import Cleaned
from omnitray.runtime.protection_commands import ProtectCommands
from omnitray.runtime.protection_worker import Engine

PLAN = CleanPlan(made_at=0.0, used_percent=90.0, target_percent=75.0)


class Protector:
    """Answers each question with what the test says."""

    def __init__(self) -> None:
        self.undone: tuple[UndoResult, ...] = ()
        self.answer: ActionFeedback | None = None
        self.problem: Exception | None = None

    def ask(self, _ask: Callable[[Engine], Any]) -> "Future[Any]":
        return self._answered(self.answer or self.undone)

    def clean(self, *, dry_run: bool) -> "Future[Cleaned]":  # noqa: ARG002 - a seam's signature
        return self._answered(Cleaned(mount="/", plan=PLAN))

    def _answered(self, value: object) -> "Future[Any]":
        future: Future[Any] = Future()
        if self.problem is not None:
            future.set_exception(self.problem)
        else:
            future.set_result(value)
        return future


@pytest.fixture
def protector() -> Protector:
    return Protector()


def carried_out(protector: Protector, command: facade.Command[Any]) -> "Future[wire.Done]":
    return ProtectCommands(protector.ask, protector.clean).carry_out(command)


def test_an_action_that_is_not_in_force_is_not_found(protector: Protector) -> None:
    refused = carried_out(protector, facade.Undo(action_id="r-1")).exception(0)
    assert isinstance(refused, facade.CommandRefused)
    assert refused.refusal is facade.Refusal.NOT_FOUND


def test_to_undo_nothing_is_done_at_once(protector: Protector) -> None:
    assert carried_out(protector, facade.UndoAll()).result(0) == wire.Done(done=())


@pytest.mark.parametrize("command", [facade.Undo(action_id="r-1"), facade.UndoAll()])
@pytest.mark.parametrize("outcome", [ActuationOutcome.FAILED, ActuationOutcome.ONE_WAY])
def test_what_could_not_be_undone_is_refused_with_what_became_of_each(
    protector: Protector, command: facade.Command[Any], outcome: ActuationOutcome
) -> None:
    kept = UndoResult(
        action_id="r-1",
        title="hog",
        lever=ActuatorKind.NICE,
        outcome=outcome,
        notes=("the nice value needs privilege",),
    )
    back = UndoResult(
        action_id="r-2", title="burn", lever=ActuatorKind.STOP, outcome=ActuationOutcome.RESTORED
    )
    protector.undone = (back,)
    assert carried_out(protector, command).result(0).done == ("burn: restored",)
    protector.undone = (kept, back)
    refused = carried_out(protector, command).exception(0)
    assert isinstance(refused, facade.CommandRefused)
    assert "the nice value needs privilege; burn: restored" in str(refused)


@pytest.mark.parametrize("feedback", [True, False])
def test_a_reply_is_refused_where_what_was_asked_for_is_not_so(
    protector: Protector, *, feedback: bool
) -> None:
    told = ActionFeedback(sentence="hog could not be paused.", done=feedback, action_id="r-1")
    protector.answer = told
    commands = ProtectCommands(protector.ask, protector.clean)
    outcome = commands.replied(lambda _: told)
    if feedback:
        assert outcome.result(0).done == ("hog could not be paused.",)
    else:
        assert str(outcome.exception(0)) == "hog could not be paused."


@pytest.mark.parametrize("command", [facade.UndoAll(), facade.Clean(dry_run=True)])
def test_what_cannot_be_done_now_is_refused_with_the_reason(
    protector: Protector, command: facade.Command[Any]
) -> None:
    protector.problem = RuntimeError("the protector does not run")
    refused = carried_out(protector, command).exception(0)
    assert isinstance(refused, facade.CommandRefused)
    assert refused.refusal is facade.Refusal.NOT_NOW
    assert "the protector does not run" in str(refused)


def test_a_look_at_what_could_be_cleaned_says_that_nothing_was(protector: Protector) -> None:
    assert carried_out(protector, facade.Clean(dry_run=True)).result(0).dry_run


def test_what_is_not_known_here_is_refused(protector: Protector) -> None:
    with pytest.raises(facade.CommandRefused):
        carried_out(protector, facade.Acknowledge(alert_id="a"))

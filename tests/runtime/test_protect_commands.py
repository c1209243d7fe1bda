"""What the API asks of the protector, and how it hears of it."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest

from omnitray.api import facade, wire
from omnitray.cleanup.facts import CleanPlan
from omnitray.protector.actuators.results import UndoResult
from omnitray.runtime.cleaning import Cleaned
from omnitray.runtime.protection_commands import ProtectCommands
from omnitray.runtime.protection_worker import Engine

PLAN = CleanPlan(made_at=0.0, used_percent=90.0, target_percent=75.0)


class Protector:
    """Answers each question with what the test says."""

    def __init__(self) -> None:
        self.undone: tuple[UndoResult, ...] = ()
        self.problem: Exception | None = None

    def ask(self, _ask: Callable[[Engine], Any]) -> "Future[Any]":
        return self._answered(self.undone)

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

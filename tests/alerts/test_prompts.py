"""A question goes to the desktop by the rules of every other notification."""

import msgspec
import pytest

from omnitray.alerts.decision import Reason
from omnitray.alerts.system import Prompt
from omnitray.base.facts import AlertChannel, Severity
from omnitray.base.policy import AlertPolicy
from support.alerting import World

QUESTION = Prompt(
    id="q1", title="pytest: what shall be done?", body="It is paused.", buttons=(("pause", "Keep"),)
)


def shown(world: World) -> list[tuple[str, bool]]:
    """Slots shown (True) and taken back (False), in their order."""
    return [(decision.slot, decision.notify) for _, decision in world.sink.got]


@pytest.fixture
def world() -> World:
    return World()


def test_a_question_is_shown_with_its_buttons_and_taken_back(world: World) -> None:
    assert world.alerts.ask(QUESTION) is Reason.NEW
    ((_, decision),) = world.sink.got
    assert decision.channels == (AlertChannel.DESKTOP,)  # no record, no feed: it is no alert
    assert decision.buttons == QUESTION.buttons
    world.alerts.withdraw("q1")
    assert shown(world) == [("q1", True), ("q1", False)]
    assert world.alerts.open_alerts() == ()


def test_with_notifications_off_it_is_not_shown_until_they_are_on(world: World) -> None:
    world.alerts.set_policy(AlertPolicy(enabled=False))
    assert world.alerts.ask(QUESTION) is Reason.DISABLED
    assert shown(world) == []
    world.alerts.set_policy(AlertPolicy())
    assert shown(world) == [("q1", True)]


def test_a_pause_of_all_notifications_holds_it_back_until_its_end(world: World) -> None:
    world.alerts.snooze(900)
    assert world.alerts.ask(QUESTION) is Reason.SNOOZED
    world.clock.advance(899)
    world.alerts.tick()
    assert shown(world) == []
    assert world.alerts.next_delay_s() == pytest.approx(1.0)
    world.clock.advance(1)
    world.alerts.tick()
    assert shown(world) == [("q1", True)]


def test_ending_the_pause_shows_what_still_stands_and_nothing_else(world: World) -> None:
    world.alerts.snooze(900)
    world.alerts.ask(QUESTION)
    world.alerts.ask(msgspec.structs.replace(QUESTION, id="q2"))
    world.alerts.withdraw("q1")
    world.alerts.unsnooze()
    assert shown(world) == [("q2", True)]


def test_one_that_is_below_what_is_notified_of_is_not_shown(world: World) -> None:
    world.alerts.set_policy(AlertPolicy(notify_from=Severity.CRITICAL))
    mild = msgspec.structs.replace(QUESTION, severity=Severity.WARNING)
    assert world.alerts.ask(mild) is Reason.BELOW_THRESHOLD
    assert shown(world) == []

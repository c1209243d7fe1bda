from typing import Any, cast

import pytest
from hypothesis import stateful
from hypothesis import strategies as st

from omnitray.alerts.channels.desktop_fdo import (
    MAX_IN_FLIGHT,
    MAX_INCIDENTS,
    MOST_CLICKS_PER_S,
    FdoNotifier,
)
from omnitray.alerts.channels.notification import CloseReason, Notification, Response
from omnitray.base.dbus import BusReply, SessionBus
from support.clock import FakeClock
from support.fake_bus import FakeBus


class Desk:
    """A notifier on a fake bus, and what it has said."""

    def __init__(self, *, served: bool = True) -> None:
        self.bus = FakeBus(served=served)
        self.clock = FakeClock()
        self.responses: list[Response] = []
        self.closed: list[tuple[str, CloseReason]] = []
        self.failed: list[str] = []
        self.notifier = FdoNotifier(
            cast("SessionBus", self.bus),
            on_response=self.responses.append,
            on_closed=lambda alert_id, reason: self.closed.append((alert_id, reason)),
            on_failed=lambda notification: self.failed.append(notification.title),
            clock=self.clock,
        )

    def show(self, alert_id: str, title: str = "", slot: str = "") -> bool:
        return self.notifier.show(
            Notification(alert_id=alert_id, title=title or alert_id, slot=slot)
        )


@pytest.fixture
def desk() -> Desk:
    ready = Desk()
    ready.bus.deliver_all()
    return ready


def test_what_comes_before_the_capabilities_are_known_waits_for_them() -> None:
    desk = Desk()
    assert desk.show("a")
    assert desk.bus.titles == []
    desk.bus.deliver_all()
    assert desk.bus.titles == ["a"]


WRONG: tuple[tuple[Any, ...], ...] = (
    (), ("7",), (None,), ([],), ({},), (-1.5,), (b"7",), (True,), (("u", 7),),
)  # fmt: skip


@pytest.mark.parametrize("body", WRONG)
def test_a_service_that_answers_wrong_types_is_one_that_refuses(
    desk: Desk, body: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk.bus, "_answered", lambda *_: BusReply(error=None, body=body))
    desk.show("a")
    desk.bus.deliver_all()
    assert desk.failed == ["a"]
    assert "something else" in desk.notifier.trouble
    new = Desk(served=False)
    monkeypatch.setattr(new.bus, "_answered", lambda *_: BusReply(error=None, body=body))
    new.bus.come()
    new.show("b")
    new.bus.deliver_all()
    assert new.notifier.capabilities == frozenset()


@pytest.mark.parametrize("body", [*WRONG, (1,), (1, 7), (1, "x", "y"), ("1", "default")])
@pytest.mark.parametrize("member", ["ActionInvoked", "NotificationClosed", "ActivationToken"])
def test_a_signal_of_wrong_types_is_nothing(desk: Desk, member: str, body: tuple[Any, ...]) -> None:
    desk.show("a")
    desk.bus.deliver_all()
    if (member, body) != ("NotificationClosed", (1, 7)):  # a reason that nobody knows
        desk.bus.say(member, *body)
    desk.bus.deliver_all()
    assert desk.responses == []
    assert desk.closed == []


def test_more_clicks_than_a_hand_can_do_are_left_out(desk: Desk) -> None:
    desk.show("a")
    desk.bus.deliver_all()
    for _ in range(1000):
        desk.bus.say("ActionInvoked", 1, "snooze")
        desk.bus.say("NotificationClosed", 1, 2)
        desk.clock.advance(0.001)
    desk.bus.deliver_all()
    assert len(desk.responses) == MOST_CLICKS_PER_S
    assert len(desk.closed) == 1
    desk.clock.advance(2)
    desk.bus.say("ActionInvoked", 1, "snooze")
    desk.bus.deliver_all()
    assert len(desk.responses) == MOST_CLICKS_PER_S + 1


@pytest.mark.parametrize("token", ["a\0b", "a\nb", "\u202e", "x" * 5000])
def test_an_activation_token_that_cannot_be_one_is_none(desk: Desk, token: str) -> None:
    desk.show("a")
    desk.bus.deliver_all()
    desk.bus.say("ActivationToken", 1, token)
    desk.bus.say("ActionInvoked", 1, "default")
    desk.bus.deliver_all()
    assert [each.activation_token for each in desk.responses] == [""]


def test_an_update_replaces_and_a_click_names_the_latest_alert_of_the_slot(desk: Desk) -> None:
    desk.show("a", slot="burst")
    desk.bus.deliver_all()
    desk.show("b", slot="burst")
    desk.bus.deliver_all()
    assert desk.bus.titles == ["b"]
    assert [arguments[1] for arguments in desk.bus.notified] == [0, 1]
    desk.bus.say("ActionInvoked", 1, "default")
    desk.bus.deliver_all()
    assert desk.responses == [Response(alert_id="b", action="default")]


def test_the_token_that_comes_before_the_click_goes_with_it_once(desk: Desk) -> None:
    desk.show("a")
    desk.bus.say("ActivationToken", 1, "t1")
    desk.bus.say("ActionInvoked", 1, "snooze")
    desk.bus.say("ActionInvoked", 1, "snooze")
    desk.bus.deliver_all()
    assert [each.activation_token for each in desk.responses] == ["t1", None]


def test_a_service_that_closes_before_it_says_what_was_clicked_is_understood(desk: Desk) -> None:
    desk.show("a")
    desk.bus.deliver_all()
    desk.bus.dismiss(1)
    desk.bus.say("ActionInvoked", 1, "default")
    desk.bus.deliver_all()
    assert desk.closed == [("a", CloseReason.DISMISSED)]
    assert [each.alert_id for each in desk.responses] == ["a"]


@pytest.mark.parametrize("body", [(), (1,), ("1", "default"), (7, "default"), (1, 2), (None, None)])
def test_signals_that_make_no_sense_are_nobody_s(desk: Desk, body: tuple[object, ...]) -> None:
    desk.show("a")
    desk.bus.deliver_all()
    for member in ("ActionInvoked", "ActivationToken", "NotificationClosed", "Else"):
        desk.bus.say(member, *(body if member != "NotificationClosed" else body[:1]))
    desk.bus.say("ActionInvoked", 1, "default", sender=":1.666")
    desk.bus.deliver_all()
    assert desk.responses == []
    assert desk.closed == []


def test_an_unknown_close_reason_is_undefined(desk: Desk) -> None:
    desk.show("a")
    desk.bus.deliver_all()
    desk.bus.dismiss(1, reason=9)
    desk.bus.deliver_all()
    assert desk.closed == [("a", CloseReason.UNDEFINED)]


def test_without_a_service_the_next_notifier_is_asked_and_a_late_service_gets_it_too() -> None:
    desk = Desk(served=False)
    assert desk.show("a")  # not known yet
    desk.bus.deliver_all()
    assert desk.failed == ["a"]
    assert not desk.show("b")
    desk.bus.deliver_all()
    desk.bus.come()
    desk.bus.deliver_all()
    assert sorted(desk.bus.titles) == ["a", "b"]
    assert len(desk.bus.notified) == 2


def test_a_refusal_is_handed_on_and_explained(desk: Desk) -> None:
    desk.bus.refuses = "too many"
    desk.show("a")
    desk.bus.deliver_all()
    assert desk.failed == ["a"]
    assert "too many" in desk.notifier.trouble
    desk.bus.refuses = ""
    desk.show("b")
    desk.bus.deliver_all()
    assert desk.notifier.trouble == ""


def test_a_service_that_hangs_gets_few_calls_and_is_overdue_in_the_end(desk: Desk) -> None:
    desk.bus.hang()
    assert all(desk.show(f"a{number}") for number in range(1000))
    desk.clock.advance(11)
    assert not desk.show("late")
    assert "does not answer" in desk.notifier.trouble
    desk.bus.die()
    desk.bus.come()
    desk.bus.deliver_all()
    assert len(desk.bus.titles) == MAX_INCIDENTS
    assert "late" in desk.bus.titles


@pytest.mark.parametrize("settled", [True, False])
def test_what_is_given_up_for_newer_ones_does_not_stay_on_the_screen(
    desk: Desk,
    settled: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    for number in range(MAX_INCIDENTS + 20):
        desk.show(f"a{number}")
        if settled:
            desk.bus.deliver_all()
    desk.bus.deliver_all()
    assert desk.bus.titles == [f"a{number}" for number in range(20, MAX_INCIDENTS + 20)]


def test_everything_is_taken_away_at_the_end(desk: Desk) -> None:
    desk.show("a")
    desk.show("b")
    desk.bus.deliver_all()
    desk.notifier.close_all()
    assert desk.bus.titles == []


def test_only_so_many_calls_are_open_at_once(desk: Desk) -> None:
    for number in range(50):
        desk.show(f"a{number}")
    assert len(desk.bus.notified) == MAX_IN_FLIGHT
    desk.bus.deliver_all()
    assert len(desk.bus.titles) == 50


def test_a_bus_that_is_gone_shows_nothing(desk: Desk) -> None:
    desk.bus.lost = True
    assert not desk.show("a")
    assert "bus is gone" in desk.notifier.trouble


class Screen(stateful.RuleBasedStateMachine):
    """Whatever happens in whatever order: in the end the screen shows what is open."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk()
        self.open: dict[str, str] = {}
        self.titles = 0

    slots = st.sampled_from(["a", "b", "c"])

    @stateful.rule(slot=slots)
    def show(self, slot: str) -> None:
        self.titles += 1
        self.open[slot] = f"{slot}{self.titles}"
        self.desk.show(slot, self.open[slot])

    @stateful.rule(slot=slots)
    def close(self, slot: str) -> None:
        self.open.pop(slot, None)
        self.desk.notifier.close(slot)

    @stateful.rule()
    def deliver(self) -> None:
        self.desk.bus.deliver()

    @stateful.precondition(lambda self: self.desk.bus.served)
    @stateful.rule()
    def die(self) -> None:
        self.desk.bus.die()

    @stateful.precondition(lambda self: not self.desk.bus.served)
    @stateful.rule()
    def come(self) -> None:
        self.desk.bus.come()

    @stateful.precondition(lambda self: self.desk.bus.screen)
    @stateful.rule(data=st.data())
    def dismiss(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.desk.bus.screen)))
        title = self.desk.bus.screen[number][3]
        self.desk.bus.dismiss(number)
        if self.open.get(title[0]) == title:
            del self.open[title[0]]

    def teardown(self) -> None:
        if not self.desk.bus.served:
            self.desk.bus.come()
        self.desk.bus.deliver_all()
        assert sorted(self.desk.bus.titles) == sorted(self.open.values())


TestScreen = Screen.TestCase

"""Order, pace, back-off and giving up of what waits for one receiver."""

import datetime as dt
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omnitray.alerts.channels.webhooks import queue as queue_module
from omnitray.alerts.channels.webhooks.model import EventAction, ReceiverAnswer, WebhookEvent
from omnitray.alerts.channels.webhooks.outbox import WebhookOutbox
from omnitray.alerts.channels.webhooks.plan import KnownIncident, action_for, why_not
from omnitray.alerts.channels.webhooks.queue import (
    GATHER_S,
    TRIED_S,
    ReceiverQueue,
    Settled,
    beyond,
)
from omnitray.alerts.channels.webhooks.retry import AnswerKind, back_off_s, retry_after_s, verdict
from omnitray.alerts.decision import Reason
from omnitray.alerts.model import State
from omnitray.base.clock import timestamp
from omnitray.base.facts import AlertType, Severity
from omnitray.settings.webhooks import WebhookSettings
from support.alerting import START, an_alert
from support.clock import FakeClock

NOW = dt.datetime(2026, 11, 22, 13, 0, tzinfo=dt.UTC)
OK = ReceiverAnswer(status=200)


def hook(kind: str = "json", **more: object) -> WebhookSettings:
    fields: dict[str, object] = {"name": "x", "kind": kind, "url": "http://x/"}
    return WebhookSettings(**(fields | more))  # type: ignore[arg-type]  # fields of mixed types by name


def event(
    number: int, incident: int = 0, at: float = START, severity: Severity = Severity.CRITICAL
) -> WebhookEvent:
    return WebhookEvent(
        id=f"m{number}",
        number=number,
        webhook="x",
        action=EventAction.TRIGGER,
        at=at,
        alert=an_alert(incident or number, severity=severity),
    )


class Desk:
    def __init__(self, webhook: WebhookSettings | None = None) -> None:
        self.clock = FakeClock()
        self.queue = ReceiverQueue(webhook or hook(), self.clock, lambda: 0.5)

    def taken(self) -> list[int]:
        return [each.number for each in self.queue.take()]

    def answer(self, *answers: ReceiverAnswer) -> Settled:
        batch = self.queue.take()
        return self.queue.settle([(each,) for each in batch], answers)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_events_go_in_order_one_after_the_other(desk: Desk) -> None:
    desk.queue.add([event(1), event(2), event(3)])
    assert desk.taken() == [1, 2, 3]
    settled = desk.answer(OK, OK, OK)
    assert [each.number for each in settled.arrived] == [1, 2, 3]
    assert desk.queue.next_delay_s() is None


def test_what_comes_after_a_failure_waits_with_it_and_is_tried_by_the_back_off(desk: Desk) -> None:
    desk.queue.add([event(1), event(2)])
    settled = desk.answer(OK, ReceiverAnswer(status=503))
    assert [each.number for each in settled.arrived] == [1]
    assert desk.taken() == []
    waits = []
    for _ in range(14):
        delay_s = desk.queue.next_delay_s()
        assert delay_s is not None
        waits.append(round(delay_s))
        desk.clock.advance(delay_s)
        desk.answer(ReceiverAnswer(error="not_listening"))
    assert waits[:5] == [5, 10, 20, 40, 80]
    assert waits[-1] == 3600


def test_retry_after_goes_before_the_back_off(desk: Desk) -> None:
    desk.queue.add([event(1)])
    desk.answer(ReceiverAnswer(status=429, retry_after="120"))
    assert desk.queue.next_delay_s() == 120
    assert desk.queue.words == "answered 429"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30", 30.0),
        ("0.5", 0.5),
        ("Sun, 22 Nov 2026 13:02:00 GMT", 120.0),
        ("Sun, 22 Nov 2026 12:00:00 GMT", 0.0),
        ("9999999", 86400.0),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_retry_after_is_read_as_the_standard_says(text: str, seconds: float | None) -> None:
    assert retry_after_s(ReceiverAnswer(status=429, retry_after=text), NOW) == seconds


def test_a_message_that_is_refused_holds_up_its_incident_alone(desk: Desk) -> None:
    desk.queue.add([event(1, incident=7), event(2, incident=8), event(3, incident=7)])
    desk.answer(ReceiverAnswer(status=422))
    desk.clock.advance(1)
    assert desk.taken() == [2]  # 3 would overtake 1
    desk.answer(OK)
    desk.clock.advance(10)
    assert desk.taken() == [1, 3]


def test_a_key_that_is_refused_is_said_and_tried_further(desk: Desk) -> None:
    desk.queue.add([event(1)])
    desk.answer(ReceiverAnswer(status=401))
    assert [desk.queue.misconfigured] == [True]
    assert desk.queue.words == "answered 401: the key is refused"
    assert desk.queue.next_at == desk.clock.wall() + 5
    desk.clock.advance(5)
    desk.answer(OK)
    assert [desk.queue.misconfigured] == [False]
    assert desk.queue.words == ""


def test_after_three_days_it_is_given_up(desk: Desk) -> None:
    desk.queue.add([event(1, at=desk.clock.wall())])
    desk.clock.advance(3 * 86400 - 10)
    assert desk.answer(ReceiverAnswer(status=500)).given_up == ()
    desk.clock.advance(4000)
    desk.queue.add([event(2, at=desk.clock.wall())])
    settled = desk.answer(ReceiverAnswer(status=500))
    assert [each.number for each in settled.given_up] == [1]
    assert [each.number for each in desk.queue.events] == [2]


def test_four_days_asleep_or_a_clock_that_is_set_are_no_three_days_of_trying(desk: Desk) -> None:
    """The first try after waking fails, as there is no network yet."""
    desk.queue.add([event(1, at=desk.clock.wall())])
    desk.answer(ReceiverAnswer(error="no_such_host"))
    desk.clock.advance(4000)
    assert desk.answer(ReceiverAnswer(error="no_such_host")).given_up == ()
    desk.clock.jump_wall(4 * 86400)
    desk.clock.advance(4000)
    assert desk.answer(ReceiverAnswer(error="no_such_host")).given_up == ()
    desk.clock.advance(TRIED_S)
    assert [each.number for each in desk.answer(ReceiverAnswer(status=500)).given_up] == [1]


def test_a_burst_for_a_chat_is_gathered_and_paced() -> None:
    desk = Desk(hook("slack"))
    desk.queue.add([event(1)])
    assert desk.taken() == []
    desk.clock.advance(GATHER_S / 2)
    desk.queue.add([event(2)])
    desk.clock.advance(GATHER_S / 2)
    batch = desk.queue.take()
    assert [each.number for each in batch] == [1, 2]
    desk.queue.settle([batch], [OK])
    desk.queue.add([event(3)])
    desk.clock.advance(5)
    desk.queue.add([event(4)])
    assert desk.taken() == []  # at most one message in ten seconds
    desk.clock.advance(5)
    assert desk.taken() == [3, 4]


def test_quiet_hours_hold_back_what_is_not_critical() -> None:
    desk = Desk(hook(quiet=("00:00-23:59",), severity=Severity.INFO))
    desk.queue.add([event(1, severity=Severity.WARNING), event(2)])
    assert desk.taken() == [2]
    quiet = hook(quiet=("22:00-07:00",))
    assert quiet.is_quiet(Severity.WARNING, dt.time(23, 0))
    assert quiet.is_quiet(Severity.WARNING, dt.time(6, 59))
    assert not quiet.is_quiet(Severity.WARNING, dt.time(7, 0))
    assert not quiet.is_quiet(Severity.CRITICAL, dt.time(23, 0))
    assert hook(quiet=("22:00-07:00",), quiet_critical=True).is_quiet(Severity.CRITICAL, dt.time(1))


def test_a_paused_webhook_keeps_what_waits() -> None:
    desk = Desk(hook(paused=True))
    desk.queue.add([event(1)])
    assert desk.taken() == []
    assert desk.queue.next_delay_s() is None
    assert len(desk.queue.events) == 1


def test_alertmanager_is_told_of_open_alerts_again_before_it_closes_them() -> None:
    desk = Desk(hook("alertmanager"))
    desk.queue.add([event(1)])
    desk.clock.advance(GATHER_S)
    desk.answer(OK)
    assert desk.taken() == []
    delay_s = desk.queue.next_delay_s()
    assert delay_s is not None
    assert delay_s <= 300
    desk.clock.advance(delay_s)
    again = desk.queue.take()
    assert [each.alert.fingerprint for each in again] == [an_alert(1).fingerprint]
    assert desk.queue.settle([again], [OK]).arrived == ()
    desk.queue.watch(an_alert(1, state="resolved"))
    assert desk.queue.next_delay_s() is None


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (ReceiverAnswer(status=204), AnswerKind.DELIVERED),
        (ReceiverAnswer(status=302), AnswerKind.MISCONFIGURED),
        (ReceiverAnswer(status=400), AnswerKind.UNWANTED),
        (ReceiverAnswer(status=404), AnswerKind.MISCONFIGURED),
        (ReceiverAnswer(status=408), AnswerKind.RETRY),
        (ReceiverAnswer(status=429), AnswerKind.RETRY),
        (ReceiverAnswer(status=502), AnswerKind.RETRY),
        (ReceiverAnswer(error="closed"), AnswerKind.RETRY),
        (ReceiverAnswer(error="timeout"), AnswerKind.RETRY),
        (ReceiverAnswer(error="no_apprise"), AnswerKind.MISCONFIGURED),
    ],
)
def test_what_an_answer_means(answer: ReceiverAnswer, kind: AnswerKind) -> None:
    assert verdict(answer, NOW).kind is kind


def test_the_back_off_is_spread_by_a_fifth() -> None:
    assert back_off_s(1, 0.0) == pytest.approx(4.0)
    assert back_off_s(1, 1.0) == pytest.approx(6.0)
    assert back_off_s(500, 0.5) == 3600


# What has to be heard


@pytest.mark.parametrize(
    ("state", "known", "action"),
    [
        ("firing", None, EventAction.TRIGGER),
        ("firing", KnownIncident("firing", 2), None),
        ("firing", KnownIncident("firing", 1), EventAction.TRIGGER),  # it became worse
        ("firing", KnownIncident("acknowledged", 2), EventAction.TRIGGER),
        ("acknowledged", KnownIncident("firing", 2), EventAction.ACKNOWLEDGE),
        ("acknowledged", KnownIncident("acknowledged", 2), None),
        ("acknowledged", None, None),
        ("resolved", KnownIncident("firing", 2), EventAction.RESOLVE),
        ("resolved", None, None),
    ],
)
def test_a_receiver_hears_what_it_does_not_know(
    state: str, known: KnownIncident | None, action: EventAction | None
) -> None:
    alert = an_alert(1, severity=Severity.CRITICAL, state=state)
    assert action_for(hook(), alert, known, held=None, acknowledges=True) is action


def test_what_has_become_worse_is_sent_again_though_it_is_as_severe() -> None:
    alert = an_alert(1, severity=Severity.CRITICAL, state="firing")

    def action(held: Reason | None) -> EventAction | None:
        known = KnownIncident("firing", 2)
        return action_for(hook(), alert, known, held=held, acknowledges=True, escalated=True)

    assert action(None) is EventAction.TRIGGER
    assert action(Reason.FLAPPING) is None


def test_what_is_held_back_is_not_begun_but_ended() -> None:
    firing = an_alert(1, severity=Severity.CRITICAL)
    over = an_alert(1, severity=Severity.CRITICAL, state="resolved")
    known = KnownIncident("firing", 2)
    assert action_for(hook(), firing, None, held=Reason.SERVER_IS_DOWN, acknowledges=True) is None
    assert (
        action_for(hook(), over, known, held=Reason.SERVER_IS_DOWN, acknowledges=True)
        is EventAction.RESOLVE
    )
    assert action_for(hook(resolved=False), over, known, held=None, acknowledges=True) is None


def test_severity_and_types_choose() -> None:
    warning = an_alert(1)
    assert why_not(hook(), warning, None) is Reason.BELOW_THRESHOLD
    assert why_not(hook(severity=Severity.WARNING), warning, None) is None
    only = hook(severity=Severity.WARNING, types=(AlertType.SERVER_DOWN,))
    assert why_not(only, warning, None) is Reason.OTHER_TYPE
    own = an_alert(1, severity=Severity.CRITICAL, source="monitor", context={"webhook": "x"})
    assert why_not(hook(), own, None) is Reason.ABOUT_ITSELF


def step(
    number: int,
    incident: int,
    action: EventAction = EventAction.TRIGGER,
    severity: Severity = Severity.CRITICAL,
    *,
    begun: bool = False,
) -> WebhookEvent:
    state: State = "resolved" if action is EventAction.RESOLVE else "firing"
    seen = timestamp(START + incident)
    alert = an_alert(incident, severity=severity, state=state, first_seen=seen)
    return msgspec.structs.replace(event(number), action=action, alert=alert, begun=begun)


INFO, WARNING = Severity.INFO, Severity.WARNING
RESOLVE, ACKNOWLEDGE = EventAction.RESOLVE, EventAction.ACKNOWLEDGE


def left(events: list[WebhookEvent], under_way: frozenset[str] = frozenset()) -> list[int]:
    gone = beyond(events, {each.id: 100 for each in events}, under_way)
    return [each.number for each in events if each.id not in gone]


@pytest.mark.parametrize(
    ("most", "events", "stays"),
    [
        (3, [step(1, 1), step(2, 2), step(3, 3)], [1, 2, 3]),
        # the least severe first, of these the oldest
        (2, [step(1, 1, severity=WARNING), step(2, 2), step(3, 3, severity=INFO)], [1, 2]),
        (2, [step(1, 1), step(2, 2), step(3, 3)], [2, 3]),
        # one that is over before one that stands
        (1, [step(1, 1), step(2, 2), step(3, 2, RESOLVE, begun=True)], [1]),
        # what a later event makes old, before anything else
        (
            2,
            [
                step(1, 1, severity=INFO),
                step(2, 2),
                step(3, 2, RESOLVE, begun=True),
                step(4, 2),
            ],
            [1, 4],
        ),
        # what was begun is ended, however full it is
        (1, [step(1, 1, RESOLVE, INFO, begun=True), step(2, 2), step(3, 3)], [1]),
        (1, [step(1, 1, begun=True), step(2, 1, ACKNOWLEDGE, begun=True), step(3, 2)], [2]),
        (1, [step(1, 1, RESOLVE, begun=True), step(2, 1), step(3, 2)], [1]),
        (
            2,
            [
                step(1, 1, ACKNOWLEDGE, begun=True),
                step(2, 1, RESOLVE, begun=True),
                step(3, 1),
                step(4, 1, RESOLVE, begun=True),
                step(5, 1),
            ],
            [2, 5],
        ),
    ],
)
def test_beyond_the_limit_the_least_leaves_and_what_was_begun_is_ended(
    monkeypatch: pytest.MonkeyPatch, most: int, events: list[WebhookEvent], stays: list[int]
) -> None:
    monkeypatch.setattr(queue_module, "MOST_OWED", most)
    assert left(events) == stays


def test_beyond_the_limit_of_bytes_it_leaves_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_module, "MOST_OWED_BYTES", 200)
    assert left([step(1, 1), step(2, 2)]) == [1, 2]
    assert left([step(1, 1), step(2, 2), step(3, 3)]) == [2, 3]


def test_what_is_under_way_does_not_leave_nor_its_end(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_module, "MOST_OWED", 1)
    desk.queue.add([step(1, 1, severity=INFO)])
    assert desk.taken() == [1]
    new = [step(2, 1, RESOLVE, INFO, begun=True), step(3, 2), step(4, 3)]
    admitted, dropped = desk.queue.make_room(new)
    assert [each.number for each in admitted] == [2]
    assert [each.number for each in dropped] == [3, 4]
    assert [each.number for each in desk.queue.events] == [1]
    desk.queue.settle([tuple(desk.queue.events)], [ReceiverAnswer(error="timeout")])
    admitted, dropped = desk.queue.make_room([step(5, 4)])
    assert ([e.number for e in admitted], [e.number for e in dropped]) == ([5], [1])


def test_all_that_is_old_is_given_up_at_one_failure(desk: Desk) -> None:
    desk.queue.add([event(1), event(2), event(3, at=START + 3 * 86400)])
    desk.answer(ReceiverAnswer(error="timeout"))
    desk.clock.advance(3 * 86400 + 1)
    batch = desk.queue.take()
    settled = desk.queue.settle([(batch[0],)], [ReceiverAnswer(error="timeout")])
    assert [each.number for each in settled.given_up] == [1, 2]
    assert [each.number for each in desk.queue.events] == [3]


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(0, 6), st.sampled_from(Severity)), max_size=60))
def test_whatever_comes_what_stays_of_an_incident_makes_sense_to_its_receiver(
    steps: list[tuple[int, Severity]],
) -> None:
    """Each incident's next step follows from its last; some were delivered before."""
    known: dict[int, EventAction] = {0: EventAction.TRIGGER, 1: ACKNOWLEDGE}
    events = []
    for number, (incident, severity) in enumerate(steps):
        last = known.get(incident)
        if last is None:
            action = EventAction.TRIGGER
        else:
            action = RESOLVE if number % 2 else EventAction.TRIGGER
        events.append(step(number, incident, action, severity, begun=last is not None))
        known.pop(incident, None)
        if action is not RESOLVE:
            known[incident] = action
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(queue_module, "MOST_OWED", 8)
        kept = set(left(events))
    heard = {0, 1}
    stays = [each for each in events if each.number in kept]
    assert len(stays) <= 8
    for incident in range(7):
        fingerprint = an_alert(incident).fingerprint
        of_it = [each.action for each in stays if each.alert.fingerprint == fingerprint]
        all_of_it = [each.action for each in events if each.alert.fingerprint == fingerprint]
        if incident in heard and RESOLVE in all_of_it:
            assert RESOLVE in of_it
        if incident not in heard and of_it:
            assert of_it[0] is EventAction.TRIGGER


def test_what_was_dropped_for_a_webhook_goes_with_it(tmp_path: Path) -> None:
    outbox = WebhookOutbox(tmp_path)
    outbox.drop("team", (), set(), 3, START)
    assert WebhookOutbox(tmp_path).dropped["team"].count == 3
    outbox.forget("team")
    assert outbox.dropped == WebhookOutbox(tmp_path).dropped == {}

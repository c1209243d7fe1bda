"""The channel as a whole: durable first, told then, delivered in order, over restarts."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import msgspec
import pytest

from omnitray.alerts.channels import dispatch as dispatch_module
from omnitray.alerts.channels.deliveries import Deliveries, DeliveryState
from omnitray.alerts.channels.dispatch import Dispatcher, Patience
from omnitray.alerts.channels.webhooks import channel as channel_module
from omnitray.alerts.channels.webhooks import outbox as outbox_module
from omnitray.alerts.channels.webhooks import queue as queue_module
from omnitray.alerts.channels.webhooks import receiver as receiver_module
from omnitray.alerts.channels.webhooks.channel import DROPPED, REMOVED, WebhookChannel
from omnitray.alerts.channels.webhooks.model import HttpCall, ReceiverAnswer
from omnitray.alerts.channels.webhooks.outbox import ARRIVED, WebhookOutbox
from omnitray.alerts.channels.webhooks.retry import GIVE_UP_S
from omnitray.alerts.channels.webhooks.standing import WebhookTrouble
from omnitray.alerts.decision import EVERYWHERE, Decision, Reason
from omnitray.alerts.model import Alert
from omnitray.alerts.storage.history import History
from omnitray.alerts.storage.store import AlertStore
from omnitray.base import durable
from omnitray.base.clock import SystemClock, timestamp
from omnitray.base.facts import AlertType, Severity
from omnitray.settings.webhooks import WebhookSettings
from support.alerting import START, an_alert
from support.clock import FakeClock

LONG_S = 30.0
OK = ReceiverAnswer(status=200, body="ok")


class ScriptedSender:
    """Answers as told, remembers the calls; ``gate`` closed holds an answer back."""

    def __init__(self) -> None:
        self.calls: list[HttpCall] = []
        self.answers: list[ReceiverAnswer] = []
        self.usual = OK
        self.faults: list[Exception] = []
        self.gate = threading.Event()
        self.gate.set()
        self.came = threading.Condition()

    def send(self, calls: Sequence[HttpCall]) -> Iterator[ReceiverAnswer]:
        for call in calls:
            assert self.gate.wait(LONG_S)
            if self.faults:
                raise self.faults.pop()
            with self.came:
                answer = self.answers.pop(0) if self.answers else self.usual
                self.calls.append(call)
                self.came.notify_all()
            yield answer
            if answer.status != 200:
                return

    def stop(self) -> None:
        self.gate.set()

    def wait(self, count: int) -> list[HttpCall]:
        with self.came:
            assert self.came.wait_for(lambda: len(self.calls) >= count, LONG_S), self.calls
            return list(self.calls)

    def told(self) -> list[tuple[str, str]]:
        found = [json.loads(call.body) for call in self.calls]
        return [(each["type"], each["data"]["alert"]["title"]) for each in found]


class Room:
    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder / "outbox"
        self.deliveries = Deliveries()
        self.clock = SystemClock()
        self.sender = ScriptedSender()
        monkeypatch.setattr(receiver_module, "ProcessSender", lambda: self.sender)
        self.troubles: list[WebhookTrouble] = []
        self.channel = self.open()

    def open(self, *webhooks: WebhookSettings) -> WebhookChannel:
        self.channel = WebhookChannel(self.folder, self.clock, self.deliveries)
        self.channel.on_trouble = self.troubles.append
        self.channel.configure(webhooks or (hook(),)).result(LONG_S)
        return self.channel

    def put(self, alert: Alert, reason: Reason = Reason.NEW, held: Reason | None = None) -> None:
        decision = Decision(
            reason=reason, alert_id=alert.id, fingerprint=alert.fingerprint, at=0.0, held=held
        )
        self.channel.put(alert, decision).result(LONG_S)

    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("0*.json"))

    def close(self) -> None:
        self.channel.stop()
        assert self.channel.join(LONG_S)

    def until_delivered(self, alert: Alert) -> None:
        done = threading.Event()
        while not done.wait(0.01):
            found = self.deliveries.of(alert.id)
            if found and found[0].state is DeliveryState.DELIVERED:
                return

    def until_settled(self) -> str:
        """Why it did not arrive, once that has been taken note of."""
        while not (why := self.channel.views()[0].why):
            threading.Event().wait(0.01)
        return why


def hook(name: str = "team", **more: object) -> WebhookSettings:
    fields: dict[str, object] = {"name": name, "kind": "json", "url": "http://127.0.0.1:1/"}
    return WebhookSettings(**(fields | more))  # type: ignore[arg-type]  # fields of mixed types by name


def critical(number: int, **more: Any) -> Alert:
    return an_alert(number, severity=Severity.CRITICAL, title=f"t{number}", **more)


def info(number: int, **more: Any) -> Alert:
    seen = timestamp(START + number)
    found = an_alert(number, severity=Severity.INFO, title=f"t{number}", first_seen=seen)
    return msgspec.structs.replace(found, **more)


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    room = Room(tmp_path, monkeypatch)
    yield room
    room.sender.gate.set()
    room.close()


def test_an_alert_is_durable_then_sent_then_gone(room: Room) -> None:
    room.sender.gate.clear()
    room.put(critical(1))
    assert len(room.files()) == 1
    (waiting,) = room.deliveries.of(critical(1).id)
    assert (waiting.state, waiting.target) == (DeliveryState.WAITING, "team")
    assert room.channel.views()[0].state == "waiting"
    room.sender.gate.set()
    room.until_delivered(critical(1))
    assert room.files() == []
    assert room.channel.views()[0].state == "delivered"
    assert room.sender.told() == [("alert.firing", "t1")]


def test_the_life_of_an_incident_goes_out_in_order_and_repeats_do_not(room: Room) -> None:
    room.put(critical(1))
    room.put(critical(1, count=2), Reason.REPEAT_FLOOR)
    room.put(critical(1, state="acknowledged"), Reason.ACKNOWLEDGED_NOW)
    room.put(critical(1, state="resolved", resolved_at="2027-01-01T00:00:00.000Z"))
    room.put(critical(2, state="resolved", resolved_at="2027-01-01T00:00:00.000Z"))
    room.sender.wait(3)
    assert [kind for kind, _ in room.sender.told()] == [
        "alert.firing",
        "alert.acknowledged",
        "alert.resolved",
    ]


def test_what_something_worse_explains_is_not_begun(room: Room) -> None:
    room.put(critical(1), held=Reason.SERVER_IS_DOWN)
    room.put(critical(2, context={"others_wait": False}))
    assert room.files() == []
    room.put(critical(1))
    room.sender.wait(1)
    assert room.sender.told() == [("alert.firing", "t1")]


def test_a_webhook_that_is_added_takes_what_is_open_at_its_next_repeat(room: Room) -> None:
    room.channel.configure((hook(), hook("late", severity=Severity.WARNING))).result(LONG_S)
    room.put(critical(1, count=7), Reason.NOT_YET_DUE)  # it was told before there was a webhook
    room.sender.wait(2)
    assert room.sender.told() == [("alert.firing", "t1")] * 2


@pytest.mark.parametrize(
    ("alert", "held", "reason"),
    [
        (critical(1, context={"others_wait": False}), None, Reason.NOBODY_WAITS),
        (critical(1), Reason.SERVER_IS_DOWN, Reason.SERVER_IS_DOWN),
        (an_alert(1, severity=Severity.INFO), None, Reason.BELOW_THRESHOLD),
        (critical(1, source="monitor", context={"webhook": "team"}), None, Reason.ABOUT_ITSELF),
        (critical(1, type=AlertType.TEST_FAILED), None, Reason.OTHER_TYPE),
    ],
)
def test_what_a_webhook_is_not_sent_has_its_reason(
    room: Room, alert: Alert, held: Reason | None, reason: Reason
) -> None:
    severity = Severity.WARNING
    servers = hook(severity=severity, types=(AlertType.SERVER_DOWN,))
    room.channel.configure((servers,)).result(LONG_S)
    if reason is not Reason.OTHER_TYPE:
        room.channel.configure((hook(severity=severity),)).result(LONG_S)
    room.put(alert, Reason.REFIRED, held)
    (found,) = room.deliveries.of(alert.id)
    assert (found.target, found.state) == ("team", DeliveryState.NOT_SENT)
    assert found.why == reason.sentence


def test_after_a_restart_it_is_known_what_arrived_and_when(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_module, "MOST_ARRIVED", 3)
    room.channel.stop()
    assert room.channel.join(LONG_S)
    room.open()
    for number in range(1, 9):
        room.put(critical(number))
        room.until_delivered(critical(number))
    room.close()
    with (room.folder / ARRIVED).open("ab") as file:
        file.write(b'\n{"webhook":"te')  # what a full disk has cut
    assert len((room.folder / ARRIVED).read_text().split()) <= 7
    known, room.deliveries = room.deliveries, Deliveries()
    room.open()
    assert room.deliveries.of(critical(8).id) == known.of(critical(8).id)
    assert room.deliveries.of(critical(5).id) == ()
    view = room.channel.views()[0]
    assert (view.state, view.delivered_at) == ("delivered", known.of(critical(8).id)[0].at)


def test_after_a_crash_what_waits_is_sent_and_what_is_known_is_not_sent_again(room: Room) -> None:
    room.put(critical(1))
    room.until_delivered(critical(1))
    room.sender.answers = [ReceiverAnswer(status=503)]
    room.put(critical(2))
    room.sender.wait(2)
    left = room.files()
    assert len(left) == 1
    before = room.channel  # as after kill -9: it is not asked to end
    room.open()
    for alert in (critical(1), critical(2), critical(3)):
        room.put(alert, Reason.RESTORED)  # 3 was stored, but the crash came before its delivery
    room.sender.wait(4)
    room.until_delivered(critical(3))
    before.stop()
    assert before.join(LONG_S)
    assert [title for _, title in room.sender.told()] == ["t1", "t2", "t2", "t3"]
    ids = [json.loads(call.body) and call.headers["webhook-id"] for call in room.sender.calls]
    assert ids[1] == ids[2]  # the receiver can tell a repeat


def test_a_dead_receiver_costs_no_other_anything(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead, alive = ScriptedSender(), ScriptedSender()
    dead.gate.clear()
    senders = iter((dead, alive))
    monkeypatch.setattr(receiver_module, "ProcessSender", lambda: next(senders))
    room.channel.configure((hook("dead"), hook("alive"))).result(LONG_S)
    for number in range(1, 6):
        room.put(critical(number))
    alive.wait(5)
    assert [title for _, title in alive.told()] == ["t1", "t2", "t3", "t4", "t5"]
    assert dead.calls == []
    dead.gate.set()
    dead.wait(5)


def test_a_refused_key_is_a_failed_delivery_with_its_reason(room: Room) -> None:
    room.sender.usual = ReceiverAnswer(status=401)
    room.put(critical(1))
    room.sender.wait(1)
    while (found := room.deliveries.of(critical(1).id))[0].state is not DeliveryState.FAILED:
        threading.Event().wait(0.01)
    assert found[0].why == "answered 401: the key is refused"
    assert found[0].next_at is not None
    view = room.channel.views()[0]
    assert (view.state, view.why, view.waiting) == ("failed", found[0].why, 1)


@pytest.mark.expect_log("set aside")
def test_a_damaged_delivery_is_set_aside_and_the_others_go(tmp_path: Path) -> None:
    folder = tmp_path / "outbox"
    folder.mkdir()
    (folder / "000000000007_aaaaaaaa.json").write_bytes(b'{"half')
    outbox = WebhookOutbox(folder)
    assert outbox.pending == []
    assert outbox.next_number() == 8
    assert (folder / "damaged" / "000000000007_aaaaaaaa.json").exists()


@pytest.mark.expect_log("kept in memory")
def test_a_full_disk_keeps_the_delivery_in_memory(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    from omnitray.base.durable import StorageError  # noqa: PLC0415

    def full(*_: object, **__: object) -> None:
        raise StorageError(Path("outbox"), OSError(28, "no space"))

    with monkeypatch.context() as broken:
        broken.setattr(outbox_module, "write_atomic", full)
        room.put(critical(1))
        room.until_delivered(critical(1))
    assert room.sender.told() == [("alert.firing", "t1")]


@pytest.mark.parametrize("resolved", [True, False])
def test_an_incident_that_comes_back_is_told_again(room: Room, resolved: bool) -> None:  # noqa: FBT001 - a case
    room.channel.configure((hook(resolved=resolved),)).result(LONG_S)
    over = {"state": "resolved", "resolved_at": "2027-01-01T00:00:00.000Z"}
    room.put(critical(1))
    room.put(critical(1, **over))
    room.put(critical(1), Reason.REFIRED)
    room.sender.wait(3 if resolved else 2)
    told = [kind for kind, _ in room.sender.told()]
    assert told.count("alert.firing") == 2
    assert ("alert.resolved" in told) == resolved


def test_a_flood_at_a_dead_receiver_is_bounded_counted_and_the_worst_arrives_after(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_module, "MOST_OWED", 20)
    room.channel.configure((hook(severity=Severity.INFO),)).result(LONG_S)
    room.sender.usual = ReceiverAnswer(error="not_listening")
    room.put(critical(1))
    room.sender.wait(1)
    infos = [info(n) for n in range(100, 400)]
    flood = [put_later(room, each) for each in (*infos[:150], *map(critical, range(2, 11)))]
    flood += [put_later(room, each) for each in infos[150:]]
    for each in flood:
        each.result(LONG_S)
    (view,) = room.channel.views()
    assert (view.waiting, view.dropped, len(room.files())) == (20, 290, 20)
    (first,) = room.deliveries.of(infos[0].id)
    assert (first.state, first.target, first.why) == (DeliveryState.FAILED, "team", DROPPED)
    assert [(each.dropped, each.over) for each in room.troubles] == [(True, False)]
    before = room.channel  # as after kill -9: what was left out is counted further
    room.open(hook(severity=Severity.INFO))
    assert room.channel.views()[0].dropped == 290
    repeat = info(100, count=7)
    room.put(repeat, Reason.NOT_YET_DUE)  # it stands further, and there is no room for it
    assert (room.channel.views()[0].waiting, len(room.files())) == (20, 20)
    room.sender.usual = OK
    room.channel.retry("team")
    for alert in (*map(critical, range(1, 11)), *infos[-10:]):
        room.until_delivered(alert)
    while room.channel.views()[0].dropped:
        threading.Event().wait(0.01)
    assert room.files() == []
    assert not [each for each in room.troubles if each.count > 290]
    room.put(repeat, Reason.NOT_YET_DUE)  # now it is told
    room.until_delivered(infos[0])
    before.stop()
    assert before.join(LONG_S)


def test_a_removed_webhook_leaves_nothing_and_a_paused_one_keeps_everything(room: Room) -> None:
    room.channel.configure((hook(paused=True),)).result(LONG_S)
    room.put(critical(1))
    assert len(room.files()) == 1
    assert room.channel.views()[0].state == "paused"
    room.channel.configure((hook(),)).result(LONG_S)
    room.until_delivered(critical(1))
    room.channel.configure((hook(paused=True),)).result(LONG_S)
    room.put(critical(2))
    room.channel.configure(()).result(LONG_S)
    assert room.files() == []
    assert not room.channel.wanted
    assert room.troubles == [WebhookTrouble(name="team", count=1, removed=True)]
    (found,) = room.deliveries.of(critical(2).id)
    assert (found.state, found.why) == (DeliveryState.FAILED, REMOVED)


def test_what_waits_for_a_webhook_that_was_faulty_at_the_start_waits_for_three_days(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = Room(tmp_path, monkeypatch)
    room.channel.configure((hook(paused=True),)).result(LONG_S)
    room.put(critical(1))
    room.close()
    room.open(hook("other"))  # as a start with a fault in the table of the first
    assert (len(room.files()), room.troubles) == (1, [])
    room.channel.configure((hook(paused=True),)).result(LONG_S)
    assert room.channel.views()[0].waiting == 1
    room.close()
    later = FakeClock(wall=room.clock.wall() + GIVE_UP_S + 60)
    room.channel = WebhookChannel(room.folder, later, room.deliveries)
    room.channel.on_trouble = room.troubles.append
    room.channel.configure((hook("other"),)).result(LONG_S)
    assert room.files() == []
    assert room.troubles == [WebhookTrouble(name="team", count=1, removed=True)]
    room.close()


def test_a_test_says_what_was_answered(room: Room) -> None:
    found = room.channel.test("team")
    assert found is not None
    assert (found.arrived, found.words, found.body) == (True, "answered 200", "ok")
    assert room.files() == []
    assert room.channel.test("nobody") is None
    room.sender.usual = ReceiverAnswer(status=404, body="no\nservice")
    found = room.channel.test("team")
    assert found is not None
    assert (found.arrived, found.words) == (False, "answered 404: nothing is there")
    assert found.body == "no service"


def test_the_person_is_told_after_the_delivery_is_durable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = Room(tmp_path, monkeypatch)
    clock = FakeClock()
    files_then: list[int] = []

    class Screen:
        def send(self, _alert: Alert, _decision: Decision) -> bool:
            files_then.append(len(room.files()))
            return True

    room.sender.gate.clear()
    store = AlertStore(History(tmp_path / "alerts", clock), clock)
    dispatcher = Dispatcher(store, {"desktop": Screen()}, clock)
    dispatcher.attach_durable("webhook", room.channel)
    alert = critical(1)
    decision = Decision(
        reason=Reason.NEW,
        alert_id=alert.id,
        fingerprint=alert.fingerprint,
        at=0.0,
        channels=EVERYWHERE,
        notify=True,
    )
    receipt = dispatcher.submit(alert, decision)
    assert receipt is not None
    assert receipt().result(LONG_S).exists()
    room.sender.gate.set()
    assert dispatcher.close(LONG_S)
    assert files_then == [1]


class HangingOutbox:
    """A disk on which the first sync of the outbox does not come back until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached, self.let_go = threading.Event(), threading.Event()
        real = durable.sync_folder

        def sync_folder(folder: Path) -> None:
            self.reached.set()
            assert self.let_go.wait(LONG_S)
            real(folder)

        monkeypatch.setattr(outbox_module, "sync_folder", sync_folder)


@pytest.fixture
def hanging_outbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[HangingOutbox]:
    disk = HangingOutbox(monkeypatch)
    yield disk
    disk.let_go.set()


def put_later(room: Room, alert: Alert) -> "Future[None]":
    decision = Decision(reason=Reason.NEW, alert_id=alert.id, fingerprint=alert.fingerprint, at=0.0)
    return room.channel.put(alert, decision)


@pytest.mark.expect_log("the least is not sent")
def test_while_the_outbox_hangs_what_waits_is_bounded_and_the_worst_is_sent_after(
    room: Room, hanging_outbox: HangingOutbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel_module, "MOST_WAITING", 100)
    waiting = [put_later(room, critical(0))]
    assert hanging_outbox.reached.wait(LONG_S)
    waiting += [put_later(room, an_alert(n, severity=Severity.INFO)) for n in range(100, 1000)]
    waiting += [put_later(room, critical(number)) for number in range(1, 90)]
    waiting += [put_later(room, an_alert(n, severity=Severity.INFO)) for n in range(1000, 2000)]
    assert room.channel.views()[0].name == "team"
    assert 100 <= sum(not each.done() for each in waiting) <= 151
    hanging_outbox.let_go.set()
    for each in waiting:
        each.result(LONG_S)
    room.sender.wait(90)
    assert {title for _, title in room.sender.told()} == {f"t{number}" for number in range(90)}


def test_other_settings_do_not_wait_for_a_disk_that_hangs(
    room: Room, hanging_outbox: HangingOutbox
) -> None:
    waiting = put_later(room, critical(1))
    assert hanging_outbox.reached.wait(LONG_S)
    changed = room.channel.configure((hook(paused=True), hook("second")))
    added = put_later(room, critical(2))
    assert [(each.name, each.paused) for each in room.channel.views()] == [
        ("team", True),
        ("second", False),
    ]
    again = room.channel.configure((hook(), hook("second")))
    assert not any(each.done() for each in (waiting, changed, added, again))
    hanging_outbox.let_go.set()
    for each in (waiting, changed, added, again):
        each.result(LONG_S)
    room.sender.wait(3)
    assert sorted(title for _, title in room.sender.told()) == ["t1", "t2", "t2"]


def test_what_waits_for_a_webhook_whose_settings_have_a_fault_is_kept_three_days(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.channel.configure((hook(paused=True),)).result(LONG_S)
    room.put(critical(1))
    room.close()
    room.open(hook("other"))
    assert len(room.files()) == 1
    room.channel.configure((hook("other"), hook())).result(LONG_S)  # the fault is mended
    room.until_delivered(critical(1))
    room.channel.configure((hook("other"), hook(paused=True))).result(LONG_S)
    room.put(critical(2))
    while len(room.files()) > 1:  # the other one has it
        threading.Event().wait(0.01)
    room.close()
    monkeypatch.setattr(room.clock, "wall", lambda: SystemClock().wall() + 3 * 86400 + 60)
    room.open(hook("other"))
    assert room.files() == []


def test_a_person_is_told_although_the_outbox_hangs(
    room: Room, hanging_outbox: HangingOutbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(dispatch_module, "Patience", lambda: Patience(0.05))
    heard: list[str] = []
    came = threading.Semaphore(0)

    class Desktop:
        def send(self, alert: Alert, decision: Decision) -> bool:
            del decision
            heard.append(alert.title)
            came.release()
            return True

    store = AlertStore(History(tmp_path / "alerts", room.clock), room.clock)
    dispatcher = Dispatcher(store, {"desktop": Desktop()}, FakeClock())
    dispatcher.attach_durable("webhook", room.channel)
    alert = critical(1)
    dispatcher.submit(
        alert,
        Decision(
            reason=Reason.NEW,
            alert_id=alert.id,
            fingerprint=alert.fingerprint,
            at=0.0,
            channels=EVERYWHERE,
        ),
    )
    assert hanging_outbox.reached.wait(LONG_S)
    assert came.acquire(timeout=LONG_S)
    hanging_outbox.let_go.set()
    assert dispatcher.close(LONG_S)
    assert heard == ["t1"]


def test_a_retry_by_hand_does_not_wait_and_one_of_nobody_is_none(room: Room) -> None:
    room.sender.answers = [ReceiverAnswer(status=429, retry_after="3600")]
    room.put(critical(1))
    room.until_settled()
    assert room.channel.retry("team")
    room.sender.wait(2)
    assert not room.channel.retry("nobody")


def test_a_sender_that_others_have_ended_is_used_again(room: Room) -> None:
    """Memory ran out and the kernel chose it: the receiver's thread goes on."""
    room.sender.answers = [ReceiverAnswer(error="ended")]
    room.put(critical(1))
    room.until_settled()
    assert room.channel.retry("team")
    room.until_delivered(critical(1))
    room.put(critical(2))
    room.until_delivered(critical(2))


def test_a_fault_while_sending_costs_no_later_try(
    room: Room, expect_log: Callable[..., None]
) -> None:
    """Whatever it is: without the thread nothing would be sent before the next start."""
    room.sender.faults = [OverflowError("https://hooks.example/secret")]
    room.put(critical(1))
    assert room.until_settled() == "it failed"
    expect_log(r"team cannot send: OverflowError in send, line \d+$")  # no address
    assert room.channel.retry("team")
    room.until_delivered(critical(1))

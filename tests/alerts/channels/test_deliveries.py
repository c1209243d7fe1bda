"""What became of each alert: who took it, who did not, and how the channels report it."""

import errno
import threading
from pathlib import Path

import pytest

from omnitray.alerts.channels.deliveries import (
    ChannelState,
    ChannelView,
    Deliveries,
    Delivery,
    DeliveryState,
    delivered,
    standing,
)
from omnitray.alerts.channels.dispatch import ChannelDesk, Dispatcher
from omnitray.alerts.channels.registry import CHANNELS, NAMES
from omnitray.alerts.channels.webhooks.channel import WebhookChannel
from omnitray.alerts.decision import EVERYWHERE, Decision, Reason
from omnitray.alerts.storage.history import History
from omnitray.alerts.storage.live_files import LiveAlertFiles
from omnitray.alerts.storage.store import AlertStore
from omnitray.base.durable import StorageError
from omnitray.base.facts import AlertChannel
from omnitray.settings.webhooks import WebhookSettings
from support.alerting import QuietScreen, an_alert, channel_parts
from support.clock import FakeClock

LONG_S = 20.0


class Outside:
    """A store and every channel that a machine without a log service has."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.deliveries = Deliveries()
        self.screen = QuietScreen()
        self.parts = channel_parts(folder, self.clock, self.deliveries, self.screen)
        self.said: list[str] = []
        history = History(folder / "alerts", self.clock, report=self.said.append)
        self.store = AlertStore(history, self.clock, deliveries=self.deliveries)
        self.dispatcher = Dispatcher(self.store, {}, self.clock, deliveries=self.deliveries)
        entries = [each for each in CHANNELS if each.name != AlertChannel.SYSLOG]
        self.dispatcher.open(self.parts, entries)
        self.screen_fault = ""
        self.desk = ChannelDesk(
            self.dispatcher,
            self.store,
            self.deliveries,
            self.parts.listeners,
            lambda: self.screen_fault,
        )

    def submit(self, number: int, *members: int) -> str:
        alert = an_alert(number, channels=("file",))
        decision = Decision(
            reason=Reason.NEW,
            alert_id=alert.id,
            fingerprint=alert.fingerprint,
            at=0.0,
            channels=EVERYWHERE,
            notify=True,
            title=alert.title,
            members=tuple(an_alert(each).id for each in members) or (alert.id,),
        )
        receipt = self.dispatcher.submit(alert, decision)
        assert receipt is not None
        receipt().exception(LONG_S)
        return alert.id

    def view(self, name: str) -> ChannelView:
        return next(each for each in self.desk.views() if each.name == name)

    def took(self, alert_id: str) -> dict[str, str]:
        return {each.channel: each.state.value for each in self.deliveries.of(alert_id)}


@pytest.fixture
def outside(tmp_path: Path) -> Outside:
    return Outside(tmp_path)


def test_every_channel_of_the_brief_has_its_line() -> None:
    assert set(NAMES) == {each.value for each in AlertChannel}


def test_a_notification_counts_once_the_screen_has_it_for_all_alerts_that_it_speaks_of(
    outside: Outside,
) -> None:
    first = outside.submit(1, 1, 2)
    assert outside.dispatcher.close(LONG_S)
    assert outside.took(first) == {"file": "delivered"}
    (shown,) = outside.screen.shown
    outside.screen.told(shown, "")
    assert outside.took(first) == {"desktop": "delivered", "file": "delivered"}
    assert outside.took(an_alert(2).id) == {"desktop": "delivered"}


def test_a_notification_that_could_not_be_shown_has_failed_with_the_reason(
    outside: Outside,
) -> None:
    first = outside.submit(1)
    assert outside.dispatcher.close(LONG_S)
    outside.screen.told(outside.screen.shown[0], "There is no notification service.")
    found = {each.channel: each for each in outside.deliveries.of(first)}["desktop"]
    assert (found.state, found.why) == (DeliveryState.FAILED, "There is no notification service.")


def test_a_channel_that_failed_last_or_cannot_show_anything_is_not_open(outside: Outside) -> None:
    assert outside.view("desktop").state is ChannelState.OPEN
    outside.screen_fault = "no notification service"
    assert outside.view("desktop").fault == "no notification service"
    outside.screen_fault = ""
    outside.submit(1)
    assert outside.dispatcher.close(LONG_S)
    outside.screen.told(outside.screen.shown[0], "There is no notification service.")
    failed = outside.view("desktop")
    assert (failed.state, failed.fault) == (
        ChannelState.FAILED,
        "There is no notification service.",
    )
    outside.screen.told(outside.screen.shown[0], "")
    assert outside.view("desktop").state is ChannelState.OPEN


def test_webhooks_are_open_by_their_number_and_none_declared_is_no_fault(outside: Outside) -> None:
    none = outside.view("webhook")
    assert (none.state, none.fault) == (ChannelState.NOT_DECLARED, "")
    channel = outside.dispatcher.durable
    assert isinstance(channel, WebhookChannel)
    for number in (1, 2):
        hooks = [
            WebhookSettings(name=f"t{each}", kind="json", url="http://127.0.0.1:1/", paused=True)
            for each in range(number)
        ]
        channel.configure(hooks)
        view = outside.view("webhook")
        assert (view.state, view.receivers) == (ChannelState.OPEN, number)
    assert outside.dispatcher.close(LONG_S)


@pytest.mark.parametrize(
    ("view", "words"),
    [
        (ChannelView(name="desktop", open=True, fault="it hangs"), "it hangs"),
        (ChannelView(name="desktop", open=True), "open"),
        (ChannelView(name="syslog", open=False), "this machine has nothing for it"),
        (ChannelView(name="vscode", open=False, clients=0), "nobody listens"),
        (ChannelView(name="vscode", open=True, clients=2), "2 listening"),
        (ChannelView(name="webhook", open=False, receivers=0), "none declared"),
        (ChannelView(name="webhook", open=True, receivers=1), "1 receiver"),
        (ChannelView(name="webhook", open=True, receivers=2), "2 receivers"),
    ],
)
def test_each_standing_has_its_words(view: ChannelView, words: str) -> None:
    assert standing(view.state, view.fault, view.clients, view.receivers) == words


def test_why_the_person_is_not_told_stands_beside_the_desktop(outside: Outside) -> None:
    alert = an_alert(1)

    def decide(reason: Reason, *, channels: tuple[str, ...] = ("file",)) -> None:
        decision = Decision(
            reason=reason,
            alert_id=alert.id,
            fingerprint=alert.fingerprint,
            at=1.0,
            channels=channels,
        )
        outside.dispatcher.submit(alert, decision)

    decide(Reason.BELOW_THRESHOLD)
    decide(Reason.RESOLVED)
    decide(Reason.NOBODY_WAITS)
    (held,) = (each for each in outside.deliveries.of(alert.id) if each.channel == "desktop")
    assert (held.state, held.why) == (DeliveryState.NOT_SENT, Reason.NOBODY_WAITS.sentence)
    assert outside.deliveries.latest("desktop") is None
    outside.deliveries.note(*delivered("desktop", (alert.id,), 2.0))
    decide(Reason.NOT_YET_DUE)
    assert outside.took(alert.id)["desktop"] == "delivered"
    before = an_alert(2, channels=("desktop", "file"))  # told by an earlier run
    decision = Decision(
        reason=Reason.NOT_YET_DUE, alert_id=before.id, fingerprint="f", at=1.0, channels=("file",)
    )
    outside.dispatcher.submit(before, decision)
    assert outside.dispatcher.close(LONG_S)
    assert "desktop" not in outside.took(before.id)


def test_listeners_count_once_they_took_it_and_vscode_by_its_name(outside: Outside) -> None:
    listeners = outside.parts.listeners
    views = {each.name: each for each in outside.desk.views()}
    assert (views["vscode"].open, views["vscode"].clients) == (False, 0)
    listeners.join("")
    listeners.join("vscode")
    listeners.took("a", "")
    assert outside.took("a") == {"websocket": "delivered"}
    listeners.took("a", "vscode")
    assert outside.took("a") == {"vscode": "delivered", "websocket": "delivered"}
    views = {each.name: each for each in outside.desk.views()}
    assert (views["websocket"].clients, views["vscode"].clients) == (2, 1)
    listeners.leave("vscode")
    assert outside.desk.listeners.count("vscode") == 0
    assert outside.dispatcher.close(LONG_S)


def test_a_full_disk_is_a_failed_delivery_and_the_record_names_no_file(
    outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_files: LiveAlertFiles, alert: object) -> Path:
        del alert
        raise StorageError(Path("alerts"), OSError(errno.ENOSPC, "no space"))

    with monkeypatch.context() as broken:
        broken.setattr(LiveAlertFiles, "write", full)
        first = outside.submit(1)
        assert outside.took(first)["file"] == "failed"
        kept = outside.store.get(first)
        assert kept is not None
        assert "file" not in kept.channels
        views = {each.name: each for each in outside.desk.views()}
        assert "full" in views["file"].fault
    assert outside.dispatcher.close(LONG_S)  # closing tries again
    assert outside.took(first)["file"] == "delivered"


def test_only_the_newest_alerts_are_kept_and_news_is_taken_once() -> None:
    woken = []
    deliveries = Deliveries(most=2)
    deliveries.wake = lambda: woken.append(1)
    for name in ("a", "b", "c"):
        deliveries.note(*delivered("file", (name,), 1.0))
    assert woken == [1]  # what waits is fetched together
    assert [each.alert_id for each in deliveries.take()] == ["a", "b", "c"]
    assert deliveries.take() == ()
    assert deliveries.of("a") == ()
    latest = deliveries.latest("file")
    assert latest is not None
    assert latest.alert_id == "c"


def test_many_threads_lose_nothing() -> None:
    deliveries = Deliveries(most=10_000)

    def report(channel: str) -> None:
        for number in range(500):
            deliveries.note(
                Delivery(
                    alert_id=f"{number}", channel=channel, state=DeliveryState.DELIVERED, at=0.0
                )
            )

    threads = [threading.Thread(target=report, args=(name,)) for name in ("a", "b", "c")]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(deliveries.take()) == 1500
    assert len(deliveries.of("77")) == 3

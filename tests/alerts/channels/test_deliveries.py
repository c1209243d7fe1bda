"""What became of each alert: who took it, who did not, and how the channels report it."""

import errno
import threading
from pathlib import Path

import pytest

from omnitray.alerts.channels.deliveries import Deliveries, Delivery, DeliveryState, delivered
from omnitray.alerts.channels.dispatch import Dispatcher
from omnitray.alerts.channels.registry import CHANNELS, NAMES
from omnitray.alerts.channels.views import ChannelDesk
from omnitray.alerts.decision import EVERYWHERE, Decision
from omnitray.alerts.reasons import Reason
from omnitray.alerts.storage.history import History
from omnitray.alerts.storage.live_files import LiveAlertFiles
from omnitray.alerts.storage.store import AlertStore
from omnitray.base.durable import StorageError
from omnitray.base.facts import AlertChannel
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
        self.desk = ChannelDesk(self.dispatcher, self.store, self.deliveries, self.parts.listeners)

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

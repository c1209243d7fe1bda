import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from omnitray.alerts.channels.base import Channel
from omnitray.alerts.channels.dispatch import Dispatcher
from omnitray.alerts.decision import Decision, Reason
from omnitray.alerts.model import Alert
from omnitray.alerts.storage.history import History
from omnitray.alerts.storage.store import AlertStore
from omnitray.base.clock import SystemClock
from omnitray.base.facts import AlertChannel
from support.alerting import an_alert
from support.clock import FakeClock

LONG_S = 20.0
DESKTOP, FILE, SYSLOG = AlertChannel.DESKTOP, AlertChannel.FILE, AlertChannel.SYSLOG


class Listener:
    """Remembers; can be told to wait or to fail."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.arrived = threading.Semaphore(0)
        self.open = threading.Event()
        self.open.set()
        self.error: Exception | None = None

    def send(self, alert: Alert, decision: Decision) -> bool:
        self.arrived.release()
        assert self.open.wait(LONG_S)
        if self.error is not None:
            raise self.error
        self.heard.append(f"{alert.title} {decision.reason}")
        return True

    def wait(self, times: int = 1) -> None:
        for _ in range(times):
            assert self.arrived.acquire(timeout=LONG_S)


class Outside:
    def __init__(self, folder: Path) -> None:
        self.said: list[str] = []
        self.clock = FakeClock()
        self.store = AlertStore(History(folder, SystemClock()), SystemClock())
        self.desktop, self.syslog = Listener(), Listener()
        channels: dict[str, Channel] = {DESKTOP: self.desktop, SYSLOG: self.syslog}
        self.dispatcher = Dispatcher(
            self.store, channels, self.clock, report=self.said.append, capacity=4
        )

    def submit(
        self, number: int, *channels: AlertChannel, reason: Reason = Reason.NEW, slot: str = ""
    ) -> object:
        alert = an_alert(number, title=f"t{number}")
        decision = Decision(
            reason=reason,
            alert_id=alert.id,
            fingerprint=alert.fingerprint,
            at=0.0,
            channels=channels,
            slot=slot,
        )
        receipt = self.dispatcher.submit(alert, decision)
        return None if receipt is None else receipt().result(LONG_S)


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Outside]:
    outside = Outside(tmp_path / "alerts")
    yield outside
    for listener in (outside.desktop, outside.syslog):
        listener.open.set()
    assert outside.dispatcher.close(LONG_S)


def test_an_alert_goes_where_its_decision_says_and_the_file_answers_with_its_path(
    outside: Outside,
) -> None:
    path = outside.submit(1, FILE, DESKTOP)
    assert isinstance(path, Path)
    assert path.exists()
    outside.desktop.wait()
    assert outside.submit(2, SYSLOG) is None
    outside.syslog.wait()
    assert outside.dispatcher.close(LONG_S)
    assert outside.desktop.heard == ["t1 new"]
    assert outside.syslog.heard == ["t2 new"]


def test_a_channel_that_fails_is_said_once_and_the_others_go_on(outside: Outside) -> None:
    outside.syslog.error = OSError("no log here")
    for number in range(3):
        outside.submit(number, FILE, SYSLOG, DESKTOP)
        outside.syslog.wait()
        outside.desktop.wait()
    assert outside.dispatcher.close(LONG_S)
    assert outside.said == ["the syslog channel failed: OSError: no log here"]
    assert outside.desktop.heard == ["t0 new", "t1 new", "t2 new"]
    (statistics,) = [s for s in outside.dispatcher.statistics() if s.channel is SYSLOG]
    assert (statistics.sent, statistics.failed) == (0, 3)
    assert statistics.last_error == "OSError: no log here"


def test_a_channel_that_hangs_holds_up_nobody_and_is_said_once(outside: Outside) -> None:
    outside.desktop.open.clear()
    outside.submit(1, FILE, DESKTOP)
    outside.desktop.wait()
    outside.clock.advance(11)
    for number in range(2, 5):
        assert isinstance(outside.submit(number, FILE, DESKTOP, SYSLOG), Path)
        outside.syslog.wait()
    assert outside.said == ["the desktop channel does not answer; the others go on"]
    assert next(s for s in outside.dispatcher.statistics() if s.channel is DESKTOP).stuck
    outside.desktop.open.set()
    outside.desktop.wait(3)
    assert outside.dispatcher.close(LONG_S)
    outside.dispatcher.check()
    assert outside.said[1:] == ["the desktop channel answers again"]


def test_what_waits_is_bounded_and_the_newest_of_a_slot_counts(outside: Outside) -> None:
    outside.desktop.open.clear()
    outside.submit(0, DESKTOP)
    outside.desktop.wait()
    for number in range(1, 7):
        outside.submit(number, DESKTOP)
    outside.submit(6, DESKTOP, reason=Reason.RESOLVED)
    outside.submit(7, DESKTOP, slot=an_alert(5).id)
    outside.desktop.open.set()
    outside.desktop.wait(4)
    assert outside.dispatcher.close(LONG_S)
    assert outside.desktop.heard == ["t0 new", "t3 new", "t4 new", "t7 new", "t6 resolved"]
    (statistics,) = [s for s in outside.dispatcher.statistics() if s.channel is DESKTOP]
    assert (statistics.dropped, statistics.replaced) == (2, 2)


def test_closing_does_not_wait_for_a_channel_that_hangs(tmp_path: Path) -> None:
    outside = Outside(tmp_path / "alerts")
    outside.desktop.open.clear()
    outside.submit(1, DESKTOP)
    outside.desktop.wait()
    assert outside.dispatcher.close(0.05) is False
    assert outside.said == ["the desktop channel did not end in time"]
    outside.desktop.open.set()
    assert outside.dispatcher.close(LONG_S)


def test_a_channel_can_be_replaced_while_running(outside: Outside) -> None:
    other = Listener()
    outside.dispatcher.attach(DESKTOP, other)
    outside.submit(1, DESKTOP)
    other.wait()
    outside.dispatcher.detach(DESKTOP)
    assert outside.dispatcher.channels() == {FILE, SYSLOG}
    outside.submit(2, DESKTOP)
    assert outside.desktop.heard == []

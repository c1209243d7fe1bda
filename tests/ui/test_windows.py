"""What the window asks for, carried out: here what needs the desktop and the disk."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from PySide6.QtCore import QObject, QUrl, Signal, Slot
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from omnitray.alerts.channels.base import Listeners
from omnitray.alerts.channels.deliveries import Deliveries
from omnitray.alerts.channels.dispatch import ChannelDesk, Dispatcher
from omnitray.alerts.storage.history import History
from omnitray.alerts.storage.query import AlertQuery
from omnitray.alerts.storage.store import AlertStore
from omnitray.alerts.system import AlertSystem
from omnitray.base.facts import AlertType, Severity
from omnitray.base.paths import Paths
from omnitray.monitor.history import SnapshotRing
from omnitray.monitor.sampler import OwnCostMeter
from omnitray.protector.view import ProtectionView
from omnitray.runs.history import RunHistory
from omnitray.runtime.app_context import AppContext
from omnitray.runtime.hub import Hub
from omnitray.runtime.protection import ProtectionFacade
from omnitray.runtime.servers import WatchedServers
from omnitray.runtime.settings_keeper import SettingsKeeper
from omnitray.ui import window_controller
from omnitray.ui.intents import Intents
from omnitray.ui.window_controller import Windows
from support import samples
from support.clock import FakeClock
from support.keys import click
from support.shown import plain


class NoProtection(QObject):
    """Stands in for the protector, of which nothing is asked here."""

    view_changed = Signal(object)
    question_changed = Signal(object)
    told = Signal(object)
    seen = Signal(object)
    view = ProtectionView()

    @property
    def looking(self) -> "NoProtection":
        return self

    @Slot()
    def nothing(self) -> None:
        """What the window may ask for."""

    look = act_on_job = undo = undo_all = set_state = answer = pause_for = nothing


class Opened:
    """The window over a real store, on a desktop that opens files or does not."""

    def __init__(self, folder: Path) -> None:
        clock = FakeClock()
        self.opens = True
        self.asked: list[str] = []
        self.settings = SettingsKeeper(folder / "config.toml")
        self.store = AlertStore(History(folder / "alerts", clock), clock)
        self.dispatcher = Dispatcher(self.store, {}, clock)
        policy = self.settings.loaded.settings.alert_policy()
        self.hub = Hub(
            clock=clock,
            settings=self.settings,
            alerts=AlertSystem(clock, policy, self.dispatcher),
            cost=OwnCostMeter(clock, lambda: 0.0, lambda: 60_000_000),
        )
        protection: Any = NoProtection()
        self.protection: NoProtection = protection
        parts: AppContext[ProtectionFacade] = AppContext(
            hub=self.hub,
            settings=self.settings,
            ring=SnapshotRing(),
            store=self.store,
            runs=RunHistory(folder),
            channels=ChannelDesk(self.dispatcher, self.store, Deliveries(), Listeners()),
            protection=cast("ProtectionFacade", protection),
            servers=WatchedServers(
                self.hub,
                self.settings,
                Paths(folder, folder, folder, folder),
            ),
        )
        self.intents = Intents()
        self.windows = Windows(
            parts,
            intents=self.intents,
            clock=clock,
            place_file=folder / "window.json",
            open_url=self.open_url,
        )
        self.windows.open()

    def open_url(self, url: QUrl) -> bool:
        self.asked.append(url.toLocalFile())
        return self.opens

    def banner(self) -> str:
        window = self.windows.window
        assert window is not None
        return plain(window.banner.words.text()) if window.banner.isVisible() else ""

    def end(self) -> None:
        self.windows.close()
        self.hub.stop()
        assert self.dispatcher.close()


@pytest.fixture
def opened(tmp_path: Path, qtbot: QtBot) -> Iterator[Opened]:
    assert qtbot
    ours = Opened(tmp_path)
    yield ours
    ours.end()


def stored(opened: Opened) -> Path:
    """An alert with a file of its own."""
    alert = samples.alerts()[0]
    opened.store.submit(alert).result(5)
    path = opened.store.path_of(alert.id)
    assert path is not None
    return path


def test_a_file_that_the_desktop_opens_needs_no_word(opened: Opened) -> None:
    path = stored(opened)
    assert opened.windows.window is not None
    opened.intents.open_file_requested.emit(samples.alerts()[0].id)
    assert opened.asked == [str(path)]
    assert opened.banner() == ""


def test_a_file_that_nothing_opens_is_named_and_its_path_can_be_copied(opened: Opened) -> None:
    path = stored(opened)
    opened.opens = False
    window = opened.windows.window
    assert window is not None
    opened.intents.open_file_requested.emit(samples.alerts()[0].id)
    assert opened.banner() == f"Nothing here opens this kind of file: {path}"
    copy, close = window.banner.action, window.banner.close_button
    assert copy.text() == "Copy its path"
    click(copy)
    assert QGuiApplication.clipboard().text() == str(path)
    assert opened.banner() == f"Copied: {path}"
    click(close)
    assert opened.banner() == ""


def test_the_documentation_is_opened_or_its_address_is_said(opened: Opened) -> None:
    opened.intents.documentation_requested.emit()
    (asked,) = opened.asked
    assert asked.endswith("docs/guide.md")
    opened.opens = False
    opened.intents.documentation_requested.emit()
    assert opened.banner().startswith("Nothing here opens this address: file://")


def test_an_export_that_fails_says_why(opened: Opened, tmp_path: Path) -> None:
    window = opened.windows.window
    assert window is not None
    opened.intents.export_requested.emit(AlertQuery(), str(tmp_path / "no" / "out.csv"))
    assert opened.banner().startswith("Nothing was exported: cannot write ")
    opened.intents.export_requested.emit(AlertQuery(), str(tmp_path / "out.csv"))
    assert opened.banner() == f"0 alerts exported to {tmp_path / 'out.csv'}"


def test_a_window_opened_while_a_question_is_open_asks_it(opened: Opened) -> None:
    opened.windows.close()
    opened.protection.question_changed.emit(samples.question())
    opened.windows.open()
    window = opened.windows.window
    assert window is not None
    labels = [button.text() for button in window.question.buttons]
    assert len(labels) == 6  # five answers, and the rule that makes one of them last
    assert "Always slow this down" in labels
    opened.protection.question_changed.emit(None)
    assert not window.question.isVisible()


def test_all_that_fit_the_filter_are_acknowledged_in_one_request(
    opened: Opened, qtbot: QtBot
) -> None:
    for number in range(30):
        severity = Severity.CRITICAL if number % 2 else Severity.WARNING
        opened.hub.raise_alert(
            AlertType.CRITICAL, f"alert {number}", severity=severity, source=f"s{number}"
        )
    everything = AlertQuery(severities=frozenset([Severity.CRITICAL]))
    with qtbot.waitSignal(opened.hub.moves.ended):
        opened.intents.acknowledge_requested.emit(everything)
    states = {(each.severity, each.state) for each in opened.hub.alerts.open_alerts()}
    assert states == {(Severity.CRITICAL, "acknowledged"), (Severity.WARNING, "firing")}


def test_what_takes_long_shows_how_far_it_is_and_can_be_stopped(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(window_controller, "_PROGRESS_AFTER_S", 0.0)
    opened.hub.moves.progressed.emit(40, 20_000)
    opened.hub.moves.progressed.emit(8_000, 20_000)
    assert opened.banner() == "8,000 of 20,000 alerts done"
    opened.hub.moves.ended.emit(8_000, 20_000)
    assert opened.banner() == "Stopped after 8,000 of 20,000 alerts"
    opened.hub.moves.progressed.emit(40, 20_000)
    opened.hub.moves.progressed.emit(8_000, 20_000)
    opened.hub.moves.ended.emit(20_000, 20_000)
    assert opened.banner() == ""

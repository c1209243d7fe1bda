import datetime as dt
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QSystemTrayIcon
from pytestqt.qtbot import QtBot

from omnitray.alerts.model import Alert
from omnitray.api.status import Status
from omnitray.base.facts import AlertType, Mode, MonitorLevel, ProtectState, Severity, Snapshot
from omnitray.settings.model import TraySettings
from omnitray.ui.intents import Intents
from omnitray.ui.tray.host import TrayHost
from omnitray.ui.tray.icon import Panel
from omnitray.ui.tray.menu import MainMenu, headline, menu_text, seconds_until_morning, tooltip
from omnitray.ui.tray.tray import Trail, Tray
from support.clock import FakeClock


class FakeHost(QObject):
    """A tray host that comes and goes when it is told to."""

    appeared = Signal(bool)
    vanished = Signal()

    def start(self) -> None:
        """Nothing is there yet."""

    def stop(self) -> None:
        """Nothing to stop."""


class Desk:
    def __init__(self) -> None:
        self.host = FakeHost()
        self.clock = FakeClock()
        self.autostart = False
        self.said: list[tuple[object, ...]] = []
        self.intents = Intents()
        self.tray = Tray(
            self.intents,
            autostart_enabled=lambda: self.autostart,
            host=self.host,  # type: ignore[arg-type]
            clock=self.clock,
        )
        for name in (
            "window_requested",
            "mode_requested",
            "level_requested",
            "pause_requested",
            "protect_state_requested",
            "protect_pause_requested",
            "undo_all_requested",
            "autostart_requested",
            "about_requested",
            "documentation_requested",
            "dashboard_requested",
            "quit_requested",
        ):
            signal = getattr(self.intents, name)
            signal.connect(lambda *values, name=name: self.said.append((name, *values)))
        self.tray.tray_available_changed.connect(
            lambda there: self.said.append(("tray_available_changed", there))
        )
        self.tray.start()

    @property
    def icon(self) -> QSystemTrayIcon:
        assert self.tray.icon is not None
        return self.tray.icon

    def entry(self, *labels: str) -> QAction:
        menu: QMenu = self.icon.contextMenu()
        for label in labels[:-1]:
            menu = next(each for each in menu.actions() if each.text() == label).menu()  # type: ignore[assignment]
        return next(each for each in menu.actions() if each.text() == labels[-1])

    def choose(self, *labels: str) -> list[tuple[object, ...]]:
        self.said.clear()
        self.entry(*labels).trigger()
        return self.said


@pytest.fixture
def desk(qtbot: QtBot) -> Iterator[Desk]:
    assert qtbot is not None
    made = Desk()
    made.host.appeared.emit(True)
    yield made
    made.tray.stop()


def busy(cpu: float = 34.0, **fields: object) -> Status:
    shot = Snapshot(taken_at=0, monotonic_s=0, level=MonitorLevel.NORMAL, cpu_percent=cpu)
    return Status(snapshot=shot, **fields)  # type: ignore[arg-type]


def firing(title: str) -> Alert:
    return Alert(
        id="a",
        type=AlertType.CRITICAL,
        severity=Severity.CRITICAL,
        state="firing",
        title=title,
        message="",
        source="cli",
        fingerprint="f",
        first_seen="2026-11-22T13:21:27.123Z",
        last_seen="2026-11-22T13:21:27.123Z",
    )


def test_without_a_host_there_is_no_icon_and_no_work(qtbot: QtBot) -> None:
    assert qtbot is not None
    desk = Desk()
    desk.tray.show_status(busy())
    assert not desk.tray.available
    assert desk.tray.icon is None
    desk.host.vanished.emit()
    assert desk.said == [("tray_available_changed", False)]
    desk.host.appeared.emit(True)
    assert "CPU 34 %" in desk.icon.toolTip()
    desk.tray.stop()
    desk.tray.stop()


def test_a_new_host_gets_a_new_icon_with_what_is_known(desk: Desk) -> None:
    before = desk.icon
    desk.tray.show_status(busy(77))
    desk.host.vanished.emit()
    assert desk.tray.icon is None
    desk.host.appeared.emit(False)
    assert desk.icon is not before
    assert "CPU 77 %" in desk.icon.toolTip()
    assert desk.said[-2:] == [("tray_available_changed", False)] * 2


def test_the_icon_is_drawn_at_most_once_a_second(desk: Desk, qtbot: QtBot) -> None:
    desk.clock.advance(2)
    desk.tray.show_status(busy(10))
    drawn = desk.icon.icon().cacheKey()
    for cpu in (20, 30, 40):
        desk.tray.show_status(busy(cpu))
    assert desk.icon.icon().cacheKey() == drawn
    qtbot.waitUntil(lambda: "CPU 40 %" in desk.icon.toolTip(), timeout=5000)
    assert desk.icon.icon().cacheKey() != drawn


def test_what_looks_the_same_is_not_drawn_again(desk: Desk) -> None:
    desk.clock.advance(2)
    desk.tray.show_status(busy(40.0))
    drawn = desk.icon.icon().cacheKey()
    for _again in range(5):
        desk.clock.advance(2)
        desk.tray.show_status(busy(40.2))
    assert desk.icon.icon().cacheKey() == drawn


def test_a_left_click_opens_the_window(desk: Desk) -> None:
    desk.said.clear()
    desk.icon.activated.emit(QSystemTrayIcon.ActivationReason.Trigger)
    desk.icon.activated.emit(QSystemTrayIcon.ActivationReason.Context)
    assert desk.said == [("window_requested", "overview")]


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (("Show window",), ("window_requested", "overview")),
        (("Alerts…",), ("window_requested", "alerts")),
        (("Settings…",), ("window_requested", "settings")),
        (("Mode", "test"), ("mode_requested", Mode.TEST)),
        (("Level", "Idle: every 30 s"), ("level_requested", MonitorLevel.IDLE)),
        (("Pause notifications", "For 15 min"), ("pause_requested", 900.0)),
        (("Pause notifications", "For 1 h"), ("pause_requested", 3600.0)),
        (("Protection", "Off"), ("protect_state_requested", ProtectState.OFF)),
        (("Protection", "Pause for 1 h"), ("protect_pause_requested", 3600.0)),
        (("Start at login",), ("autostart_requested", True)),
        (("Documentation",), ("documentation_requested",)),
        (("Dashboard in the browser",), ("dashboard_requested",)),
        (("About OmniTray",), ("about_requested",)),
        (("Quit",), ("quit_requested",)),
    ],
)
def test_each_entry_says_what_the_person_wants(
    desk: Desk, labels: tuple[str, ...], said: tuple[object, ...]
) -> None:
    assert desk.choose(*labels) == [said]


def test_what_is_checked_is_what_holds_not_what_was_clicked(desk: Desk) -> None:
    desk.choose("Mode", "prod")
    assert desk.entry("Mode", "dev").isChecked()
    desk.clock.advance(2)
    desk.tray.show_status(busy(mode=Mode.PROD, chosen_level=MonitorLevel.IDLE))
    assert desk.entry("Mode", "prod").isChecked()
    assert desk.entry("Level", "Idle: every 30 s").isChecked()
    assert desk.choose("Level", "Automatic") == [("level_requested", None)]


def test_choosing_what_holds_asks_for_nothing(desk: Desk) -> None:
    assert desk.choose("Mode", "dev") == []
    assert desk.entry("Mode", "dev").isChecked()


def test_pausing_can_be_taken_back_only_while_it_lasts(desk: Desk) -> None:
    assert not desk.entry("Pause notifications", "Resume").isEnabled()
    desk.clock.advance(2)
    desk.tray.show_status(busy(notifications_paused_until=desk.clock.wall() + 900))
    (resume,) = [
        each
        for each in desk.entry("Pause notifications").menu().actions()  # type: ignore[attr-defined]
        if each.text().startswith("Resume (paused until ")
    ]
    desk.said.clear()
    resume.trigger()
    assert desk.said == [("pause_requested", None)]


def test_undo_is_offered_only_while_something_is_held(desk: Desk) -> None:
    assert not desk.entry("Undo all").isEnabled()
    desk.clock.advance(2)
    desk.tray.show_status(busy(holding=("pytest · ~/shop slowed down",)))
    assert desk.choose("Undo all") == [("undo_all_requested",)]


def test_a_pause_of_the_protection_says_until_when_and_can_be_ended(desk: Desk) -> None:
    assert not desk.entry("Protection", "Resume").isEnabled()
    desk.clock.advance(2)
    desk.tray.show_status(busy(protect_paused_until=0.0))
    menu = desk.entry("Protection").menu()
    assert isinstance(menu, QMenu)
    (paused,) = [each for each in menu.actions() if each.text().startswith("Paused until ")]
    assert not paused.isEnabled()
    assert desk.choose("Protection", "Resume") == [("protect_state_requested", ProtectState.ON)]


def test_only_what_acts_can_be_paused(desk: Desk) -> None:
    desk.clock.advance(2)
    desk.tray.show_status(busy(protect=ProtectState.WATCH))
    assert not desk.entry("Protection", "Pause for 1 h").isEnabled()


def test_the_menu_does_not_grow_with_the_name_of_a_job(desk: Desk) -> None:
    desk.clock.advance(2)
    desk.tray.show_status(busy(holding=("x" * 300 + " slowed down",)))
    assert len(desk.icon.contextMenu().actions()[0].text()) <= 44


def test_start_at_login_is_read_each_time_the_menu_opens(desk: Desk) -> None:
    desk.autostart = True
    assert not desk.entry("Start at login").isChecked()
    desk.icon.contextMenu().aboutToShow.emit()
    assert desk.entry("Start at login").isChecked()
    assert desk.choose("Start at login") == [("autostart_requested", False)]
    assert desk.entry("Start at login").isChecked()  # nobody has done it


def test_the_state_and_the_figures_stand_in_the_menu_and_cannot_be_chosen(desk: Desk) -> None:
    desk.clock.advance(2)
    desk.tray.show_status(busy(open_alerts=(firing("R&D is down"),)))
    state, numbers = desk.icon.contextMenu().actions()[:2]
    assert (state.text(), state.isEnabled()) == ("R&&D is down", False)
    assert (numbers.text(), numbers.isEnabled()) == (
        "CPU 34 % · RAM – · Disk – · dev mode",
        False,
    )


@given(st.text(st.characters(exclude_categories=())))
def test_no_title_becomes_markup_or_a_long_line(title: str) -> None:
    status = busy(open_alerts=(firing(title),))
    assert "<" not in tooltip(status)
    assert len(headline(status)) <= 70
    assert menu_text("a && b") == "a &&&& b"


@pytest.mark.parametrize(
    ("now", "hours"), [("20:00", 12.0), ("08:00", 24.0), ("23:59", 8 + 1 / 60), ("01:00", 7.0)]
)
def test_tomorrow_is_eight_in_the_morning_after_a_night(now: str, hours: float) -> None:
    moment = dt.datetime.fromisoformat(f"2026-11-22T{now}:00+01:00")
    assert seconds_until_morning(moment) == pytest.approx(hours * 3600)


def test_a_host_is_noticed_and_missed(qtbot: QtBot) -> None:
    there = False
    heard: list[str] = []
    host = TrayHost(available=lambda: there, bus=lambda: None)
    host.appeared.connect(lambda _hosted: heard.append("appeared"))
    host.vanished.connect(lambda: heard.append("vanished"))
    host.start()
    assert heard == ["vanished"]
    there = True
    host._on_look()
    host._on_look()
    assert heard == ["vanished", "appeared"]
    host.stop()
    assert qtbot is not None


def test_the_window_s_menu_button_has_everything_that_the_tray_s_menu_has(desk: Desk) -> None:
    def entries(menu: QMenu) -> list[str]:
        found = []
        for each in menu.actions():
            below = each.menu()
            found += entries(below) if isinstance(below, QMenu) else [each.text().split("\t")[0]]
        return found

    in_window = MainMenu(desk.intents, lambda: False, in_window=True)
    missing = set(entries(desk.icon.contextMenu())) - set(entries(in_window.menu))
    assert missing == {"Show window"}
    in_window.discard()


def reading(at_s: float, cpu: float, interval_s: float = 5.0) -> Status:
    shot = Snapshot(taken_at=0, monotonic_s=at_s, level=MonitorLevel.NORMAL, cpu_percent=cpu)
    return Status(snapshot=shot, interval_s=interval_s)


def test_the_last_minute_is_the_highest_of_each_five_seconds() -> None:
    trail = Trail()
    for at, cpu in ((101, 10), (102, 90), (106, 30), (159, 70)):
        trail.add(reading(at, cpu))
        trail.add(reading(at, cpu))
    assert trail.columns(160.0) == (90, 30, 30, 30, *[None] * 7, 70)
    assert trail.columns(400.0) == (None,) * 12


def test_a_slow_rhythm_leaves_no_gaps_in_the_last_minute() -> None:
    trail = Trail()
    for at in (100, 130, 160):
        trail.add(reading(at, at / 10, interval_s=30.0))
    assert trail.columns(160.0) == (10.0,) * 5 + (13.0,) * 6 + (16.0,)


def test_another_style_is_drawn_at_once(desk: Desk) -> None:
    drawn = desk.icon.icon().cacheKey()
    desk.tray.use_settings(TraySettings())
    assert desk.icon.icon().cacheKey() == drawn
    desk.tray.use_settings(TraySettings(show="glyph", panel="light"))
    assert desk.icon.icon().cacheKey() != drawn
    drawn = desk.icon.icon().cacheKey()
    for cpu in (10, 90):
        desk.clock.advance(2)
        desk.tray.show_status(busy(cpu))
        desk.clock.advance(2)
    assert desk.tray._panel() is Panel.LIGHT


def test_a_figure_that_moves_no_bar_changes_the_text_alone(desk: Desk) -> None:
    desk.clock.advance(2)
    desk.tray.show_status(busy(50.0))
    desk.clock.advance(2)
    drawn = desk.icon.icon().cacheKey()
    desk.tray.show_status(busy(50.6))
    assert "CPU 51 %" in desk.icon.toolTip()
    assert desk.icon.icon().cacheKey() == drawn
    desk.clock.advance(2)
    desk.tray.show_status(busy(80.0))
    assert desk.icon.icon().cacheKey() != drawn


def test_another_scale_of_the_screen_is_drawn_with_the_next_reading(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.clock.advance(2)
    desk.tray.show_status(busy(50.0))
    desk.clock.advance(2)
    drawn = desk.icon.icon().cacheKey()
    monkeypatch.setattr("omnitray.ui.tray.tray._ratio", lambda: 2.0)
    desk.tray.show_status(busy(50.0))
    assert desk.icon.icon().cacheKey() != drawn

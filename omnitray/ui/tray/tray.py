"""The tray: shows the state, says what the person wants, decides nothing.

:class:`Tray` owns the icon and its menu. What it shows comes in through :meth:`Tray.show_status`
and is drawn at most once a second and only when something visible changed; what the person wants
goes out as signals. The icon object is thrown away and made anew whenever a tray host appears
(:mod:`omnitray.ui.tray.host` says when): Qt chooses how to talk to the tray when the object is
constructed, and one that was made too early never registers.
"""

import datetime as dt
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QAction, QActionGroup, QGuiApplication
from PySide6.QtWidgets import QMenu, QSystemTrayIcon

from omnitray.api.status import Status, figures
from omnitray.base.clock import Clock, SystemClock
from omnitray.base.facts import Mode, MonitorLevel, ProtectState
from omnitray.ui.tray.host import TrayHost
from omnitray.ui.tray.icon import Panel, icon_facts, likely_panel, tray_icon
from omnitray.ui.tray.text import menu_headline, menu_text, tooltip

if TYPE_CHECKING:
    from PySide6.QtCore import SignalInstance

_QUARTER_S, _HOUR_S = 900.0, 3600.0
_NIGHT_ENDS_HOUR, _MORNING_HOUR = 4, 8

_LEVEL_LABELS: dict[MonitorLevel | None, str] = {
    None: "Automatic",
    MonitorLevel.IDLE: "Idle: every 30 s",
    MonitorLevel.NORMAL: "Normal: every 5 s",
    MonitorLevel.INTENSIVE: "Intensive: every second",
    MonitorLevel.CRITICAL: "Critical: twice a second",
}
_PROTECT_LABELS = {
    ProtectState.ON: "On",
    ProtectState.WATCH: "Watch only: says what it would do",
    ProtectState.OFF: "Off",
}


def seconds_until_morning(now: dt.datetime) -> float:
    """Seconds until eight in the morning, local time; the small hours still belong to the day."""
    tomorrow = now - dt.timedelta(hours=_NIGHT_ENDS_HOUR) + dt.timedelta(days=1)
    morning = tomorrow.replace(hour=_MORNING_HOUR, minute=0, second=0, microsecond=0)
    return (morning - now).total_seconds()


class ChoiceMenu:
    """A submenu of which one entry is in force; choosing asks, it does not set."""

    def __init__(self, menu: QMenu, labels: dict[Any, str], chosen: "SignalInstance") -> None:
        self._menu = menu
        self._chosen = chosen
        self._group = QActionGroup(menu)
        self._actions = {value: self._added(value, label) for value, label in labels.items()}
        self._in_force: Any = next(iter(labels))
        self.show(self._in_force)

    def show(self, value: object) -> None:
        """Check what is in force."""
        self._in_force = value
        action = self._actions[value]
        if not action.isChecked():
            action.setChecked(True)

    def ask(self, value: object) -> None:
        """Ask for a value, also where it seems to be in force."""
        self._chosen.emit(value)

    def _added(self, value: object, label: str) -> QAction:
        action = QAction(label, self._menu, checkable=True)
        self._group.addAction(action)
        self._menu.addAction(action)
        action.triggered.connect(lambda: self._on_triggered(value))
        return action

    def _on_triggered(self, value: object) -> None:
        asked_for_change = value != self._in_force
        self.show(self._in_force)
        if asked_for_change:
            self._chosen.emit(value)


class TrayMenu:
    """The menu; :attr:`menu` is what the icon shows."""

    def __init__(self, tray: "Tray", autostart_enabled: Callable[[], bool]) -> None:
        self._tray = tray
        self._autostart_enabled = autostart_enabled
        self.menu = QMenu()
        self._headline = self._entry("", None)
        self._figures = self._entry("", None)
        self.menu.addSeparator()
        self._entry("Show window", lambda: tray.window_requested.emit("overview"))
        self._mode = ChoiceMenu(
            self.menu.addMenu("Mode"), {each: each.value for each in Mode}, tray.mode_requested
        )
        self._level = ChoiceMenu(self.menu.addMenu("Level"), _LEVEL_LABELS, tray.level_requested)
        self._build_protection()
        self._build_pause()
        self.menu.addSeparator()
        self._entry("Alerts…", lambda: tray.window_requested.emit("alerts"))
        self._entry("Settings…", lambda: tray.window_requested.emit("settings"))
        self._autostart = self._entry("Start at login", self._on_autostart)
        self._autostart.setCheckable(True)
        self.menu.addSeparator()
        self._entry("About OmniTray", tray.about_requested.emit)
        self._entry("Quit", tray.quit_requested.emit)
        self.menu.aboutToShow.connect(self._on_about_to_show)
        self._on_about_to_show()
        self.show_status(Status())

    def show_status(self, status: Status) -> None:
        """Follow the state; touches only what differs, since each change goes over the bus."""
        _set_text(self._headline, menu_headline(status))
        _set_text(self._figures, figures(status))
        self._mode.show(status.mode)
        self._level.show(status.chosen_level)
        self._protect.show(status.protect)
        _set_enabled(self._undo, bool(status.holding))
        resting = status.protect_paused_until is not None
        _set_enabled(self._rest, status.protect is ProtectState.ON and not resting)
        _set_enabled(self._go_on, resting)
        _set_text(self._rest, _rest_text(status.protect_paused_until))
        paused = status.notifications_paused_until is not None
        _set_enabled(self._resume, paused)
        _set_text(self._resume, _resume_text(status.notifications_paused_until))

    def discard(self) -> None:
        """Let go of the menu together with its icon."""
        self.menu.deleteLater()

    def _build_protection(self) -> None:
        tray, menu = self._tray, self.menu.addMenu("Protection")
        self._protect = ChoiceMenu(menu, _PROTECT_LABELS, tray.protect_state_requested)
        menu.addSeparator()
        self._rest = _add(menu, "", lambda: tray.protect_pause_requested.emit(_HOUR_S))
        self._go_on = _add(menu, "Resume", lambda: self._protect.ask(ProtectState.ON))
        self._undo = self._entry("Undo all", tray.undo_all_requested.emit)

    def _build_pause(self) -> None:
        menu, pause = self.menu.addMenu("Pause notifications"), self._tray.pause_requested
        _add(menu, "For 15 min", lambda: pause.emit(_QUARTER_S))
        _add(menu, "For 1 h", lambda: pause.emit(_HOUR_S))
        _add(menu, "Until tomorrow", lambda: pause.emit(seconds_until_morning(_local_now())))
        menu.addSeparator()
        self._resume = _add(menu, "Resume", lambda: pause.emit(None))

    def _entry(self, text: str, chosen: Callable[[], None] | None) -> QAction:
        return _add(self.menu, text, chosen)

    def _on_about_to_show(self) -> None:
        self._autostart.setChecked(self._autostart_enabled())

    def _on_autostart(self) -> None:
        self._tray.autostart_requested.emit(self._autostart.isChecked())
        self._autostart.setChecked(self._autostart_enabled())  # what is so, whatever was asked


def _add(menu: QMenu, text: str, chosen: Callable[[], None] | None) -> QAction:
    action = QAction(text, menu)
    menu.addAction(action)
    if chosen is None:
        action.setEnabled(False)
    else:
        action.triggered.connect(lambda _checked: chosen())
    return action


def _set_text(action: QAction, text: str) -> None:
    if action.text() != menu_text(text):
        action.setText(menu_text(text))


def _set_enabled(action: QAction, enabled: bool) -> None:  # noqa: FBT001 - the shape of setEnabled
    if action.isEnabled() != enabled:
        action.setEnabled(enabled)


def _rest_text(paused_until_s: float | None) -> str:
    if paused_until_s is None:
        return "Pause for 1 h"
    moment = dt.datetime.fromtimestamp(paused_until_s, dt.UTC).astimezone()
    return f"Paused until {moment:%H:%M}"


def _resume_text(paused_until_s: float | None) -> str:
    if paused_until_s is None:
        return "Resume"
    moment = dt.datetime.fromtimestamp(paused_until_s, dt.UTC).astimezone()
    return f"Resume (paused until {moment:%H:%M})"


def _local_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC).astimezone()


REFRESH_S = 1.0  # faster, and tooltips never open on some desktops


class Tray(QObject):
    """The icon in the tray with its menu, on desktops that have one.

    ``autostart_enabled`` is asked each time the menu opens; ``panel`` None means to guess.

    Signals:
        window_requested(str): show the window on the page "overview", "alerts", "settings" or
            "protection".
        mode_requested(object): a :class:`~omnitray.base.facts.Mode`.
        level_requested(object): a :class:`~omnitray.base.facts.MonitorLevel`, None for automatic.
        pause_requested(object): seconds for which notifications pause; None resumes them.
        protect_state_requested(object): a :class:`~omnitray.base.facts.ProtectState`.
        protect_pause_requested(float): seconds for which the protector only watches.
        undo_all_requested(): take every action of the protector back.
        autostart_requested(bool): start at login, or not.
        about_requested(), quit_requested().
        tray_available_changed(bool): whether a host shows the icon; first sent after start().
    """

    window_requested = Signal(str)
    mode_requested = Signal(object)
    level_requested = Signal(object)
    pause_requested = Signal(object)
    protect_state_requested = Signal(object)
    protect_pause_requested = Signal(float)
    undo_all_requested = Signal()
    autostart_requested = Signal(bool)
    about_requested = Signal()
    quit_requested = Signal()
    tray_available_changed = Signal(bool)

    def __init__(
        self,
        *,
        autostart_enabled: Callable[[], bool],
        host: TrayHost | None = None,
        panel: Panel | None = None,
        clock: Clock | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._clock = clock or SystemClock()
        self._panel = panel
        self._autostart_enabled = autostart_enabled
        self._status = Status()
        self._shown: tuple[object, ...] | None = None
        self._shown_at_s: float | None = None
        self._icon: QSystemTrayIcon | None = None
        self._menu: TrayMenu | None = None
        self._later = QTimer(self, singleShot=True)
        self._later.timeout.connect(self._refresh)
        self._host = host or TrayHost(parent=self)
        self._host.appeared.connect(self._on_host_appeared)
        self._host.vanished.connect(self._on_host_vanished)

    def start(self) -> None:
        """Look for a tray host; the icon appears when there is one."""
        self._host.start()

    def stop(self) -> None:
        """Take the icon away; idempotent."""
        self._later.stop()
        self._host.stop()
        self._drop_icon()

    @property
    def available(self) -> bool:
        """Whether a host shows the icon now."""
        return self._icon is not None

    @property
    def icon(self) -> QSystemTrayIcon | None:
        """The icon object, for the message fallback; changes when hosts come and go."""
        return self._icon

    def show_status(self, status: Status) -> None:
        """Show this state, now or when the second is over."""
        self._status = status
        if self._icon is None or self._later.isActive():
            return
        since_s = self._clock.monotonic() - (self._shown_at_s or float("-inf"))
        if since_s >= REFRESH_S:
            self._refresh()
        else:
            self._later.start(round(1000 * (REFRESH_S - since_s)))

    @Slot()
    def _refresh(self) -> None:
        if self._icon is None or self._menu is None:
            return
        self._shown_at_s = self._clock.monotonic()
        facts, text = icon_facts(self._status), tooltip(self._status)
        place = min(self._icon.geometry().size().toTuple())
        panel = self._panel or _panel()
        if (facts, text, place, panel) != self._shown:
            self._shown = (facts, text, place, panel)
            self._icon.setIcon(tray_icon(facts, panel, _ratio(), place))
            self._icon.setToolTip(text)
        self._menu.show_status(self._status)

    @Slot(bool)
    def _on_host_appeared(self, hosted: bool) -> None:  # noqa: FBT001 - the signal's shape
        self._drop_icon()
        self._menu = TrayMenu(self, self._autostart_enabled)
        self._icon = QSystemTrayIcon(self)
        self._icon.setContextMenu(self._menu.menu)
        self._icon.activated.connect(self._on_activated)
        self._refresh()
        self._icon.show()
        self.tray_available_changed.emit(hosted)

    @Slot()
    def _on_host_vanished(self) -> None:
        self._drop_icon()
        self.tray_available_changed.emit(False)

    @Slot(QSystemTrayIcon.ActivationReason)
    def _on_activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason in (
            QSystemTrayIcon.ActivationReason.Trigger,
            QSystemTrayIcon.ActivationReason.DoubleClick,
        ):
            self.window_requested.emit("overview")

    def _drop_icon(self) -> None:
        self._shown = None
        if self._icon is not None:
            self._icon.hide()
            self._icon.deleteLater()
            self._icon = None
        if self._menu is not None:
            self._menu.discard()
            self._menu = None


def _ratio() -> float:
    """Device pixels a logical pixel on the screen where the panel is."""
    screen = QGuiApplication.primaryScreen()
    return 1.0 if screen is None else screen.devicePixelRatio()


def _panel() -> Panel:
    """The panel that this desktop has, as far as can be told."""
    light = QGuiApplication.styleHints().colorScheme() is Qt.ColorScheme.Light
    return likely_panel(light_scheme=light, desktop=os.environ.get("XDG_CURRENT_DESKTOP", ""))

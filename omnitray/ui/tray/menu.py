"""The menu of the tray icon and of the window's header, and the words of the tray.

A tooltip is markup for some tray hosts and a menu entry has mnemonics, so what came from outside
(titles of alerts, names of jobs) is made plain here.
"""

import datetime as dt
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QActionGroup, QGuiApplication
from PySide6.QtWidgets import QMenu

from omnitray.alerts.channels.notification import printable
from omnitray.api.status import Status, figures, sentence
from omnitray.base.facts import Mode, MonitorLevel, ProtectState
from omnitray.ui.formats import in_isolate
from omnitray.ui.intents import Intents

if TYPE_CHECKING:
    from PySide6.QtCore import SignalInstance

log = logging.getLogger(__name__)

_LINE_LIMIT = 70
_MENU_LIMIT = 44  # a menu is as wide as its longest entry
_ANGLES = str.maketrans("<>", "\u2039\u203a")


def headline(status: Status) -> str:
    """The state in a sentence, short enough for a menu."""
    return printable(sentence(status).headline, _LINE_LIMIT)


def menu_headline(status: Status) -> str:
    """The same for an entry of the menu, whose width must not follow the names of jobs."""
    return printable(sentence(status).headline, _MENU_LIMIT)


def tooltip(status: Status) -> str:
    """Two lines, and one more when a watched server is down, that no host takes for markup."""
    lines = [headline(status), figures(status)]
    if status.servers:
        lines.append(servers_line(status, _LINE_LIMIT))
    return "\n".join(lines).translate(_ANGLES)


def servers_line(status: Status, limit: int = _MENU_LIMIT) -> str:
    """``api is down, web finds its port taken``."""
    return printable(f"Servers: {', '.join(status.servers)}", limit)


def menu_text(text: str) -> str:
    """A text for a menu entry: an ampersand is no mnemonic, and what ends it stays at its end."""
    turned = QGuiApplication.layoutDirection() == Qt.LayoutDirection.RightToLeft
    plain = text.replace("&", "&&")
    return in_isolate(plain) if turned else plain


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
        action = QAction(menu_text(label), self._menu, checkable=True)
        self._group.addAction(action)
        self._menu.addAction(action)
        action.triggered.connect(lambda: self._on_triggered(value))
        return action

    def _on_triggered(self, value: object) -> None:
        asked_for_change = value != self._in_force
        self.show(self._in_force)
        if asked_for_change:
            self._chosen.emit(value)


class MainMenu:
    """What icon and header both offer; :attr:`menu` is shown."""

    def __init__(
        self, intents: Intents, autostart_enabled: Callable[[], bool], *, in_window: bool = False
    ) -> None:
        self._intents = intents
        self._autostart_enabled = autostart_enabled
        self.menu = QMenu()
        self._headline = self._entry("", None)
        self._figures = self._entry("", None)
        self._servers = self._entry("", lambda: intents.window_requested.emit("servers"))
        self.menu.addSeparator()
        if not in_window:
            self._entry("Show window", lambda: intents.window_requested.emit("overview"))
        self._mode = ChoiceMenu(
            self.menu.addMenu("Mode"), {each: each.value for each in Mode}, intents.mode_requested
        )
        self._level = ChoiceMenu(self.menu.addMenu("Level"), _LEVEL_LABELS, intents.level_requested)
        self._build_protection()
        self._build_pause()
        self.menu.addSeparator()
        self._entry("Dashboard in the browser", intents.dashboard_requested.emit)
        self._entry("Alerts…", lambda: intents.window_requested.emit("alerts"))
        self._entry("Settings…", lambda: intents.window_requested.emit("settings"))
        self._autostart = self._entry("Start at login", self._on_autostart)
        self._autostart.setCheckable(True)
        self.menu.addSeparator()
        self._entry("Documentation", intents.documentation_requested.emit)
        self._entry("About OmniTray", intents.about_requested.emit)
        leave = self._entry("Quit", intents.quit_requested.emit)
        if in_window:
            leave.setText("Quit\tCtrl+Q")  # the window has the shortcut: shown only, not set twice
        self.menu.aboutToShow.connect(self._on_about_to_show)
        self._on_about_to_show()
        self.show_status(Status())

    def show_status(self, status: Status) -> None:
        """Follow the state; touches only what differs, since each change goes over the bus."""
        _set_text(self._headline, menu_headline(status))
        _set_text(self._figures, figures(status))
        _set_text(self._servers, servers_line(status))
        if self._servers.isVisible() != bool(status.servers):
            self._servers.setVisible(bool(status.servers))
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
        """Delete the menu together with its icon."""
        self.menu.deleteLater()

    def _build_protection(self) -> None:
        intents, menu = self._intents, self.menu.addMenu("Protection")
        self._protect = ChoiceMenu(menu, _PROTECT_LABELS, intents.protect_state_requested)
        menu.addSeparator()
        self._rest = _add(menu, "", lambda: intents.protect_pause_requested.emit(_HOUR_S))
        self._go_on = _add(menu, "Resume", lambda: self._protect.ask(ProtectState.ON))
        self._undo = self._entry("Undo all", intents.undo_all_requested.emit)

    def _build_pause(self) -> None:
        menu, pause = self.menu.addMenu("Pause notifications"), self._intents.pause_requested
        _add(menu, "For 15 min", lambda: pause.emit(_QUARTER_S))
        _add(menu, "For 1 h", lambda: pause.emit(_HOUR_S))
        _add(menu, "Until tomorrow", lambda: pause.emit(seconds_until_morning(_local_now())))
        menu.addSeparator()
        self._resume = _add(menu, "Resume", lambda: pause.emit(None))

    def _entry(self, text: str, chosen: Callable[[], None] | None) -> QAction:
        return _add(self.menu, text, chosen)

    def _on_about_to_show(self) -> None:
        log.debug("the tray's menu opens")
        self._autostart.setChecked(self._autostart_enabled())

    def _on_autostart(self) -> None:
        self._intents.autostart_requested.emit(self._autostart.isChecked())
        self._autostart.setChecked(self._autostart_enabled())  # what is so, whatever was asked


def _add(menu: QMenu, text: str, chosen: Callable[[], None] | None) -> QAction:
    action = QAction(menu_text(text), menu)
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

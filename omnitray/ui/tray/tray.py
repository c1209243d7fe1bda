"""The tray: shows the state, says what the person wants, decides nothing.

:class:`Tray` owns the icon and its menu. What it shows comes in through :meth:`Tray.show_status`
and is drawn at most once a second and only when something visible changed; what the person wants
goes out through the intents. The icon object is thrown away and made again whenever a tray host
appears (:mod:`omnitray.ui.tray.host` says when): Qt chooses how to talk to the tray when the
object is constructed, and one that was made too early never registers.
"""

import os
from collections import deque
from collections.abc import Callable
from math import ceil

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QSystemTrayIcon

from omnitray.api.status import Status
from omnitray.base.clock import Clock, SystemClock
from omnitray.settings.model import TraySettings
from omnitray.ui.intents import Intents
from omnitray.ui.tray.host import TrayHost
from omnitray.ui.tray.icon import Panel, icon_facts, tray_icon
from omnitray.ui.tray.menu import MainMenu, tooltip
from omnitray.ui.tray.panel import panel_of, seen_panel

REFRESH_S = 1.0  # faster, and tooltips never open on some desktops
_COLUMN_S, _COLUMNS = 5.0, 12  # the last minute in twelve columns: 16 px hold no more
_HELD_INTERVALS = 2.5  # a reading stands for that many intervals, later there is a gap
_SETTLE_MS = 1000  # a panel that has just come is drawn a moment later


class Trail:
    """CPU readings of the last minute."""

    def __init__(self) -> None:
        self._readings: deque[tuple[float, float, float]] = deque()  # at, per cent, until

    def add(self, status: Status) -> None:
        """Keep the reading of a status, once."""
        shot = status.snapshot
        if shot is None or shot.cpu_percent is None:
            return
        if self._readings and self._readings[-1][0] == shot.monotonic_s:
            return
        until = shot.monotonic_s + _HELD_INTERVALS * max(_COLUMN_S, status.interval_s)
        self._readings.append((shot.monotonic_s, shot.cpu_percent, until))
        oldest = shot.monotonic_s - _COLUMN_S * (_COLUMNS + 1)
        while self._readings[0][2] < oldest:
            self._readings.popleft()

    def columns(self, now_s: float) -> tuple[float | None, ...]:
        """The highest of each five seconds, the last reading where there is none, else None."""
        end = ceil(now_s / _COLUMN_S)
        return tuple(self._column(number * _COLUMN_S) for number in range(end - _COLUMNS, end))

    def _column(self, start_s: float) -> float | None:
        within = [cpu for at, cpu, _ in self._readings if start_s < at <= start_s + _COLUMN_S]
        if within:
            return max(within)
        held = [cpu for at, cpu, until in self._readings if at <= start_s < until]
        return held[-1] if held else None


class Tray(QObject):
    """The icon in the tray with its menu, on desktops that have one.

    ``autostart_enabled`` is asked each time the menu opens.

    Signals:
        tray_available_changed(bool): whether a host shows the icon; first sent after start().
    """

    tray_available_changed = Signal(bool)

    def __init__(
        self,
        intents: Intents,
        *,
        autostart_enabled: Callable[[], bool],
        host: TrayHost | None = None,
        settings: TraySettings | None = None,
        light_scheme: Callable[[], bool] | None = None,
        clock: Clock | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._clock = clock or SystemClock()
        self._settings = settings or TraySettings()
        self._light_scheme = light_scheme or _is_light
        self._trail = Trail()
        self._seen: Panel | None = None
        self._glance = QTimer(self, singleShot=True, interval=_SETTLE_MS)
        self._glance.timeout.connect(self._on_glance)
        self._intents = intents
        self._autostart_enabled = autostart_enabled
        self._status = Status()
        self._shown: tuple[object, ...] | None = None
        self._shown_at_s: float | None = None
        self._icon: QSystemTrayIcon | None = None
        self._menu: MainMenu | None = None
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
        self._glance.stop()
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

    def use_settings(self, settings: TraySettings) -> None:
        """Another style or another panel, from now on."""
        if settings != self._settings:
            self._settings = settings
            self._refresh()

    @Slot()
    def look_at_panel(self) -> None:
        """The panel may be another one now: look when it has been drawn."""
        self._glance.start()

    def show_status(self, status: Status) -> None:
        """Show this state, now or when the second is over."""
        self._status = status
        self._trail.add(status)
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
        columns = self._trail.columns(self._clock.monotonic())
        facts, text = icon_facts(self._status, self._settings.show, columns), tooltip(self._status)
        place = min(self._icon.geometry().size().toTuple())
        panel, ratio = self._panel(), _ratio()
        # The figures of the text move with each reading, the bars seldom: a drawing costs more
        # than all the rest, here and in the panel that fetches it.
        if (facts, panel, ratio, place) != self._shown:
            self._shown = (facts, panel, ratio, place)
            self._icon.setIcon(tray_icon(facts, panel, ratio, place))
        if text != self._icon.toolTip():
            self._icon.setToolTip(text)
        self._menu.show_status(self._status)

    @Slot(bool)
    def _on_host_appeared(self, hosted: bool) -> None:  # noqa: FBT001 - the signal's shape
        self._drop_icon()
        self._menu = MainMenu(self._intents, self._autostart_enabled)
        self._icon = QSystemTrayIcon(self)
        self._icon.setContextMenu(self._menu.menu)
        self._icon.activated.connect(self._on_activated)
        self._refresh()
        self._icon.show()
        self.look_at_panel()
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
            self._intents.window_requested.emit("overview")

    @Slot()
    def _on_glance(self) -> None:
        self._seen = seen_panel(QGuiApplication.primaryScreen())
        self._refresh()

    def _panel(self) -> Panel:
        desktop = os.environ.get("XDG_CURRENT_DESKTOP") or QGuiApplication.platformName()
        return panel_of(
            self._settings.panel,
            light_scheme=self._light_scheme(),
            desktop=desktop,
            measured=self._seen,
        )

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


def _is_light() -> bool:
    """Whether the platform says that its scheme is light."""
    return QGuiApplication.styleHints().colorScheme() is Qt.ColorScheme.Light

"""The tray: shows the state, says what the person wants, decides nothing.

:class:`Tray` owns the icon and its menu. What it shows comes in through :meth:`Tray.show_status`
and is drawn at most once a second and only when something visible changed; what the person wants
goes out through the intents. The icon object is thrown away and made again whenever a tray host
appears (:mod:`omnitray.ui.tray.host` says when): Qt chooses how to talk to the tray when the
object is constructed, and one that was made too early never registers.
"""

import os
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QSystemTrayIcon

from omnitray.api.status import Status
from omnitray.base.clock import Clock, SystemClock
from omnitray.ui.intents import Intents
from omnitray.ui.tray.host import TrayHost
from omnitray.ui.tray.icon import Panel, icon_facts, likely_panel, tray_icon
from omnitray.ui.tray.menu import MainMenu, tooltip

REFRESH_S = 1.0  # faster, and tooltips never open on some desktops


class Tray(QObject):
    """The icon in the tray with its menu, on desktops that have one.

    ``autostart_enabled`` is asked each time the menu opens; ``panel`` None means to guess.

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
        panel: Panel | None = None,
        clock: Clock | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._clock = clock or SystemClock()
        self._panel = panel
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
        self._menu = MainMenu(self._intents, self._autostart_enabled)
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
            self._intents.window_requested.emit("overview")

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

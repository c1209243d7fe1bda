"""Whether a host shows tray icons. Hosts come late, go, and come back.

:class:`TrayHost` asks Qt whether there is a tray and says ``appeared`` or ``vanished``. What makes
it ask: the StatusNotifierWatcher's name or a host of it comes or goes (seen on the session bus);
and, on X11 while there is no watcher, a slow look, since XEmbed hosts announce themselves to X
clients only. ``appeared`` is also sent when a watcher comes while an icon is shown elsewhere: an
icon that was made before does not move to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QSystemTrayIcon

from omnitray.runtime.notifications import BusPump, open_bus

if TYPE_CHECKING:
    from collections.abc import Callable

    from omnitray.base.dbus import BusReply, BusSignal, SessionBus

WATCHER = "org.kde.StatusNotifierWatcher"
_WATCHER_PATH = "/StatusNotifierWatcher"
_PROPERTIES = "org.freedesktop.DBus.Properties"
_HOST_SIGNALS = ("StatusNotifierHostRegistered", "StatusNotifierHostUnregistered")
_SETTLE_MS = 200  # a watcher, its host and its flag come one after the other
_LOOK_MS = 5000  # 0.75 ms a look: 0.015 % of a core


class TrayHost(QObject):
    """Says when a tray host appears and vanishes.

    Signals:
        appeared(bool): the icon has to be made (again); False when a watcher takes icons but
            says that no host shows them yet.
        vanished(): there is no tray; also sent once after start() when there was none.
    """

    appeared = Signal(bool)
    vanished = Signal()

    def __init__(
        self,
        *,
        available: Callable[[], bool] = QSystemTrayIcon.isSystemTrayAvailable,
        bus: Callable[[], SessionBus | None] = open_bus,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._available = available
        self._open_bus = bus
        self._pump: BusPump | None = None
        self._watcher: str | None = None
        self._watcher_known = False
        self._renew = False
        self._last: tuple[bool, bool] | None = None  # present, hosted
        self._settle = QTimer(self, singleShot=True, interval=_SETTLE_MS)
        self._settle.timeout.connect(self._on_settled)
        self._look = QTimer(self, interval=_LOOK_MS)
        self._look.timeout.connect(self._on_look)

    @Slot()
    def start(self) -> None:
        """Look once, then listen."""
        self._on_look()
        bus = self._open_bus()
        if bus is not None:
            self._pump = BusPump(bus, self)
            bus.listen(self._on_signal)
            bus.subscribe(sender=WATCHER, interface=WATCHER, path=_WATCHER_PATH)
            bus.watch_name(WATCHER, self._on_watcher)
        self._set_look()

    def stop(self) -> None:
        """Listen no more; idempotent."""
        self._settle.stop()
        self._look.stop()
        if self._pump is not None:
            self._pump.close()
            self._pump = None

    def _set_look(self) -> None:
        on_x11 = QGuiApplication.platformName() == "xcb"
        if on_x11 and self._watcher is None:
            self._look.start()
        else:
            self._look.stop()

    @Slot()
    def _on_look(self) -> None:
        self._tell(present=self._available(), hosted=True)

    def _on_watcher(self, owner: str | None) -> None:
        if self._watcher_known and owner == self._watcher:
            return
        # The first answer only says what the first look has seen.
        self._renew = self._watcher_known
        self._watcher_known, self._watcher = True, owner
        self._set_look()
        self._settle.start()

    def _on_signal(self, signal: BusSignal) -> None:
        is_watcher = signal.interface == WATCHER and signal.sender == self._watcher
        # A watcher that floods does not put the look off: it comes after the first signal.
        if is_watcher and signal.member in _HOST_SIGNALS and not self._settle.isActive():
            self._settle.start()

    @Slot()
    def _on_settled(self) -> None:
        if self._watcher is None or self._pump is None:
            self._tell(present=self._available(), hosted=True)
            return
        self._pump.bus.call(
            WATCHER,
            _WATCHER_PATH,
            _PROPERTIES,
            "Get",
            "ss",
            (WATCHER, "IsStatusNotifierHostRegistered"),
            self._on_hosted,
        )

    def _on_hosted(self, answer: BusReply) -> None:
        from omnitray.base.dbus import BusError  # noqa: PLC0415 - as above

        try:
            hosted = answer.holding(tuple[str, bool])[0][1]
        except BusError:  # a watcher that does not answer the question is believed to have a host
            hosted = True
        self._tell(present=self._available(), hosted=hosted)

    def _tell(self, *, present: bool, hosted: bool) -> None:
        renewed, self._renew = self._renew, False
        if (present, hosted) == self._last and not (renewed and present):
            return
        self._last = present, hosted
        if present:
            self.appeared.emit(hosted)
        else:
            self.vanished.emit()

"""What the desktop wants to look like: light or dark, and whether in high contrast.

The desktop portal says it (``org.freedesktop.portal.Settings``, namespace
``org.freedesktop.appearance``), at start and when it changes, also where Qt's own platform theme
does not ask: sway, Hyprland, a bare GNOME session. Where the portal has no opinion, Qt's word
counts. The person's choice (``look``) counts more than both, but not for the tray's panel, which
belongs to the desktop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QGuiApplication

from omnitray.runtime.notifications import BusPump, open_bus

if TYPE_CHECKING:
    from collections.abc import Callable

    from omnitray.base.dbus import BusReply, BusSignal, SessionBus

PORTAL = "org.freedesktop.portal.Desktop"
PORTAL_PATH = "/org/freedesktop/portal/desktop"
SETTINGS = "org.freedesktop.portal.Settings"
NAMESPACE = "org.freedesktop.appearance"
_SCHEME, _CONTRAST = "color-scheme", "contrast"
_DARK, _LIGHT, _HIGH = 1, 2, 1  # the portal's numbers; 0 is "no preference" for both
_DEPTH = 3  # Read wraps its answer in two variants, ReadOne and the signal in one


class DesktopAppearance(QObject):
    """Follows the portal and Qt; ``changed`` when what they say together is another.

    ``bus`` None (the default before :meth:`start`) leaves Qt's word alone.
    """

    changed = Signal()

    def __init__(
        self, bus: Callable[[], SessionBus | None] = open_bus, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._open_bus = bus
        self._pump: BusPump | None = None
        self._portal: dict[str, int] = {}
        self._hints = QGuiApplication.styleHints()
        self._last = (self.dark, self.high_contrast)
        self._hints.colorSchemeChanged.connect(self._on_changed)
        self._hints.accessibility().contrastPreferenceChanged.connect(self._on_changed)

    @property
    def dark(self) -> bool:
        """Whether the desktop is dark."""
        said = self._portal.get(_SCHEME)
        if said in (_DARK, _LIGHT):
            return said == _DARK
        return self._hints.colorScheme() is Qt.ColorScheme.Dark

    @property
    def high_contrast(self) -> bool:
        """Whether the person asked the desktop for high contrast."""
        wanted = self._hints.accessibility().contrastPreference()
        return self._portal.get(_CONTRAST) == _HIGH or wanted is Qt.ContrastPreference.HighContrast

    def start(self) -> None:
        """Ask the portal and listen; the answer comes later, nothing waits for it."""
        bus = self._open_bus()
        if bus is None:
            return
        self._pump = BusPump(bus, self)
        bus.listen(self._on_signal)
        bus.subscribe(sender=PORTAL, interface=SETTINGS, path=PORTAL_PATH)
        for key in (_SCHEME, _CONTRAST):
            self._ask(bus, key)

    def stop(self) -> None:
        """Leave the bus; idempotent."""
        if self._pump is not None:
            self._pump.close()
            self._pump = None

    def _ask(self, bus: SessionBus, key: str) -> None:
        def answered(reply: BusReply) -> None:
            if reply.error is None and reply.body:
                self._take(key, reply.body[0])

        # Read, not ReadOne: portals before 1.17 (Debian 12 has 1.14) know no other.
        bus.call(PORTAL, PORTAL_PATH, SETTINGS, "Read", "ss", (NAMESPACE, key), answered)

    def _on_signal(self, signal: BusSignal) -> None:
        if signal.interface != SETTINGS or signal.member != "SettingChanged":
            return
        match signal.body:
            case (str(namespace), str(key), value) if namespace == NAMESPACE:
                self._take(key, value)

    def _take(self, key: str, value: Any) -> None:
        number = unwrapped(value)
        if key in (_SCHEME, _CONTRAST) and isinstance(number, int):
            self._portal[key] = number
            self._on_changed()

    @Slot()
    def _on_changed(self) -> None:
        now = (self.dark, self.high_contrast)
        if now != self._last:
            self._last = now
            self.changed.emit()


def unwrapped(value: Any) -> Any:
    """What stands in a variant, or in a variant of a variant; any other answer as it is."""
    for _ in range(_DEPTH):
        match value:
            case (str(), inner):
                value = inner
            case _:
                break
    return value

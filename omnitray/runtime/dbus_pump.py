"""The session bus in Qt's event loop: one socket notifier reads, another writes what is left.

Needs QtCore only, so that a program without a display can notify as well.
"""

from __future__ import annotations

import importlib.util
import logging
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSocketNotifier, Signal, Slot

if TYPE_CHECKING:
    from omnitray.base.dbus import SessionBus

_log = logging.getLogger(__name__)


def speaks_dbus() -> bool:
    """Whether this platform has the library for it; it is installed where there is a D-Bus."""
    return importlib.util.find_spec("jeepney") is not None


def open_bus(address: str | None = None) -> SessionBus | None:
    """A connection to the session bus, or None where there is none."""
    try:
        # Only desktops with D-Bus have the library.
        from omnitray.base.dbus import BusError, connect  # noqa: PLC0415
    except ImportError:
        return None
    try:
        return connect(address)
    except BusError as error:
        _log.debug("No session bus: %s", error)
        return None


class BusPump(QObject):
    """Drives a connection from the thread that it is made in.

    Signals:
        lost(): the bus is gone.
    """

    lost = Signal()

    def __init__(self, bus: SessionBus, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.bus = bus
        self._readable = QSocketNotifier(bus.fileno(), QSocketNotifier.Type.Read, self)
        self._readable.activated.connect(self._on_readable)
        self._writable = QSocketNotifier(bus.fileno(), QSocketNotifier.Type.Write, self)
        self._writable.setEnabled(False)
        self._writable.activated.connect(self._on_writable)
        bus.on_backlog = self._on_backlog
        bus.on_lost = self._on_lost
        bus.flush()

    def close(self) -> None:
        """Leave the bus; idempotent."""
        self._readable.setEnabled(False)
        self._writable.setEnabled(False)
        self.bus.close()

    @Slot()
    def _on_readable(self) -> None:
        self.bus.read()

    @Slot()
    def _on_writable(self) -> None:
        self.bus.flush()

    def _on_backlog(self, wanted: bool) -> None:  # noqa: FBT001 - the shape of on_backlog
        if self._writable.isEnabled() != wanted:
            self._writable.setEnabled(wanted)

    def _on_lost(self) -> None:
        self._readable.setEnabled(False)
        self._writable.setEnabled(False)
        self.lost.emit()

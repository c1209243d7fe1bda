"""SIGTERM, SIGINT and SIGHUP as a Qt signal on the main thread.

A Python handler runs only when the interpreter runs, which the main thread does not while Qt
waits; the wake-up descriptor makes Qt notice.
"""

import signal
import socket
from types import FrameType

from PySide6.QtCore import QObject, QSocketNotifier, Signal, Slot

_NAMES = ("SIGTERM", "SIGINT", "SIGHUP")


class StopSignals(QObject):
    """Emits ``asked(name)`` when the process is asked to end."""

    asked = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._notifier = QSocketNotifier(self._reader.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._on_activated)
        self._before: dict[signal.Signals, signal._HANDLER] = {}
        self._before_fd = -1

    def install(self) -> None:
        """Take the signals."""
        self._before_fd = signal.set_wakeup_fd(self._writer.fileno())
        for name in _NAMES:
            if hasattr(signal, name):
                number = signal.Signals[name]
                self._before[number] = signal.signal(number, _ignore)

    def remove(self) -> None:
        """Give the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()
        signal.set_wakeup_fd(self._before_fd)
        self._notifier.setEnabled(False)
        self._reader.close()
        self._writer.close()

    @Slot()
    def _on_activated(self) -> None:
        for number in self._reader.recv(64):
            self.asked.emit(signal.Signals(number).name)


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """The byte in the wake-up descriptor is what counts."""

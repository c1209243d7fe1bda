"""Stopping in stages: each one runs once, in order, whatever the ones before it did."""

import logging
import signal
import socket
import time
from collections.abc import Callable
from types import FrameType

from PySide6.QtCore import QObject, QSocketNotifier, Signal, Slot

from omnitray.base.process_environment import hearable

log = logging.getLogger(__name__)


class Stages:
    """What has to be done at the end, in the order in which it was added."""

    def __init__(self) -> None:
        self._stages: list[tuple[str, Callable[[], object]]] = []
        self._run = False

    def add(self, name: str, act: Callable[[], object]) -> None:
        """Do this at the end, after what was added before. ``act`` must be bounded in time."""
        self._stages.append((name, act))

    def add_first(self, name: str, act: Callable[[], object]) -> None:
        """Do this at the end, before everything else."""
        self._stages.insert(0, (name, act))

    def run(self, why: str) -> None:
        """End everything; a second call does nothing."""
        if self._run:
            return
        self._run = True
        log.info("stopping: %s", why)
        for name, act in self._stages:
            start = time.monotonic()
            try:
                act()
            except Exception:  # one stage that fails must not keep the next from running
                log.exception("stopping %s failed", name)
            log.info("stopped %s in %.0f ms", name, 1000 * (time.monotonic() - start))


_MAY_BE_IGNORED = ("SIGINT", "SIGHUP")


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
        for number in (signal.SIGTERM, *hearable(_MAY_BE_IGNORED)):
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

"""How often something is shown: at once, then not again before its time."""

import time
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Slot


class Pace(QObject):
    """Calls ``act`` when asked, at most once in ``interval_ms``; earlier requests wait."""

    def __init__(self, act: Callable[[], None], interval_ms: int, parent: QObject) -> None:
        super().__init__(parent)
        self.interval_ms = interval_ms
        self._act = act
        self._acted_s = float("-inf")
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self.now)

    def ask(self, wait_ms: int = 0) -> None:
        """Act when its time has come, not before ``wait_ms``."""
        if self._timer.isActive():
            return
        due_ms = self.interval_ms - 1000 * (time.monotonic() - self._acted_s)
        due_ms = max(due_ms, float(wait_ms))
        if due_ms <= 0:
            self.now()
        else:
            self._timer.start(round(due_ms) + 1)

    @Slot()
    def now(self) -> None:
        """Act at once."""
        self._timer.stop()
        self._acted_s = time.monotonic()
        self._act()

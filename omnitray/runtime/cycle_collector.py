"""Python's cycle collector, asked on the main thread alone; now and then memory is given back.

WORKAROUND: left to itself, the collector runs in whichever thread happens to allocate and deletes
there what it finds. A Qt object that is deleted by another thread than its own ends the process
sooner or later (its timers and events are gone from under the main loop). It can go when PySide
leaves such deletions to the object's own thread, as ``QObject.deleteLater`` does.
"""

import gc
import time

from PySide6.QtCore import QObject, Qt, QTimer, Slot

from omnitray.base.allocator import give_back

# A flood of alerts or requests makes some megabytes of garbage in the time between two looks, at
# rest there is none for minutes: each look that finds nothing due doubles the time to the next.
_SOONEST_MS, _LATEST_MS = 2000, 16_000
_GIVE_BACK_S = 300.0  # it takes 1 to 5 ms


class Collector(QObject):
    """Collects what has become garbage, in the thread that it was made in."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.VeryCoarseTimer)
        self._timer.setInterval(_SOONEST_MS)
        self._timer.timeout.connect(self.collect)
        self._given_back_s = time.monotonic()

    def start(self) -> None:
        """Take over; what exists now is taken to stay and is not looked through again."""
        gc.collect()
        gc.freeze()
        gc.disable()
        self._timer.start()

    def stop(self) -> None:
        """Leave it to Python again. Idempotent."""
        self._timer.stop()
        gc.enable()

    @Slot()
    def collect(self) -> None:
        """Collect as far as Python itself would have by now."""
        if (generation := due(gc.get_count(), gc.get_threshold())) is not None:
            gc.collect(generation)
            self._timer.setInterval(_SOONEST_MS)
        else:
            self._timer.setInterval(min(2 * self._timer.interval(), _LATEST_MS))
        if time.monotonic() - self._given_back_s >= _GIVE_BACK_S:
            self._given_back_s = time.monotonic()
            give_back()


def due(count: tuple[int, int, int], threshold: tuple[int, int, int]) -> int | None:
    """The oldest generation that is over its threshold, as in CPython's own rule; None: not yet."""
    if count[0] <= threshold[0]:
        return None
    if count[2] > threshold[2]:
        return 2
    return 1 if count[1] > threshold[1] else 0

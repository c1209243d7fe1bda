"""The cycle collector, run on the main thread alone, and glibc's allocator, made to hold less.

WORKAROUND: left to itself, the collector runs in whichever thread happens to allocate and deletes
there what it finds. A Qt object that is deleted by another thread than its own ends the process
sooner or later (its timers and events are gone from under the main loop). It can go when PySide
leaves such deletions to the object's own thread, as ``QObject.deleteLater`` does.

The allocator by itself makes up to eight arenas a processor, one for each thread that meets another
there, and keeps in each what is freed below something that lives. Where there is another C library
it is left as it is.
"""

import ctypes
import gc
import time
from typing import Any

from PySide6.QtCore import QObject, Qt, QTimer, Slot

_ARENA_MAX = -8  # M_ARENA_MAX, see mallopt(3)
_ARENAS = 2  # one thread runs at a time, except in the calls of libraries


def use_few_arenas() -> bool:
    """Have two arenas at most; False where that cannot be had. Before threads are started."""
    library = _glibc()
    return library is not None and bool(library.mallopt(_ARENA_MAX, _ARENAS))


def give_back() -> bool:
    """Give free pages of all arenas back to the system, in some milliseconds; whether it did."""
    library = _glibc()
    return library is not None and bool(library.malloc_trim(0))


def _glibc() -> Any:
    try:
        library = ctypes.CDLL(None)
    except (OSError, TypeError):  # systems that cannot name the program itself
        return None
    return library if hasattr(library, "mallopt") and hasattr(library, "malloc_trim") else None


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

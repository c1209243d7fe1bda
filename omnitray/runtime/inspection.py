"""The closer look at the jobs in sight: on a thread of its own, begun when a page first asks.

While no page asks, nothing is read; while a look is under way, further wishes wait for the next
scan, so that a slow look never piles up.
"""

import logging
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal, Slot

from omnitray.protector.inspection import CloseLook, CloseLooker, Wanted
from omnitray.runtime.workers import WorkerThread

log = logging.getLogger(__name__)


class LookWorker(QObject):
    """Looks when it is asked to."""

    looked = Signal(object)  # CloseLook

    def __init__(self, build: Callable[[], CloseLooker]) -> None:
        super().__init__()
        self._build = build
        self._looker: CloseLooker | None = None

    @Slot()
    def start(self) -> None:
        """Nothing to begin with: it is asked."""

    @Slot()
    def stop(self) -> None:
        """Nothing to stop: it has no timer."""

    @Slot(object)
    def look(self, wanted: Wanted) -> None:
        """Look, and say what was seen; a look that fails shows nothing, and is logged."""
        seen = CloseLook()
        try:
            self._looker = self._looker or self._build()
            seen = self._looker.look(wanted)
        except OSError as error:
            log.warning("the closer look at the jobs failed: %s", error)
        self.looked.emit(seen)


class Looking(QObject):
    """Asks the worker, one look at a time; ``newest`` is what was seen last."""

    seen = Signal(object)  # CloseLook
    _wanted = Signal(object)  # Wanted, to the worker's thread

    def __init__(self, build: Callable[[], CloseLooker], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thread = WorkerThread("closer look", LookWorker(build))
        self._thread.worker.looked.connect(self._on_looked)
        self._wanted.connect(self._thread.worker.look)
        self._started = self._busy = False
        self.newest = CloseLook()

    def look(self, wanted: Wanted) -> None:
        """Look at these, unless a look is under way."""
        if self._busy:
            return
        if not self._started:
            self._started = True
            self._thread.start()
        self._busy = True
        self._wanted.emit(wanted)

    def stop(self) -> None:
        """End the thread. Idempotent."""
        self._busy = True  # no more looks
        self._thread.stop()

    @Slot(object)
    def _on_looked(self, seen: CloseLook) -> None:
        self._busy = False
        self.newest = seen
        self.seen.emit(seen)

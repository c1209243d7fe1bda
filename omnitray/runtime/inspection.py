"""The closer look at the jobs in sight: on a thread of its own, begun when a page first asks.

While no page asks, nothing is read; while a look is under way, further wishes wait for the next
scan, so that a slow look never piles up.
"""

import logging
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal, Slot

from omnitray.protector.inspection import JobInspection, JobInspector, Wanted
from omnitray.runtime.workers import WorkerThread

log = logging.getLogger(__name__)


class InspectionWorker(QObject):
    """Looks when it is asked to."""

    looked = Signal(object)  # JobInspection

    def __init__(self, build: Callable[[], JobInspector]) -> None:
        super().__init__()
        self._build = build
        self._looker: JobInspector | None = None

    @Slot()
    def start(self) -> None:
        """Nothing to begin with: it is asked."""

    @Slot()
    def stop(self) -> None:
        """Nothing to stop: it has no timer."""

    @Slot(object)
    def look(self, wanted: Wanted) -> None:
        """Look, and say what was seen; a look that fails shows nothing, and is logged."""
        seen = JobInspection()
        try:
            self._looker = self._looker or self._build()
            seen = self._looker.look(wanted)
        except OSError as error:
            log.warning("the closer look at the jobs failed: %s", error)
        self.looked.emit(seen)


class InspectionThread(QObject):
    """Asks the worker, one look at a time; ``newest`` is what was seen last."""

    seen = Signal(object)  # JobInspection
    _wanted = Signal(object)  # Wanted, to the worker's thread

    def __init__(self, build: Callable[[], JobInspector], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thread = WorkerThread("closer look", InspectionWorker(build))
        self._thread.worker.looked.connect(self._on_looked)
        self._wanted.connect(self._thread.worker.look)
        self._started = self._busy = False
        self.newest = JobInspection()

    def look(self, wanted: Wanted) -> None:
        """Look at these, unless a look is under way."""
        if self._busy:
            return
        if not self._started:
            self._started = True
            self._thread.start()
        self._busy = True
        self._wanted.emit(wanted)

    def stop(self) -> bool:
        """End the thread; False if it did not in time. Idempotent."""
        self._busy = True  # no more looks
        return self._thread.stop()

    @Slot(object)
    def _on_looked(self, seen: JobInspection) -> None:
        self._busy = False
        self.newest = seen
        self.seen.emit(seen)

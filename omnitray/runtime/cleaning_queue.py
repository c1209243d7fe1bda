"""Disks that wait for their caches to be cleaned: one run at a time, each disk once.

Two disks can get over their limit together; the protector asks for each but once an hour.
"""

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Slot

from omnitray.protector.engine import CleanRequest
from omnitray.runtime.cleaning import Cleaning

_LOOK_AGAIN_MS = 100


class CleaningQueue(QObject):
    """Starts the runs, one after the other; what they say comes from ``Cleaning``'s signals."""

    def __init__(
        self, cleaning: Cleaning, target_percent: Callable[[], float], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._cleaning = cleaning
        self._target_percent = target_percent
        self._waiting: dict[str, CleanRequest] = {}
        self._again = QTimer(self, singleShot=True, interval=_LOOK_AGAIN_MS)
        self._again.timeout.connect(self._next)

    @property
    def waiting(self) -> tuple[str, ...]:
        """The mounts whose turn has not come, in order."""
        return tuple(self._waiting)

    def ask(self, request: CleanRequest) -> None:
        """Clean this disk as soon as nothing else is cleaned."""
        self._waiting[request.mount] = request
        self._next()

    def forget(self) -> None:
        """Nobody's turn comes any more."""
        self._again.stop()
        self._waiting.clear()

    @Slot()
    def _next(self) -> None:
        if self._waiting and not self._cleaning.busy:
            request = self._waiting.pop(next(iter(self._waiting)))
            dry_run = request.dry_run or request.preview
            self._cleaning.start(request.mount, self._target_percent(), dry_run=dry_run)
        if self._waiting:
            self._again.start()

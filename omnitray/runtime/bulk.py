"""Many alerts moved at once, in slices between which the event loop runs.

The window, the tray and signals stay served however many alerts there are; who watches gets
the progress and may cancel what is left.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from omnitray.base.facts import AlertMove

# A frame of a 60 Hz screen is 16.7 ms: a slice and the painting after it fit into three.
_SLICE_S = 0.010
_LOOKED_AT = 20  # alerts between two looks at the clock, about 1 ms
Wanted = Callable[[str], bool]
Batch = tuple[Iterator[str], AlertMove, Wanted]


class AlertMoves(QObject):
    """``move`` is called for each alert, ``settle`` when none is left."""

    progressed = Signal(int, int)  # moved so far, of how many
    ended = Signal(int, int)  # as above; fewer where the rest was cancelled

    def __init__(
        self,
        move: Callable[[str, AlertMove], object],
        settle: Callable[[], None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._move, self._settle = move, settle
        self._batches: deque[Batch] = deque()
        self._done = self._total = 0
        self._turn = QTimer(self, interval=0)
        self._turn.timeout.connect(self._on_turn)

    def add(
        self, alert_ids: Sequence[str], move: AlertMove, wanted: Wanted = lambda _: True
    ) -> None:
        """Move these too, each if it is ``wanted`` when its turn comes; begins at once."""
        if not alert_ids:
            return
        self._batches.append((iter(alert_ids), move, wanted))
        self._total += len(alert_ids)
        if not self._turn.isActive():
            self._turn.start()
            self._on_turn()

    @property
    def busy(self) -> bool:
        """Whether some are left to move."""
        return bool(self._batches)

    @Slot()
    def cancel(self) -> None:
        """Leave the rest as it is. Idempotent."""
        if self._batches:
            self._batches.clear()
            self._end()

    @Slot()
    def _on_turn(self) -> None:
        until = time.perf_counter() + _SLICE_S
        while self._batches and time.perf_counter() < until:
            alert_ids, move, wanted = self._batches[0]
            taken = list(islice(alert_ids, _LOOKED_AT))
            for alert_id in taken:
                if wanted(alert_id):
                    self._move(alert_id, move)
            self._done += len(taken)
            if len(taken) < _LOOKED_AT:
                self._batches.popleft()
        if self._batches:
            self.progressed.emit(self._done, self._total)
        else:
            self._end()

    def _end(self) -> None:
        done, total = self._done, self._total
        self._turn.stop()
        self._done = self._total = 0
        self._settle()
        self.ended.emit(done, total)

"""Metrics on the main thread: what is seen is recorded, a thread of its own writes once a minute.

SQLite is imported by that thread, at the first minute.
"""

import logging
import threading
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from omnitray.alerts.model import Alert
from omnitray.base.facts import Snapshot
from omnitray.base.subscribers import OneShotReporter
from omnitray.metrics.aggregate import MetricsRecorder, MinuteRecord
from omnitray.metrics.exposition import MetricTotals, RunningTotals
from omnitray.protector.view import ActionOutcome, JournalLine, ProtectionView
from omnitray.runtime.hub import Hub

if TYPE_CHECKING:
    from omnitray.metrics.store import MetricsStore

log = logging.getLogger(__name__)
_STOP_S = 2.0
# Minutes that a locked, full or hanging disk does not take: 12 h, about 6 kB each.
MOST_PENDING = 720
_COUNTED = frozenset({"slow_down", "pause", "end"})


class Metrics(QObject):
    """See the module; ``file`` is where they are kept."""

    def __init__(self, hub: Hub, file: Path) -> None:
        super().__init__(hub)
        self.file = file
        self._hub = hub
        self._recorder = MetricsRecorder()
        self._totals = RunningTotals()
        self._journal: dict[str, JournalLine] | None = None
        self._condition = threading.Condition()
        self._pending: deque[MinuteRecord] = deque(maxlen=MOST_PENDING)
        self._fresh = self._closing = False
        self._thread: threading.Thread | None = None
        self._known: set[str] = {alert.id for alert in hub.alerts.open_alerts()}
        hub.snapshot_taken.connect(self._on_snapshot)
        hub.alerts.subscribe(self._on_alert)

    @property
    def totals(self) -> MetricTotals:
        """What was counted since the start; on any thread."""
        return self._totals.now

    def stop(self) -> bool:
        """Write what has gathered and end; False when it did not in time. Idempotent."""
        record = self._recorder.flush()
        if record is not None:
            self._write(record)
        if self._thread is None:
            return True
        with self._condition:
            self._closing = True
            self._condition.notify()
        self._thread.join(_STOP_S)
        return not self._thread.is_alive()

    @Slot(object)
    def show_actions(self, view: ProtectionView) -> None:
        """Count what is new in the journal; what earlier runs did is not."""
        known, self._journal = self._journal, {line.action_id: line for line in view.journal}
        if known is None:
            return
        for action_id, line in self._journal.items():
            if line.outcome is ActionOutcome.WOULD_HAVE:
                continue
            before = len(known[action_id].steps) if action_id in known else 0
            for taken in line.steps[before:]:  # a hold is one line, however many steps it takes
                step = taken if taken in _COUNTED else "other"
                self._totals.action(step)
                self._recorder.count(f"action.{step}")

    @Slot(object)
    def _on_snapshot(self, shot: Snapshot) -> None:
        self._totals.add(shot)
        record = self._recorder.add(shot, self._hub.jobs, self._hub.status.own)
        if record is not None:
            self._write(record)

    def _on_alert(self, alert: Alert) -> None:
        if alert.state == "resolved":
            self._known.discard(alert.id)
        elif alert.id not in self._known:
            self._known.add(alert.id)
            self._totals.alert(alert.type.value, alert.severity.value)
            self._recorder.count(f"alert.{alert.type.value}")

    def _write(self, record: MinuteRecord) -> None:
        with self._condition:
            self._pending.append(record)  # the oldest goes where too many wait
            self._fresh = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="metrics", daemon=True)
                self._thread.start()
            self._condition.notify()

    def _run(self) -> None:
        try:
            from omnitray.metrics.store import MetricsStore  # noqa: PLC0415 - see the module
        except OSError as error:  # this Python has no SQLite
            log.warning("no minute is kept: %s", error)
            return
        store = MetricsStore(self.file)
        sayings = OneShotReporter(log.warning)
        closing = False
        while not closing:
            with self._condition:
                while not (self._fresh or self._closing):
                    self._condition.wait()
                self._fresh, closing = False, self._closing
            self._write_pending(store, sayings)
        store.close()

    def _write_pending(self, store: "MetricsStore", sayings: OneShotReporter) -> None:
        """Write what waits, the oldest first; what the disk refuses waits for the next minute."""
        import sqlite3  # noqa: PLC0415 - see the module

        from omnitray.metrics.store import NewerMetricsError  # noqa: PLC0415 - SQLite

        while True:
            with self._condition:
                if not self._pending:
                    sayings.over("refused", "the metrics are written again")
                    return
                record = self._pending[0]
            try:
                store.write(record.at, record.values, record.counts, record.jobs)
            except (OSError, sqlite3.DatabaseError, NewerMetricsError) as error:
                store.close()
                sayings.say("refused", f"the metrics are kept in memory, 12 h at most: {error}")
                return
            except Exception:  # one bad minute must not end the others
                log.exception("a minute of the metrics cannot be written")
            with self._condition:
                if self._pending and self._pending[0] is record:
                    self._pending.popleft()

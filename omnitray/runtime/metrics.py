"""Metrics on the main thread: what is seen is recorded, a thread of its own writes once a minute.

SQLite is imported by that thread, at the first minute.
"""

import logging
import queue
import threading
from pathlib import Path

from PySide6.QtCore import QObject, Slot

from omnitray.alerts.model import Alert
from omnitray.base.facts import Snapshot
from omnitray.metrics.recorder import MetricsRecorder, MinuteRecord
from omnitray.metrics.totals import MetricTotals, RunningTotals
from omnitray.protector.view import ActionOutcome, JournalLine, ProtectionView
from omnitray.runtime.hub import Hub

log = logging.getLogger(__name__)
_STOP_S = 2.0
_STEPS = {"slowed": "slow_down", "paused": "pause", "ended": "end"}


class Metrics(QObject):
    """See the module; ``file`` is where they are kept."""

    def __init__(self, hub: Hub, file: Path) -> None:
        super().__init__(hub)
        self.file = file
        self._hub = hub
        self._recorder = MetricsRecorder()
        self._totals = RunningTotals()
        self._journal: dict[str, JournalLine] | None = None
        self._records: queue.SimpleQueue[MinuteRecord | None] = queue.SimpleQueue()
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
        self._records.put(None)
        self._thread.join(_STOP_S)
        return not self._thread.is_alive()

    @Slot(object)
    def show_actions(self, view: ProtectionView) -> None:
        """Count what is new in the journal; what earlier runs did is not."""
        known, self._journal = self._journal, {line.action_id: line for line in view.journal}
        if known is None:
            return
        for action_id, line in self._journal.items():
            if action_id not in known and line.outcome is not ActionOutcome.WOULD_HAVE:
                step = _STEPS.get(line.what.partition(" ")[0], "other")
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
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="metrics", daemon=True)
            self._thread.start()
        self._records.put(record)

    def _run(self) -> None:
        import sqlite3  # noqa: PLC0415 - see the module

        from omnitray.metrics.store import MetricsStore  # noqa: PLC0415 - likewise

        store = MetricsStore(self.file)
        said = ""
        while (record := self._records.get()) is not None:
            try:
                store.write(record.at, record.values, record.counts, record.jobs)
            except (OSError, sqlite3.Error) as error:
                store.close()
                if f"{error}" != said:
                    said = f"{error}"
                    log.warning("a minute of the metrics is not kept: %s", error)
            else:
                said = ""
        store.close()

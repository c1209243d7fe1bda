"""What has been counted since the program started: for the counters of ``/metrics``."""

from collections import Counter

import msgspec

from omnitray.base.facts import Snapshot


class MetricTotals(msgspec.Struct, frozen=True, kw_only=True):
    """Copies, to be read from any thread. ``alerts`` by (type, severity), ``actions`` by step."""

    alerts: dict[tuple[str, str], int] = {}
    actions: dict[str, int] = {}
    disk_read_bytes: float = 0.0
    disk_written_bytes: float = 0.0
    net_received_bytes: float = 0.0
    net_sent_bytes: float = 0.0
    snapshots: int = 0


class RunningTotals:
    """Used by one thread; ``now`` may be read by others."""

    def __init__(self) -> None:
        self._alerts: Counter[tuple[str, str]] = Counter()
        self._actions: Counter[str] = Counter()
        self._read = self._written = self._received = self._sent = 0.0
        self._snapshots = 0
        self.now = MetricTotals()

    def add(self, shot: Snapshot) -> None:
        """One reading: rates become bytes."""
        seconds = shot.interval_s or 0.0
        self._read += (shot.disk_read_bps or 0.0) * seconds
        self._written += (shot.disk_write_bps or 0.0) * seconds
        self._received += (shot.net_recv_bps or 0.0) * seconds
        self._sent += (shot.net_sent_bps or 0.0) * seconds
        self._snapshots += 1
        self._publish()

    def alert(self, type_: str, severity: str) -> None:
        """An incident began."""
        self._alerts[type_, severity] += 1
        self._publish()

    def action(self, step: str) -> None:
        """The protector did something."""
        self._actions[step] += 1
        self._publish()

    def _publish(self) -> None:
        self.now = MetricTotals(
            alerts=dict(self._alerts),
            actions=dict(self._actions),
            disk_read_bytes=self._read,
            disk_written_bytes=self._written,
            net_received_bytes=self._received,
            net_sent_bytes=self._sent,
            snapshots=self._snapshots,
        )

"""The last snapshots, encoded as bytes that cost the cycle collector nothing, and reports.

Two tiers: every snapshot as it was taken, and one a minute for the last day that keeps the maxima
(a spike survives the aggregation). One thread appends; any thread may read. A report sums up the
snapshots since the last one: minimum, average and maximum, and the top jobs.
"""

from collections import deque
from typing import Any

import msgspec

from omnitray.base.facts import Culprit, Job, MonitorLevel, PressureFacts, PressurePair, Snapshot

_MINUTE_S = 60.0

# As a row without the names of its fields: they would be two fifths of it.
_FIELDS = msgspec.structs.fields(Snapshot)
_NAMES = tuple(field.encode_name for field in _FIELDS)
_ROW: Any = tuple[tuple(field.type for field in _FIELDS)]  # type: ignore[misc]  # made of a list
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_ROW)

_Kept = tuple[float, bytes]  # when it was taken, and the snapshot


class SnapshotRing:
    """The newest ``capacity`` snapshots and a day of minutes.

    Kept of the disks is the fullest one; per-core load, temperatures and battery are not kept.
    """

    def __init__(self, capacity: int = 1000, minutes: int = 1440) -> None:
        self._newest: deque[_Kept] = deque(maxlen=capacity)
        self._minutes: deque[_Kept] = deque(maxlen=minutes)
        self._minute: Snapshot | None = None

    def __len__(self) -> int:
        return len(self._newest)

    def append(self, snapshot: Snapshot) -> None:
        """Add the newest snapshot."""
        kept = msgspec.structs.replace(
            snapshot,
            cpu_per_core_percent=(),
            disks=snapshot.disks[:1],
            temperatures=(),
            battery=None,
        )
        self._newest.append((kept.taken_at, _encode(kept)))
        self._aggregate(kept)

    def since(self, taken_at: float) -> list[Snapshot]:
        """What was taken at or after ``taken_at``, oldest first.

        What the newest snapshots no longer reach is filled with one a minute.
        """
        # copy() is one step of the interpreter: nothing is appended meanwhile.
        minutes, newest = self._minutes.copy(), self._newest.copy()
        oldest = newest[0][0] if newest else float("inf")
        kept = [each for each in minutes if each[0] < oldest] + list(newest)
        return [
            Snapshot(**dict(zip(_NAMES, _decoder.decode(encoded), strict=True)))
            for at, encoded in kept
            if at >= taken_at
        ]

    def _aggregate(self, snapshot: Snapshot) -> None:
        minute = self._minute
        if minute is None:
            self._minute = snapshot
        elif minute.taken_at // _MINUTE_S == snapshot.taken_at // _MINUTE_S:
            self._minute = _with_maxima(minute, snapshot)
        else:
            whole = msgspec.structs.replace(minute, interval_s=_MINUTE_S)
            self._minutes.append((whole.taken_at, _encode(whole)))
            self._minute = snapshot


def _encode(snapshot: Snapshot) -> bytes:
    return _encoder.encode(msgspec.structs.astuple(snapshot))


def _with_maxima(before: Snapshot, now: Snapshot) -> Snapshot:
    """The newer one with the higher of both figures where a spike counts."""
    return msgspec.structs.replace(
        now,
        cpu_percent=_larger(before.cpu_percent, now.cpu_percent),
        gpu_percent=_larger(before.gpu_percent, now.gpu_percent),
        disk_read_bps=_larger(before.disk_read_bps, now.disk_read_bps),
        disk_write_bps=_larger(before.disk_write_bps, now.disk_write_bps),
        net_recv_bps=_larger(before.net_recv_bps, now.net_recv_bps),
        net_sent_bps=_larger(before.net_sent_bps, now.net_sent_bps),
        pressure=_pressure(before.pressure, now.pressure),
    )


def _pressure(before: PressureFacts | None, now: PressureFacts | None) -> PressureFacts | None:
    if before is None or now is None:
        return before or now
    return PressureFacts(
        cpu=_pair(before.cpu, now.cpu),
        memory=_pair(before.memory, now.memory),
        io=_pair(before.io, now.io),
    )


def _pair(before: PressurePair | None, now: PressurePair | None) -> PressurePair | None:
    """The share of time in which some waited counts; in which all did stays the newest."""
    if before is None or now is None:
        return before or now
    some = max(before.some_avg10, now.some_avg10)
    return PressurePair(some_avg10=some, full_avg10=now.full_avg10)


def _larger(one: float | None, other: float | None) -> float | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """Least, average and most of a figure; None where nothing could be read."""

    least: float | None = None
    average: float | None = None
    most: float | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A span of the machine's life, in the words of a snapshot."""

    since: float
    until: float
    level: MonitorLevel
    samples: int
    cpu_percent: Spread
    memory_percent: Spread
    disk_percent: Spread
    top_jobs: tuple[Culprit, ...]


class ReportKeeper:
    """Collects snapshots between two reports in constant space."""

    def __init__(self) -> None:
        self._start()

    def add(self, shot: Snapshot) -> None:
        """Take a snapshot in."""
        if self._samples == 0:
            self._since = shot.taken_at
        self._samples += 1
        self._until = shot.taken_at
        for tally, value in zip(
            self._tallies, (shot.cpu_percent, shot.memory_percent, shot.disk_percent), strict=True
        ):
            tally.add(value)

    def take(self, level: MonitorLevel, jobs: tuple[Job, ...]) -> Report:
        """The report since the last one; starts the next."""
        cpu, memory, disk = (tally.spread() for tally in self._tallies)
        report = Report(
            since=self._since,
            until=self._until,
            level=level,
            samples=self._samples,
            cpu_percent=cpu,
            memory_percent=memory,
            disk_percent=disk,
            top_jobs=culprits(jobs),
        )
        self._start()
        return report

    def _start(self) -> None:
        self._samples = 0
        self._since = self._until = 0.0
        self._tallies = (_Tally(), _Tally(), _Tally())


class _Tally:
    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self.least = float("inf")
        self.most = float("-inf")

    def add(self, value: float | None) -> None:
        if value is None:
            return
        self.count += 1
        self.total += value
        self.least = min(self.least, value)
        self.most = max(self.most, value)

    def spread(self) -> Spread:
        if not self.count:
            return Spread()
        return Spread(least=self.least, average=self.total / self.count, most=self.most)


def culprits(jobs: tuple[Job, ...], most: int = 3) -> tuple[Culprit, ...]:
    """The first jobs, as an alert names them."""
    return tuple(
        Culprit(job=job.title, cpu=job.cpu_percent, rss_bytes=job.rss_bytes, pid=job.leader_pid)
        for job in jobs[:most]
    )

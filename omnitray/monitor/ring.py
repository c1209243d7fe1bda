"""The last snapshots, kept in arrays: 1,000 of them take about 300 kB and no garbage collection.

Two tiers share one layout: every snapshot as it was taken, and one row a minute for the last day
that keeps the maxima (a spike survives the aggregation). One thread appends; any thread may read:
a reader that was overtaken by a writer notices and reads again.
"""

import math
from array import array
from collections.abc import Iterator
from typing import TypeAlias

from omnitray.base.facts import (
    DiskFacts,
    MemoryFacts,
    MonitorLevel,
    PressureFacts,
    PressurePair,
    Snapshot,
)

Row: TypeAlias = "array[float]"  # not subscriptable at run time before Python 3.12

_LEVELS = tuple(MonitorLevel)
_COLUMNS = (
    "taken_at",
    "monotonic_s",
    "level",
    "interval_s",
    "cpu_percent",
    "load_1",
    "load_5",
    "load_15",
    "memory_total",
    "memory_available",
    "swap_total",
    "swap_free",
    "memory_limited",
    "disk_total",
    "disk_free",
    "disk_percent",
    "disk_name",
    "disk_read_bps",
    "disk_write_bps",
    "net_recv_bps",
    "net_sent_bps",
    "connections",
    "processes",
    "cpu_some",
    "cpu_full",
    "memory_some",
    "memory_full",
    "io_some",
    "io_full",
    "cost_s",
)
_MAXIMA = tuple(
    _COLUMNS.index(name)
    for name in (
        "cpu_percent",
        "disk_read_bps",
        "disk_write_bps",
        "net_recv_bps",
        "net_sent_bps",
        "cpu_some",
        "memory_some",
        "io_some",
    )
)
_AT = {name: index for index, name in enumerate(_COLUMNS)}
_NAN = math.nan


class Ring:
    """A ring of rows of doubles; NaN stands for a figure that could not be read."""

    def __init__(self, capacity: int, width: int) -> None:
        self.capacity = capacity
        self.width = width
        self.appended = 0
        self._cells = array("d", bytes(8 * capacity * width))

    def append(self, row: Row) -> None:
        """Put a row behind the newest one; the oldest falls out."""
        start = (self.appended % self.capacity) * self.width
        self._cells[start : start + self.width] = row
        self.appended += 1

    def rows(self) -> Iterator[Row]:
        """The rows from the oldest to the newest, as they stood at one moment."""
        while True:
            before = self.appended
            cells = self._cells[:]
            if self.appended == before:
                break
        for number in range(max(0, before - self.capacity), before):
            start = (number % self.capacity) * self.width
            yield cells[start : start + self.width]


class SnapshotRing:
    """The newest ``capacity`` snapshots and a day of minutes.

    Kept of the disks is the fullest one; per-core load, temperatures and battery are not kept.
    """

    def __init__(self, capacity: int = 1000, minutes: int = 1440) -> None:
        self._raw = Ring(capacity, len(_COLUMNS))
        self._minutes = Ring(minutes, len(_COLUMNS))
        self._minute: Row | None = None
        self._names: list[tuple[str, str]] = []

    def __len__(self) -> int:
        return min(self._raw.appended, self._raw.capacity)

    def append(self, snapshot: Snapshot) -> None:
        """Keep a snapshot."""
        row = self._encode(snapshot)
        self._raw.append(row)
        self._aggregate(row)

    def since(self, taken_at: float) -> list[Snapshot]:
        """What was taken at or after ``taken_at``, oldest first.

        What the newest snapshots no longer reach is filled with a row a minute.
        """
        raw = list(self._raw.rows())
        oldest = raw[0][0] if raw else math.inf
        rows = [row for row in self._minutes.rows() if row[0] < oldest] + raw
        return [self._decode(row) for row in rows if row[0] >= taken_at]

    def _aggregate(self, row: Row) -> None:
        previous = self._minute
        if previous is not None and previous[0] // 60 == row[0] // 60:
            merged = row[:]
            for column in _MAXIMA:
                # max() with the candidate second keeps the other figure when one is NaN
                merged[column] = _larger(previous[column], row[column])
            self._minute = merged
            return
        if previous is not None:
            previous[_AT["interval_s"]] = 60.0
            self._minutes.append(previous)
        self._minute = row[:]

    def _encode(self, shot: Snapshot) -> Row:
        load = shot.load or (_NAN, _NAN, _NAN)
        values = (
            shot.taken_at,
            shot.monotonic_s,
            float(_LEVELS.index(shot.level)),
            _cell(shot.interval_s),
            _cell(shot.cpu_percent),
            *load,
            *_memory_cells(shot.memory),
            *self._disk_cells(shot.disks),
            _cell(shot.disk_read_bps),
            _cell(shot.disk_write_bps),
            _cell(shot.net_recv_bps),
            _cell(shot.net_sent_bps),
            _cell(shot.connections),
            _cell(shot.processes),
            *_pressure_cells(shot.pressure),
            shot.cost_s,
        )
        return array("d", values)

    def _disk_cells(self, disks: tuple[DiskFacts, ...]) -> tuple[float, ...]:
        if not disks:
            return (_NAN,) * 4
        fullest = disks[0]
        name = (fullest.mount, fullest.filesystem)
        if name not in self._names:
            self._names.append(name)
        return (
            float(fullest.total_bytes),
            float(fullest.free_bytes),
            fullest.used_percent,
            float(self._names.index(name)),
        )

    def _decode(self, row: Row) -> Snapshot:
        cells = dict(zip(_COLUMNS, row, strict=True))
        load = (cells["load_1"], cells["load_5"], cells["load_15"])
        return Snapshot(
            taken_at=cells["taken_at"],
            monotonic_s=cells["monotonic_s"],
            level=_LEVELS[int(cells["level"])],
            interval_s=_figure(cells["interval_s"]),
            cpu_percent=_figure(cells["cpu_percent"]),
            load=None if math.isnan(load[0]) else load,
            memory=_memory(cells),
            disks=self._disks(cells),
            disk_read_bps=_figure(cells["disk_read_bps"]),
            disk_write_bps=_figure(cells["disk_write_bps"]),
            net_recv_bps=_figure(cells["net_recv_bps"]),
            net_sent_bps=_figure(cells["net_sent_bps"]),
            connections=_whole(cells["connections"]),
            pressure=_pressure(cells),
            processes=_whole(cells["processes"]),
            cost_s=cells["cost_s"],
        )

    def _disks(self, cells: dict[str, float]) -> tuple[DiskFacts, ...]:
        if math.isnan(cells["disk_total"]):
            return ()
        mount, filesystem = self._names[int(cells["disk_name"])]
        return (
            DiskFacts(
                mount=mount,
                filesystem=filesystem,
                total_bytes=int(cells["disk_total"]),
                free_bytes=int(cells["disk_free"]),
                used_percent=cells["disk_percent"],
            ),
        )


def _cell(value: float | None) -> float:
    return _NAN if value is None else float(value)


def _figure(value: float) -> float | None:
    return None if math.isnan(value) else value


def _whole(value: float) -> int | None:
    return None if math.isnan(value) else int(value)


def _larger(one: float, other: float) -> float:
    if math.isnan(one):
        return other
    return one if math.isnan(other) else max(one, other)


def _memory_cells(memory: MemoryFacts | None) -> tuple[float, ...]:
    if memory is None:
        return (_NAN,) * 5
    return (
        float(memory.total_bytes),
        float(memory.available_bytes),
        float(memory.swap_total_bytes),
        float(memory.swap_free_bytes),
        float(memory.limited),
    )


def _memory(cells: dict[str, float]) -> MemoryFacts | None:
    if math.isnan(cells["memory_total"]):
        return None
    return MemoryFacts(
        total_bytes=int(cells["memory_total"]),
        available_bytes=int(cells["memory_available"]),
        swap_total_bytes=int(cells["swap_total"]),
        swap_free_bytes=int(cells["swap_free"]),
        limited=bool(cells["memory_limited"]),
    )


def _pressure_cells(pressure: PressureFacts | None) -> tuple[float, ...]:
    if pressure is None:
        return (_NAN,) * 6
    pairs = (pressure.cpu, pressure.memory, pressure.io)
    return tuple(
        cell
        for pair in pairs
        for cell in ((_NAN, _NAN) if pair is None else (pair.some_avg10, _cell(pair.full_avg10)))
    )


def _pressure(cells: dict[str, float]) -> PressureFacts | None:
    def pair(name: str) -> PressurePair | None:
        some = cells[f"{name}_some"]
        if math.isnan(some):
            return None
        return PressurePair(some_avg10=some, full_avg10=_figure(cells[f"{name}_full"]))

    found = PressureFacts(cpu=pair("cpu"), memory=pair("memory"), io=pair("io"))
    return None if found == PressureFacts() else found

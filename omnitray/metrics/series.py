"""What is kept over time: one line a series, with its unit and how it is read from a snapshot.

Rates are bytes a second, shares are per cent of the machine, ``own_`` is this program itself. A
value that could not be read is left out of its minute, never counted as 0.
"""

from collections.abc import Callable
from typing import NamedTuple

from omnitray.base.facts import OwnCost, PressurePair, Snapshot

Reading = Callable[[Snapshot, OwnCost | None], float | None]


class MetricSeries(NamedTuple):
    """``number`` stands in the database and is never used for another series."""

    number: int
    name: str
    unit: str
    title: str
    read: Reading


def _pressure(pair: PressurePair | None) -> float | None:
    return None if pair is None else pair.some_avg10


def _swap(shot: Snapshot) -> float | None:
    memory = shot.memory
    if memory is None or not memory.swap_total_bytes:
        return None
    return 100.0 * memory.swap_used_bytes / memory.swap_total_bytes


def _count(number: int | None) -> float | None:
    return None if number is None else float(number)


def _own_cpu(own: OwnCost | None) -> float | None:
    return own.cpu_percent if own is not None else None


def _own_memory(own: OwnCost | None) -> float | None:
    return float(own.rss_bytes) if own is not None and own.rss_bytes is not None else None


def _warmest(shot: Snapshot) -> float | None:
    return max((each.celsius for each in shot.temperatures), default=None)


SERIES = (
    MetricSeries(1, "cpu", "%", "CPU", lambda shot, _: shot.cpu_percent),
    MetricSeries(2, "memory", "%", "Memory", lambda shot, _: shot.memory_percent),
    MetricSeries(3, "swap", "%", "Swap", lambda shot, _: _swap(shot)),
    MetricSeries(
        4,
        "cpu_pressure",
        "%",
        "Waiting for the CPU",
        lambda shot, _: _pressure(shot.pressure.cpu) if shot.pressure else None,
    ),
    MetricSeries(
        5,
        "memory_pressure",
        "%",
        "Waiting for memory",
        lambda shot, _: _pressure(shot.pressure.memory) if shot.pressure else None,
    ),
    MetricSeries(
        6,
        "io_pressure",
        "%",
        "Waiting for the disk",
        lambda shot, _: _pressure(shot.pressure.io) if shot.pressure else None,
    ),
    MetricSeries(7, "disk", "%", "Fullest disk", lambda shot, _: shot.disk_percent),
    MetricSeries(8, "disk_read", "B/s", "Disk read", lambda shot, _: shot.disk_read_bps),
    MetricSeries(9, "disk_write", "B/s", "Disk written", lambda shot, _: shot.disk_write_bps),
    MetricSeries(10, "net_received", "B/s", "Received", lambda shot, _: shot.net_recv_bps),
    MetricSeries(11, "net_sent", "B/s", "Sent", lambda shot, _: shot.net_sent_bps),
    MetricSeries(12, "temperature", "°C", "Warmest sensor", lambda shot, _: _warmest(shot)),
    MetricSeries(14, "own_cpu", "%", "OmniTray's CPU", lambda _, own: _own_cpu(own)),
    MetricSeries(
        15,
        "own_memory",
        "B",
        "OmniTray's memory",
        lambda _, own: _own_memory(own),
    ),
    MetricSeries(16, "processes", "", "Processes", lambda shot, _: _count(shot.processes)),
)
BY_NAME = {each.name: each for each in SERIES}
BY_NUMBER = {each.number: each for each in SERIES}

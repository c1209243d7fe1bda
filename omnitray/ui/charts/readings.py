"""The readings that the charts share: one time axis, a track for each figure. No widgets."""

from collections.abc import Iterable

from omnitray.base.facts import Snapshot
from omnitray.monitor.levels import RHYTHMS
from omnitray.ui import formats
from omnitray.ui.charts.series import TimeAxis, Track

FIGURES = (
    "cpu_percent",
    "memory_percent",
    "swap_percent",
    "disk_read_bps",
    "disk_write_bps",
    "net_recv_bps",
    "net_sent_bps",
)


class ChartReadings:
    """All tracks; an hour of them is kept."""

    def __init__(self) -> None:
        self.axis = TimeAxis()
        self.tracks = {name: Track() for name in FIGURES}
        self.newest: Snapshot | None = None

    def add(self, snapshot: Snapshot) -> None:
        """Take up one more snapshot."""
        at_s = self.axis.place(snapshot.monotonic_s, snapshot.taken_at)
        expected_s = RHYTHMS[snapshot.level].look_s
        for name, track in self.tracks.items():
            value = getattr(snapshot, name)
            track.add(at_s, value, expected_s, cut=snapshot.interval_s is None)
        self.newest = snapshot

    def replace(self, snapshots: Iterable[Snapshot]) -> None:
        """Start over with these, oldest first."""
        for track in self.tracks.values():
            track.clear()
        self.axis.restart()
        self.newest = None
        for snapshot in snapshots:
            self.add(snapshot)


def cpu_words(shot: Snapshot) -> tuple[str, str]:
    """``43 %`` and ``pressure 12 % · load 6.1 / 8``."""
    words = []
    if shot.pressure and shot.pressure.cpu:
        words.append(f"pressure {formats.percent(shot.pressure.cpu.some_avg10)}")
    if shot.load:
        cores = len(shot.cpu_per_core_percent)
        load = formats.number(shot.load[0], ".1f")
        words.append(f"load {load} on {cores} cores" if cores else f"load {load}")
    return formats.percent(shot.cpu_percent), " · ".join(words)


def memory_words(shot: Snapshot) -> tuple[str, str]:
    """``78 %`` and ``7.1 GB free · 32.0 GB in all · swap 0.6 GB``."""
    memory = shot.memory
    if memory is None:
        return formats.DASH, ""
    words = [
        f"{formats.size(memory.available_bytes)} free",
        f"{formats.size(memory.total_bytes)} in all",
    ]
    if memory.swap_total_bytes:
        words.append(f"swap {formats.size(memory.swap_used_bytes)}")
    if memory.limited:
        words.append("limited by a group")
    return formats.percent(memory.used_percent), " · ".join(words)


def disk_words(shot: Snapshot) -> tuple[str, str]:
    """``84 MB/s`` and ``/home 61 % full``."""
    words = ""
    if shot.disks:
        fullest = shot.disks[0]
        words = f"{fullest.mount} {formats.percent(fullest.used_percent)} full"
    return formats.rate(_sum(shot.disk_read_bps, shot.disk_write_bps)), words


def network_words(shot: Snapshot) -> tuple[str, str]:
    """``1.4 MB/s`` and ``214 connections``."""
    words = "" if shot.connections is None else formats.count(shot.connections, "connection")
    return formats.rate(_sum(shot.net_recv_bps, shot.net_sent_bps)), words


def _sum(first: float | None, second: float | None) -> float | None:
    known = [value for value in (first, second) if value is not None]
    return sum(known) if known else None

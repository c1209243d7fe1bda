"""Turns what the program sees into minutes. Steps, no threads, no files.

``add`` takes a snapshot with the jobs of its scan; ``minute`` gives what is to be written once a
minute is over. A sample stands for the time since the one before, at most half a minute: over a
sleep nothing is measured, and a gap stays a gap.

``SERIES`` is what is kept over time. Rates are bytes a second, shares are per cent of the machine,
``own_`` is this program itself. A value that could not be read is left out of its minute, never
counted as 0.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from omnitray.base.facts import Job, OwnCost, PressurePair, Snapshot
from omnitray.metrics.aggregate import JOBS_KEPT, JobCost, Period, Stretch, of_samples

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


MOST_WEIGHT_S = 30.0  # the rarest rhythm of the monitor
_JOB_FLOOR_S = 0.5  # CPU time within a minute under which a job is not worth a line


class MinuteRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What is written for one minute."""

    at: int
    values: dict[int, Stretch]
    counts: dict[str, int]
    jobs: tuple[JobCost, ...] = ()


class _Running(msgspec.Struct):
    key: str
    cpu_s: float = 0.0
    peak_bytes: int = 0
    fresh: bool = True


class MetricsRecorder:
    """Used by one thread."""

    def __init__(self) -> None:
        self._samples: dict[int, list[tuple[float, float]]] = {}
        self._counts: Counter[str] = Counter()
        self._jobs: dict[str, tuple[str, str, _Running]] = {}
        self._known_jobs: set[str] = set()
        self._at: int | None = None
        self._last_m: float | None = None

    def add(self, shot: Snapshot, jobs: Sequence[Job], own: OwnCost | None) -> MinuteRecord | None:
        """One reading; the minute before it, when this begins another."""
        minute = Period.MINUTE.begin(shot.taken_at)
        over = None
        if self._at is not None and minute != self._at:
            over = self.flush()
        self._at = minute
        weight_s = shot.interval_s
        if weight_s is None:
            since_s = shot.monotonic_s - self._last_m if self._last_m is not None else 1.0
            weight_s = max(0.1, min(since_s, MOST_WEIGHT_S))
        weight_s = min(weight_s, MOST_WEIGHT_S)
        self._last_m = shot.monotonic_s
        for series in SERIES:
            value = series.read(shot, own)
            if value is not None:
                self._samples.setdefault(series.number, []).append((value, weight_s))
        self._add_jobs(jobs, weight_s)
        return over

    def count(self, name: str) -> None:
        """Something happened: ``alert.SERVER_DOWN``, ``action.pause``."""
        self._counts[name] += 1

    def flush(self) -> MinuteRecord | None:
        """What has gathered, also within a minute (at the end); None when there is nothing."""
        if self._at is None or not (self._samples or self._counts):
            return None
        values = {number: of_samples(each) for number, each in self._samples.items()}
        record = MinuteRecord(
            at=self._at,
            values={number: each for number, each in values.items() if each is not None},
            counts=dict(self._counts),
            jobs=self._costly_jobs(),
        )
        self._samples, self._counts = {}, Counter()
        return record

    def _add_jobs(self, jobs: Sequence[Job], weight_s: float) -> None:
        seen = set()
        for job in jobs:
            seen.add(job.key)
            if job.key not in self._jobs:
                running = _Running(job.key, fresh=job.key not in self._known_jobs)
                self._jobs[job.key] = (job.name, job.project or "", running)
            running = self._jobs[job.key][2]
            running.cpu_s += (job.cpu_percent or 0.0) / 100.0 * weight_s
            running.peak_bytes = max(running.peak_bytes, job.rss_bytes)
        self._known_jobs = (self._known_jobs & seen) | seen

    def _costly_jobs(self) -> tuple[JobCost, ...]:
        costs: dict[tuple[str, str], JobCost] = {}
        for name, project, running in self._jobs.values():
            before = costs.get((name, project), JobCost(name=name, project=project, runs=0))
            costs[name, project] = JobCost(
                name=name,
                project=project,
                cpu_s=before.cpu_s + running.cpu_s,
                peak_bytes=max(before.peak_bytes, running.peak_bytes),
                runs=before.runs + running.fresh,
            )
        self._jobs = {}
        worth = [each for each in costs.values() if each.cpu_s >= _JOB_FLOOR_S]
        return tuple(sorted(worth, key=lambda each: -each.cpu_s)[:JOBS_KEPT])

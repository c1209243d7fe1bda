"""From what the program sees to minutes, and from these to hours, days and months.

No threads, no files. ``SERIES`` is what is kept over time. Rates are bytes a second, shares are
per cent of the machine, ``own_`` is this program itself. A value that could not be read is left out
of its minute, never counted as 0. :class:`MetricsRecorder` takes a snapshot with the jobs of its
scan, and gives what is to be written once a minute is over.

A sample counts for the time that it stands for, at most half a minute: 0.5 s at the critical level
weigh as much as they lasted; over a sleep nothing is measured, and a gap stays a gap. The 95th
percentile of a longer stretch is that of its parts' 95th percentiles, each with the time that it
covers: exact for minutes, an upper estimate beyond.

Days and months are those of the local clock; minutes and hours are of the epoch, so that a change
to summer time neither doubles nor drops one.

When a disk will be full (:func:`outlook`): the slopes of all pairs of readings (Theil and Sen) say
how fast it fills; what the slower and the faster quarter of them leave open is the range. Where a
quarter of them fall there is no trend.
"""

import datetime as dt
import enum
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from typing import NamedTuple

import msgspec

from omnitray.base.facts import Job, OwnCost, PressurePair, Snapshot

SHARE = 0.95
JOBS_KEPT = 10  # of each hour


class Stretch(msgspec.Struct, frozen=True, gc=False):
    """One series over a stretch of time; ``covered_s`` is how much of it was measured."""

    covered_s: float
    low: float
    mean: float
    high: float
    p95: float


class MetricPoint(msgspec.Struct, frozen=True, kw_only=True):
    """One series over one stretch; ``at`` is its beginning in wall seconds."""

    at: int
    covered_s: float
    low: float
    mean: float
    high: float
    p95: float


class JobCost(msgspec.Struct, frozen=True, kw_only=True):
    """What a job cost over a stretch of time; ``runs`` is how many of it there were."""

    name: str
    project: str = ""
    cpu_s: float = 0.0
    peak_bytes: int = 0
    runs: int = 1


def of_samples(samples: Sequence[tuple[float, float]]) -> Stretch | None:
    """Samples are (value, seconds that it stands for); None without any."""
    covered = sum(weight for _, weight in samples)
    if not samples or covered <= 0:
        return None
    values = [value for value, _ in samples]
    mean = sum(value * weight for value, weight in samples) / covered
    return Stretch(covered, min(values), mean, max(values), percentile(samples))


def of_stretches(parts: Iterable[Stretch]) -> Stretch | None:
    """A longer stretch from its parts; None without any."""
    known = [each for each in parts if each.covered_s > 0]
    if not known:
        return None
    covered = sum(each.covered_s for each in known)
    return Stretch(
        covered,
        min(each.low for each in known),
        sum(each.mean * each.covered_s for each in known) / covered,
        max(each.high for each in known),
        percentile([(each.p95, each.covered_s) for each in known]),
    )


def percentile(weighted: Sequence[tuple[float, float]], share: float = SHARE) -> float:
    """The smallest value that at least ``share`` of the weight does not exceed."""
    ordered = sorted(weighted)
    wanted = share * sum(weight for _, weight in ordered)
    reached = 0.0
    for value, weight in ordered:
        reached += weight
        if reached >= wanted - 1e-9:
            return value
    return ordered[-1][0]


MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86400


class Period(enum.StrEnum):
    """A resolution."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"

    @property
    def kept_s(self) -> float | None:
        """How long values are kept; None for good."""
        return {
            Period.MINUTE: 2.0 * DAY_S,
            Period.HOUR: 90.0 * DAY_S,
            Period.DAY: 5 * 365.25 * DAY_S,
            Period.MONTH: None,
        }[self]

    @property
    def finer(self) -> "Period | None":
        """What it is summed up from."""
        order = tuple(Period)
        return order[order.index(self) - 1] if self is not Period.MINUTE else None

    def begin(self, at: float) -> int:
        """Where the stretch begins that a moment lies in (wall seconds)."""
        if self is Period.MINUTE:
            return int(at // MINUTE_S) * MINUTE_S
        if self is Period.HOUR:
            return int(at // HOUR_S) * HOUR_S
        local = dt.datetime.fromtimestamp(at).astimezone()
        day = 1 if self is Period.MONTH else local.day
        start = dt.datetime(local.year, local.month, day)  # noqa: DTZ001 - local midnight is meant
        return int(start.astimezone().timestamp())

    def after(self, begin: int) -> int:
        """Where the next stretch begins."""
        if self is Period.MINUTE:
            return begin + MINUTE_S
        if self is Period.HOUR:
            return begin + HOUR_S
        # Far enough into the next day or month to be in it whatever the clocks do.
        return self.begin(begin + (DAY_S * 1.5 if self is Period.DAY else DAY_S * 32))


LOOKED_BACK_S = 7.0 * DAY_S  # a week has every kind of day once
_LEAST_SEEN_S = 1.0 * DAY_S  # a night and a day: less says how today is, not how it goes on
_FEWEST = 12
_MOST = 48  # 1,128 pairs
_LOW, _HIGH = 0.25, 0.75
_FARTHEST_S = 60.0 * DAY_S  # nobody makes room for what may be in three months
FULL = 100.0


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """Full between ``low_s`` and ``high_s`` from the newest reading; per cent a day it grows."""

    low_s: float
    high_s: float
    per_day: float


def outlook(points: Sequence[MetricPoint]) -> Outlook | None:
    """What these readings in per cent, oldest first, foretell; None where that is not sure."""
    known = [each for each in points if each.covered_s > 0]
    if len(known) < _FEWEST or known[-1].at - known[0].at < _LEAST_SEEN_S:
        return None
    left = max(0.0, FULL - known[-1].mean)
    thinned = known[:: -(-len(known) // _MOST)]
    slopes = sorted(
        (later.mean - earlier.mean) / (later.at - earlier.at)
        for earlier, later in combinations(thinned, 2)
    )
    slow, middle, fast = (slopes[int(share * (len(slopes) - 1))] for share in (_LOW, 0.5, _HIGH))
    if slow <= 0.0 or left / fast > _FARTHEST_S:
        return None
    high_s = min(left / slow, 2.0 * _FARTHEST_S)
    return Outlook(low_s=left / fast, high_s=high_s, per_day=middle * DAY_S)


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
    MetricSeries(13, "gpu", "%", "GPU", lambda shot, _: shot.gpu_percent),
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
        self._known_jobs: dict[str, int] = {}  # what each held at the newest reading of this minute
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
        known = self._known_jobs
        for job in jobs:
            # Most jobs rest for the whole minute: what used no processor time is not kept of it.
            if not job.cpu_percent and job.key in known and job.key not in self._jobs:
                continue
            if job.key not in self._jobs:
                running = _Running(
                    job.key, peak_bytes=known.get(job.key, 0), fresh=job.key not in known
                )
                self._jobs[job.key] = (job.name, job.project or "", running)
            running = self._jobs[job.key][2]
            running.cpu_s += (job.cpu_percent or 0.0) / 100.0 * weight_s
            running.peak_bytes = max(running.peak_bytes, job.rss_bytes)
        self._known_jobs = {job.key: job.rss_bytes for job in jobs}

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
        self._known_jobs = dict.fromkeys(self._known_jobs, 0)  # a peak is that of its minute
        worth = [each for each in costs.values() if each.cpu_s >= _JOB_FLOOR_S]
        return tuple(sorted(worth, key=lambda each: -each.cpu_s)[:JOBS_KEPT])

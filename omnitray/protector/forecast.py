"""When something runs out, as a range; silent when that is not sure.

``Trend`` keeps the last readings of what is left and fits them by Theil and Sen: the median of
the slopes of all pairs, which a single jump cannot turn. It speaks only of a fall that was steady
for a time in proportion to what it foretells: for half a minute ahead it wants to have seen three
seconds of it; where the last four seconds do not agree, the last two or one may. A fall in lumps,
which stands still between them, and one under the noise of a busy machine are judged by the means
of a few equal parts of the time. ``attributed`` says whose growth it is.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import combinations, pairwise

import msgspec

from omnitray.base.conditions import memory_left
from omnitray.base.facts import DiskFacts, Forecast, Job, MemoryFacts, Resource
from omnitray.base.policy import ModeLimits

_WINDOW_SHARES = (0.5, 0.25)  # for what fell faster before; what rose before is not believed
_HARDLY = 0.1  # of what fell may have risen, for lumps to be one fall
_FEWEST = 5  # ten slopes, of which one wild reading turns four: not the median
_MOST = 24  # 276 slopes
_WINDOW_S = 4.0  # holds the 3 s of steady fall that are asked for at most
_OLDEST_S = 60.0  # twelve readings at the slowest pace
_SEEN_PER_AHEAD = 0.1  # seconds of steady fall wanted for each second foretold
_SEEN_LEAST_S, _SEEN_MOST_S = 0.4, 3.0  # five readings at 0.1 s; the share of 30 s ahead
_STEADY_SHARE = 0.75  # of the steps must fall
_PARTS = 6  # of the time, whose means must all fall
_PART_FEWEST = 3  # readings, or the mean of a part is the noise of one
_OVER_NOISE = 3.0  # so many of the largest rises the whole fall must be
_WIDEST = 4.0  # a range wider than this says nothing
_FARTHEST_S = 3600.0  # nothing is done about what is an hour away
_DISK_READINGS_S = 600.0  # as far back as a disk's filling counts ahead (``constants``)

Sample = tuple[float, float]  # monotonic seconds, bytes left


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing will be left between ``low_s`` and ``high_s`` from the newest reading."""

    low_s: float
    high_s: float
    slope_bps: float  # of the fall, positive


class Trend:
    """The last readings of one thing that can run out."""

    def __init__(
        self,
        window_s: float = _WINDOW_S,
        oldest_s: float = _OLDEST_S,
        shares: Sequence[float] = _WINDOW_SHARES,
        seen_most_s: float = _SEEN_MOST_S,
    ) -> None:
        self._window_s = window_s
        self._oldest_s = oldest_s
        self._shares = shares
        self._seen_most_s = seen_most_s
        self._samples: deque[Sample] = deque(maxlen=256)

    def add(self, now_s: float, left_bytes: float) -> None:
        """Take a reading; one that goes back in time restarts the trend."""
        if self._samples and now_s <= self._samples[-1][0]:
            self._samples.clear()
        self._samples.append((now_s, left_bytes))
        while now_s - self._samples[0][0] > self._oldest_s:
            self._samples.popleft()

    def forget(self) -> None:
        """Something was done about it: what was before says nothing any more."""
        while len(self._samples) > 1:
            self._samples.popleft()

    def runs_out(self) -> Span | None:
        """The range, or None."""
        whole = self._recent(self._window_s)
        span = runs_out(whole, self._seen_most_s)
        if span is not None or not _hardly_rises(whole):
            return span
        shorter = (
            runs_out(self._recent(share * self._window_s), self._seen_most_s)
            for share in self._shares
        )
        return next((span for span in shorter if span is not None), None)

    def _recent(self, window_s: float) -> list[Sample]:
        """The readings of a window; where they came seldom, the last few whatever their age."""
        newest_s = self._samples[-1][0] if self._samples else 0.0
        recent = [each for each in self._samples if newest_s - each[0] <= window_s]
        return recent if len(recent) >= _FEWEST else list(self._samples)[-_FEWEST - 1 :]


def runs_out(samples: Sequence[Sample], seen_most_s: float = _SEEN_MOST_S) -> Span | None:
    """When nothing is left if the fall seen in these readings goes on; None when not sure.

    No more than ``seen_most_s`` of a steady fall is asked for.
    """
    if len(samples) < _FEWEST:
        return None
    left, lump = max(0.0, samples[-1][1]), 0.0
    seen_s = samples[-1][0] - samples[0][0]
    if not _is_steady(samples):
        lump = max(earlier[1] - later[1] for earlier, later in pairwise(samples))
        samples = _means(samples)
        if not samples:
            return None
    falls = _falls(samples[:: -(-len(samples) // _MOST)])
    slow, middle, fast = (
        falls[min(len(falls) - 1, int(share * len(falls)))] for share in (0.1, 0.5, 0.9)
    )
    if slow <= 0.0 or fast > _WIDEST * slow:
        return None
    low_s, high_s = max(0.0, left - lump) / fast, (left + lump) / slow
    if high_s > _FARTHEST_S:
        return None
    if seen_s < min(seen_most_s, max(_SEEN_LEAST_S, _SEEN_PER_AHEAD * high_s)):
        return None
    return Span(low_s=low_s, high_s=high_s, slope_bps=middle)


def _falls(samples: Sequence[Sample]) -> list[float]:
    """The rates at which it fell between any two, the slowest first."""
    return sorted(
        (earlier[1] - later[1]) / (later[0] - earlier[0])
        for earlier, later in combinations(samples, 2)
    )


def _means(samples: Sequence[Sample]) -> list[Sample]:
    """The means of equal parts where each is under the one before, beyond what is noise; or none.

    A step or a burst leaves some of them alike, a saw tooth lets one rise.
    """
    if len(samples) < _PARTS * _PART_FEWEST:
        return []
    ends = [len(samples) * part // _PARTS for part in range(_PARTS + 1)]
    parts = [samples[start:end] for start, end in pairwise(ends)]
    means = [
        (sum(each[0] for each in part) / len(part), sum(each[1] for each in part) / len(part))
        for part in parts
    ]
    noise = max(later[1] - earlier[1] for earlier, later in pairwise(samples))
    fall = means[0][1] - means[-1][1]
    all_fall = all(later[1] < earlier[1] for earlier, later in pairwise(means))
    return means if all_fall and fall >= _OVER_NOISE * max(0.0, noise) else []


def attributed(forecast: Forecast, jobs: Iterable[Job], least_bytes: float = 0.0) -> Forecast:
    """The same with the job that grows most and its share of all growth.

    The first megabytes of what has just started are no growth: less than ``least_bytes`` is named
    for nothing, nor are OmniTray's own commands.
    """
    growing = [
        job
        for job in jobs
        if (job.growth_bps or 0.0) > 0.0 and job.rss_bytes >= least_bytes and not job.is_own_command
    ]
    if not growing:
        return forecast
    most = max(growing, key=lambda job: (job.growth_bps or 0.0, job.key))
    share = (most.growth_bps or 0.0) / sum(job.growth_bps or 0.0 for job in growing)
    return msgspec.structs.replace(forecast, job_key=most.key, share=share)


class MemoryForecaster:
    """Foretells the floor from the guard's readings."""

    def __init__(self) -> None:
        self._trend = Trend()
        self._total_bytes = 0

    def add(self, now_s: float, memory: MemoryFacts, limits: ModeLimits) -> Forecast | None:
        """Take a reading; the forecast where there is one."""
        if memory.total_bytes != self._total_bytes:  # a limit came or went
            self._trend = Trend()
            self._total_bytes = memory.total_bytes
        left = memory_left(memory, limits)
        self._trend.add(now_s, left)
        return _forecast(Resource.MEMORY, self._trend.runs_out(), left)

    def forget(self) -> None:
        """Something was done about it."""
        self._trend.forget()


class DiskForecaster:
    """Foretells full file systems from the looks at them (``monitor.sampler.DiskWatch``)."""

    def __init__(self) -> None:
        self._trends: dict[str, Trend] = {}

    def add(self, now_s: float, disks: Iterable[DiskFacts]) -> tuple[Forecast, ...]:
        """Take the disks of one snapshot; the forecasts there are."""
        forecasts = []
        seen = set()
        for disk in disks:
            seen.add(disk.mount)
            trend = self._trends.get(disk.mount)
            if trend is None:
                trend = self._trends[disk.mount] = _disk_trend()
            trend.add(now_s, float(disk.free_bytes))
            span = trend.runs_out()
            forecasts.append(_forecast(Resource.DISK, span, disk.free_bytes, disk.mount))
        for gone in self._trends.keys() - seen:
            del self._trends[gone]
        return tuple(forecast for forecast in forecasts if forecast is not None)


def _disk_trend() -> Trend:
    """Looks come every 0.1 to 5 s: the last of a half minute in which little was written counts.

    A copy of some gigabytes is written as fast as what fills a disk, and is over in some seconds:
    for two minutes ahead twelve of a steady fall are asked for.
    """
    return Trend(30.0, _DISK_READINGS_S, shares=(0.5, 0.25, 0.1, 0.03), seen_most_s=12.0)


def _forecast(
    resource: Resource, span: Span | None, left: float, mount: str | None = None
) -> Forecast | None:
    if span is None:
        return None
    return Forecast(
        resource=resource,
        low_s=span.low_s,
        high_s=span.high_s,
        slope_bps=span.slope_bps,
        left_bytes=int(left),
        mount=mount,
    )


def _is_steady(samples: Sequence[Sample]) -> bool:
    """Whether most steps fall, and those of the last third too."""
    steps = [later[1] < earlier[1] for earlier, later in pairwise(samples)]
    newest = steps[-max(2, len(steps) // 3) :]
    return all(sum(part) >= _STEADY_SHARE * len(part) for part in (steps, newest))


def _hardly_rises(samples: Sequence[Sample]) -> bool:
    """Whether it has only fallen, if at different rates."""
    steps = [earlier[1] - later[1] for earlier, later in pairwise(samples)]
    rises = -sum(step for step in steps if step < 0)
    return rises <= _HARDLY * sum(step for step in steps if step > 0)

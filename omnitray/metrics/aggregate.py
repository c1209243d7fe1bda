"""From samples to one value of a stretch of time, and from stretches to a longer one. Pure.

A sample counts for the time that it stands for: 0.5 s at the critical level weigh as much as they
lasted. The 95th percentile of a longer stretch is that of its parts' 95th percentiles, each with
the time that it covers: exact for minutes, an upper estimate beyond.

Days and months are those of the local clock; minutes and hours are of the epoch, so that a change
to summer time neither doubles nor drops one.

When a disk will be full (:func:`outlook`): the slopes of all pairs of readings (Theil and Sen) say
how fast it fills; what the slower and the faster quarter of them leave open is the range. Where a
quarter of them fall there is no trend.
"""

import datetime as dt
import enum
from collections.abc import Iterable, Sequence
from itertools import combinations

import msgspec

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

"""From samples to one value of a stretch of time, and from stretches to a longer one. Pure.

A sample counts for the time that it stands for: 0.5 s at the critical level weigh as much as they
lasted. The 95th percentile of a longer stretch is that of its parts' 95th percentiles, each with
the time that it covers: exact for minutes, an upper estimate beyond.
"""

from collections.abc import Iterable, Sequence

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

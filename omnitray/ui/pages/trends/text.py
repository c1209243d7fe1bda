"""What the page of trends says: ranges, spans of time, the outlook, the file of an export."""

import csv
import datetime as dt
import io
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from omnitray.metrics.aggregate import DAY_S, MetricPoint, Outlook, Period
from omnitray.ui import formats

COLUMNS = ("time", "series", "min", "mean", "max", "p95")


class TrendRange(NamedTuple):
    """How far back, by which resolution, and how a moment on the axis is written."""

    key: str
    word: str
    days: int
    period: Period
    form: str


RANGES = (
    TrendRange("day", "Day", 1, Period.MINUTE, "%H:%M"),
    TrendRange("week", "Week", 7, Period.HOUR, "%a %d"),
    TrendRange("month", "Month", 31, Period.HOUR, "%d %b"),
    TrendRange("year", "Year", 366, Period.DAY, "%b"),
)


def axis_words(at: float, shown: TrendRange) -> str:
    """``14:00``, ``Tue 18``, ``18 Nov``, ``Nov``."""
    return _local(at).strftime(shown.form)


def span_words(since: float, until: float, shown: TrendRange) -> str:
    """``18 to 24 November``, with the year where it is over a year."""
    first, last = _local(since), _local(until)
    if shown.days >= 366:  # noqa: PLR2004 - a year
        return f"{first:%B %Y} to {last:%B %Y}"
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day} to {last.day} {last:%B}"
    return f"{first.day} {first:%B} to {last.day} {last:%B}"


def outlook_words(found: Outlook) -> str:
    """``full in 3 to 5 days``."""
    low, high = max(1, round(found.low_s / DAY_S)), max(1, round(found.high_s / DAY_S))
    if low == high:
        return f"full in about {formats.count(low, 'day')}"
    return f"full in {low} to {formats.count(high, 'day')}"


def mean_of(points: Sequence[MetricPoint]) -> float | None:
    """Over the time that is covered; None where nothing is."""
    covered = sum(each.covered_s for each in points)
    return sum(each.mean * each.covered_s for each in points) / covered if covered else None


def as_csv(found: Mapping[str, Sequence[MetricPoint]]) -> str:
    """A line for each stretch of each series, with the time in UTC as in the API."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for name, points in found.items():
        for each in points:
            at = dt.datetime.fromtimestamp(each.at, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            values = (each.low, each.mean, each.high, each.p95)
            writer.writerow((at, name, *(f"{value:.2f}" for value in values)))
    return out.getvalue()


def _local(at: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(at).astimezone()

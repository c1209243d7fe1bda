"""Round figures and times for the axes of charts. Pure."""

import datetime as dt
from math import ceil, floor, log10

_MANTISSAS = (1.0, 2.0, 5.0, 10.0)
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
_STEPS_S = (
    1, 2, 5, 10, 30, _MINUTE, 2 * _MINUTE, 5 * _MINUTE, 10 * _MINUTE, 30 * _MINUTE,
    _HOUR, 2 * _HOUR, 6 * _HOUR, 12 * _HOUR, _DAY, 2 * _DAY, 7 * _DAY,
)  # fmt: skip


def value_ticks(top: float, most: int) -> list[float]:
    """0 and its round multiples below ``top``: at most so many, at least two where they fit."""
    raw = top / max(1, most)
    power = 10.0 ** floor(log10(raw)) if raw > 0 else 1.0
    step = next(each * power for each in _MANTISSAS if each * power >= raw * (1 - 1e-9))
    return [step * number for number in range(floor(top / step + 1e-9) + 1)]


def time_ticks(end_s: float, most: int) -> list[float]:
    """0 and its round multiples up to ``end_s``, in seconds, at most so many behind 0."""
    step = next((each for each in _STEPS_S if end_s / each <= most), 7 * _DAY)
    return [step * number for number in range(floor(end_s / step + 1e-9) + 1)]


def clock_ticks(since: float, until: float, most: int) -> list[float]:
    """Moments that a local clock shows as round, between two, at most so many (wall seconds).

    From two days on they are midnights, of a year the first days of months.
    """
    step_s = next((each for each in _STEPS_S if (until - since) / each <= most), None)
    if step_s is None:
        return _months(since, until, most)
    start = dt.datetime.fromtimestamp(since).astimezone()
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    if step_s >= _DAY:
        return _days(midnight, since, until, round(step_s / _DAY))
    first = midnight.timestamp()
    number = ceil((since - first) / step_s)
    found = []
    while first + number * step_s <= until:
        found.append(first + number * step_s)
        number += 1
    return found


def _days(midnight: dt.datetime, since: float, until: float, step: int) -> list[float]:
    """Midnights of the local clock, whatever summer time does to a day."""
    found: list[float] = []
    day = midnight.date()
    while True:
        start = dt.datetime(day.year, day.month, day.day)  # noqa: DTZ001 - local midnight is meant
        at = start.astimezone().timestamp()
        if at > until:
            return found
        if at >= since:
            found.append(at)
        day += dt.timedelta(days=step if found else 1)


def _months(since: float, until: float, most: int) -> list[float]:
    step = max(1, ceil((until - since) / (30.4 * _DAY) / max(1, most)))
    start = dt.datetime.fromtimestamp(since).astimezone()
    found: list[float] = []
    number = start.year * 12 + start.month
    while True:
        month = dt.datetime(number // 12, number % 12 + 1, 1)  # noqa: DTZ001 - as above
        at = month.astimezone().timestamp()
        if at > until:
            return found
        if at >= since:
            found.append(at)
        number += step

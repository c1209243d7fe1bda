"""The numbers behind a chart, without a widget: time series, breaks, columns, scales.

A :class:`Track` keeps compact arrays. :func:`lines` turns a stretch of it into lines to draw: where
there are many samples, two points for a column of pixels, the lowest and the highest in it in the
order in which they came, so that no spike is lost; and never one line across a gap. Columns are
anchored to absolute time, so that a line does not shimmer while the window slides.
"""

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import NamedTuple

GAP_FACTOR = 2.5  # a sample may be late by this much before the line breaks
_NICE_STEPS = (1.0, 2.0, 5.0, 10.0)
_SLEPT_S = 1.0  # a wall clock that gained more than this was not merely slewed
_SPARE = 256  # old samples are cut off in strides: moving an array costs


class Reading(NamedTuple):
    """One sample: when (monotonic) and how much."""

    at_s: float
    value: float


class TimeAxis:
    """Elapsed time that counts suspended hours too, and the wall clock of any moment on it.

    Monotonic time stands still while the machine sleeps; the wall clock jumps. A place on the axis
    moves on by whichever is longer, and never back.
    """

    def __init__(self) -> None:
        self._monotonic_s: float | None = None
        self._taken_at = 0.0
        self.now_s = 0.0

    def place(self, monotonic_s: float, taken_at: float) -> float:
        """Where a reading stands; call it once for each, in their order."""
        if self._monotonic_s is None:
            self.now_s = monotonic_s
        else:
            awake_s = max(0.0, monotonic_s - self._monotonic_s)
            passed_s = taken_at - self._taken_at
            self.now_s += passed_s if passed_s > awake_s + _SLEPT_S else awake_s
        self._monotonic_s, self._taken_at = monotonic_s, taken_at
        return self.now_s

    def restart(self) -> None:
        """Forget every place: the readings begin again."""
        self._monotonic_s, self._taken_at, self.now_s = None, 0.0, 0.0

    def wall(self, at_s: float) -> float:
        """The wall clock at a place."""
        return at_s - self.now_s + self._taken_at

    def at(self, wall_s: float) -> float:
        """The place of a wall clock time."""
        return wall_s - self._taken_at + self.now_s


class Track:
    """One series on a time axis. ``keep_s`` is how far back it reaches.

    Times must not go backwards; a sample that does is dropped.
    """

    def __init__(self, keep_s: float = 3700.0) -> None:
        self._keep_s = keep_s
        self.times = array("d")
        self.values = array("d")
        self._cuts = bytearray()  # 1 where a new line begins
        self._expected_s = array("d")
        self._broken = True
        self.life = 0  # another one after everything was forgotten

    def __len__(self) -> int:
        return len(self.times)

    def add(
        self, at_s: float, value: float | None, expected_s: float, *, cut: bool = False
    ) -> None:
        """Append a sample; None makes a gap, ``cut`` says that nothing joins it to the one before.

        ``expected_s`` is the rhythm at which samples are due now.
        """
        self._broken = self._broken or cut
        if value is None or math.isnan(value):
            self._broken = True
            return
        if self.times:
            late_s = at_s - self.times[-1]
            if late_s < 0:
                return
            rhythm_s = max(expected_s, self._expected_s[-1])
            self._broken = self._broken or late_s > GAP_FACTOR * rhythm_s
        self.times.append(at_s)
        self.values.append(value)
        self._expected_s.append(expected_s)
        self._cuts.append(self._broken)
        self._broken = False
        self._forget(at_s - self._keep_s)

    def clear(self) -> None:
        """Forget everything."""
        self.life += 1
        for cells in (self.times, self.values, self._cuts, self._expected_s):
            del cells[:]
        self._broken = True

    @property
    def newest(self) -> Reading | None:
        """The last sample."""
        return Reading(self.times[-1], self.values[-1]) if self.times else None

    def begins_line(self, index: int) -> bool:
        """Whether no line leads from the sample before to this one."""
        return bool(self._cuts[index])

    def next_line(self, after: int, last: int) -> int:
        """Where the next line begins behind an index, ``last`` if none does before that."""
        found = self._cuts.find(1, after + 1, last)
        return last if found < 0 else found

    def nearest(self, at_s: float, within_s: float) -> Reading | None:
        """The sample closest to a moment, unless the moment lies in a gap."""
        right = bisect_left(self.times, at_s)
        near = [i for i in (right - 1, right) if 0 <= i < len(self.times)]
        if not near:
            return None
        best = min(near, key=lambda i: abs(self.times[i] - at_s))
        if abs(self.times[best] - at_s) > max(within_s, GAP_FACTOR * self._expected_s[best]):
            return None
        return Reading(self.times[best], self.values[best])

    def highest(self, start_s: float, end_s: float) -> Reading | None:
        """The highest sample of a stretch, the first of equals."""
        first, last = bisect_left(self.times, start_s), bisect_right(self.times, end_s)
        if first >= last:
            return None
        value = max(self.values[first:last])
        return Reading(self.times[self.values.index(value, first, last)], value)

    def _forget(self, before_s: float) -> None:
        old = bisect_left(self.times, before_s)
        if old >= _SPARE:
            for cells in (self.times, self.values, self._cuts, self._expected_s):
                del cells[:old]


def lines(
    track: Track, start_s: float, end_s: float, column_s: float
) -> Iterator[list[tuple[float, float]]]:
    """Lines of ``(time, value)`` for a stretch, one neighbour beyond either end.

    A line never spans a gap; a lone sample is a line of one point.
    """
    first = max(0, bisect_left(track.times, start_s) - 1)
    last = min(len(track), bisect_right(track.times, end_s) + 1)
    while first < last:
        end = track.next_line(first, last)
        yield drawn(track, first, end, column_s)
        first = end


def drawn(track: Track, first: int, last: int, column_s: float) -> list[tuple[float, float]]:
    """The samples of one line; thinned out only where that saves something."""
    columns = (track.times[last - 1] - track.times[first]) / column_s
    if last - first > 2 * columns:
        return _thinned(track, first, last, column_s)
    return list(zip(track.times[first:last], track.values[first:last], strict=True))


def _thinned(track: Track, first: int, last: int, column_s: float) -> list[tuple[float, float]]:
    """The samples of one line, at most two a column: its lowest and its highest."""
    times, values = track.times, track.values
    points: list[tuple[float, float]] = []
    column = math.floor(times[first] / column_s)
    low = high = first
    for index in range(first + 1, last):
        here = math.floor(times[index] / column_s)
        if here == column:
            if values[index] < values[low]:
                low = index
            elif values[index] > values[high]:
                high = index
            continue
        _put(points, track, low, high)
        column, low, high = here, index, index
    _put(points, track, low, high)
    return points


def _put(points: list[tuple[float, float]], track: Track, low: int, high: int) -> None:
    points.extend((track.times[index], track.values[index]) for index in sorted({low, high}))


def nice_ceiling(value: float) -> float:
    """The next of 1, 2, 5 × 10^n at or above a positive value."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in _NICE_STEPS if value <= step * power * (1 + 1e-9))


class AutoScale:
    """The top of an axis for a rate: grows at once, shrinks after a whole window of calm."""

    def __init__(self, floor: float) -> None:
        self._floor = floor
        self.top = nice_ceiling(floor)
        self._roomy_since_s: float | None = None

    def fit(self, highest: float, now_s: float, window_s: float) -> float:
        """The top for what is highest in view; call it with every new sample."""
        wanted = nice_ceiling(max(highest, self._floor))
        if wanted >= self.top:
            self.top, self._roomy_since_s = wanted, None
        elif self._roomy_since_s is None:
            self._roomy_since_s = now_s
        elif now_s - self._roomy_since_s >= window_s:
            self.top, self._roomy_since_s = wanted, None
        return self.top

    def reset(self) -> None:
        """Start over, for another range or history."""
        self.top, self._roomy_since_s = nice_ceiling(self._floor), None

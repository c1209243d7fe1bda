"""What a chart says in words: to a screen reader, and under its crosshair. Pure."""

from collections.abc import Callable, Iterable, Sequence

from omnitray.ui import formats
from omnitray.ui.charts.paint import MARK, Curve, Mark
from omnitray.ui.charts.series import Reading, TimeAxis


class ChartWords:
    """The words of one chart; ``say`` puts a value with its unit."""

    def __init__(
        self,
        name: str,
        axis: TimeAxis,
        curves: Sequence[Curve],
        say: Callable[[float | None], str],
    ) -> None:
        self._name, self._axis, self._curves, self._say = name, axis, curves, say

    def summary(self, range_s: float) -> str:
        """``CPU: now 43 %, highest 91 % at 14:02`` over the range."""
        parts = [self._summary_of(curve, range_s) for curve in self._curves]
        return f"{self._name}: " + "; ".join(parts)

    def at(self, at_s: float, column_s: float, marks: Iterable[Mark]) -> str:
        """``14:02:11 · 43 %``, and the alerts that fired within a triangle's width."""
        parts = [formats.clock_time(self._axis.wall(at_s))]
        for curve in self._curves:
            reading = curve.track.nearest(at_s, column_s)
            parts.append(self._word(curve) + (self._say(reading.value) if reading else "no sample"))
        reach_s = MARK * column_s
        parts.extend(mark.text for mark in marks if abs(mark.at_s - at_s) <= reach_s)
        return " · ".join(parts)

    def highest_value(self, range_s: float) -> float:
        """The highest value of all curves in the range; 0 where there is none."""
        readings = [self._highest(curve, range_s) for curve in self._curves]
        return max((reading.value for reading in readings if reading), default=0.0)

    def _summary_of(self, curve: Curve, range_s: float) -> str:
        newest, highest = curve.track.newest, self._highest(curve, range_s)
        if newest is None or highest is None:
            return f"{self._word(curve)}no reading yet"
        moment = formats.clock_time(self._axis.wall(highest.at_s), seconds=False)
        now, most = self._say(newest.value), self._say(highest.value)
        return f"{self._word(curve)}now {now}, highest {most} at {moment}"

    def _highest(self, curve: Curve, range_s: float) -> Reading | None:
        return curve.track.highest(self._axis.now_s - range_s, self._axis.now_s)

    def _word(self, curve: Curve) -> str:
        return f"{curve.name} " if len(self._curves) > 1 else ""

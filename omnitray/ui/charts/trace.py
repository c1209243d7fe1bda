"""The points of a track as Qt's polygons, kept from one repaint to the next.

Handing a point to Qt costs more than drawing it. A chart of five minutes has 600 points a curve at
two readings a second, of which four are new when it is painted next: only these are handed over.
"""

import math
from bisect import bisect_left

from PySide6.QtCore import QPointF
from PySide6.QtGui import QPolygonF

from omnitray.ui.charts.series import Track, drawn, lines

_SPARE = 128  # points that have left the chart are cut off in strides


class Trace:
    """One track, in its own units: seconds to the right, values upwards."""

    def __init__(self, track: Track) -> None:
        self._track = track
        self._polygons: list[QPolygonF] = []
        self._of: tuple[float, int] | None = None  # width of a column, life of the track
        self._start_s = 0.0
        self._newest_s = 0.0  # where the column of the newest sample begins: it may still change

    def polygons(self, start_s: float, end_s: float, column_s: float) -> list[QPolygonF]:
        """The lines of :func:`~.series.lines` for a stretch that ends with the newest sample.

        Some points before its begin may be among them.
        """
        of = column_s, self._track.life
        if of != self._of or start_s < self._start_s:
            self._of, self._start_s = of, start_s
            found = lines(self._track, start_s, end_s, column_s)
            self._polygons = [QPolygonF([QPointF(*point) for point in line]) for line in found]
        else:
            self._draw_newest(column_s)
            self._forget(start_s)
        if self._track.times:
            self._newest_s = math.floor(self._track.times[-1] / column_s) * column_s
        return self._polygons

    def _draw_newest(self, column_s: float) -> None:
        """Draw again from the newest column on."""
        polygons, track = self._polygons, self._track
        while polygons and polygons[-1].last().x() >= self._newest_s:
            polygons[-1].removeLast()
            if polygons[-1].isEmpty():
                polygons.pop()
        first, last = bisect_left(track.times, self._newest_s), len(track)
        while first < last:
            end = track.next_line(first, last)
            if track.begins_line(first) or not polygons:
                polygons.append(QPolygonF())
            for point in drawn(track, first, end, column_s):
                polygons[-1].append(QPointF(*point))
            first = end

    def _forget(self, start_s: float) -> None:
        """Drop what has left the chart, but for the neighbour that a line comes from."""
        polygons = self._polygons
        while len(polygons) > 1 and polygons[0].last().x() < start_s:
            del polygons[0]
        if polygons and polygons[0].size() > _SPARE and polygons[0].at(_SPARE).x() < start_s:
            polygons[0].remove(0, _SPARE)

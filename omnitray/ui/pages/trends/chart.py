"""A chart over days to years: lowest to highest as a band, the mean as a line, a gap is a gap."""

from collections.abc import Sequence

import msgspec
from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QAccessible, QColor, QFontMetricsF, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from omnitray.metrics.aggregate import FULL, MetricPoint, Outlook
from omnitray.ui import formats
from omnitray.ui.charts.ticks import clock_ticks
from omnitray.ui.pages.trends.text import TrendRange, axis_words
from omnitray.ui.theme import Theme, line_height, text_font

_SCALE = 0.82
_LINES = 8.0  # of labels: three values, the times, the marks, and air between them
_MARK = 4.5  # half the width of a triangle or diamond
_PAD = 6.0
_APART = 1.5  # widths of a time from one to the next
_VALUES = (0.0, 50.0, 100.0)


class TrendMark(msgspec.Struct, frozen=True):
    """Something that happened: an alert (a triangle) or an action (a diamond)."""

    at: float
    action: bool
    critical: bool = False


class TrendFacts(msgspec.Struct, frozen=True, kw_only=True):
    """All that a chart shows; times in wall seconds. An outlook reaches beyond ``now``."""

    points: tuple[MetricPoint, ...] = ()
    since: float = 0.0
    until: float = 1.0
    now: float = 1.0
    range: TrendRange
    marks: tuple[TrendMark, ...] = ()
    thresholds: tuple[float, float] | None = None
    outlook: Outlook | None = None


class BandChart(QWidget):
    """On a true time axis from 0 to 100 %."""

    accessible_role = QAccessible.Role.Graphic

    def __init__(self, theme: Theme, name: str, colour: str) -> None:
        super().__init__()
        self._theme, self._colour = theme, colour
        self._name = name
        self.facts: TrendFacts | None = None
        self.setAccessibleName(f"{name}: nothing is known of this time")
        self.setFont(text_font(self.font(), _SCALE))
        self.setLayoutDirection(Qt.LayoutDirection.LeftToRight)  # as time runs on every chart
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Wide and low."""
        return QSize(20 * line_height(self.font()), line_height(self.font(), _LINES))

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """So wide that three times stand apart."""
        return QSize(12 * line_height(self.font()), line_height(self.font(), _LINES))

    def show_facts(self, facts: TrendFacts, said: str) -> None:
        """Show these; ``said`` is the chart in words."""
        if facts != self.facts:
            self.facts = facts
            self.setAccessibleName(f"{self._name}: {said}")
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002, N802 - Qt's name and shape
        """Draw ground, outlook, band, line and marks."""
        facts = self.facts
        if facts is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        metrics = QFontMetricsF(self.font())
        left = metrics.horizontalAdvance("100") + _PAD
        top, foot = 2 * _MARK + 2, metrics.height() + 2
        box = QRectF(left, top, self.width() - left - _PAD, self.height() - top - foot)
        self._paint_axes(painter, box, facts)
        if facts.outlook is not None:
            self._paint_outlook(painter, box, facts, facts.outlook)
        for run in _runs(facts):
            self._paint_run(painter, box, facts, run)
        self._paint_marks(painter, box, facts)

    def _paint_axes(self, painter: QPainter, box: QRectF, facts: TrendFacts) -> None:
        colours, metrics = self._theme.colours, QFontMetricsF(self.font())
        for value in _VALUES:
            y = _y(box, value)
            painter.setPen(QPen(QColor(colours.grid), 1))
            painter.drawLine(QLineF(box.left(), y, box.right(), y))
            painter.setPen(QColor(colours.muted))
            spot = QRectF(0, y - metrics.height() / 2, box.left() - _PAD, metrics.height())
            painter.drawText(spot, int(Qt.AlignmentFlag.AlignRight), f"{value:.0f}")
        for value, colour in zip(
            facts.thresholds or (), (colours.warning_line, colours.critical_line), strict=False
        ):
            painter.setPen(QPen(QColor(colour), 1, Qt.PenStyle.DashLine))
            painter.drawLine(QLineF(box.left(), _y(box, value), box.right(), _y(box, value)))
        painter.setPen(QColor(colours.muted))
        widest = metrics.horizontalAdvance("Wed 28") * _APART
        for at in clock_ticks(facts.since, facts.until, max(2, int(box.width() / widest))):
            words = axis_words(at, facts.range)
            wide = metrics.horizontalAdvance(words)
            x = min(max(_x(box, facts, at) - wide / 2, box.left()), box.right() - wide)
            painter.drawText(QPointF(x, box.bottom() + metrics.ascent() + 2), words)

    def _paint_run(
        self, painter: QPainter, box: QRectF, facts: TrendFacts, run: Sequence[MetricPoint]
    ) -> None:
        colour = QColor(getattr(self._theme.colours, self._colour))
        soft = QColor(colour)
        soft.setAlphaF(0.25)
        upper = [QPointF(_x(box, facts, each.at), _y(box, each.high)) for each in run]
        lower = [QPointF(_x(box, facts, each.at), _y(box, each.low)) for each in reversed(run)]
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(soft)
        painter.drawPolygon(QPolygonF([*upper, *lower]))
        painter.setPen(QPen(colour, 1.6))
        mean = [QPointF(_x(box, facts, each.at), _y(box, each.mean)) for each in run]
        painter.drawPolyline(QPolygonF(mean))
        if len(mean) == 1:
            painter.drawPoint(mean[0])

    def _paint_outlook(
        self, painter: QPainter, box: QRectF, facts: TrendFacts, found: Outlook
    ) -> None:
        """A fan from the newest reading to the earliest and the latest moment it is full."""
        if not facts.points or facts.until <= facts.now:
            return
        colours, newest = self._theme.colours, facts.points[-1]
        start = QPointF(_x(box, facts, newest.at), _y(box, newest.mean))
        soon = _on_way(box, facts, newest, found.low_s)
        late = _on_way(box, facts, newest, found.high_s)
        ground = QColor(colours.second)
        ground.setAlphaF(0.25)
        corner = [QPointF(box.right(), box.top())] if late.x() >= box.right() > soon.x() else []
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawPolygon(QPolygonF([start, soon, *corner, late]))
        painter.setPen(QPen(QColor(colours.second), 1, Qt.PenStyle.DashLine))
        painter.drawLine(QLineF(start, soon))
        painter.drawLine(QLineF(start, late))
        painter.setPen(QPen(QColor(colours.muted), 1, Qt.PenStyle.DotLine))
        x = _x(box, facts, facts.now)
        painter.drawLine(QLineF(x, box.top(), x, box.bottom()))

    def _paint_marks(self, painter: QPainter, box: QRectF, facts: TrendFacts) -> None:
        """Above the plot; what would overprint another of its kind is left to that one."""
        colours, drawn = self._theme.colours, {True: -1e9, False: -1e9}
        y = box.top() - _MARK - 1
        for mark in facts.marks:
            x = _x(box, facts, mark.at)
            if x - drawn[mark.action] < 2 * _MARK or not facts.since <= mark.at <= facts.until:
                continue
            drawn[mark.action] = x
            tone = colours.critical if mark.critical else colours.muted
            painter.setPen(QPen(QColor(colours.accent if mark.action else tone), 1.2))
            painter.setBrush(QColor(colours.card))
            corners = _DIAMOND if mark.action else _TRIANGLE
            shape = [QPointF(x + dx * _MARK, y + dy * _MARK) for dx, dy in corners]
            painter.drawPolygon(QPolygonF(shape))


_TRIANGLE = ((0.0, -0.9), (0.95, 0.8), (-0.95, 0.8))
_DIAMOND = ((0.0, -1.0), (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0))


def _x(box: QRectF, facts: TrendFacts, at: float) -> float:
    share = (at - facts.since) / max(1.0, facts.until - facts.since)
    return box.left() + box.width() * min(max(share, 0.0), 1.0)


def _y(box: QRectF, value: float) -> float:
    return box.bottom() - box.height() * min(max(value, 0.0), FULL) / FULL


def _on_way(box: QRectF, facts: TrendFacts, newest: MetricPoint, full_s: float) -> QPointF:
    """Where the way from a reading to full leaves the chart: at its top or its right."""
    end_s = max(1.0, min(full_s, facts.until - newest.at))
    value = newest.mean + (FULL - newest.mean) * end_s / max(1.0, full_s)
    return QPointF(_x(box, facts, newest.at + end_s), _y(box, value))


def _runs(facts: TrendFacts) -> list[list[MetricPoint]]:
    """The points between gaps."""
    runs: list[list[MetricPoint]] = []
    for point in facts.points:
        if runs and point.at <= facts.range.period.after(runs[-1][-1].at):
            runs[-1].append(point)
        else:
            runs.append([point])
    return runs


def chart_words(points: Sequence[MetricPoint], mean: float | None) -> str:
    """``mean 22 %, highest 96 %``."""
    if mean is None:
        return "nothing is known of this time"
    highest = formats.percent(max(each.high for each in points))
    return f"mean {formats.percent(mean)}, highest {highest}"

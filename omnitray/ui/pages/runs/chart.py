"""Memory and CPU of one run on one time axis: last time dotted, its budget dashed."""

from collections.abc import Callable, Sequence

import msgspec
from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QAccessible, QColor, QFontMetricsF, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from omnitray.base.amounts import size
from omnitray.runs.model import RunRecord
from omnitray.runs.words import took
from omnitray.ui.charts.ticks import time_ticks, value_ticks
from omnitray.ui.theme import Theme, line_height, text_font

_SCALE = 0.82
_AIR = 1.15  # over the highest value
_HELD = frozenset({"slowed down", "paused"})
_RING = 3.5  # half the width of the mark at the peak
_PAD = 4.0
_TENTHS_S = 10.0  # below, a time that a run took is said in tenths
_STROKE = 1.7  # heavier than the lines of budget and grid
NO_SAMPLES = "Memory and CPU will appear here"
Points = Sequence[tuple[float, float]]


class _Plot(msgspec.Struct, frozen=True):
    """One of the two charts: where it is, how long and how high it reaches."""

    box: QRectF
    end_s: float
    most: float

    def at(self, at_s: float, value: float) -> QPointF:
        """Where a sample lies."""
        return QPointF(
            self.x(at_s),
            self.box.bottom() - min(1.0, value / self.most) * self.box.height(),
        )

    def x(self, at_s: float) -> float:
        """Where a moment lies."""
        return self.box.left() + min(1.0, at_s / self.end_s) * self.box.width()


class RunChart(QWidget):
    """See the module."""

    accessible_role = QAccessible.Role.Graphic

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._run: RunRecord | None = None
        self._before: RunRecord | None = None
        self.setFont(text_font(self.font(), _SCALE))
        self.setLayoutDirection(Qt.LayoutDirection.LeftToRight)  # as time runs on every chart
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme.changed.connect(self.update)

    def show_run(self, run: RunRecord | None, before: RunRecord | None) -> None:
        """Show another run, or how it stands now."""
        if (run, before) == (self._run, self._before):
            return
        self._run, self._before = run, before
        self.setAccessibleName(self._said())
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Twelve lines of text."""
        return QSize(30 * line_height(self.font()), 12 * line_height(self.font()))

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Two small charts of three values with their titles."""
        return QSize(10 * line_height(self.font()), 10 * line_height(self.font()))

    def _said(self) -> str:
        run = self._run
        if run is None:
            return "no run is chosen"
        return f"memory of {run.title}: highest {size(run.peak_bytes)} in {took(run.took_s)}"

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002, N802 - Qt's name and shape
        """Draw both charts."""
        run = self._run
        if run is None:
            return
        painter = QPainter(self)
        painter.setLayoutDirection(Qt.LayoutDirection.LeftToRight)  # "30 s", not "s 30"
        if not run.samples:
            painter.setPen(QColor(self._theme.colours.muted))
            painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignCenter), NO_SAMPLES)
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        memory, cpu = self._plots(run)
        self._shade(painter, run, memory, cpu)
        self._paint_memory(painter, run, memory)
        used = [(each[0], each[2]) for each in run.samples]
        self._ground(painter, cpu, "CPU, % of one core", lambda value: f"{value:.0f}")
        self._curve(painter, cpu, used, QPen(QColor(self._theme.colours.cpu), _STROKE))
        self._times(painter, cpu)

    def _plots(self, run: RunRecord) -> tuple[_Plot, _Plot]:
        metrics = QFontMetricsF(self.font())
        line = metrics.height()
        left = metrics.horizontalAdvance("888.8 GB") + 2 * _PAD
        wide, high = self.width() - left - 2 * _PAD, (self.height() - 4.0 * line) / 2
        end_s = max(0.1, run.took_s, run.samples[-1][0])
        held = (run.peak_bytes, run.memory_budget_bytes or 0, *(each[1] for each in self._then()))
        top = max(100.0, *(each[2] for each in run.samples))
        memory = QRectF(left, 1.3 * line, wide, high)
        below = QRectF(left, memory.bottom() + 1.5 * line, wide, high)
        return (
            _Plot(memory, end_s, _AIR * max(1.0, *held)),
            _Plot(below, end_s, _AIR * top),
        )

    def _then(self) -> list[tuple[float, float]]:
        """What it held last time."""
        before = self._before
        return [(each[0], each[1]) for each in before.samples] if before else []

    def _paint_memory(self, painter: QPainter, run: RunRecord, plot: _Plot) -> None:
        colours = self._theme.colours
        self._ground(painter, plot, "Memory", size)
        if then := self._then():
            self._curve(painter, plot, then, QPen(QColor(colours.muted), 1, Qt.PenStyle.DotLine))
            self._say(painter, plot, "dotted: last time")
        if run.memory_budget_bytes:
            self._budget(painter, plot, run.memory_budget_bytes)
        held = [(each[0], each[1]) for each in run.samples]
        self._curve(painter, plot, held, QPen(QColor(colours.memory), _STROKE))
        self._peak(painter, plot, max(held, key=lambda each: each[1]))

    def _ground(
        self, painter: QPainter, plot: _Plot, title: str, say: Callable[[float], str]
    ) -> None:
        colours, box = self._theme.colours, plot.box
        line = QFontMetricsF(self.font()).height()
        painter.setPen(QColor(colours.text))
        painter.drawText(QPointF(box.left(), box.top() - 0.35 * line), title)
        for value in value_ticks(plot.most, most=max(2, int(box.height() / (1.4 * line)))):
            y = plot.at(0.0, value).y()
            painter.setPen(QColor(colours.grid))
            painter.drawLine(QLineF(box.left(), y, box.right(), y))
            painter.setPen(QColor(colours.muted))
            spot = QRectF(0, y - line / 2, box.left() - 2 * _PAD, line)
            painter.drawText(spot, int(Qt.AlignmentFlag.AlignRight), say(value))

    def _say(self, painter: QPainter, plot: _Plot, words: str) -> None:
        """At the right above a chart."""
        line = QFontMetricsF(self.font()).height()
        painter.setPen(QColor(self._theme.colours.muted))
        spot = QRectF(plot.box.left(), plot.box.top() - 1.25 * line, plot.box.width(), line)
        painter.drawText(spot, int(Qt.AlignmentFlag.AlignRight), words)

    def _curve(self, painter: QPainter, plot: _Plot, points: Points, pen: QPen) -> None:
        shape = QPolygonF([plot.at(*each) for each in points if each[0] <= plot.end_s])
        painter.setPen(pen)
        painter.drawPolyline(shape)

    def _budget(self, painter: QPainter, plot: _Plot, budget: int) -> None:
        y = plot.at(0.0, budget).y()
        pen = QPen(QColor(self._theme.colours.critical_line), 1, Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.drawLine(QLineF(plot.box.left(), y, plot.box.right(), y))
        line = QFontMetricsF(self.font()).height()
        spot = QRectF(plot.box.left(), y - line, plot.box.width(), line)
        painter.drawText(spot, int(Qt.AlignmentFlag.AlignRight), f"budget {size(budget)}")

    def _peak(self, painter: QPainter, plot: _Plot, highest: tuple[float, float]) -> None:
        """A ring at the highest sample, and how much that was."""
        colours, spot = self._theme.colours, plot.at(*highest)
        painter.setPen(QPen(QColor(colours.memory), 1.5))
        painter.setBrush(QColor(colours.card))
        painter.drawEllipse(spot, _RING, _RING)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        words, metrics = f"peak {size(highest[1])}", QFontMetricsF(self.font())
        wide = metrics.horizontalAdvance(words)
        left = spot.x() + _RING + _PAD
        if left + wide > plot.box.right():
            left = spot.x() - _RING - _PAD - wide
        painter.setPen(QColor(colours.text))
        below = spot.y() + metrics.height() + _RING  # the budget's words stand above
        painter.drawText(QPointF(left, min(below, plot.box.bottom() - _PAD)), words)

    def _shade(self, painter: QPainter, run: RunRecord, memory: _Plot, cpu: _Plot) -> None:
        """Where it was slowed down or paused, with the word where it fits."""
        metrics, end_s = QFontMetricsF(self.font()), memory.end_s
        ends = [each[0] for each in run.events[1:]] + [end_s]
        for (at_s, kind), until_s in zip(run.events, ends, strict=False):
            if kind not in _HELD:
                continue
            left, right = memory.x(at_s), memory.x(until_s)
            wide = max(2.0, right - left)
            for plot in (memory, cpu):
                ground = QRectF(left, plot.box.top(), wide, plot.box.height())
                painter.fillRect(ground, QColor(self._theme.colours.warning_back))
            if metrics.horizontalAdvance(kind) <= wide:
                painter.setPen(QColor(self._theme.colours.warning))
                painter.drawText(QPointF(left + 2, memory.box.bottom() - _PAD), kind)

    def _times(self, painter: QPainter, plot: _Plot) -> None:
        painter.setPen(QColor(self._theme.colours.muted))
        metrics, box = QFontMetricsF(self.font()), plot.box
        widest = metrics.horizontalAdvance("88 min 88 s")
        for at_s in time_ticks(plot.end_s, most=max(1, int(box.width() / widest))):
            words = "0" if at_s == 0 else took(at_s) if at_s >= _TENTHS_S else f"{at_s:.0f} s"
            wide = metrics.horizontalAdvance(words)
            left = min(plot.x(at_s) - wide / 2, box.right() - wide) if at_s else box.left()
            painter.drawText(QPointF(left, box.bottom() + metrics.height()), words)

"""Memory and CPU of one run on one time axis: last time dotted, its budget dashed."""

from collections.abc import Sequence

from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QAccessible, QColor, QFontMetricsF, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from omnitray.base.amounts import size
from omnitray.runs.model import RunRecord
from omnitray.runs.words import took
from omnitray.ui.theme import Theme, line_height, text_font

_SCALE = 0.82
_AIR = 1.15  # over the highest value
_HELD = frozenset({"slowed down", "paused"})
Points = Sequence[tuple[float, float]]


class RunChart(QWidget):
    """See the module."""

    accessible_role = QAccessible.Role.Graphic

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._run: RunRecord | None = None
        self._before: RunRecord | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme.changed.connect(self.update)

    def show_run(self, run: RunRecord | None, before: RunRecord | None) -> None:
        """Show another run, or how it stands now."""
        self._run, self._before = run, before
        self.setAccessibleName(self._said())
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Ten lines of text."""
        return QSize(30 * line_height(self.font()), 10 * line_height(self.font()))

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Two small charts with their titles."""
        return QSize(10 * line_height(self.font()), 8 * line_height(self.font()))

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
        font = text_font(self.font(), _SCALE)
        painter.setFont(font)
        metrics = QFontMetricsF(font)
        line, colours = metrics.height(), self._theme.colours
        left = metrics.horizontalAdvance("888.8 GB") + 8
        height = (self.height() - 3.4 * line) / 2
        end_s = max(0.1, run.took_s, *(each[0] for each in run.samples[-1:]))
        memory = QRectF(left, 1.2 * line, self.width() - left - 6, height)
        cpu = QRectF(left, memory.bottom() + 1.2 * line, memory.width(), height)
        before = self._before
        then = [(each[0], each[1]) for each in before.samples] if before else []
        budget = run.memory_budget_bytes or 0
        most = _AIR * max(1.0, run.peak_bytes, budget, *(value for _, value in then))
        self._shade(painter, run, QRectF(memory.topLeft(), cpu.bottomRight()), end_s)
        self._ground(painter, memory, "Memory", most, size)
        if then:
            self._curve(painter, memory, then, (end_s, most), _dotted(colours.muted))
            painter.drawText(
                QRectF(memory.left(), 0, memory.width(), line),
                int(Qt.AlignmentFlag.AlignRight),
                "dotted: last time",
            )
        if budget:
            self._budget(painter, memory, budget / most, size(budget))
        held = [(each[0], each[1]) for each in run.samples]
        self._curve(painter, memory, held, (end_s, most), QPen(QColor(colours.memory), 1))
        used = [(each[0], each[2]) for each in run.samples]
        top = _AIR * max(100.0, *(value for _, value in used), 0.0)
        self._ground(painter, cpu, "CPU, % of one core", top, lambda value: f"{value:.0f}")
        self._curve(painter, cpu, used, (end_s, top), QPen(QColor(colours.cpu), 1))
        self._times(painter, cpu, end_s, line)

    def _ground(self, painter: QPainter, box: QRectF, title: str, most: float, say: object) -> None:
        colours = self._theme.colours
        line = QFontMetricsF(painter.font()).height()
        painter.setPen(QColor(colours.text))
        painter.drawText(QPointF(box.left(), box.top() - 0.3 * line), title)
        for share in (0.0, 0.5, 1.0):
            y = box.bottom() - share * box.height() / _AIR
            painter.setPen(QColor(colours.grid))
            painter.drawLine(QLineF(box.left(), y, box.right(), y))
            painter.setPen(QColor(colours.muted))
            words = say(share * most / _AIR) if callable(say) else ""
            spot = QRectF(0, y - line / 2, box.left() - 8, line)
            painter.drawText(spot, int(Qt.AlignmentFlag.AlignRight), words)

    def _curve(
        self,
        painter: QPainter,
        box: QRectF,
        points: Points,
        scale: tuple[float, float],
        pen: QPen,
    ) -> None:
        end_s, most = scale
        shape = QPolygonF(
            [
                QPointF(
                    box.left() + min(1.0, at_s / end_s) * box.width(),
                    box.bottom() - min(1.0, value / most) * box.height(),
                )
                for at_s, value in points
                if at_s <= end_s
            ]
        )
        painter.setPen(pen)
        painter.drawPolyline(shape)

    def _budget(self, painter: QPainter, box: QRectF, share: float, words: str) -> None:
        y = box.bottom() - share * box.height()
        pen = QPen(QColor(self._theme.colours.critical_line), 1, Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.drawLine(QLineF(box.left(), y, box.right(), y))
        line = QFontMetricsF(painter.font()).height()
        spot = QRectF(box.left(), y - line, box.width(), line)
        painter.drawText(spot, int(Qt.AlignmentFlag.AlignRight), f"budget {words}")

    def _shade(self, painter: QPainter, run: RunRecord, box: QRectF, end_s: float) -> None:
        """Where it was slowed down or paused."""
        ends = [each[0] for each in run.events[1:]] + [end_s]
        for (at_s, kind), until_s in zip(run.events, ends, strict=False):
            if kind in _HELD:
                left = box.left() + min(1.0, at_s / end_s) * box.width()
                right = box.left() + min(1.0, until_s / end_s) * box.width()
                spot = QRectF(left, box.top(), max(2.0, right - left), box.height())
                painter.fillRect(spot, QColor(self._theme.colours.warning_back))

    def _times(self, painter: QPainter, box: QRectF, end_s: float, line: float) -> None:
        painter.setPen(QColor(self._theme.colours.muted))
        spot = QRectF(box.left(), box.bottom() + 0.1 * line, box.width(), line)
        painter.drawText(spot, int(Qt.AlignmentFlag.AlignLeft), "0 s")
        painter.drawText(spot, int(Qt.AlignmentFlag.AlignRight), took(end_s))


def _dotted(colour: str) -> QPen:
    return QPen(QColor(colour), 1, Qt.PenStyle.DotLine)

"""A card with a chart: what it is, its figures in words, the newest value in large."""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import (
    QAccessible,
    QColor,
    QFontMetrics,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QSizePolicy, QWidget

from omnitray.ui.charts.chart import Chart
from omnitray.ui.charts.paint import Curve
from omnitray.ui.theme import SMALL_GAP, Theme, text_font
from omnitray.ui.widgets.frames import Card
from omnitray.ui.widgets.labels import ElidedLabel, label

_STROKE = 13
_SPACE = 4
_BETWEEN = 8
_ROW_GAP = SMALL_GAP + 2


class Legend(QWidget):
    """Which line is which: a stroke as it is drawn, then its word."""

    accessible_role = QAccessible.Role.Graphic

    def __init__(self, theme: Theme, curves: Sequence[Curve]) -> None:
        super().__init__()
        self._theme, self._curves = theme, tuple(curves)
        self.setFont(text_font(self.font(), 0.9))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        names = ", ".join(curve.name for curve in curves)
        self.setAccessibleName(f"Lines: {names}")

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As wide as all words and strokes."""
        metrics = QFontMetrics(self.font())
        words = sum(metrics.horizontalAdvance(curve.name) for curve in self._curves)
        return QSize(
            words + len(self._curves) * (_STROKE + _SPACE + _BETWEEN), metrics.height() + 2
        )

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002, N802 - Qt's name and shape
        """Draw the strokes and words."""
        painter = QPainter(self)
        metrics = QFontMetrics(self.font())
        left, middle = 0.0, self.height() / 2
        for curve in self._curves:
            pen = QPen(QColor(getattr(self._theme.colours, curve.colour)), 2)
            if curve.dashed:
                pen.setDashPattern((2.0, 1.5))
            painter.setPen(pen)
            painter.drawLine(QPointF(left, middle), QPointF(left + _STROKE, middle))
            left += _STROKE + _SPACE
            painter.setPen(QColor(self._theme.colours.muted))
            painter.drawText(QPointF(left, middle + metrics.ascent() / 2 - 1), curve.name)
            left += metrics.horizontalAdvance(curve.name) + _BETWEEN


class ChartCard(Card):
    """One chart with its head line."""

    def __init__(
        self,
        theme: Theme,
        title: str,
        chart: Chart,
        curves: Sequence[Curve],
        hint: str = "",
        beside: QWidget | None = None,
    ) -> None:
        super().__init__(margin=10)
        self.setAccessibleName(title)
        self.chart = chart
        self.detail = ElidedLabel(scale=0.9, muted=True, drops=True, whole=True, hint=hint)
        self.value = label(scale=1.35, bold=True)
        self.value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._title = label(title, scale=1.05, bold=True)
        self._middle = QWidget()
        middle = QHBoxLayout(self._middle)
        middle.setContentsMargins(0, 0, 0, 0)
        middle.setSpacing(_ROW_GAP)
        if len(curves) > 1:
            middle.addWidget(Legend(theme, curves))
        middle.addWidget(self.detail, 1)
        if beside is not None:
            middle.addWidget(beside)
        self._row = QGridLayout()
        self._row.setHorizontalSpacing(_ROW_GAP)
        self._row.setVerticalSpacing(2)
        self._row.addWidget(self._title, 0, 0)
        self._row.addWidget(self.value, 0, 2)
        self._row.setColumnStretch(1, 1)
        self._place_middle(beside=True)
        self.column.setSpacing(2)
        self.column.addLayout(self._row)
        self.column.addWidget(chart, 1)

    def _place_middle(self, *, beside: bool) -> None:
        """What stands between title and figure has a line of its own where it has no room there."""
        self._beside = beside
        self._row.addWidget(self._middle, *((0, 1) if beside else (1, 0, 1, 3)))

    @property
    def width_of_one_line(self) -> int:
        """So wide that title, legend and figure stand beside each other."""
        return sum(self._least_widths()) + 2 * _ROW_GAP + self._edges()

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """So narrow that each line of its head fits."""
        title, middle, value = self._least_widths()
        least = max(title + _ROW_GAP + value, middle)
        return QSize(least + self._edges(), super().minimumSizeHint().height())

    def _least_widths(self) -> list[int]:
        """Of title, legend with the words beside it, and figure."""
        parts = (self._title, self._middle, self.value)
        return [each.minimumSizeHint().width() for each in parts]

    def _edges(self) -> int:
        margins = self.column.contentsMargins()
        return margins.left() + margins.right() + 2 * self.frameWidth()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """One line above the chart, or two."""
        super().resizeEvent(event)
        beside = event.size().width() >= self.width_of_one_line
        if beside != self._beside:
            self._place_middle(beside=beside)

    def show_figures(self, value: str, detail: str) -> None:
        """Show the newest value and the words beside the title."""
        if value != self.value.text():
            self.value.setText(value)
        self.detail.setText(detail)

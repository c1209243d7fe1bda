"""A card with a chart: what it is, its figures in words, the newest value in large."""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QAccessible, QColor, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from omnitray.ui.charts.chart import Chart
from omnitray.ui.charts.paint import Curve
from omnitray.ui.theme import SMALL_GAP, Theme, text_font
from omnitray.ui.widgets.frames import Card
from omnitray.ui.widgets.labels import ElidedLabel, label

_STROKE = 13
_SPACE = 4
_BETWEEN = 8


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
        row = QHBoxLayout()
        row.setSpacing(SMALL_GAP + 2)
        row.addWidget(label(title, scale=1.05, bold=True))
        if len(curves) > 1:
            row.addWidget(Legend(theme, curves))
        row.addWidget(self.detail, 1)
        if beside is not None:
            row.addWidget(beside)
        row.addWidget(self.value)
        self.column.setSpacing(2)
        self.column.addLayout(row)
        self.column.addWidget(chart, 1)

    def show_figures(self, value: str, detail: str) -> None:
        """Show the newest value and the words beside the title."""
        if value != self.value.text():
            self.value.setText(value)
        self.detail.setText(detail)

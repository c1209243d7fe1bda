"""Each core as a bar: one that is full beside others at rest is a job of a single thread.

The bars stand in one frame, cut into quarters: two full ones by themselves would look like the
sign for a pause, which stands for jobs that are held.
"""

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QAccessible, QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from omnitray.ui import formats
from omnitray.ui.theme import Theme, line_height
from omnitray.ui.widgets.labels import plain_tooltip

_BAR, _BETWEEN = 4, 1
_WIDE_BAR = 8  # of few cores
_FEW = 8
_QUARTERS = 4
_FRAME = 2  # its line, and a point of ground within
_MOST = 32  # more cores than that are drawn in groups, each as high as its busiest
_NAMED = 16


class CoreBars(QWidget):
    """The newest reading of all cores; hidden where there is one core or no reading."""

    accessible_role = QAccessible.Role.Graphic

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._cores: tuple[float, ...] = ()
        self.setAccessibleName("Cores")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.hide()

    @property
    def bars(self) -> tuple[float, ...]:
        """What is drawn, from left to right."""
        group = -(-len(self._cores) // _MOST) or 1
        starts = range(0, len(self._cores), group)
        return tuple(max(self._cores[start : start + group]) for start in starts)

    def show_cores(self, cores: tuple[float, ...]) -> None:
        """Show another reading, in per cent."""
        if tuple(map(round, cores)) == tuple(map(round, self._cores)):
            return
        resized = len(cores) != len(self._cores)
        self._cores = cores
        self.setVisible(len(cores) > 1)
        if resized:
            self.updateGeometry()
        if len(cores) > 1:
            plain_tooltip(self, self._words())
        self.update()

    def _words(self) -> str:
        busiest = max(range(len(self._cores)), key=lambda each: self._cores[each])
        named = ", ".join(
            f"{number} {formats.percent(each)}" for number, each in enumerate(self._cores[:_NAMED])
        )
        rest = len(self._cores) - _NAMED
        highest = formats.percent(self._cores[busiest])
        if rest > 0:
            more = formats.count(rest, "more core")
            return f"Busiest is core {busiest} with {highest}. All: {named} and {more}"
        return f"Busiest is core {busiest} with {highest}. All: {named}"

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As wide as its bars."""
        bars = max(1, len(self.bars))
        wide = bars * self._bar + (bars - 1) * _BETWEEN + 2 * _FRAME
        return QSize(wide, line_height(self.font()))

    @property
    def _bar(self) -> int:
        return _WIDE_BAR if len(self.bars) <= _FEW else _BAR

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002, N802 - Qt's name and shape
        """Draw the bars in their frame."""
        painter = QPainter(self)
        colours = self._theme.colours
        ground, inner = QColor(colours.card), self.rect().adjusted(_FRAME, _FRAME, -_FRAME, -_FRAME)
        painter.setPen(QColor(colours.muted))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        for place, value in enumerate(self.bars):
            box = QRectF(inner).translated(place * (self._bar + _BETWEEN), 0)
            box.setWidth(self._bar)
            painter.fillRect(box, QColor(colours.grid))
            box.setTop(box.bottom() - box.height() * min(max(value, 0.0), 100.0) / 100.0)
            painter.fillRect(box, QColor(colours.cpu))
        for quarter in range(1, _QUARTERS):
            top = inner.top() + inner.height() * quarter // _QUARTERS
            painter.fillRect(inner.left(), top, inner.width(), 1, ground)

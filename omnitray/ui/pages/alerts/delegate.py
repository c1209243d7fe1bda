"""Paints a row of the alert history: the title with its message below, the rest beside it.

A title that has no room on its line takes the message's as well. It ends in who it was, so what is
still too long gives way in the middle; the tooltip has all of it.
"""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QHelpEvent, QPainter
from PySide6.QtWidgets import QAbstractItemView, QStyleOptionViewItem, QToolTip

from omnitray.ui.pages.alerts.text import AlertColumn
from omnitray.ui.theme import Theme
from omnitray.ui.widgets.cells import CELL, Cell, CellDelegate, Index, is_mirrored
from omnitray.ui.widgets.labels import tooltip_text

_ROW_PAD = 12
_PAD = 8
_SMALL = 0.9
_LEFT, _RIGHT = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight
_MIDDLE, _END = Qt.TextElideMode.ElideMiddle, Qt.TextElideMode.ElideRight


class AlertDelegate(CellDelegate):
    """Two lines in the columns of alert and time, one in the others."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme, pad=_ROW_PAD, lines=1 + _SMALL, stacked=True)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802 - Qt's name
        """Rows of one height, so that no row has to be measured."""
        if index.column() == AlertColumn.ALERT:
            return QSize(0, self.row_height(option.font))
        return super().sizeHint(option, index)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw one cell."""
        if not self.region.intersects(option.rect):
            return
        cell = self.cell_to_paint(index)
        paired = index.column() in (AlertColumn.ALERT, AlertColumn.WHEN)
        if not paired or cell is None or not cell.quiet:
            super().paint(painter, option, index)
            return
        painter.save()
        self.paint_ground(painter, option, index)
        colours = self.theme.colours
        painter.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        box = option.rect.adjusted(_PAD, 5, -_PAD, -5)
        first = colours.muted if cell.faded else colours.text
        font, small = self.font(option.font), self.font(option.font, _SMALL)
        upper, lower = two_lines(cell.text, QFontMetrics(font), box.width())
        below = (lower, font, first) if lower else (cell.quiet, small, colours.muted)
        for (words, face, colour), side, mode in (
            ((upper, font, first), Qt.AlignmentFlag.AlignTop, _MIDDLE),
            (below, Qt.AlignmentFlag.AlignBottom, _MIDDLE if lower else _END),
        ):
            painter.setFont(face)
            painter.setPen(QColor(colour))
            line = QFontMetrics(face).elidedText(words, mode, box.width())
            painter.drawText(box, (_RIGHT if is_mirrored(option) else _LEFT) | side, line)
        painter.restore()

    def helpEvent(  # noqa: N802 - Qt's name
        self,
        event: QHelpEvent,
        view: QAbstractItemView,
        option: QStyleOptionViewItem,
        index: Index,
    ) -> bool:
        """Under the mouse: all of what has no room in the row."""
        whole = self.cut_text(option, index)
        QToolTip.showText(event.globalPos(), tooltip_text(whole), view)
        return True

    def cut_text(self, option: QStyleOptionViewItem, index: Index) -> str:
        """The words of the cell, if one of its two lines is cut; else nothing."""
        cell: Cell | None = index.data(CELL)
        if cell is None or index.column() != AlertColumn.ALERT:
            return ""
        room = option.rect.width() - 2 * _PAD
        lines = ((cell.text, 1.0), (cell.quiet, _SMALL))
        widths = [
            QFontMetrics(self.font(option.font, scale)).horizontalAdvance(words)
            for words, scale in lines
        ]
        return "\n".join(words for words, _ in lines if words) if max(widths) > room else ""


def two_lines(words: str, metrics: QFontMetrics, width: int) -> tuple[str, str]:
    """As many words as fit, and the rest; nothing is left where all fit, or not even the first."""
    if metrics.horizontalAdvance(words) <= width:
        return words, ""
    upper, rest = "", words.split(" ")
    while rest and metrics.horizontalAdvance(longer := f"{upper} {rest[0]}".strip()) <= width:
        upper = longer
        del rest[0]
    return (upper, " ".join(rest)) if upper else (words, "")

"""Paints a row of the alert history: the title with its message below, the rest beside it."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter
from PySide6.QtWidgets import QStyleOptionViewItem

from omnitray.qt.alert_words import Column
from omnitray.qt.cells import CELL, Cell, CellDelegate, Index
from omnitray.qt.theme import Theme

_ROW = 46
_PAD = 8
_LEFT = Qt.AlignmentFlag.AlignLeft


class AlertDelegate(CellDelegate):
    """Two lines in the columns of alert and time, one in the others."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme, row_height=_ROW)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802 - Qt's name
        """Rows of one height, so that no row has to be measured."""
        if index.column() == Column.ALERT:
            return QSize(0, _ROW)
        return super().sizeHint(option, index)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw one cell."""
        cell: Cell | None = index.data(CELL)
        two_lines = index.column() in (Column.ALERT, Column.WHEN)
        if not two_lines or cell is None or not cell.quiet:
            super().paint(painter, option, index)
            return
        painter.save()
        self.paint_ground(painter, option, index)
        colours = self.theme.colours
        box = option.rect.adjusted(_PAD, 5, -_PAD, -5)
        first = colours.muted if cell.faded else colours.text
        font, small = self.font(option.font), self.font(option.font, 0.9)
        for words, face, colour, side in (
            (cell.text, font, first, Qt.AlignmentFlag.AlignTop),
            (cell.quiet, small, colours.muted, Qt.AlignmentFlag.AlignBottom),
        ):
            painter.setFont(face)
            painter.setPen(QColor(colour))
            line = QFontMetrics(face).elidedText(words, Qt.TextElideMode.ElideRight, box.width())
            painter.drawText(box, _LEFT | side, line)
        painter.restore()

"""Paints a cell of a list of jobs: name and count, figures to the right, the state as a pill."""

from typing import NamedTuple

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QAbstractItemView, QStyledItemDelegate, QStyleOptionViewItem

from omnitray.qt.pills import PILL_SCALE, Pill, paint_pill, pill_width
from omnitray.qt.theme import Theme, text_font

CELL = int(Qt.ItemDataRole.UserRole)
_PAD = 8
_ROW = 32
Index = QModelIndex | QPersistentModelIndex


class Cell(NamedTuple):
    """What a delegate paints: words, quieter words behind them, a pill before both."""

    text: str = ""
    quiet: str = ""
    pill: Pill | None = None
    bold: bool = False
    right: bool = False
    faded: bool = False


class CellDelegate(QStyledItemDelegate):
    """Paints the :class:`Cell` that a model gives under the role ``CELL``."""

    def __init__(self, theme: Theme, *, row_height: int = _ROW) -> None:
        super().__init__()
        self.theme = theme
        self.row_height = row_height
        self._pointed = QPersistentModelIndex()
        self._fonts: dict[tuple[str, float, bool], QFont] = {}

    def font(self, base: QFont, scale: float = 1.0, *, bold: bool = False) -> QFont:
        """A font as of :func:`text_font`, kept: a page paints a hundred cells."""
        key = (base.key(), scale, bold)
        if key not in self._fonts:
            self._fonts[key] = text_font(base, scale, bold=bold)
        return self._fonts[key]

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802 - Qt's name
        """Rows of one height; as wide as the words."""
        cell: Cell | None = index.data(CELL)
        if cell is None:
            return QSize(0, self.row_height)
        metrics = QFontMetrics(self.font(option.font, bold=cell.bold))
        width = 2 * _PAD + metrics.horizontalAdvance(cell.text)
        if cell.quiet:
            width += metrics.horizontalAdvance(cell.quiet) + 6
        if cell.pill:
            width += round(pill_width(cell.pill, self.font(option.font, PILL_SCALE, bold=True))) + 6
        return QSize(width, self.row_height)

    def point_at(self, index: Index) -> bool:
        """The row of this index is under the mouse; whether that is another than before."""
        pointed = QPersistentModelIndex(index.sibling(index.row(), 0))
        changed = pointed != self._pointed
        self._pointed = pointed
        return changed

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw ground, pill, words and the rule below."""
        painter.save()
        self.paint_ground(painter, option, index)
        cell: Cell | None = index.data(CELL)
        if cell is not None:
            box = option.rect.adjusted(_PAD, 0, -_PAD, 0)
            if cell.pill:
                font = self.font(option.font, PILL_SCALE, bold=True)
                middle = QPointF(box.left(), box.center().y() + 0.5)
                paint_pill(painter, cell.pill, middle, font, self.theme.colours)
                box.setLeft(box.left() + round(pill_width(cell.pill, font)) + 6)
            self._paint_words(painter, option, cell, box)
        painter.restore()

    def paint_ground(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw selection, hover and the rule below."""
        colours, view = self.theme.colours, option.widget
        first = index.sibling(index.row(), 0)
        if isinstance(view, QAbstractItemView) and view.selectionModel().isSelected(first):
            painter.fillRect(option.rect, QColor(colours.selected))
        elif self._pointed.isValid() and self._pointed == first:
            painter.fillRect(option.rect, QColor(colours.hover))
        painter.setPen(QColor(colours.border))
        painter.drawLine(option.rect.bottomLeft(), option.rect.bottomRight())

    def _paint_words(
        self, painter: QPainter, option: QStyleOptionViewItem, cell: Cell, box: QRect
    ) -> None:
        colours = self.theme.colours
        align = Qt.AlignmentFlag.AlignRight if cell.right else Qt.AlignmentFlag.AlignLeft
        font = self.font(option.font, bold=cell.bold)
        metrics = QFontMetrics(font)
        text = metrics.elidedText(cell.text, Qt.TextElideMode.ElideRight, box.width())
        painter.setFont(font)
        painter.setPen(QColor(colours.muted if cell.faded else colours.text))
        painter.drawText(box, align | Qt.AlignmentFlag.AlignVCenter, text)
        used = metrics.horizontalAdvance(text)
        rest = box.adjusted(used + 6 if used else 0, 0, 0, 0)
        if cell.quiet and rest.width() > 2 * _PAD:
            small = self.font(option.font, 0.9)
            painter.setFont(small)
            painter.setPen(QColor(colours.muted))
            quiet = QFontMetrics(small).elidedText(
                cell.quiet, Qt.TextElideMode.ElideRight, rest.width()
            )
            painter.drawText(
                rest, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, quiet
            )

"""Paints a cell of a list of jobs: name and count, figures to the right, the state as a pill."""

from typing import NamedTuple

from PySide6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QSize,
    Qt,
    Slot,
)
from PySide6.QtGui import QColor, QFont, QFontMetrics, QHelpEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolTip,
    QTreeView,
)

from omnitray.ui.theme import Theme, text_font
from omnitray.ui.widgets.labels import escaped
from omnitray.ui.widgets.pills import PILL_SCALE, Pill, paint_pill, pill_width

CELL = int(Qt.ItemDataRole.UserRole)
_PAD = 8
_ROW = 32
_QUIET = 0.9
Index = QModelIndex | QPersistentModelIndex


class Cell(NamedTuple):
    """What a delegate paints: words, quieter words behind them, a pill before both.

    ``hint`` is for the tooltip alone, which has the rest of the words where they are cut off too.
    """

    text: str = ""
    quiet: str = ""
    pill: Pill | None = None
    bold: bool = False
    right: bool = False
    faded: bool = False
    hint: str = ""

    @property
    def words(self) -> str:
        """All that is painted, as text."""
        parts = (self.text, self.pill.word if self.pill else "", self.quiet)
        return " ".join(part for part in parts if part)


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
        return QSize(0 if cell is None else self._width(cell, option.font), self.row_height)

    def helpEvent(  # noqa: N802 - Qt's name
        self,
        event: QHelpEvent,
        view: QAbstractItemView,
        option: QStyleOptionViewItem,
        index: Index,
    ) -> bool:
        """Give the whole words of a cell that is cut off, and its hint."""
        cell: Cell | None = index.data(CELL)
        said = "" if cell is None else self.tooltip(cell, option.font, option.rect.width())
        if not said:
            QToolTip.hideText()
            return False
        QToolTip.showText(event.globalPos(), escaped(said), view)
        return True

    def tooltip(self, cell: Cell, font: QFont, width: int) -> str:
        """What a tooltip over the cell says at this width; nothing where all of it can be read."""
        whole = cell.words if self._width(cell, font) > width else ""
        return " · ".join(part for part in (whole, cell.hint) if part)

    def _width(self, cell: Cell, base: QFont) -> int:
        """How wide a cell is that shows all of its words."""
        metrics = QFontMetrics(self.font(base, bold=cell.bold))
        width = 2 * _PAD + metrics.horizontalAdvance(cell.text)
        if cell.quiet:
            small = QFontMetrics(self.font(base, _QUIET))
            width += small.horizontalAdvance(cell.quiet) + (6 if cell.text else 0)
        if cell.pill:
            width += round(pill_width(cell.pill, self.font(base, PILL_SCALE, bold=True))) + 6
        return width

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
        colours = self.theme.colours
        first = index.sibling(index.row(), 0)
        # The view has looked this up for the row; asking the selection costs its number of ranges.
        if option.state & QStyle.StateFlag.State_Selected:
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
            small = self.font(option.font, _QUIET)
            painter.setFont(small)
            painter.setPen(QColor(colours.muted))
            quiet = QFontMetrics(small).elidedText(
                cell.quiet, Qt.TextElideMode.ElideRight, rest.width()
            )
            painter.drawText(
                rest, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, quiet
            )


_SMALLEST = 32


class CellView(QTreeView):
    """A table unless ``tree``; ``stretch`` names the columns that take the room that is left."""

    def __init__(
        self,
        model: QAbstractItemModel,
        delegate: CellDelegate,
        widths: dict[int, int],
        stretch: tuple[int, ...],
        *,
        tree: bool = False,
    ) -> None:
        super().__init__()
        self._delegate = delegate
        self.setModel(model)
        self.setItemDelegate(delegate)
        self.setFont(text_font(self.font()))
        self.setUniformRowHeights(True)
        self.setRootIsDecorated(tree)
        self.setItemsExpandable(tree)
        self.setExpandsOnDoubleClick(tree)
        self.setAllColumnsShowFocus(True)
        self.setMouseTracking(True)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._set_up_header(widths, stretch)
        self.entered.connect(self._on_entered)

    def _set_up_header(self, widths: dict[int, int], stretch: tuple[int, ...]) -> None:
        header = self.header()
        header.setFont(text_font(self.font(), 0.9))
        header.setStretchLastSection(False)
        header.setSectionsMovable(False)
        header.setMinimumSectionSize(_SMALLEST)
        for column, width in widths.items():
            header.resizeSection(column, width)
        for column in stretch:
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Nothing is pointed at any more."""
        self._hover(QModelIndex())
        super().leaveEvent(event)

    @Slot(QModelIndex)
    def _on_entered(self, index: QModelIndex) -> None:
        self._hover(index)

    def _hover(self, index: QModelIndex) -> None:
        if self._delegate.point_at(index):
            self.viewport().update()

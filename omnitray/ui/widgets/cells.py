"""Paints a cell of a list of jobs: name and count, figures to the right, the state as a pill."""

from typing import NamedTuple

from PySide6.QtCore import (
    QModelIndex,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QSize,
    Qt,
)
from PySide6.QtGui import QColor, QFont, QFontMetrics, QHelpEvent, QPainter, QRegion
from PySide6.QtWidgets import (
    QAbstractItemView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolTip,
)

from omnitray.ui.theme import Theme, text_font
from omnitray.ui.widgets.labels import tooltip_text
from omnitray.ui.widgets.pills import PILL_SCALE, Pill, fitting_pill, paint_pill, pill_width

CELL = int(Qt.ItemDataRole.UserRole)
CELL_PAD = 8  # left and right of what a cell shows
SELECTION_BAR = 3  # wide enough to be seen, narrower than the padding of a cell
_ROW_PAD = 14  # above and below the words of a row, together
_QUIET = 0.9
DOT = " · "
Index = QModelIndex | QPersistentModelIndex


class Cell(NamedTuple):
    """What a delegate paints: words, quieter words behind them, a pill before both.

    ``hint`` is for the tooltip alone, which has the rest of the words where they are cut off too.
    Where they have no room the end gives way; with ``middle`` their middle, as of a path.
    """

    text: str = ""
    quiet: str = ""
    pill: Pill | None = None
    bold: bool = False
    right: bool = False
    faded: bool = False
    hint: str = ""
    middle: bool = False

    @property
    def words(self) -> str:
        """All that is painted, as text."""
        parts = (self.text, self.pill.word if self.pill else "", self.quiet)
        return " ".join(part for part in parts if part)


Widths = dict[int, tuple[Cell, ...]]  # for each column the widest of what it has to show
_LEAST_EM = 12  # widths of an M for a column of names


class ColumnPlan(NamedTuple):
    """Which column gives way to which.

    ``widths``: samples of what a column shows at its widest. ``stretch``: columns that take the
    room that is left, each ``least_em`` widths of an M at least. ``names``: the columns that say
    who a row is about, with how many widths of an M their words may ask for: they have that before
    anything else. For it the columns of ``narrow`` shrink to its samples, then columns go in the
    order of ``giving``, and at last those of ``signs`` shrink to a shape alone.
    Room that is left goes to ``words``, where those are cut.
    """

    widths: Widths
    stretch: tuple[int, ...]
    giving: tuple[int, ...] = ()
    narrow: Widths = {}  # noqa: RUF012 - never changed
    least_em: int = _LEAST_EM
    names: dict[int, int] = {}  # noqa: RUF012 - likewise
    words: tuple[int, ...] = ()
    signs: Widths = {}  # noqa: RUF012 - likewise

    @property
    def name_column(self) -> int:
        """The column that says who a row is about."""
        return next(iter(self.names), self.stretch[0])


_NEVER = Cell("\0")
_MOST_PAINTED = 5000  # cells: some screens full; what is forgotten is painted once more


class CellDelegate(QStyledItemDelegate):
    """Paints the :class:`Cell` that a model gives under the role ``CELL``."""

    def __init__(
        self, theme: Theme, *, pad: int = _ROW_PAD, lines: float = 1.0, stacked: bool = False
    ) -> None:
        super().__init__()
        self.theme = theme
        self._stacked = stacked  # the quieter words stand below the others
        self.pad, self.lines = pad, lines
        self.region = QRegion()  # what is to be painted now
        self._pointed: tuple[int, int] | None = None
        self._painted: dict[tuple[int, int, int], Cell | None] = {}
        self._base = QFont()
        self._fonts: dict[tuple[float, bool], tuple[QFont, QFontMetrics]] = {}

    def font(self, base: QFont, scale: float = 1.0, *, bold: bool = False) -> QFont:
        """A font as of :func:`text_font`, kept: a page paints a hundred cells."""
        return self.face(base, scale, bold=bold)[0]

    def face(
        self, base: QFont, scale: float = 1.0, *, bold: bool = False
    ) -> tuple[QFont, QFontMetrics]:
        """The font and its metrics, kept together."""
        if base != self._base:
            self._base = QFont(base)
            self._fonts.clear()
        found = self._fonts.get((scale, bold))
        if found is None:
            font = text_font(base, scale, bold=bold)
            found = self._fonts[scale, bold] = font, QFontMetrics(font)
        return found

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802 - Qt's name
        """Rows of one height; as wide as the words."""
        cell: Cell | None = index.data(CELL)
        width = 0 if cell is None else self.width_of(cell, option.font)
        return QSize(width, self.row_height(option.font))

    def row_height(self, base: QFont) -> int:
        """Of every row, in this font."""
        return round(self.lines * self.face(base)[1].height()) + self.pad

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
        QToolTip.showText(event.globalPos(), tooltip_text(said), view)
        return True

    def tooltip(self, cell: Cell, font: QFont, width: int) -> str:
        """What a tooltip over the cell says at this width; nothing where all of it can be read."""
        whole = cell.words if self.width_of(cell, font) > width else ""
        return " · ".join(part for part in (whole, cell.hint) if part)

    def width_of(self, cell: Cell, base: QFont) -> int:
        """How wide a cell is that shows all of its words."""
        _, metrics = self.face(base, bold=cell.bold)
        width = metrics.horizontalAdvance(cell.text)
        if cell.pill:
            width += round(pill_width(cell.pill, self.font(base, PILL_SCALE, bold=True))) + 6
        if cell.quiet:
            _, small = self.face(base, _QUIET)
            quiet = small.horizontalAdvance(cell.quiet)
            width = max(width, quiet) if self._stacked else width + quiet + (6 if cell.text else 0)
        return 2 * CELL_PAD + width

    def point_at(self, index: Index) -> bool:
        """The row of this index is under the mouse; whether that is another than before."""
        pointed = (index.row(), index.internalId()) if index.isValid() else None
        changed = pointed != self._pointed
        self._pointed = pointed
        return changed

    def is_out_of_date(self, index: Index) -> bool:
        """Whether a cell says something else now than when it was painted last."""
        cell: Cell | None = index.data(CELL)
        return cell != self._painted.get(_place(index), _NEVER)

    def cell_to_paint(self, index: Index) -> Cell | None:
        """What is to be painted, remembered as painted."""
        cell: Cell | None = index.data(CELL)
        if len(self._painted) > _MOST_PAINTED:
            self._painted.clear()
        self._painted[_place(index)] = cell
        return cell

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw ground, pill, words and the rule below."""
        if not self.region.intersects(option.rect):
            return  # Qt draws whole rows
        painter.save()
        self.paint_ground(painter, option, index)
        cell = self.cell_to_paint(index)
        if cell is not None:
            box = option.rect.adjusted(CELL_PAD, 0, -CELL_PAD, 0)
            if cell.pill:
                font = self.font(option.font, PILL_SCALE, bold=True)
                pill = fitting_pill(cell.pill, font, box.width())
                width = round(pill_width(pill, font))
                spot = mirrored(option, QRect(box.left(), box.top(), width, box.height()))
                middle = QPointF(spot.left(), spot.center().y() + 0.5)
                paint_pill(painter, pill, middle, font, self.theme.colours)
                box.setLeft(box.left() + width + 6)
            self._paint_words(painter, option, cell, box)
        painter.restore()

    def paint_ground(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw selection, hover and the rule below."""
        colours = self.theme.colours
        # The view has looked this up for the row; asking the selection costs its number of ranges.
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(option.rect, QColor(colours.selected))
            if index.column() == 0:  # the tint alone is 1.2 : 1 to the card
                edge = option.rect.right() + 1 - SELECTION_BAR if is_mirrored(option) else 0
                bar = QRect(edge, option.rect.top(), SELECTION_BAR, option.rect.height())
                painter.fillRect(bar, QColor(colours.accent))
        elif self._pointed == (index.row(), index.internalId()):
            painter.fillRect(option.rect, QColor(colours.hover))
        painter.setPen(QColor(colours.border))
        painter.drawLine(option.rect.bottomLeft(), option.rect.bottomRight())

    def _paint_words(
        self, painter: QPainter, option: QStyleOptionViewItem, cell: Cell, box: QRect
    ) -> None:
        colours = self.theme.colours
        # Words are laid out by what they are: a figure keeps its unit behind it from right to left.
        painter.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        left, right = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight
        align = right if cell.right != is_mirrored(option) else left
        font, metrics = self.face(option.font, bold=cell.bold)
        mode = Qt.TextElideMode.ElideMiddle if cell.middle else Qt.TextElideMode.ElideRight
        text, used = _fitted(cell.text, metrics, box.width(), mode)
        painter.setFont(font)
        painter.setPen(QColor(colours.muted if cell.faded else colours.text))
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(mirrored(option, box), align | middle, text)
        rest = box.adjusted(used + 6 if used else 0, 0, 0, 0)
        if cell.quiet and rest.width() > 2 * CELL_PAD:
            small, metrics = self.face(option.font, _QUIET)
            painter.setFont(small)
            painter.setPen(QColor(colours.muted))
            quiet = _quiet_words(cell.quiet, metrics, rest.width())
            painter.drawText(
                mirrored(option, rest), (right if is_mirrored(option) else left) | middle, quiet
            )


def is_mirrored(option: QStyleOptionViewItem) -> bool:
    """Whether rows are read from right to left."""
    return bool(option.direction == Qt.LayoutDirection.RightToLeft)


def mirrored(option: QStyleOptionViewItem, box: QRect) -> QRect:
    """Where a part of a cell stands that was placed from left to right."""
    return QStyle.visualRect(option.direction, option.rect, box)


def _place(index: Index) -> tuple[int, int, int]:
    return index.row(), index.internalId(), index.column()


def _quiet_words(words: str, metrics: QFontMetrics, width: int) -> str:
    """The quieter words as far as they fit: whole parts go first, and a figure is never cut."""
    while DOT in words and metrics.horizontalAdvance(words) > width:
        words = words.rpartition(DOT)[0]
    fitted, _ = _fitted(words, metrics, width)
    has_figure = any(letter.isdigit() for letter in words)
    return "" if has_figure and fitted != words else fitted


def _fitted(
    words: str,
    metrics: QFontMetrics,
    width: int,
    mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
) -> tuple[str, int]:
    """The words as far as they fit, and how wide that is."""
    used = metrics.horizontalAdvance(words)
    if used <= width:
        return words, used
    words = metrics.elidedText(words, mode, width)
    return words, metrics.horizontalAdvance(words)

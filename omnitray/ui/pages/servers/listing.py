"""The list of servers: two lines a server, distinguished by a word and a shape."""

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPointF,
    QRect,
    Qt,
)
from PySide6.QtGui import QColor, QFontMetrics, QPainter
from PySide6.QtWidgets import QStyleOptionViewItem

from omnitray.servers.model import ServerState, ServerView
from omnitray.ui import formats
from omnitray.ui.pages.servers import text
from omnitray.ui.pages.servers.text import PILLS, TITLES, ServerColumn
from omnitray.ui.theme import Theme
from omnitray.ui.widgets.cells import CELL, Cell, CellDelegate, is_mirrored, mirrored
from omnitray.ui.widgets.pills import PILL_SCALE, fitting_pill, paint_pill, pill_height, pill_width
from omnitray.ui.widgets.table import sorted_title

Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()
_ROW_PAD = 7
_SPACE = 0.4  # the pill is higher than its words
_PAD = 8
_SMALL = 0.9
_ROLES = (CELL, Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole)


_FIGURES = {
    ServerColumn.UP_SINCE,
    ServerColumn.START,
    ServerColumn.RESTARTS,
    ServerColumn.LAST_EXIT,
}


def _weight(view: ServerView, column: ServerColumn) -> tuple[float | str, str]:
    """What the list is ordered by; the name settles ties."""
    match column:
        case ServerColumn.STATE:
            return PILLS[view.state].word, view.name
        case ServerColumn.UP_SINCE:
            return view.up_since_at or 0.0, view.name
        case ServerColumn.START:
            return view.started_in_s or 0.0, view.name
        case ServerColumn.RESTARTS:
            return float(view.restarts), view.name
        case ServerColumn.LAST_EXIT:
            return view.last_exit.at if view.last_exit else 0.0, view.name
        case _:
            return view.name, view.name


class ServersModel(QAbstractTableModel):
    """The servers that pass the filter, in order of declaration."""

    def __init__(self, wall: Callable[[], float], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._wall = wall
        self._views: tuple[ServerView, ...] = ()
        self._given: tuple[ServerView, ...] = ()
        self._sort: tuple[ServerColumn, Qt.SortOrder] | None = None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Order by a column; without one, as declared."""
        self._sort = (ServerColumn(column), order) if column >= 0 else None
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(ServerColumn) - 1)
        self.show(self._given)

    def show(self, views: tuple[ServerView, ...]) -> None:
        """Show these; rows that stay keep the selection."""
        self._given = views
        if self._sort is not None:
            column, order = self._sort
            down = order == Qt.SortOrder.DescendingOrder
            views = tuple(sorted(views, key=lambda each: _weight(each, column), reverse=down))
        before, after = [each.name for each in self._views], [each.name for each in views]
        if before == after:
            self._views = views
            self.refresh()
        elif sorted(before) == sorted(after):
            self._reorder(views)
        else:
            self.beginResetModel()
            self._views = views
            self.endResetModel()

    def _reorder(self, views: tuple[ServerView, ...]) -> None:
        self.layoutAboutToBeChanged.emit()
        kept = self.persistentIndexList()
        names = [self._views[index.row()].name for index in kept]
        self._views = views
        moved = [
            self.index(self.row_of(name), index.column())
            for name, index in zip(names, kept, strict=True)
        ]
        self.changePersistentIndexList(kept, moved)
        self.layoutChanged.emit()

    def refresh(self) -> None:
        """Times have passed."""
        if self._views:
            last = self.index(len(self._views) - 1, len(ServerColumn) - 1)
            self.dataChanged.emit(self.index(0, 0), last)

    def view_at(self, row: int) -> ServerView | None:
        """The server of a row."""
        return self._views[row] if 0 <= row < len(self._views) else None

    def row_of(self, name: str) -> int:
        """The row of a server, else -1."""
        return next((row for row, each in enumerate(self._views) if each.name == name), -1)

    def rowCount(self, parent: Index = _NOWHERE) -> int:  # noqa: N802 - Qt's name
        """How many pass."""
        return 0 if parent.isValid() else len(self._views)

    def columnCount(self, parent: Index = _NOWHERE) -> int:  # noqa: N802 - Qt's name
        """Always the same."""
        return 0 if parent.isValid() else len(ServerColumn)

    def headerData(  # noqa: N802 - Qt's name
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """Titles."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        column = ServerColumn(section)
        if role == Qt.ItemDataRole.DisplayRole:
            order = self._sort[1] if self._sort and self._sort[0] == column else None
            return sorted_title(TITLES[column], order)
        if role == Qt.ItemDataRole.InitialSortOrderRole:
            orders = Qt.SortOrder
            return orders.DescendingOrder if column in _FIGURES else orders.AscendingOrder
        if role == Qt.ItemDataRole.TextAlignmentRole:
            right = section == ServerColumn.RESTARTS
            side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The cell to paint, its text for every other role."""
        view = self.view_at(index.row()) if index.isValid() else None
        if view is None or role not in _ROLES:
            return None
        cell = self.cell(view, ServerColumn(index.column()))
        return cell if role == CELL else cell.words

    def cell(self, view: ServerView, column: ServerColumn) -> Cell:
        """What a cell says."""
        match column:
            case ServerColumn.SERVER:
                return Cell(view.name, text.address(view), bold=True)
            case ServerColumn.STATE:
                quiet = formats.one_line(text.behind(view, self._wall()))
                return Cell("", quiet, pill=PILLS[view.state])
            case ServerColumn.UP_SINCE:
                since = view.up_since_at if view.state is ServerState.UP else None
                return Cell(text.DASH if since is None else formats.clock_time(since))
            case ServerColumn.START:
                return Cell(*text.start_time(view))
            case ServerColumn.RESTARTS:
                return Cell(str(view.restarts), right=True)
            case ServerColumn.LAST_EXIT:
                return Cell(*text.exit_lines(view.last_exit))


class ServerDelegate(CellDelegate):
    """Two lines in the columns that have two; the address in the colour of a link."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme, pad=_ROW_PAD, lines=2 + _SPACE, stacked=True)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw one cell."""
        if not self.region.intersects(option.rect):
            return
        cell = self.cell_to_paint(index)
        if cell is None or not cell.quiet or not (cell.text or cell.pill):
            super().paint(painter, option, index)
            return
        painter.save()
        self.paint_ground(painter, option, index)
        colours = self.theme.colours
        painter.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        begin = Qt.AlignmentFlag.AlignRight if is_mirrored(option) else Qt.AlignmentFlag.AlignLeft
        box = option.rect.adjusted(_PAD, 5, -_PAD, -5)
        if cell.pill:
            font = self.font(option.font, PILL_SCALE, bold=True)
            pill = fitting_pill(cell.pill, font, box.width())
            width = round(pill_width(pill, font))
            spot = mirrored(option, QRect(box.left(), box.top(), width, round(pill_height(font))))
            middle = QPointF(spot.left(), spot.top() + pill_height(font) / 2)
            paint_pill(painter, pill, middle, font, colours)
        link = index.column() == ServerColumn.SERVER and cell.quiet != "no address"
        lower = colours.accent if link else colours.muted
        for words, scale, bold, colour, side in (
            (cell.text, 1.0, cell.bold, colours.text, Qt.AlignmentFlag.AlignTop),
            (cell.quiet, _SMALL, False, lower, Qt.AlignmentFlag.AlignBottom),
        ):
            face = self.font(option.font, scale, bold=bold)
            painter.setFont(face)
            painter.setPen(QColor(colour))
            line = QFontMetrics(face).elidedText(words, Qt.TextElideMode.ElideRight, box.width())
            painter.drawText(box, begin | side, line)
        painter.restore()

"""The one table of the window: sorts, is arranged by the person, copies, and has a menu a row.

What the person arranged (widths, order of the columns, sort) is a :class:`TableState`; a table
that was given the states with :meth:`CellView.remember` keeps its own there. Widths are kept in
widths of an M, so that they hold in another font.
"""

from collections.abc import Iterator, Sequence

from PySide6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QSize,
    Qt,
    QTimer,
    Signal,
    Slot,
)
from PySide6.QtGui import (
    QAccessible,
    QColor,
    QContextMenuEvent,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QMenu, QTreeView, QWidget

from omnitray.ui.formats import without_marks
from omnitray.ui.theme import line_height, text_font, width_of
from omnitray.ui.widgets.cells import CELL, CELL_PAD, DOT, Cell, CellDelegate, ColumnPlan, Index
from omnitray.ui.widgets.labels import TextMenu
from omnitray.ui.window_place import TableState

_SMALLEST = 32
_HEADER_PAD = 14  # of the style sheet, above and below the titles
_LEAST_ROWS = 1.7  # in sight, however little room there is: a row cut says that there are more
_MEASURED = 200  # rows whose words are measured: about ten screens full
_ARROWS = {Qt.SortOrder.AscendingOrder: " ↑", Qt.SortOrder.DescendingOrder: " ↓"}
_ARRANGE = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


def sorted_title(title: str, order: Qt.SortOrder | None) -> str:
    """A title of a column, with an arrow where the rows are in its order."""
    return title + (_ARROWS[order] if order is not None else "")


class TableHeader(QHeaderView):
    """Titles that can be dragged and resized; ``arranged`` once the person has done so."""

    arranged = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._before: list[tuple[int, int]] = []
        self.setSectionsClickable(True)
        self.setSectionsMovable(True)
        self.setFirstSectionMovable(False)  # the branches of a tree are painted in it
        self.setStretchLastSection(False)
        self.setMinimumSectionSize(_SMALLEST)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Keep how it was, to see what the person does."""
        self._before = self._arrangement()
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Tell of another order or width."""
        super().mouseReleaseEvent(event)
        if self._arrangement() != self._before:
            self.arranged.emit()

    def _arrangement(self) -> list[tuple[int, int]]:
        return [(self.visualIndex(each), self.sectionSize(each)) for each in range(self.count())]


class CellView(QTreeView):
    """A table unless ``tree``, its columns as in the :class:`ColumnPlan`.

    ``menu_wanted`` carries the menu of the chosen rows, for the page to put its actions first.
    """

    menu_wanted = Signal(QMenu)

    def __init__(
        self,
        model: QAbstractItemModel,
        delegate: CellDelegate,
        plan: ColumnPlan,
        *,
        tree: bool = False,
    ) -> None:
        super().__init__()
        self.plan = plan
        self._needs: dict[int, int] = {}  # of the widest words in each of those columns
        self._lent: dict[int, tuple[int, int]] = {}  # what a column was before, and is now
        self._delegate = delegate
        self._states: dict[str, TableState] = {}
        self._key = ""
        self._titles = TableHeader(self)
        self.menu: QMenu | None = None
        self.setHeader(self._titles)
        self.setModel(model)
        self.setItemDelegate(delegate)
        self.setFont(text_font(self.font()))
        self.setUniformRowHeights(True)
        self.setRootIsDecorated(tree)
        self.setItemsExpandable(tree)
        self.setExpandsOnDoubleClick(tree)
        self.setAllColumnsShowFocus(True)
        self.setMouseTracking(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._titles.setFont(text_font(self.font(), 0.9))
        for column, width in self.fitting_widths().items():
            self._titles.resizeSection(column, width)
        for column in plan.stretch:
            self._titles.setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)
        self._titles.arranged.connect(self._on_arranged)
        self._titles.sortIndicatorChanged.connect(self._keep)
        self._refit = QTimer(self, singleShot=True, interval=0)
        self._refit.timeout.connect(self._fit)
        model.rowsInserted.connect(self._on_rows_inserted)
        model.modelReset.connect(self._on_reset)
        self._told: list[QModelIndex] = []  # cells that are said to have changed
        self._all_told = False
        self._changes = QTimer(self, singleShot=True, interval=0)  # many changes, one look
        self._changes.timeout.connect(self.paint_changes)
        self.entered.connect(self._on_entered)

    def fitting_widths(self) -> dict[int, int]:
        """So wide that the samples fit, and the title with its arrow."""
        font, found = self.font(), {}
        for column, samples in self.plan.widths.items():
            title = self.model().headerData(column, Qt.Orientation.Horizontal) or ""
            cells = [self._delegate.width_of(each, font) for each in samples]
            head = width_of(self._titles.font(), f"{title} ↓", pad=2 * CELL_PAD)
            found[column] = max([head if title else 0, *cells])
        return found

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Some rows under the titles, however little room there is."""
        head = self._titles.sizeHint().height() if not self.isHeaderHidden() else 0
        rows = round(_LEAST_ROWS * self._delegate.row_height(self.font()))
        return QSize(super().minimumSizeHint().width(), head + rows)

    def fit_rows(self, rows: int) -> None:
        """As high as so many rows, without a scroll bar: the page scrolls."""
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._titles.setFixedHeight(self._head())
        self.setFixedHeight(self.height_of(rows))

    def height_of(self, rows: int) -> int:
        """How high it is with so many rows."""
        return self._head() + rows * self._delegate.row_height(self.font()) + 2

    def _head(self) -> int:
        return 0 if self.isHeaderHidden() else line_height(self._titles.font(), pad=_HEADER_PAD)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Let columns give way before a name does."""
        self._give_way(event.size().width())
        super().resizeEvent(event)

    @Slot()
    def _fit(self) -> None:
        self._give_way(self.viewport().width())

    def _give_way(self, width: int) -> None:
        titles = self._titles
        for column in self.plan.giving:
            titles.setSectionHidden(column, False)
        for column, (before, _) in self._lent.items():
            titles.resizeSection(column, before)
        self._lent = {}
        em = width_of(self.font(), "M")
        needs = dict.fromkeys(self.plan.stretch, self.plan.least_em * em)
        for column, most in self.plan.names.items():
            least = needs.get(column, titles.sectionSize(column))
            needs[column] = max(least, min(self._needs.get(column, 0), most * em))
        self._make_room(width, needs)
        left = width - self._taken(needs)
        for column in self.plan.names:
            if column not in self.plan.stretch and not titles.isSectionHidden(column):
                self._lend(column, needs[column])
        for column in self.plan.words:
            size, need = titles.sectionSize(column), self._needs.get(column, 0)
            if 0 < size < need and left > 0:
                self._lend(column, min(need, size + left))
                left -= titles.sectionSize(column) - size

    def _make_room(self, width: int, needs: dict[int, int]) -> None:
        """Let columns shrink or go until names have what they need."""
        for column, samples in self.plan.narrow.items():
            if self._taken(needs) <= width:
                return
            least = max(self._delegate.width_of(each, self.font()) for each in samples)
            self._lend(column, min(least, self._titles.sectionSize(column)))
        for column in self.plan.giving:
            if self._taken(needs) <= width:
                return
            self._titles.setSectionHidden(column, True)
        if self._taken(needs) > width:
            for column, samples in self.plan.signs.items():
                title = self.model().headerData(column, Qt.Orientation.Horizontal) or ""
                head = width_of(self._titles.font(), str(title), pad=2 * CELL_PAD)
                shapes = (self._delegate.width_of(each, self.font()) for each in samples)
                self._lend(column, max(head, *shapes))

    def _taken(self, needs: dict[int, int]) -> int:
        """By the columns in sight: what a name needs, and what others have."""
        sizes = self._titles.sectionSize
        return sum(needs.get(each) or sizes(each) for each in self.shown_columns())

    def _lend(self, column: int, width: int) -> None:
        """Another width, until there is other room."""
        now = self._titles.sectionSize(column)
        if width != now:
            own, _ = self._lent.get(column, (now, now))  # it may have been lent another before
            self._lent[column] = own, width
            self._titles.resizeSection(column, width)

    # -- what its words need

    @Slot()
    def _on_reset(self) -> None:
        self._needs = {}
        self._measure(0, min(self.model().rowCount(), _MEASURED) - 1)

    @Slot(QModelIndex, int, int)
    def _on_rows_inserted(self, parent: QModelIndex, first: int, last: int) -> None:
        if not parent.isValid() and first < _MEASURED:
            self._measure(first, min(last, _MEASURED - 1))

    def _measure(self, first: int, last: int) -> None:
        for column in (*self.plan.names, *self.plan.words):
            for row in range(first, last + 1):
                self._note_need(self.model().index(row, column))

    def _note_need(self, index: Index) -> None:
        """Fit the columns again where these words need more than all before."""
        cell: Cell | None = index.data(CELL)
        if cell is None:
            return
        if index.column() in self.plan.names:  # the last of the quieter words is a figure
            cell = cell._replace(quiet=cell.quiet.rpartition(DOT)[0])
        need = self._delegate.width_of(cell, self.font())
        if index.column() == 0:
            need += self.indentation() * self.rootIsDecorated()
        if need > self._needs.get(index.column(), 0):
            self._needs[index.column()] = need
            self._refit.start()

    # -- how the person has arranged it

    def remember(self, states: dict[str, TableState], key: str) -> None:
        """Take up what is kept under a key, and keep there what the person does from now on."""
        state = states.get(key, TableState())
        self._states, self._key = {}, ""  # what follows is not the person's doing
        em = width_of(self.font(), "M")
        for column, width in state.widths.items():
            if 0 <= column < self._titles.count():
                self._titles.resizeSection(column, round(width * em))
        if sorted(state.order) == list(range(self._titles.count())):
            for place, column in enumerate(state.order):
                self._titles.moveSection(self._titles.visualIndex(column), place)
        self._keep_figures_whole()
        if self.isSortingEnabled() and 0 <= state.sort < self._titles.count():
            orders = Qt.SortOrder
            order = orders.DescendingOrder if state.descending else orders.AscendingOrder
            self.sort_by(state.sort, order)
        self._give_way(self.viewport().width())
        self._states, self._key = states, key

    def sort_by(self, column: int, order: Qt.SortOrder) -> None:
        """Sort, and show so in the header."""
        self._titles.setSortIndicator(column, order)

    @Slot()
    def _on_arranged(self) -> None:
        sizes = self._titles.sectionSize
        self._lent = {each: lent for each, lent in self._lent.items() if sizes(each) == lent[1]}
        self._keep_figures_whole()
        self._give_way(self.viewport().width())
        self._keep()

    def _keep_figures_whole(self) -> None:
        """A column of figures is never narrower than its figures."""
        right = Qt.AlignmentFlag.AlignRight.value
        role = Qt.ItemDataRole.TextAlignmentRole
        for column, least in self.fitting_widths().items():
            side = self.model().headerData(column, Qt.Orientation.Horizontal, role) or 0
            if int(side) & right and self._titles.sectionSize(column) < least:
                self._titles.resizeSection(column, least)

    @Slot()
    def _keep(self) -> None:
        if not self._key:
            return
        em, titles = width_of(self.font(), "M"), self._titles
        fixed = QHeaderView.ResizeMode.Interactive
        widths = {
            column: round(titles.sectionSize(column) / em, 2)
            for column in self.shown_columns()
            if titles.sectionResizeMode(column) == fixed and column not in self._lent
        }
        before = self._states.get(self._key, TableState())
        self._states[self._key] = TableState(
            widths={**before.widths, **widths},  # a column that is hidden now keeps its own
            order=tuple(titles.logicalIndex(place) for place in range(titles.count())),
            sort=titles.sortIndicatorSection() if self.isSortingEnabled() else -1,
            descending=titles.sortIndicatorOrder() == Qt.SortOrder.DescendingOrder,
        )

    # -- keys, copy, menu

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Ctrl+C copies; Ctrl+Shift with an arrow sorts by another column or the other way."""
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        elif event.modifiers() == _ARRANGE and event.key() in _SORT_KEYS:
            self._sort_by_key(Qt.Key(event.key()))
        elif event.key() in _MOVES and not self.selectionModel().hasSelection():
            self._choose_first()
        else:
            super().keyPressEvent(event)

    def _choose_first(self) -> None:
        """The first key that moves chooses a row: Qt makes it current without choosing it."""
        here = self.currentIndex()
        self.setCurrentIndex(QModelIndex())
        self.setCurrentIndex(here if here.isValid() else self.model().index(0, 0))

    def _sort_by_key(self, key: Qt.Key) -> None:
        if not self.isSortingEnabled():
            return
        titles, orders = self._titles, Qt.SortOrder
        if key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            order = orders.AscendingOrder if key == Qt.Key.Key_Up else orders.DescendingOrder
            self.sort_by(max(0, titles.sortIndicatorSection()), order)
            return
        shown = self.shown_columns()
        here = titles.sortIndicatorSection()
        place = shown.index(here) if here in shown else 0
        step = -1 if key == Qt.Key.Key_Left else 1
        self._sort_first(shown[(place + step) % len(shown)])

    def _sort_first(self, column: int) -> None:
        """Sort by a column in the order that is of interest first: the largest figure."""
        role = Qt.ItemDataRole.InitialSortOrderRole
        first = self.model().headerData(column, Qt.Orientation.Horizontal, role)
        self.sort_by(column, first if first is not None else Qt.SortOrder.AscendingOrder)

    def shown_columns(self) -> list[int]:
        """The logical columns in sight, from left to right."""
        titles = self._titles
        columns = (titles.logicalIndex(place) for place in range(titles.count()))
        return [each for each in columns if not titles.isSectionHidden(each)]

    def copied_text(self) -> str:
        """The chosen rows as they are read: a line a row, a tab between two columns."""
        rows = sorted(self.selectionModel().selectedRows(), key=self._place)
        columns = self.shown_columns()
        lines = (
            "\t".join(str(row.siblingAtColumn(each).data() or "") for each in columns)
            for row in rows
        )
        return without_marks("\n".join(lines))

    def _place(self, index: QModelIndex) -> tuple[int, int]:
        parent = index.parent()
        return (parent.row(), index.row()) if parent.isValid() else (index.row(), -1)

    @Slot()
    def copy(self) -> None:
        """Put the chosen rows on the clipboard."""
        text = self.copied_text()
        if text:
            QGuiApplication.clipboard().setText(text)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802 - Qt's name
        """Everything that can be done to the row under the mouse, or to the current one."""
        at = event.globalPos()
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            box = self.visualRect(self.currentIndex())
            at = self.viewport().mapToGlobal(box.center() if box.isValid() else QPoint(0, 0))
        self.open_menu(at)

    def open_menu(self, at: QPoint) -> None:
        """Open the menu of the chosen rows."""
        if self.menu is not None:
            self.menu.deleteLater()
        self.menu = menu = TextMenu(self)
        self.menu_wanted.emit(menu)
        if not menu.isEmpty():
            menu.addSeparator()
        copy = menu.addAction("Copy", QKeySequence(QKeySequence.StandardKey.Copy), self.copy)
        copy.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        copy.setEnabled(self.selectionModel().hasSelection())
        menu.addAction("Select all", self.selectAll)
        if self.isSortingEnabled():
            self._add_sorting(menu.addMenu("Sort by"))
        menu.popup(at)

    def _add_sorting(self, menu: QMenu) -> None:
        here = self._titles.sortIndicatorSection()
        for column in self.shown_columns():
            title = str(self.model().headerData(column, Qt.Orientation.Horizontal) or "")
            if title:
                title = title.rstrip("".join(_ARROWS.values()))
                action = menu.addAction(title.replace("&", "&&"))
                action.setCheckable(True)
                action.setChecked(column == here)
                action.triggered.connect(lambda _=False, it=column: self._sort_or_turn(it))

    def _sort_or_turn(self, column: int) -> None:
        titles, orders = self._titles, Qt.SortOrder
        if titles.sortIndicatorSection() != column:
            self._sort_first(column)
            return
        down = titles.sortIndicatorOrder() == orders.DescendingOrder
        self.sort_by(column, orders.AscendingOrder if down else orders.DescendingOrder)

    # -- painting

    def dataChanged(  # noqa: N802 - Qt's name
        self, first: Index, last: Index, roles: Sequence[int] = ()
    ) -> None:
        """Paint the visible cells that have changed. Qt would paint every cell of the signal."""
        if QAccessible.isActive():
            super().dataChanged(first, last, list(roles))
            return
        if (first.row(), first.column()) == (last.row(), last.column()):
            self._told.append(self.model().sibling(first.row(), first.column(), first))
        else:
            self._all_told = True
        self._changes.start()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint what is asked for, and no more."""
        self._delegate.region = event.region()
        super().paintEvent(event)
        if self.hasFocus() and not self.selectionModel().hasSelection():
            painter = QPainter(self.viewport())
            painter.setPen(QColor(self._delegate.theme.colours.accent))
            painter.drawRect(self.viewport().rect().adjusted(0, 0, -1, -1))

    @Slot()
    def paint_changes(self) -> None:
        """Paint the cells in sight that say something else now than on the screen."""
        cells = self._cells_in_sight() if self._all_told else self._told
        for cell in cells:
            if self._delegate.is_out_of_date(cell):
                self.viewport().update(self.visualRect(cell))
                if cell.column() in self.plan.words or cell.column() in self.plan.names:
                    self._note_need(cell)
        self._told, self._all_told = [], False

    def _cells_in_sight(self) -> Iterator[QModelIndex]:
        columns, bottom = self.shown_columns(), self.viewport().height()
        index = self.indexAt(QPoint(0, 0))
        while index.isValid() and self.visualRect(index).top() < bottom:
            for column in columns:
                yield index.siblingAtColumn(column)
            index = self.indexBelow(index)

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Nothing is pointed at any more."""
        self._hover(QModelIndex())
        super().leaveEvent(event)

    @Slot(QModelIndex)
    def _on_entered(self, index: QModelIndex | QPersistentModelIndex) -> None:
        self._hover(index)

    def _hover(self, index: Index) -> None:
        if self._delegate.point_at(index):
            self.viewport().update()


_SORT_KEYS = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down)
_ENDS = (Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)
_MOVES = (Qt.Key.Key_Up, Qt.Key.Key_Down, *_ENDS)

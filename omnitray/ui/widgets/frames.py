"""Cards, rules, rows: the few frames that the pages are made of."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Slot
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QStyle,
    QVBoxLayout,
    QWidget,
)

from omnitray.ui.theme import GAP, SMALL_GAP, text_font, width_of
from omnitray.ui.widgets.labels import Paragraph, TextButton, TextMenu, heading, label


class Card(QFrame):
    """A white (or dark grey) card with a column inside, and a title if it is given one."""

    def __init__(self, title: str = "", *, margin: int = GAP) -> None:
        super().__init__()
        self.setObjectName("card")
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(margin, margin, margin, margin)
        self.column.setSpacing(SMALL_GAP)
        self.head = QHBoxLayout()
        if title:
            self.setAccessibleName(title)
            inset = max(0, GAP - margin)
            self.head.setContentsMargins(inset, inset, inset, 0)
            self.head.addWidget(heading(title), 1)
            self.column.addLayout(self.head)


def rule() -> QFrame:
    """A thin line."""
    line = QFrame()
    line.setObjectName("rule")
    line.setFixedHeight(1)
    return line


def button(text: str, *, danger: bool = False, primary: bool = False) -> QPushButton:
    """A push button that keeps its size."""
    made = TextButton(text)
    made.setFont(text_font(made.font()))
    made.setProperty("danger", danger)
    made.setProperty("primary", primary)
    made.setAutoDefault(False)
    made.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
    return made


def follow_tabs(start: QWidget, widgets: Iterable[QWidget]) -> None:
    """Give widgets that were made later their place in the way of the Tab key: after ``start``."""
    start.setFocusPolicy(Qt.FocusPolicy.ClickFocus)  # without one it has no place in it
    for widget in widgets:
        QWidget.setTabOrder(start, widget)
        start = widget


def scrolled(content: QWidget) -> QScrollArea:
    """A scroll area around a column; sideways only where the column cannot be any narrower."""
    area = QScrollArea()
    if isinstance(content, Card):  # which keeps its ground by its name
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(content)
        content = holder
    content.setObjectName("scrolled")
    area.setWidget(content)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return area


def scrolled_column(*widgets: QWidget) -> QScrollArea:
    """Widgets below each other in a scroll area; the room that is left stays empty."""
    content = QWidget()
    column = QVBoxLayout(content)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(GAP)
    for each in widgets:
        column.addWidget(each)
    column.addStretch()
    return scrolled(content)


class Banner(QFrame):
    """A sentence above the page with buttons; hidden while there is nothing to say."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName("banner")
        self.setAccessibleName(name)
        self.words = Paragraph()
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(GAP, SMALL_GAP, SMALL_GAP, SMALL_GAP)
        self.row.addWidget(self.words, 1)
        self.hide()


ROW_GAP = 6  # between the widgets of a row


class GivingRow(QWidget):
    """One widget that takes the room, others at its right; where they do not fit, below it.

    The first needs so many widths of an M, or the room that ``sample`` takes.
    """

    def __init__(
        self, first: QWidget, others: Iterable[QWidget], least_em: int = 12, sample: str = ""
    ) -> None:
        super().__init__()
        self._first, self._others = first, list(others)
        font = text_font(self.font())
        self._least = width_of(font, sample) if sample else least_em * width_of(font, "M")
        for each in (first, *self._others):
            each.setParent(self)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def add(self, widget: QWidget) -> None:
        """Put a widget behind the others."""
        widget.setParent(self)
        self._others.append(widget)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As high as it is now."""
        return QSize(self._least, self.height())

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """So narrow that the widest of them fits as small as it can be."""
        narrowest = (least_size(each).width() for each in (self._first, *self._shown()))
        return QSize(max(narrowest, default=0), 0)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Take the places."""
        super().showEvent(event)
        self.rearrange()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """The height follows from the width."""
        super().resizeEvent(event)
        self.rearrange()

    def rearrange(self) -> None:
        """Arrange again after widgets were shown or hidden."""
        shown = self._shown()
        total = sum(each.sizeHint().width() + ROW_GAP for each in shown)
        beside = self.width() >= total + max(self._least, self._first.minimumSizeHint().width())
        high = max((each.sizeHint().height() for each in (self._first, *shown)), default=0)
        room = self.width() - total if beside else self.width()
        _set_place(self, self._first, QRect(0, 0, room, high))
        left, top = (room + ROW_GAP, 0) if beside else (0, high + ROW_GAP)
        below = high  # how high the line is
        for each in shown:
            size = each.sizeHint()
            if not beside and left and left + size.width() > self.width():
                left, top, below = 0, top + below + ROW_GAP, high
            wide = min(size.width(), self.width())
            tall = _height_of(each, wide)
            below = max(below, tall)
            drop = max(0, (high - tall) // 2)
            _set_place(self, each, QRect(left, top + drop, wide, tall))
            left += size.width() + ROW_GAP
        self.setFixedHeight(top + below if shown else high)

    def event(self, event: QEvent) -> bool:
        """A widget has got other words, and another size with them."""
        if event.type() == QEvent.Type.LayoutRequest and self.isVisible():
            self.rearrange()
        return super().event(event)

    def _shown(self) -> list[QWidget]:
        return [each for each in self._others if not each.isHidden()]


def _set_place(row: QWidget, widget: QWidget, place: QRect) -> None:
    """Put a widget into a row; where the window is read from the right, at the row's other end."""
    widget.setGeometry(QStyle.visualRect(row.layoutDirection(), row.rect(), place))


def least_size(widget: QWidget) -> QSize:
    """How small it may be."""
    return widget.minimumSizeHint().expandedTo(widget.minimumSize())


def _size_of(widget: QWidget) -> QSize:
    """The size that it gets: as it wants, and no smaller than it may be."""
    return widget.sizeHint().expandedTo(widget.minimumSize())


def _height_of(widget: QWidget, width: int) -> int:
    """How high it gets at this width: words that have no room take more lines."""
    size = _size_of(widget)
    return (
        widget.heightForWidth(width)
        if width < size.width() and widget.hasHeightForWidth()
        else size.height()
    )


def _lines_of(widgets: Iterable[QWidget], width: int) -> list[list[QWidget]]:
    """The widgets in as many lines of this width as they need."""
    lines: list[list[QWidget]] = [[]]
    left = 0
    for widget in widgets:
        wide = _size_of(widget).width()
        if left and left + wide > width:
            lines.append([])
            left = 0
        lines[-1].append(widget)
        left += wide + ROW_GAP
    return lines


class WrapRow(QWidget):
    """Add widgets with :meth:`add`; its height follows from its width."""

    def __init__(self) -> None:
        super().__init__()
        self._widgets: list[QWidget] = []
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def add(self, widget: QWidget) -> None:
        """Put a widget behind the last one."""
        widget.setParent(self)
        widget.show()
        self._widgets.append(widget)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Take up what has changed while it was hidden."""
        super().showEvent(event)
        self.rearrange()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """The height follows from the width."""
        self.setFixedHeight(self.arrange(event.size().width()))

    def event(self, event: QEvent) -> bool:
        """A widget has got other words, and another size with them."""
        if event.type() == QEvent.Type.LayoutRequest:
            self.rearrange()
        return super().event(event)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Room for all of them side by side."""
        shown = [_size_of(each) for each in self._widgets if not each.isHidden()]
        width = sum(each.width() for each in shown) + ROW_GAP * max(0, len(shown) - 1)
        return QSize(width, max((each.height() for each in shown), default=0))

    def rearrange(self) -> None:
        """Arrange again after widgets were shown or hidden."""
        self.setFixedHeight(self.arrange(self.width()))

    def arrange(self, width: int) -> int:
        """Place the widgets into a width; the height that this takes."""
        top = 0
        for line in _lines_of((each for each in self._widgets if not each.isHidden()), width):
            top += self._place_line(line, top, width) + ROW_GAP
        return top - ROW_GAP

    def _place_line(self, line: list[QWidget], top: int, width: int) -> int:
        """Side by side on one middle; how high the line is."""
        places = [min(_size_of(each).width(), width) for each in line]
        talls = [_height_of(each, wide) for each, wide in zip(line, places, strict=True)]
        high = max(talls, default=0)
        left = 0
        for widget, wide, tall in zip(line, places, talls, strict=True):
            _set_place(self, widget, QRect(left, top + (high - tall) // 2, wide, tall))
            left += wide + ROW_GAP
        return high


class ButtonRow(WrapRow):
    """Buttons in ``lines`` lines; those that have no room are entries in the menu of *More*.

    ``goes``: the buttons that may go there, the first to go first. A button that is not to be
    shown at all is withheld by :meth:`offer`, not by hiding it: what is hidden is in the menu.
    """

    def __init__(
        self, buttons: Iterable[QPushButton], goes: Sequence[QPushButton], lines: int = 1
    ) -> None:
        super().__init__()
        self._goes: tuple[QPushButton, ...] = ()
        self._withheld: set[QPushButton] = set()
        self._menus: dict[QPushButton, QMenu] = {}
        self._buttons: list[QPushButton] = []
        self._lines = lines
        self.more = button("More ▾")
        self.more.clicked.connect(self._on_more)
        self.menu = TextMenu(self)
        self.menu.setToolTipsVisible(True)
        self.add(self.more)
        self.replace(buttons, goes)

    def replace(self, buttons: Iterable[QPushButton], goes: Sequence[QPushButton]) -> None:
        """Other buttons."""
        for old in self._buttons:
            self._widgets.remove(old)
            old.hide()
            old.deleteLater()
        self._buttons, self._goes = list(buttons), tuple(goes)
        for each in self._buttons:
            self.add(each)
        self._widgets = [*self._buttons, self.more]
        for one, next_one in pairwise(self._widgets):
            QWidget.setTabOrder(one, next_one)
        self.rearrange()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Room for all of them in one line, or for *More* alone where no line is taken."""
        shown = self._offered() if self._lines else [self.more]
        width = sum(_size_of(each).width() + ROW_GAP for each in shown) - ROW_GAP
        high = (_size_of(each).height() for each in (*self._offered(), self.more))
        return QSize(max(0, width), max(high))

    def set_menu(self, pressed: QPushButton, menu: QMenu) -> None:
        """A button that opens a menu: below *More* this is a menu in the menu."""
        self._menus[pressed] = menu

    def set_lines(self, lines: int) -> None:
        """Take at most so many lines."""
        if lines != self._lines:
            self._lines = lines
            self.rearrange()

    def offer(self, pressed: QPushButton, *, offered: bool) -> None:
        """Show a button where it has room, or take it away, from the menu too."""
        if offered:
            self._withheld.discard(pressed)
        else:
            self._withheld.add(pressed)
        self.rearrange()

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """So narrow that one button, or *More* below it, fits."""
        shown = self._offered() if self._lines else [self.more]
        widest = max((_size_of(each).width() for each in shown), default=0)
        return QSize(widest, _size_of(self.more).height())

    def arrange(self, width: int) -> int:
        """Place the buttons that have room; the height that this takes."""
        offered = self._offered()
        shown = list(offered)
        leaving = [each for each in self._goes if each in offered]
        while leaving and self._too_many(self._with_more(shown, offered), width):
            shown.remove(leaving.pop(0))
        placed = self._with_more(shown, offered)
        for each in (*self._buttons, self.more):
            if each.isHidden() == (each in placed):
                each.setVisible(each in placed)
        return super().arrange(width)

    def _too_many(self, shown: list[QPushButton], width: int) -> bool:
        if not self._lines:
            return shown != [self.more]
        return len(_lines_of(shown, width)) > self._lines

    def _with_more(self, shown: list[QPushButton], offered: list[QPushButton]) -> list[QPushButton]:
        return [*shown, self.more] if len(shown) < len(offered) else shown

    def _offered(self) -> list[QPushButton]:
        return [each for each in self._buttons if each not in self._withheld]

    @Slot()
    def _on_more(self) -> None:
        """Open the menu of what has no room."""
        self.menu.clear()
        for each in self._offered():
            if each.isHidden():
                self._add_entry(each)
        self.menu.popup(self.more.mapToGlobal(QPoint(0, self.more.height() + 2)))

    def _add_entry(self, pressed: QPushButton) -> None:
        below = self._menus.get(pressed)
        if below is None:
            entry = self.menu.addAction(pressed.text(), pressed.click)
        else:
            below.setTitle(pressed.text().removesuffix(" ▾"))
            entry = self.menu.addMenu(below)
        entry.setEnabled(pressed.isEnabled())
        entry.setToolTip(pressed.toolTip())


class FigureTable(QWidget):
    """Titles and rows: names wrap, figures stand at the other side.

    ``goes``: the columns that go where the names would have too little room, the first to go first.
    """

    def __init__(self, names: int, goes: Sequence[int] = (), *, bold: int = 0) -> None:
        super().__init__()
        self._names, self._goes, self._bold = names, tuple(goes), bold
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(GAP)
        self._grid.setVerticalSpacing(SMALL_GAP)
        for column in range(names):
            self._grid.setColumnStretch(column, 1)

    def show_rows(self, titles: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
        """Show these rows instead of the former ones."""
        while (item := self._grid.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        for number, row in enumerate((titles, *rows)):
            for column, words in enumerate(row):
                self._grid.addWidget(self._cell(words, column, quiet=number == 0), number, column)
        self._fit(self.width())
        self.updateGeometry()

    def _cell(self, words: str, column: int, *, quiet: bool) -> QLabel:
        bold = column == self._bold and not quiet
        if column < self._names:
            named = heading(words) if bold else Paragraph(words)
            named.setProperty("muted", quiet)
            return named
        figure = label(words, bold=bold, muted=quiet)
        figure.setAlignment(Qt.AlignmentFlag.AlignRight)
        return figure

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Without the columns that may go, and as narrow as the longest word of a name."""
        kept = (each for each in range(self._grid.columnCount()) if each not in self._goes)
        width = sum(self._least(column) + GAP for column in kept) - GAP
        return QSize(width, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Columns give way to names."""
        super().resizeEvent(event)
        self._fit(event.size().width())

    def _fit(self, width: int) -> None:
        shown = list(range(self._grid.columnCount()))
        for column in self._goes:
            if sum(self._wanted(each) + GAP for each in shown) - GAP <= width:
                break
            shown = [each for each in shown if each != column]
        for column in self._goes:
            for each in self._cells(column):
                each.setVisible(column in shown)

    def _cells(self, column: int) -> list[QWidget]:
        items = (self._grid.itemAtPosition(row, column) for row in range(self._grid.rowCount()))
        return [found for each in items if each is not None and (found := each.widget())]

    def _least(self, column: int) -> int:
        return max((each.minimumSizeHint().width() for each in self._cells(column)), default=0)

    def _wanted(self, column: int) -> int:
        """What a figure needs, and some letters of a name."""
        least = self._least(column)
        if column >= self._names:
            return least
        words = (each.text() for each in self._cells(column) if isinstance(each, QLabel))
        font = text_font(self.font(), bold=column == self._bold)
        return max(least, min(width_of(font, *words, ""), _NAME_EM * width_of(font, "M")))


_NAME_EM = 8  # of a name in a table, before a column of figures gives way to it

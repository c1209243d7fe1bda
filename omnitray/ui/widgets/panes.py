"""A list and the details of what is chosen in it, arranged by the room that there is.

Side by side where the window is wide, one above the other where it is high enough, else one at a
time: a page with two panes that scroll would have to scroll itself, with two bars side by side.
"""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QMenu, QSplitter, QStackedLayout, QVBoxLayout, QWidget

from omnitray.ui.theme import GAP, line_height, width_of
from omnitray.ui.widgets.choice import ToolRow
from omnitray.ui.widgets.frames import button, least_size
from omnitray.ui.widgets.table import CellView

# Three rows of a list with its tools and the least of its details, measured for Alerts, Servers
# and Runs at 10 and 18 pt: 15 to 19 lines and 110 to 190 pixels of gaps, edges and paddings.
_BOTH_LINES = 20.0
_BOTH_PAD = 180
_LARGE = 1000  # the shares in pixels, larger than any screen


class ListAndDetail(QWidget):
    """A list with ``tools`` above it, and its details.

    Where only one has room, a row that is opened by a click or Enter shows its details, and *Back*
    or Esc the list. ``view`` is the list itself, ``listing`` what it stands in. They stand side by
    side from ``beside_em`` widths of an M on (0: never). ``shares``: of the room, for list and
    details.
    """

    def __init__(
        self,
        tools: ToolRow,
        view: CellView,
        listing: QWidget,
        detail: QWidget,
        *,
        shares: Sequence[int],
        beside_em: int = 0,
    ) -> None:
        super().__init__()
        self._tools, self._view, self._listing = tools, view, listing
        self._beside_em = beside_em
        self._has_detail = True
        self._detail = QWidget()
        holder = QVBoxLayout(self._detail)
        holder.setContentsMargins(0, 0, 0, 0)
        holder.addWidget(detail)
        self.alone = False  # only one of them has room
        self.opened = False  # and it is the details
        self.back = button("")
        self.back.setText(f"{'→' if self.isRightToLeft() else '←'} {view.accessibleName()}")
        self.back.setToolTip("Back to the list (Esc)")
        self.back.clicked.connect(self.close_detail)
        self._split = split = QSplitter(Qt.Orientation.Vertical)
        split.setChildrenCollapsible(False)
        split.setHandleWidth(GAP)
        split.addWidget(listing)
        split.addWidget(self._detail)
        for place, share in enumerate(shares):
            split.setStretchFactor(place, share)
        split.setSizes([share * _LARGE for share in shares])
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GAP)
        column.addWidget(self.back, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(tools)
        column.addWidget(split, 1)
        view.clicked.connect(self._on_clicked)
        view.activated.connect(self.open_detail)
        view.menu_wanted.connect(self._on_menu_wanted)
        self._show_panes()

    def show_detail(self, *, there: bool) -> None:
        """Whether there are details at all: without them the list has the room."""
        if there != self._has_detail:
            self._has_detail = there
            self.opened = self.opened and there
            self._show_panes()

    @Slot()
    def open_detail(self) -> None:
        """Show the details of the chosen row, where they do not stand beside the list."""
        if self.alone and self._has_detail and not self.opened:
            self.opened = True
            self._show_panes()
            self.back.setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot()
    def close_detail(self) -> None:
        """Back to the list."""
        if self.opened:
            self.opened = False
            self._show_panes()
            self._view.setFocus(Qt.FocusReason.OtherFocusReason)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Room for what is shown."""
        folded, unfolded = self._tools.heights(self.width())
        tools = (folded if self.alone else unfolded) + GAP
        back = self.back.sizeHint().height() + GAP
        listed, detail = least_size(self._listing), least_size(self._detail)
        if self.opened:
            high = back + detail.height()
        elif self.alone:
            high = tools + listed.height()
        elif self._split.orientation() == Qt.Orientation.Horizontal:
            high = tools + max(listed.height(), detail.height())
        else:
            shown = detail.height() + GAP if self._has_detail else 0
            # No more than where only one of them is shown, so that the window can become so low.
            high = min(tools + listed.height() + shown, self._both_height() - 1)
        return QSize(max(listed.width(), detail.width()), high)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Arrange them for this room."""
        super().resizeEvent(event)
        self._arrange(event.size())

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Esc and Alt+Left go back to the list."""
        goes_back = event.key() == Qt.Key.Key_Escape or event.matches(QKeySequence.StandardKey.Back)
        if self.opened and goes_back:
            self.close_detail()
        else:
            super().keyPressEvent(event)

    def _arrange(self, size: QSize) -> None:
        em = width_of(self.font(), "M")
        beside = 0 < self._beside_em * em <= size.width()
        way = Qt.Orientation.Horizontal if beside else Qt.Orientation.Vertical
        if way != self._split.orientation():
            self._split.setOrientation(way)
        # Not by their size hints: what is hidden does not know how often its words would wrap.
        alone = not beside and size.height() < self._both_height()
        unfolded = self._tools.heights(size.width())[1] + GAP + least_size(self._listing).height()
        self._tools.fold(folded=alone and size.height() < unfolded)
        if alone != self.alone:
            self.alone = alone
            self._show_panes()

    def _both_height(self) -> int:
        return line_height(self.font(), _BOTH_LINES, pad=_BOTH_PAD)

    def _show_panes(self) -> None:
        self.opened = self.opened and self.alone
        self.back.setVisible(self.opened)
        self._tools.setVisible(not self.opened)
        self._listing.setVisible(not self.opened)
        self._detail.setVisible(self._has_detail and (self.opened or not self.alone))
        self.updateGeometry()

    @Slot()
    def _on_clicked(self) -> None:
        """A click that chooses one row opens it; one that chooses several does not."""
        if QGuiApplication.keyboardModifiers() == Qt.KeyboardModifier.NoModifier:
            self.open_detail()

    @Slot(QMenu)
    def _on_menu_wanted(self, menu: QMenu) -> None:
        if self.alone and self._has_detail:
            menu.addAction("Details", self.open_detail)
            menu.addSeparator()


class ShownStack(QStackedLayout):
    """One widget at a time, which alone says how small the whole may be."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.currentChanged.connect(self.invalidate)

    def minimumSize(self) -> QSize:  # noqa: N802 - Qt's name
        """Of the widget that is shown."""
        shown = self.currentWidget()
        return super().minimumSize() if shown is None else least_size(shown)

"""The list that every page uses: rows of :class:`Cell`, one selection, no editing, light hover.

Hover and selection are asked of the view and not of the style option's state: the first use of
``QStyle`` from Python builds all its enumerations, which takes as long as half a window.
"""

from PySide6.QtCore import QAbstractItemModel, QEvent, QModelIndex, Qt, Slot
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeView

from omnitray.ui.theme import text_font
from omnitray.ui.widgets.cells import CellDelegate

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

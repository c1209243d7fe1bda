"""The tree or table that shows a :class:`JobsModel`; it holds still under the mouse."""

from PySide6.QtCore import QEvent, Qt, Signal, Slot
from PySide6.QtGui import QEnterEvent, QFocusEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeView

from omnitray.core.facts import Job
from omnitray.qt.cells import CellDelegate
from omnitray.qt.job_words import Column
from omnitray.qt.jobs_model import JobsModel
from omnitray.qt.theme import Theme, text_font

_LOW_ROW = 29
_HEADER = 30
_WIDTHS = {
    Column.PROJECT: 96,
    Column.CPU: 74,
    Column.MEMORY: 82,
    Column.GROWTH: 98,
    Column.STATE: 222,
}


class JobsView(QTreeView):
    """A list of jobs. ``job_opened`` when the person pressed Enter or clicked twice."""

    job_selected = Signal(object)  # Job or None
    job_opened = Signal(object)

    def __init__(self, theme: Theme, model: JobsModel, *, tree: bool) -> None:
        super().__init__()
        self._jobs = model
        self._delegate = CellDelegate(theme)
        self.setModel(model)
        self.setItemDelegate(self._delegate)
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
        self.setIndentation(18)
        self._set_up_header(sortable=tree)
        self.selectionModel().currentRowChanged.connect(self._on_current_changed)
        self.doubleClicked.connect(self._on_opened)

    def _set_up_header(self, *, sortable: bool) -> None:
        header = self.header()
        header.setFont(text_font(self.font(), 0.9))
        header.setStretchLastSection(False)
        header.setSectionsMovable(False)
        header.setMinimumSectionSize(48)
        header.setSectionResizeMode(Column.NAME, QHeaderView.ResizeMode.Stretch)
        for column, width in _WIDTHS.items():
            header.resizeSection(column, width)
        if sortable:
            header.setSortIndicator(Column.CPU, Qt.SortOrder.DescendingOrder)
            self.setSortingEnabled(True)

    def fit_rows(self, rows: int) -> None:
        """As high as so many rows, without a scroll bar."""
        self._delegate.row_height = _LOW_ROW
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.header().setFixedHeight(_HEADER)
        self.setFixedHeight(_HEADER + rows * _LOW_ROW + 2)

    def selected_job(self) -> Job | None:
        """The job of the current row."""
        return self._jobs.job_at(self.currentIndex())

    def select(self, key: str) -> None:
        """Make a job the current one."""
        index = self._jobs.index_of(key)
        if index.isValid():
            self.setCurrentIndex(index)
            self.scrollTo(index)

    def enterEvent(self, event: QEnterEvent) -> None:  # noqa: N802 - Qt's name
        """Hold still from now on."""
        self._jobs.freeze(frozen=True)
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Move again, unless the keyboard is here."""
        self._jobs.freeze(frozen=self._keyboard_is_here())
        super().leaveEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """Hold still while a row is selected."""
        super().focusInEvent(event)
        self._jobs.freeze(frozen=self._keyboard_is_here() or self.underMouse())

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """Move again, unless the mouse is here."""
        super().focusOutEvent(event)
        self._jobs.freeze(frozen=self.underMouse())

    def _keyboard_is_here(self) -> bool:
        return self.hasFocus() and self.currentIndex().isValid()

    @Slot()
    def _on_current_changed(self) -> None:
        self._jobs.freeze(frozen=self._keyboard_is_here() or self.underMouse())
        self.job_selected.emit(self.selected_job())

    @Slot()
    def _on_opened(self) -> None:
        self.job_opened.emit(self.selected_job())

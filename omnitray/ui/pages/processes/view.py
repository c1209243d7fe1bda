"""The tree or table that shows a :class:`JobsModel`; it holds still under the mouse."""

from PySide6.QtCore import QEvent, Qt, Signal, Slot
from PySide6.QtGui import QEnterEvent, QFocusEvent, QKeyEvent

from omnitray.base.facts import Job
from omnitray.ui.pages.processes.model import JobsModel
from omnitray.ui.pages.processes.text import JobColumn
from omnitray.ui.theme import Theme
from omnitray.ui.widgets.cells import CellDelegate, CellView

_LOW_ROW = 29
_HEADER = 30
_INDENT = 18
_WIDTHS: dict[int, int] = {
    JobColumn.PROJECT: 96,
    JobColumn.CPU: 60,
    JobColumn.MEMORY: 72,
    JobColumn.GROWTH: 88,
    JobColumn.IO: 78,
    JobColumn.STATE: 126,
    JobColumn.LEVER: 122,
}


class JobsView(CellView):
    """A list of jobs. ``job_opened`` when the person pressed Enter or clicked twice."""

    job_selected = Signal(object)  # Job or None
    job_opened = Signal(object)

    def __init__(self, theme: Theme, model: JobsModel, *, tree: bool) -> None:
        self._jobs = model
        super().__init__(model, CellDelegate(theme), _WIDTHS, (JobColumn.NAME,), tree=tree)
        self.setIndentation(_INDENT)
        self.setColumnHidden(JobColumn.PROJECT if tree else JobColumn.IO, True)
        if tree:
            self.header().setSortIndicator(JobColumn.CPU, Qt.SortOrder.DescendingOrder)
            self.setSortingEnabled(True)
        self.selectionModel().currentRowChanged.connect(self._on_current_changed)
        self.doubleClicked.connect(self._on_opened)

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

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Enter opens like a double click; which key activates is otherwise the desktop's."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._on_opened()
        else:
            super().keyPressEvent(event)

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

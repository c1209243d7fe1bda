"""The tree or table that shows a :class:`JobsModel`; it holds still under mouse and keys."""

from PySide6.QtCore import QEvent, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QKeyEvent, QShowEvent

from omnitray.base.facts import Job
from omnitray.ui.pages.processes.model import JobsModel
from omnitray.ui.pages.processes.text import JobColumn
from omnitray.ui.theme import Theme
from omnitray.ui.widgets import pills
from omnitray.ui.widgets.cells import Cell, CellDelegate, ColumnPlan, Widths
from omnitray.ui.widgets.table import CellView

# So long after the last touch of mouse or key the person is not about to press on a row any more.
_HOLD_MS = 3000
_HANDS = (
    QEvent.Type.MouseMove,
    QEvent.Type.MouseButtonPress,
    QEvent.Type.MouseButtonDblClick,
    QEvent.Type.Wheel,
)
_LOW_PAD = 11
_INDENT = 18
_WIDTHS: Widths = {
    JobColumn.PROJECT: (Cell("~/a-project"),),
    JobColumn.CPU: (Cell("12800 %"),),
    JobColumn.MEMORY: (Cell("999.9 GB"),),
    JobColumn.GROWTH: (Cell("+999 MB/s"),),
    JobColumn.IO: (Cell("999 MB/s"),),
    JobColumn.STATE: tuple(Cell(pill=each) for each in (*pills.GRIPS.values(), pills.PROTECTED)),
    JobColumn.LEVER: (Cell(quiet="weight 100 → 5"),),
}
# What gives way first where the window is narrow: a name and what it takes of the CPU stay.
_GIVING = (
    JobColumn.LEVER,
    JobColumn.PROJECT,
    JobColumn.GROWTH,
    JobColumn.IO,
    JobColumn.MEMORY,
    JobColumn.STATE,
)

_LIST_EM = 12  # a name and how many processes
_TREE_EM = 17  # the name of a process and its pid, indented
_NAME_EM = 24  # a long name with its project


class JobsView(CellView):
    """A list of jobs. ``job_opened`` when the person pressed Enter or clicked twice."""

    job_selected = Signal(object)  # Job or None
    job_opened = Signal(object)

    def __init__(self, theme: Theme, model: JobsModel, *, tree: bool) -> None:
        self._jobs = model
        self._tree = tree
        never = JobColumn.PROJECT if tree else JobColumn.IO
        giving = tuple(each for each in _GIVING if each != never)
        delegate = CellDelegate(theme)
        plan = ColumnPlan(
            _WIDTHS,
            stretch=(JobColumn.NAME,),
            giving=giving,
            least_em=_TREE_EM if tree else _LIST_EM,
            names={JobColumn.NAME: _NAME_EM},
            words=(JobColumn.LEVER,) if tree else (JobColumn.LEVER, JobColumn.PROJECT),
        )
        super().__init__(model, delegate, plan, tree=tree)
        self.setIndentation(_INDENT)
        self.setColumnHidden(never, True)
        if tree:
            self.header().setSortIndicator(JobColumn.CPU, Qt.SortOrder.DescendingOrder)
            self.setSortingEnabled(True)
        self.collapsed.connect(model.close)
        self._holding = QTimer(self, singleShot=True, interval=_HOLD_MS)
        self._holding.timeout.connect(self.release)
        self.selectionModel().currentRowChanged.connect(self._on_current_changed)
        self.selectionModel().selectionChanged.connect(self._on_current_changed)
        self.doubleClicked.connect(self._on_opened)

    def fit_rows(self, rows: int) -> None:
        """As high as so many rows, which are lower here."""
        self._delegate.pad = _LOW_PAD
        super().fit_rows(rows)

    def selected_job(self) -> Job | None:
        """The job of the current row."""
        return self._jobs.job_at(self.currentIndex())

    def selected_jobs(self) -> tuple[Job, ...]:
        """The jobs of all chosen rows, each once, the current one first."""
        rows = (self.currentIndex(), *self.selectionModel().selectedRows())
        found = (self._jobs.job_at(row) for row in rows if self.selectionModel().isSelected(row))
        return tuple({job.key: job for job in found if job is not None}.values())

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
            self.hold()
            super().keyPressEvent(event)

    def viewportEvent(self, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Hold still under a mouse that moves, turns its wheel or presses."""
        if event.type() in _HANDS:
            self.hold()
        return super().viewportEvent(event)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Be fresh whenever it is shown."""
        self.release()
        super().showEvent(event)

    def hold(self) -> None:
        """Keep the order for a while; a row that has ended is not kept longer by more input."""
        if self._holding.isActive() and self._jobs.held.ended:
            return
        self._holding.start()
        self._jobs.freeze(frozen=True)

    @Slot()
    def release(self) -> None:
        """Let the order follow again, at once."""
        self._holding.stop()
        self._jobs.freeze(frozen=False)

    @Slot()
    def _on_current_changed(self) -> None:
        self.job_selected.emit(self.selected_job())

    @Slot()
    def _on_opened(self) -> None:
        self.job_opened.emit(self.selected_job())

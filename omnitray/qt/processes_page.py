"""All jobs as a tree of their processes, and what the person can do to one of them."""

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QShortcut
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMessageBox, QVBoxLayout, QWidget

from omnitray.core.facts import Job
from omnitray.core.protection_view import Grip
from omnitray.qt import formats
from omnitray.qt.frames import Card, button, rule
from omnitray.qt.job_words import Grips
from omnitray.qt.jobs_model import JobsModel
from omnitray.qt.jobs_view import JobsView
from omnitray.qt.labels import ElidedLabel, paragraph
from omnitray.qt.theme import GAP, SMALL_GAP, Theme, text_font

NONE_YET = "No scan of the processes so far. Jobs and their processes will be listed here."
NONE_FIT = "No job and no process has this in its name."
NOTHING = "Choose a job to slow it down, pause it, end it or protect it"
_NAMED = 4


class ProcessesPage(QWidget):
    """The tree, a filter above it, the buttons below it."""

    job_action_requested = Signal(str, str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("page")
        self._grips = Grips()
        self.question: QMessageBox | None = None
        self.model = JobsModel(self)
        self.view = JobsView(theme, self.model, tree=True)
        self.view.setAccessibleName("Jobs and their processes")
        self.empty = paragraph(NONE_YET, muted=True)
        self.filter = QLineEdit()
        self.filter.setFont(text_font(self.filter.font()))
        self.filter.setPlaceholderText("Search job, project, process or pid…")
        self.filter.setAccessibleName("Search jobs")
        self.filter.setClearButtonEnabled(True)
        self.filter.textChanged.connect(self._on_filter_changed)
        self.chosen = ElidedLabel(NOTHING, muted=True)
        self.slow_down = button("Slow down")
        self.pause = button("Pause")
        self.resume = button("Resume")
        self.end = button("End…", danger=True)
        self.protect = button("Protect")
        self._actions = {
            "slow_down": self.slow_down,
            "pause": self.pause,
            "resume": self.resume,
            "protect": self.protect,
        }
        self._lay_out()
        self._connect()
        self._show_choice()

    def _lay_out(self) -> None:
        card = Card(margin=4)
        card.column.addWidget(self.empty, 1, Qt.AlignmentFlag.AlignCenter)
        card.column.addWidget(self.view, 1)
        card.column.addWidget(rule())
        row = QHBoxLayout()
        row.setContentsMargins(SMALL_GAP + 2, SMALL_GAP, SMALL_GAP + 2, SMALL_GAP)
        row.setSpacing(SMALL_GAP)
        row.addWidget(self.chosen, 1)
        for each in (self.slow_down, self.pause, self.resume, self.protect, self.end):
            row.addWidget(each)
        card.column.addLayout(row)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GAP)
        column.addWidget(self.filter)
        column.addWidget(card, 1)
        self.view.hide()

    def _connect(self) -> None:
        self.view.job_selected.connect(self._on_job_selected)
        self.slow_down.clicked.connect(self._on_slow_down)
        self.pause.clicked.connect(self._on_pause)
        self.resume.clicked.connect(self._on_resume)
        self.protect.clicked.connect(self._on_protect)
        self.end.clicked.connect(self._on_end)
        delete = QShortcut(Qt.Key.Key_Delete, self.view)
        delete.setContext(Qt.ShortcutContext.WidgetShortcut)
        delete.activated.connect(self.end.click)

    # -- facts

    def show_jobs(self, jobs: tuple[Job, ...], known: Grips) -> None:
        """Take up the newest scan and what holds the jobs."""
        self._grips = known
        self.model.show_grips(known)
        self.model.show_jobs(jobs)
        self._show_emptiness()
        self._show_choice()

    def select(self, key: str) -> None:
        """Choose a job; a filter that hides it is cleared."""
        if not self.model.index_of(key).isValid():
            self.filter.clear()
        self.view.select(key)

    # -- inside

    def _show_emptiness(self) -> None:
        empty = self.model.rowCount() == 0
        self.empty.setText(NONE_FIT if self.filter.text() else NONE_YET)
        self.empty.setVisible(empty)
        self.view.setVisible(not empty)

    def _show_choice(self) -> None:
        job = self.view.selected_job()
        words = NOTHING if job is None else f"{job.title} · {_processes(job)}"
        if job is not None and job.pss_bytes is not None:
            words += f" · {formats.size(job.pss_bytes)} without shared pages"
        self.chosen.setText(words)
        held = self._grips.held.get(job.key) if job else None
        grip = held.grip if held else None
        free = job is not None and job.key not in self._grips.protected
        self.slow_down.setEnabled(free and grip is None)
        self.pause.setEnabled(free and grip in (None, Grip.SLOWED, Grip.WOULD))
        self.resume.setEnabled(grip in (Grip.SLOWED, Grip.PAUSED))
        self.end.setEnabled(free and grip != Grip.ENDING)
        self.protect.setEnabled(free)

    def _ask_to_end(self, job: Job) -> None:
        box = QMessageBox(self)
        box.setIcon(QMessageBox.Icon.Warning)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setWindowTitle("End a job")
        box.setText(f"End {formats.one_line(job.title, 120)}, {_processes(job)}?")
        box.setInformativeText(
            f"{_names(job)}\n\nEach is asked to stop, and ended 10 s later if it has not. "
            "What it has not saved is lost. This cannot be undone."
        )
        yes = button(f"End {_processes(job)}", danger=True)
        yes.setParent(box)  # addButton does not keep it alive from Python
        box.addButton(yes, QMessageBox.ButtonRole.DestructiveRole)
        cancel = box.addButton("Leave it running", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(cancel)
        box.setEscapeButton(cancel)
        box.setProperty("job", job.key)
        yes.clicked.connect(self._on_end_confirmed)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.question = box
        box.open()

    def _request(self, action: str) -> None:
        job = self.view.selected_job()
        if job is not None:
            self.job_action_requested.emit(job.key, action)

    @Slot(str)
    def _on_filter_changed(self, text: str) -> None:
        self.model.filter(formats.one_line(text))
        self._show_emptiness()

    @Slot(object)
    def _on_job_selected(self) -> None:
        self._show_choice()

    @Slot()
    def _on_slow_down(self) -> None:
        self._request("slow_down")

    @Slot()
    def _on_pause(self) -> None:
        self._request("pause")

    @Slot()
    def _on_resume(self) -> None:
        self._request("resume")

    @Slot()
    def _on_protect(self) -> None:
        self._request("protect")

    @Slot()
    def _on_end(self) -> None:
        job = self.view.selected_job()
        if job is not None:
            self._ask_to_end(job)

    @Slot()
    def _on_end_confirmed(self) -> None:
        if self.question is not None:
            self.job_action_requested.emit(str(self.question.property("job")), "end")


def _processes(job: Job) -> str:
    return formats.count(job.process_count, "process")


def _names(job: Job) -> str:
    """``pytest (pid 41210), python3 (pid 41213) and 7 more``."""
    largest = sorted(job.processes, key=lambda each: each.rss_bytes, reverse=True)
    named = [f"{formats.one_line(each.name, 40)} (pid {each.pid})" for each in largest[:_NAMED]]
    more = len(largest) - len(named)
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")

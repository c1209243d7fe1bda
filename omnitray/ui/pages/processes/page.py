"""All jobs as a tree of their processes, and what the person can do to one of them."""

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtGui import QResizeEvent, QShortcut
from PySide6.QtWidgets import QLineEdit, QMenu, QMessageBox, QVBoxLayout

from omnitray.base.facts import Job, ProtectState
from omnitray.protector.view import ActionFeedback
from omnitray.ui import formats
from omnitray.ui.pages.page import Inspects, Page, PageContext
from omnitray.ui.pages.processes.actions import ACTIONS, Offer, fill_menu, offers, request
from omnitray.ui.pages.processes.details import JobDetails
from omnitray.ui.pages.processes.model import Held, JobsModel
from omnitray.ui.pages.processes.text import Grips, grips, job_pss
from omnitray.ui.pages.processes.view import JobsView
from omnitray.ui.theme import GAP, SMALL_GAP, line_height, text_font
from omnitray.ui.widgets.action_feedback import ToldLine
from omnitray.ui.widgets.frames import ButtonRow, Card, GivingRow, button, rule
from omnitray.ui.widgets.labels import ElidedLabel, label, paragraph, plain_tooltip


def held_words(held: Held) -> str:
    """``order held · 4 new``; empty where the list is up to date."""
    if not any(held):
        return ""
    parts = ["order held"]
    if held.new:
        parts.append(f"{held.new} new")
    if held.ended:
        parts.append(f"{held.ended} ended")
    return " · ".join(parts)


NONE_YET = "No scan of the processes so far. Jobs and their processes will be listed here."
NONE_FIT = "No job and no process has this in its name."
NOTHING = "Choose a job to slow it down, pause it, end it or protect it"
_NAMED = 4
_LOW_LINES = 24  # below this the buttons take one line
_LOWEST_LINES = 12  # and below this the rows have the line that says what is chosen
# Which buttons go into the menu of More where they have no room, the first to go first.
_GOES = ("always_slow_down", "protect", "unprotect", "resume", "pause", "slow_down")
# A list whose rows change places every second cannot be read, and painting all of it is the
# dearest thing that the window does: 20 ms.
_ORDER_EVERY_S = 3.0


class ProcessesPage(Page):
    """The tree, a filter above it, the buttons below it."""

    inspects = Inspects.FIGURES

    def __init__(self, context: PageContext) -> None:
        super().__init__(context)
        self._intents = context.intents
        self._grips = Grips()
        self._state = ProtectState.ON
        self._ordered_mono_s = float("-inf")
        self.question: QMessageBox | None = None
        self.details: JobDetails | None = None
        self.model = JobsModel(self, lazy=True)
        self.view = JobsView(context.theme, self.model, tree=True)
        self.view.setAccessibleName("Jobs and their processes")
        self.empty = paragraph(NONE_YET, muted=True)
        self.filter = self.search = QLineEdit()
        self.filter.setFont(text_font(self.filter.font()))
        self.filter.setPlaceholderText("Search job, project, process or pid…")
        self.filter.setAccessibleName("Search jobs")
        self.filter.setClearButtonEnabled(True)
        self.filter.textChanged.connect(self._on_filter_changed)
        self.held = label(muted=True)
        self.update_order = button("Update")
        self.chosen = ElidedLabel(NOTHING, muted=True, drops=True)
        self._buttons = {
            action: button(each.word, danger=action == "end") for action, each in ACTIONS.items()
        }
        self.slow_down, self.pause = self._buttons["slow_down"], self._buttons["pause"]
        self.resume, self.end = self._buttons["resume"], self._buttons["end"]
        self.protect, self.unprotect = self._buttons["protect"], self._buttons["unprotect"]
        self._offers: dict[str, Offer] = {}
        self.told = ToldLine(context.intents, SMALL_GAP + 2)
        self._lay_out()
        self.view.remember(context.facts.tables, "processes")
        self._connect()
        self._show_choice()

    def _lay_out(self) -> None:
        card = Card(margin=4)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        card.column.addWidget(self.empty, 1)
        card.column.addWidget(self.view, 1)
        card.column.addWidget(rule())
        for action, each in self._buttons.items():
            each.setProperty("action", action)
        goes = [self._buttons[action] for action in _GOES]
        self.buttons = ButtonRow(self._buttons.values(), goes)
        foot = QVBoxLayout()  # one below the other: the rows must not move with what is chosen
        foot.setContentsMargins(SMALL_GAP + 2, SMALL_GAP, SMALL_GAP + 2, SMALL_GAP)
        foot.setSpacing(SMALL_GAP)
        foot.addWidget(self.chosen)
        foot.addWidget(self.buttons)
        card.column.addWidget(self.told)
        card.column.addLayout(foot)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GAP)
        self._top = GivingRow(self.filter, (self.held, self.update_order))
        column.addWidget(self._top)
        self._show_held()
        column.addWidget(card, 1)
        self.view.hide()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Where there is little height, the rows have it before the buttons."""
        low = event.size().height() < line_height(self.font(), _LOW_LINES)
        self.buttons.set_lines(1 if low else 2)
        lowest = event.size().height() < line_height(self.font(), _LOWEST_LINES)
        self.chosen.setVisible(not lowest)
        super().resizeEvent(event)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Search, two rows and a line of buttons: no more than where the last line is left out."""
        found = super().minimumSizeHint()
        last = 0 if self.chosen.isHidden() else self.chosen.sizeHint().height() + SMALL_GAP
        return QSize(found.width(), found.height() - last)

    def _connect(self) -> None:
        self.model.held_changed.connect(self._show_held)
        self.update_order.clicked.connect(self.view.release)
        self.view.job_selected.connect(self._on_job_selected)
        self.view.menu_wanted.connect(self._on_menu_wanted)
        self.view.job_opened.connect(self.open_details)
        for each in self._buttons.values():
            each.clicked.connect(self._on_action)
        delete = QShortcut(Qt.Key.Key_Delete, self.view)
        delete.setContext(Qt.ShortcutContext.WidgetShortcut)
        delete.activated.connect(self.end.click)

    # -- facts

    def show_jobs(self) -> None:
        """Take up the newest scan, what holds the jobs, and whether anything is done at all."""
        facts = self.context.facts
        known = self._grips = grips(facts.view, facts.inspection)
        self._state = facts.view.state
        self.told.follow(known.held.values())
        now_mono_s = self.context.clock.monotonic()
        in_order = now_mono_s - self._ordered_mono_s >= _ORDER_EVERY_S
        if in_order:
            self._ordered_mono_s = now_mono_s
        self.model.show_jobs(facts.jobs, known, in_order=in_order)
        self._show_emptiness()
        self._show_choice()
        if self.details is not None:
            self.details.show_readings()

    @Slot()
    def reload(self) -> None:
        """Let the order follow at once."""
        self.view.release()

    def show_feedback(self, feedback: ActionFeedback) -> None:
        """Say what came of what the person asked for."""
        self.told.show_told(feedback)

    @property
    def chosen_key(self) -> str:
        """The key of the chosen job, empty where none is."""
        job = self.view.selected_job()
        return job.key if job else ""

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

    @Slot()
    def _show_held(self) -> None:
        """Say what the list keeps back while it holds still; nothing where it is up to date."""
        words = held_words(self.model.held)
        self.held.setText(words)
        self.held.setVisible(bool(words))
        self.update_order.setVisible(bool(words))
        self._top.rearrange()

    def _show_choice(self) -> None:
        jobs = self.view.selected_jobs()
        self.chosen.setText(self._words_of(jobs))
        offered = offers(jobs, self._grips, self._state)
        if offered == self._offers:
            return
        self._offers = offered
        self._leave_buttons()
        for action, each in self._buttons.items():
            offer = self._offers[action]
            each.setText(offer.word)
            each.setEnabled(bool(offer.keys))
            plain_tooltip(each, offer.hint)
            each.setAccessibleDescription(offer.hint)
        by_person = bool(self._offers["unprotect"].keys)
        self.buttons.offer(self.unprotect, offered=by_person)
        protectable = not by_person or bool(self._offers["protect"].keys)
        self.buttons.offer(self.protect, offered=protectable)

    def _leave_buttons(self) -> None:
        """Give the focus of a button that goes grey to the list, not to the button beside it."""
        for action, each in self._buttons.items():
            if each.hasFocus() and not self._offers[action].keys:
                self.view.setFocus(Qt.FocusReason.OtherFocusReason)

    def _words_of(self, jobs: tuple[Job, ...]) -> str:
        if not jobs:
            return NOTHING
        if len(jobs) > 1:
            return " · ".join((formats.count(len(jobs), "job"), _processes(jobs)))
        job = jobs[0]
        words = [formats.job_title(job), _processes(jobs)]
        if (pss := job_pss(job, self._grips.look)) is not None:
            words.append(f"RSS {formats.size(job.rss_bytes)}, PSS {formats.size(pss)}")
        if (badge := self._grips.protected.get(job.key)) is not None:
            words.insert(1, badge.why if badge.by_person else f"protected: {badge.why}")
        return " · ".join(words)

    def ask_to_end(self, jobs: tuple[Job, ...]) -> None:
        """Ask whether these jobs are to be ended, with everything that this means."""
        box = QMessageBox(self)
        box.setIcon(QMessageBox.Icon.Warning)
        box.setTextFormat(Qt.TextFormat.PlainText)
        several = len(jobs) > 1
        box.setWindowTitle("End jobs" if several else "End a job")
        whom = formats.count(len(jobs), "job") if several else formats.job_title(jobs[0])
        box.setText(f"End {whom}, {_processes(jobs)}?")
        box.setInformativeText(
            f"{_titles(jobs) if several else _names(jobs[0])}\n\n"
            "Each is asked to stop, and ended 10 s later if it has not. "
            "What it has not saved is lost. This cannot be undone."
        )
        yes = button(f"End {_processes(jobs)}", danger=True)
        yes.setParent(box)  # addButton does not keep it alive from Python
        box.addButton(yes, QMessageBox.ButtonRole.DestructiveRole)
        cancel = box.addButton("Leave it running", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(cancel)
        box.setEscapeButton(cancel)
        box.setProperty("jobs", [job.key for job in jobs])
        yes.clicked.connect(self._on_end_confirmed)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.question = box
        box.open()

    @Slot(str)
    def _on_filter_changed(self, text: str) -> None:
        self.model.filter(formats.one_line(text))
        self._show_emptiness()

    @Slot(object)
    def _on_job_selected(self) -> None:
        told = self.told.told
        if told is not None and told.job_key not in {"", self.chosen_key}:
            self.told.show_told(None)
        self._show_choice()
        self.item_chosen.emit()

    @Slot()
    def _on_action(self) -> None:
        sender = self.sender()
        if sender is not None:
            self._ask_for(self._offers[str(sender.property("action"))])

    def _ask_for(self, offer: Offer) -> None:
        if offer.action != "end":
            request(self._intents, offer)
        elif offer.keys:
            jobs = self.view.selected_jobs()
            self.ask_to_end(tuple(job for job in jobs if job.key in offer.keys))

    @Slot()
    def open_details(self) -> None:
        """Show all about the current job in a window of its own."""
        job = self.view.selected_job()
        if job is None:
            return
        facts = self.context.facts
        describe, theme = self.context.describe, self.context.theme
        self.details = JobDetails(theme, job, facts.job_tracks, describe, self)
        self.details.finished.connect(self._on_details_closed)
        self.details.show()

    @Slot()
    def _on_details_closed(self) -> None:
        self.details = None

    @Slot(QMenu)
    def _on_menu_wanted(self, menu: QMenu) -> None:
        details = menu.addAction("Details…", self.open_details)
        details.setEnabled(self.view.selected_job() is not None)
        menu.addSeparator()
        fill_menu(menu, self.view.selected_jobs(), self._grips, self._state, self._intents)

    @Slot()
    def _on_end_confirmed(self) -> None:
        if self.question is not None:
            for key in self.question.property("jobs"):
                self._intents.job_action_requested.emit(key, "end")


def _processes(jobs: tuple[Job, ...]) -> str:
    return formats.count(sum(job.process_count for job in jobs), "process")


def _names(job: Job) -> str:
    """``pytest (pid 41210), python3 (pid 41213) and 7 more``."""
    largest = sorted(job.processes, key=lambda each: each.rss_bytes, reverse=True)
    return _some([f"{formats.one_line(each.name, 40)} (pid {each.pid})" for each in largest])


def _titles(jobs: tuple[Job, ...]) -> str:
    """``pytest · ~/shop, cargo build and 2 more``."""
    return _some([formats.job_title(job) for job in jobs])


def _some(names: list[str]) -> str:
    """The first of them, and how many more."""
    more = len(names) - _NAMED
    named = ", ".join(names[:_NAMED])
    return f"{named} and {more} more" if more > 0 else named

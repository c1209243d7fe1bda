"""All jobs as a tree of their processes, and what the person can do to one of them."""

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QShortcut
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMessageBox, QVBoxLayout

from omnitray.base.facts import Job, ProtectState
from omnitray.protector.view import ActionFeedback, HoldKind, Protected
from omnitray.ui import formats
from omnitray.ui.pages.page import Page, PageContext
from omnitray.ui.pages.processes.model import Held, JobsModel
from omnitray.ui.pages.processes.text import Grips, grips, job_pss
from omnitray.ui.pages.processes.view import JobsView
from omnitray.ui.theme import GAP, SMALL_GAP, text_font
from omnitray.ui.widgets.action_feedback import ToldLine
from omnitray.ui.widgets.frames import Card, GivingRow, button, rule
from omnitray.ui.widgets.labels import ElidedLabel, label, paragraph, plain_tooltip

NONE_CHOSEN = "Choose a job in the list first."
SWITCHED_OFF = "Protection is off. It is switched on the Protection page."
_HELD = {
    HoldKind.SLOWED: "It is slowed down already.",
    HoldKind.PAUSED: "It is paused, which is more than slowed down.",
    HoldKind.ENDING: "It is about to end.",
    HoldKind.WOULD: "Only watching: it is noted already what would have been done.",
}
_DOES = {
    "slow_down": "Let everything else go first; it costs the job nothing while nobody waits.",
    "pause": "Stop it where it is, until Resume.",
    "resume": "Give back what was taken: it runs as before.",
    "end": "Ask it to stop, after one more question.",
    "protect": "Never touch it from now on. It can be taken back here and in Settings.",
    "unprotect": "Take it off the list of what is never touched.",
}


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


def why_not(job: Job | None, known: Grips, state: ProtectState) -> dict[str, str]:
    """For each action the reason why it cannot be asked for; empty where it can."""
    if job is None:
        return dict.fromkeys(_DOES, NONE_CHOSEN)
    held = known.held.get(job.key)
    grip = held.grip if held else None
    badge = known.protected.get(job.key)
    shut = _shut(badge, state)
    return {
        "slow_down": shut or (_HELD[grip] if grip else ""),
        "pause": shut or _not_paused(grip),
        "resume": ""
        if grip in (HoldKind.SLOWED, HoldKind.PAUSED)
        else "Nothing is held back on it.",
        "end": shut or (_HELD[HoldKind.ENDING] if grip is HoldKind.ENDING else ""),
        "protect": _protected(badge),
        "unprotect": "" if badge and badge.by_person else "You do not protect it.",
    }


def tooltip(action: str, reason: str) -> str:
    """What a button does, or why it cannot be pressed."""
    return reason or _DOES[action]


def _shut(badge: Protected | None, state: ProtectState) -> str:
    if badge is not None:
        return _protected(badge)
    return SWITCHED_OFF if state is ProtectState.OFF else ""


def _protected(badge: Protected | None) -> str:
    if badge and badge.by_person:
        return f"It is {badge.why}; Unprotect takes that back."
    return f"It is protected: {badge.why}." if badge else ""


def _not_paused(grip: HoldKind | None) -> str:
    if grip is HoldKind.PAUSED:
        return "It is paused already."
    return _HELD[grip] if grip in (HoldKind.ENDING, HoldKind.WOULD) else ""


NONE_YET = "No scan of the processes so far. Jobs and their processes will be listed here."
NONE_FIT = "No job and no process has this in its name."
NOTHING = "Choose a job to slow it down, pause it, end it or protect it"
_NAMED = 4


class ProcessesPage(Page):
    """The tree, a filter above it, the buttons below it."""

    wants_inspection = True

    def __init__(self, context: PageContext) -> None:
        super().__init__(context)
        self._intents = context.intents
        self._grips = Grips()
        self._state = ProtectState.ON
        self.question: QMessageBox | None = None
        self.model = JobsModel(self)
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
        self.chosen = ElidedLabel(NOTHING, muted=True)
        self.slow_down = button("Slow down")
        self.pause = button("Pause")
        self.resume = button("Resume")
        self.end = button("End…", danger=True)
        self.protect = button("Protect")
        self.unprotect = button("Unprotect")
        self.told = ToldLine(context.intents, SMALL_GAP + 2)
        self._buttons = {
            "slow_down": self.slow_down,
            "pause": self.pause,
            "resume": self.resume,
            "protect": self.protect,
            "unprotect": self.unprotect,
            "end": self.end,
        }
        self._lay_out()
        self._connect()
        self._show_choice()

    def _lay_out(self) -> None:
        card = Card(margin=4)
        card.column.addWidget(self.empty, 1, Qt.AlignmentFlag.AlignCenter)
        card.column.addWidget(self.view, 1)
        card.column.addWidget(rule())
        for action, each in self._buttons.items():
            each.setProperty("action", action)
        self._row = GivingRow(self.chosen, self._buttons.values())
        foot = QHBoxLayout()
        foot.setContentsMargins(SMALL_GAP + 2, SMALL_GAP, SMALL_GAP + 2, SMALL_GAP)
        foot.addWidget(self._row)
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

    def _connect(self) -> None:
        self.model.held_changed.connect(self._show_held)
        self.update_order.clicked.connect(self.view.release)
        self.view.job_selected.connect(self._on_job_selected)
        for action, each in self._buttons.items():
            if action != "end":
                each.clicked.connect(self._on_action)
        self.end.clicked.connect(self._on_end)
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
        self.model.show_jobs(facts.jobs, known)
        self._show_emptiness()
        self._show_choice()

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
        job = self.view.selected_job()
        self.chosen.setText(self._words_of(job))
        reasons = why_not(job, self._grips, self._state)
        for action, each in self._buttons.items():
            each.setEnabled(not reasons[action])
            words = tooltip(action, reasons[action])
            plain_tooltip(each, words)
            each.setAccessibleDescription(words)
        badge = self._grips.protected.get(job.key) if job else None
        by_person = badge is not None and badge.by_person
        self.unprotect.setVisible(by_person)
        self.protect.setVisible(not by_person)
        self._row.rearrange()

    def _words_of(self, job: Job | None) -> str:
        if job is None:
            return NOTHING
        words = [job.title, _processes(job)]
        if (pss := job_pss(job, self._grips.look)) is not None:
            words.append(f"RSS {formats.size(job.rss_bytes)}, PSS {formats.size(pss)}")
        if (badge := self._grips.protected.get(job.key)) is not None:
            words.insert(1, badge.why if badge.by_person else f"protected: {badge.why}")
        return " · ".join(words)

    def ask_to_end(self, job: Job) -> None:
        """Ask whether this job is to be ended, with everything that this means."""
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
            self._intents.job_action_requested.emit(job.key, action)

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
            self._request(str(sender.property("action")))

    @Slot()
    def _on_end(self) -> None:
        job = self.view.selected_job()
        if job is not None:
            self.ask_to_end(job)

    @Slot()
    def _on_end_confirmed(self) -> None:
        if self.question is not None:
            self._intents.job_action_requested.emit(str(self.question.property("job")), "end")


def _processes(job: Job) -> str:
    return formats.count(job.process_count, "process")


def _names(job: Job) -> str:
    """``pytest (pid 41210), python3 (pid 41213) and 7 more``."""
    largest = sorted(job.processes, key=lambda each: each.rss_bytes, reverse=True)
    named = [f"{formats.one_line(each.name, 40)} (pid {each.pid})" for each in largest[:_NAMED]]
    more = len(largest) - len(named)
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")

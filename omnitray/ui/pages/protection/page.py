"""What the protector holds, why, what that did, and everything it ever did. Shows facts only."""

import enum
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Slot,
)
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QMenu,
    QVBoxLayout,
    QWidget,
)

from omnitray.base.facts import ProtectState
from omnitray.protector.view import (
    ActionFeedback,
    BreakerState,
    BreakerView,
    Explanation,
    JournalLine,
    ProtectionView,
)
from omnitray.ui import formats
from omnitray.ui.pages.page import Page, PageContext
from omnitray.ui.pages.protection.explain_card import EffectCard, ExplainCard
from omnitray.ui.pages.protection.held_rows import HeldRows
from omnitray.ui.theme import GAP, text_font, width_of
from omnitray.ui.widgets import pills
from omnitray.ui.widgets.action_feedback import ToldLine
from omnitray.ui.widgets.cells import CELL, Cell, CellDelegate, ColumnPlan, Widths
from omnitray.ui.widgets.choice import Segments
from omnitray.ui.widgets.frames import Card, button, scrolled
from omnitray.ui.widgets.labels import heading, paragraph, plain_tooltip
from omnitray.ui.widgets.table import CellView

NO_JOURNAL = "Nothing was done so far. Every action will be listed here, with its reason."
NOTHING_HELD = "Nothing is held back, so there is nothing to undo."
_JOURNAL_MARGIN = 4
_WORDS_EM = 18  # of what is said beside the three states
_BESIDE_EM = 46  # of the reason and the effect beside each other
_STATES = (
    (ProtectState.ON, "on"),
    (ProtectState.WATCH, "watch only"),
    (ProtectState.OFF, "off"),
)
_STATE_WORDS = {
    ProtectState.ON: "Protection is on",
    ProtectState.WATCH: "Protection only watches",
    ProtectState.OFF: "Protection is off",
}


Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()


class JournalColumn(enum.IntEnum):
    """The columns of the journal."""

    AT = 0
    WHAT = 1
    WHY = 2
    OUTCOME = 3


class JournalModel(QAbstractTableModel):
    """Lines, newest first."""

    def __init__(self, wall: Callable[[], float], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._wall = wall
        self._lines: tuple[JournalLine, ...] = ()

    def show_lines(self, lines: tuple[JournalLine, ...]) -> None:
        """Show these lines."""
        if lines != self._lines:
            self.beginResetModel()
            self._lines = lines
            self.endResetModel()

    def line_at(self, row: int) -> JournalLine | None:
        """The line of a row."""
        return self._lines[row] if 0 <= row < len(self._lines) else None

    def rowCount(self, parent: Index = _NOWHERE) -> int:  # noqa: N802 - Qt's name
        """One for each line."""
        return 0 if parent.isValid() else len(self._lines)

    def columnCount(self, parent: Index = _NOWHERE) -> int:  # noqa: N802 - Qt's name
        """Always the same."""
        return 0 if parent.isValid() else len(JournalColumn)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The cell to paint, its text for every other role."""
        line = self.line_at(index.row()) if index.isValid() else None
        if line is None:
            return None
        cell = self._cell(line, JournalColumn(index.column()))
        if role == CELL:
            return cell
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return cell.text or (cell.pill.word if cell.pill else "")
        return None

    def _cell(self, line: JournalLine, column: JournalColumn) -> Cell:
        match column:
            case JournalColumn.AT:
                return Cell(formats.when(line.at, self._wall()), faded=True)
            case JournalColumn.WHAT:
                return Cell(formats.one_line(line.what), hint=formats.one_line(line.why))
            case JournalColumn.WHY:
                return Cell(formats.one_line(line.why), faded=True)
            case JournalColumn.OUTCOME:
                return Cell(pill=pills.OUTCOMES[line.outcome])


_WIDTHS: Widths = {
    JournalColumn.AT: (Cell(f"Yesterday {formats.widest_time()}"),),
    JournalColumn.OUTCOME: tuple(Cell(pill=each) for each in pills.OUTCOMES.values()),
}


class ProtectionPage(Page):
    """The page."""

    def __init__(self, context: PageContext) -> None:
        super().__init__(context)
        theme, wall = context.theme, context.clock.wall
        self._wall = wall
        self._view = ProtectionView()
        self._asked = ""
        self.headline = heading("")
        self.detail = paragraph(muted=True)
        self.told = ToldLine(context.intents)
        self.state = Segments("Protection", _STATES)
        self.undo_all = button("Undo all")
        self.held = HeldRows(theme, context.intents)
        self.why = ExplainCard(theme)
        self.effects = EffectCard(theme)
        self.journal_model = JournalModel(wall, self)
        delegate = CellDelegate(theme, pad=12)
        plan = ColumnPlan(
            _WIDTHS,
            stretch=(JournalColumn.WHAT, JournalColumn.WHY),
            giving=(JournalColumn.WHY, JournalColumn.AT, JournalColumn.OUTCOME),
        )
        self.journal = CellView(self.journal_model, delegate, plan)
        self.journal.setAccessibleName("Journal of actions")
        self.journal.setHeaderHidden(True)
        self.no_journal = paragraph(NO_JOURNAL, muted=True)
        self._lay_out()
        self._connect()
        self.show_view()

    def _lay_out(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(self.headline)
        words.addWidget(self.detail)
        self._top = top = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        top.setSpacing(GAP)
        top.addLayout(words, 1)
        top.addWidget(self.state, 0, Qt.AlignmentFlag.AlignLeft)
        held = Card("Under action now")
        held.head.addWidget(self.undo_all)
        held.column.addWidget(self.held)
        held.column.addWidget(self.told)
        self._middle = middle = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        middle.setSpacing(GAP)
        middle.addWidget(self.why, 8)
        middle.addWidget(self.effects, 5)
        journal = Card("Journal", margin=_JOURNAL_MARGIN)
        inset = GAP - _JOURNAL_MARGIN
        self.no_journal.setContentsMargins(inset, 0, inset, 0)
        journal.column.addWidget(self.no_journal, 1, Qt.AlignmentFlag.AlignTop)
        journal.column.addWidget(self.journal, 1)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GAP)
        column.addLayout(top)
        column.addWidget(held)
        column.addLayout(middle)
        column.addWidget(journal, 1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        self._content = content
        self._area = scrolled(content)
        outer.addWidget(self._area)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Another width."""
        self._arrange(event.size().width())
        super().resizeEvent(event)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Other words may need more room than those that it was arranged for."""
        self._arrange(self.width())
        super().showEvent(event)

    def _arrange(self, width: int) -> None:
        """Put below each other what has no room side by side."""
        directions = QBoxLayout.Direction
        words = _WORDS_EM * width_of(text_font(self.font()), "M")
        narrow = width < self.state.sizeHint().width() + GAP + words
        self._top.setDirection(directions.TopToBottom if narrow else directions.LeftToRight)
        narrow = width < _BESIDE_EM * width_of(text_font(self.font()), "M")
        self._middle.setDirection(directions.TopToBottom if narrow else directions.LeftToRight)

    def _connect(self) -> None:
        self.state.chosen.connect(self.context.intents.protect_state_requested)
        self.undo_all.clicked.connect(self.context.intents.undo_all_requested)
        self.held.why_requested.connect(self.show_why)
        self.journal.selectionModel().currentRowChanged.connect(self._on_journal_row)
        self.journal.menu_wanted.connect(self._on_menu_wanted)

    def show_view(self) -> None:
        """Show new facts."""
        view = self.context.facts.view
        if self._asked in _action_ids(self._view) - _action_ids(view):
            self._asked = ""  # it is over: the newest is of more interest now
        self._view = view
        paused = view.paused_until
        words = _STATE_WORDS[view.state]
        if paused is not None:
            words += f", paused until {formats.clock_time(paused, seconds=False)}"
        self.headline.setText(words)
        how = f": {view.manner}" if view.manner else ""
        parts = [f"{view.mode} mode{how}", breaker_words(view.breaker)]
        self.detail.setText(formats.one_line(" · ".join([*parts, *view.neighbours])))
        self.state.show_value(view.state)
        self._show_undo_all(any(each.undoable for each in view.held))
        self.told.follow(view.held)
        self.held.show_held(view.held, self._wall())
        self.journal_model.show_lines(view.journal)
        self.journal.fit_rows(len(view.journal))
        self.journal.setVisible(bool(view.journal))
        self.no_journal.setVisible(not view.journal)
        self._show_explanation()
        self._arrange(self.width())

    def show_feedback(self, feedback: ActionFeedback) -> None:
        """Say what came of what the person asked for."""
        self.told.show_told(feedback)

    def _show_undo_all(self, possible: bool) -> None:  # noqa: FBT001 - the shape of setEnabled
        self.undo_all.setEnabled(possible)
        words = "Give back everything that is slowed down or paused." if possible else NOTHING_HELD
        plain_tooltip(self.undo_all, words)
        self.undo_all.setAccessibleDescription(words)

    @Slot(str)
    def show_why(self, action_id: str) -> None:
        """Explain another action."""
        self._asked = action_id
        self._show_explanation()

    def _show_explanation(self) -> None:
        found = self._explanation()
        self.why.show_explanation(found)
        self.effects.show_facts(found.effects if found else (), self._view.means)

    def _explanation(self) -> Explanation | None:
        known = {each.action_id: each for each in self._view.explanations}
        if self._asked in known:
            return known[self._asked]
        lines = (each for each in self._view.journal if each.action_id == self._asked)
        if (line := next(lines, None)) is not None:
            return _from_the_journal(line)
        return self._view.explanations[0] if self._view.explanations else None

    @Slot(QMenu)
    def _on_menu_wanted(self, menu: QMenu) -> None:
        line = self.journal_model.line_at(self.journal.currentIndex().row())
        if line is None:
            return
        menu.addAction("Why?", lambda: self.show_why(line.action_id))
        undo = menu.addAction("Undo")
        undo.setEnabled(any(e.action_id == line.action_id and e.undoable for e in self._view.held))
        undo.triggered.connect(lambda: self.context.intents.undo_requested.emit(line.action_id))

    @Slot()
    def _on_journal_row(self) -> None:
        index = self.journal.currentIndex()
        line = self.journal_model.line_at(index.row())
        if line is not None:
            self.show_why(line.action_id)
            row = self.journal.visualRect(index)
            spot = self.journal.viewport().mapTo(self._content, row.center())
            self._area.ensureVisible(0, spot.y(), 0, row.height())


def _action_ids(view: ProtectionView) -> set[str]:
    """What is in force."""
    return {each.action_id for each in view.held}


def _from_the_journal(line: JournalLine) -> Explanation:
    """What is left of an action of an earlier run."""
    why = f"{line.why[:1].upper()}{line.why[1:]}" if line.why else "The reason was not kept"
    text = f"{why}. It is {line.outcome}; who else was considered is not in the journal."
    return Explanation(action_id=line.action_id, title=line.what, text=text)


def breaker_words(breaker: BreakerView) -> str:
    """``ends left: 3 of 3 in 10 min``, or why nothing is ended now and until when."""
    if breaker.state == BreakerState.CLOSED:
        within = formats.duration(breaker.window_s)
        return f"ends left: {breaker.ends_left} of {breaker.ends_allowed} in {within}"
    if breaker.state == BreakerState.HALF_OPEN:
        words = "breaker half-open: one end is let through"
    elif breaker.until:
        until = formats.clock_time(breaker.until, seconds=False)
        words = f"breaker open: nothing is ended until {until}"
    else:
        words = "breaker open: nothing is ended"
    return f"{words} ({breaker.why})" if breaker.why else words

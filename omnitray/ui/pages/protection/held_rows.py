"""What is under action now: a row for each, with Why? and Undo. Rebuilt only when it changed.

The focus stays in the list when that happens: on the same button, on the next row, or on the list.
"""

from collections.abc import Iterable

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QAccessible, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QWidget

from omnitray.protector.view import HeldAction, HoldKind
from omnitray.ui import formats
from omnitray.ui.intents import Intents
from omnitray.ui.theme import GAP, SMALL_GAP, Theme, text_font, width_of
from omnitray.ui.widgets import pills
from omnitray.ui.widgets.frames import button, follow_tabs, rule
from omnitray.ui.widgets.labels import heading, paragraph, plain_tooltip
from omnitray.ui.widgets.pills import PillLabel

_COLUMNS = 5
_LINES = 5  # of the grid for each row: title, pill, buttons, means and reason, a rule
_BUTTONS = 2  # their line
_LONGEST = 120  # letters of a title
_NAME_EM = 16  # of a title beside the buttons; with less it stands above them
NOTHING = "Nothing is held back. What is slowed down or paused will be listed here, with Undo."


class HeldRows(QWidget):
    """The rows. ``why_requested`` carries the id of the action."""

    why_requested = Signal(str)
    accessible_role = QAccessible.Role.Grouping

    def __init__(self, theme: Theme, intents: Intents) -> None:
        super().__init__()
        self._intents = intents
        self._theme = theme
        self._shown: tuple[HeldAction, ...] | None = None
        self._ages: list[tuple[QLabel, HeldAction]] = []
        self._buttons: list[list[QPushButton]] = []
        self._titles: list[QLabel] = []
        self._pills: list[PillLabel] = []
        self.setAccessibleName("Under action now")
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(GAP)
        self._grid.setVerticalSpacing(SMALL_GAP)
        self._grid.setColumnStretch(0, 1)

    def show_held(self, held: Iterable[HeldAction], now_s: float) -> None:
        """Show what is held; ages follow the clock."""
        wanted = tuple(held)
        if wanted != self._shown:
            self._shown = wanted
            self._rebuild()
        for words, each in self._ages:
            age = formats.duration(now_s - each.since)
            said = ", ".join(part for part in (each.means, f"for {age}") if part)
            words.setText(formats.one_line(said))

    def _rebuild(self) -> None:
        focus = self._focus()
        if focus is not None:
            self.setFocus()  # a button that goes would hand it on, to the journal for instance
        self._clear()
        if not self._shown:
            self._grid.addWidget(paragraph(NOTHING, muted=True), 0, 0, 1, _COLUMNS)
        for number, each in enumerate(self._shown or ()):
            if number:
                self._grid.addWidget(rule(), _LINES * number - 1, 0, 1, _COLUMNS)
            self._add(_LINES * number, each)
        self._place_titles()
        follow_tabs(self, (each for row in self._buttons for each in row))
        if focus is not None:
            self._refocus(*focus)

    def _focus(self) -> tuple[int, str] | None:
        """The row whose button has the focus, and what is on it."""
        focused = self.window().focusWidget()
        for number, row in enumerate(self._buttons):
            for each in row:
                if each is focused:
                    return number, each.text()
        return None

    def _refocus(self, number: int, word: str) -> None:
        if not self._buttons:
            return
        row = self._buttons[min(number, len(self._buttons) - 1)]
        next((each for each in row if each.text() == word), row[0]).setFocus()

    def _clear(self) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            if widget := item.widget():
                widget.hide()
                widget.deleteLater()
        self._ages, self._buttons, self._titles, self._pills = [], [], [], []

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Another width."""
        super().resizeEvent(event)
        self._place_titles()

    def _place_titles(self) -> None:
        """Where the title has too little room beside pill and buttons it stands above them.

        With still less the buttons stand below the pill.
        """
        font = text_font(self.font(), bold=True)
        named = width_of(font, *(each.text() for each in self._titles), "")
        taken = sum(self._widest(column) + GAP for column in range(2, _COLUMNS))
        pills_wide = max((each.sizeHint().width() for each in self._pills), default=0) + GAP
        least = min(named, _NAME_EM * width_of(font, "M"))
        room = self.width() - taken - pills_wide
        beside = room >= least
        self._grid.setHorizontalSpacing(GAP if beside else SMALL_GAP)
        left = Qt.AlignmentFlag.AlignLeft
        for number, (title, pill) in enumerate(zip(self._titles, self._pills, strict=True)):
            row = _LINES * number
            if beside:
                self._grid.addWidget(title, row + _BUTTONS, 0)
                self._grid.addWidget(pill, row + _BUTTONS, 1)
            else:
                self._grid.addWidget(title, row, 0, 1, _COLUMNS)
                place = (_BUTTONS, 0, 1, 2) if room >= 0 else (1, 0, 1, _COLUMNS)
                self._grid.addWidget(pill, row + place[0], *place[1:], left)

    def _widest(self, column: int) -> int:
        """Of the buttons in a column."""
        rows = range(_BUTTONS, _LINES * len(self._titles), _LINES)
        found = (self._grid.itemAtPosition(row, column) for row in rows)
        return max((each.sizeHint().width() for each in found if each is not None), default=0)

    def _add(self, row: int, held: HeldAction) -> None:
        title = heading(formats.one_line(held.title, _LONGEST))
        self._titles.append(title)
        self._pills.append(PillLabel(self._theme, pills.GRIPS[held.grip]))
        for column, each in enumerate(self._offered(held), start=2):
            self._grid.addWidget(each, row + _BUTTONS, column)
            each.show()  # the layout would do so later: too late for the focus
        age = paragraph(scale=0.92, muted=True)
        self._ages.append((age, held))
        words = QWidget()
        line = QHBoxLayout(words)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(GAP)
        why = paragraph(formats.one_line(held.why), scale=0.92, muted=True)
        line.addWidget(age, 1, Qt.AlignmentFlag.AlignTop)
        line.addWidget(why, 1, Qt.AlignmentFlag.AlignTop)
        self._grid.addWidget(words, row + _BUTTONS + 1, 0, 1, _COLUMNS)

    def _offered(self, held: HeldAction) -> list[QPushButton]:
        """The buttons of a row."""
        name = formats.one_line(held.title, 60)
        why = self._button("Why?", held.action_id, f"Why {name}?")
        why.clicked.connect(self._on_why)
        made = [why]
        if held.undoable:
            word = "Resume" if held.grip == HoldKind.PAUSED else "Undo"
            undo = self._button(word, held.action_id, f"{word}: {name}")
            undo.clicked.connect(self._on_undo)
            made.append(undo)
        if held.grip == HoldKind.PAUSED:
            end = self._button("End…", held.job_key, f"End {name}, after one more question")
            end.clicked.connect(self._on_end)
            made.append(end)
        self._buttons.append(made)
        return made

    def _button(self, word: str, meant: str, name: str) -> QPushButton:
        made = button(word, danger=word.startswith("End"))
        made.setProperty("meant", meant)
        made.setAccessibleName(name)
        plain_tooltip(made, name)
        return made

    @Slot()
    def _on_why(self) -> None:
        self.why_requested.emit(_meant_by(self.sender()))

    @Slot()
    def _on_undo(self) -> None:
        self._intents.undo_requested.emit(_meant_by(self.sender()))

    @Slot()
    def _on_end(self) -> None:
        self._intents.jobs_end_asked.emit((_meant_by(self.sender()),))


def _meant_by(sender: object) -> str:
    return str(sender.property("meant")) if isinstance(sender, QPushButton) else ""

"""What is under action now: a row for each, with Why? and Undo. Rebuilt only when it changed.

The focus stays in the list when that happens: on the same button, on the next row, or on the list.
"""

from collections.abc import Iterable

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QWidget

from omnitray.protector.view import HeldAction, HoldKind
from omnitray.ui import formats
from omnitray.ui.intents import Intents
from omnitray.ui.theme import GAP, SMALL_GAP, Theme
from omnitray.ui.widgets import pills
from omnitray.ui.widgets.frames import button, follow_tabs, rule
from omnitray.ui.widgets.labels import ElidedLabel, label, paragraph, plain_tooltip
from omnitray.ui.widgets.pills import PillLabel

_COLUMNS = 5
_LINES = 3  # of the grid for each row: title and buttons, means and reason, a rule
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
            self._grid.addWidget(label(NOTHING, muted=True), 0, 0, 1, _COLUMNS)
        for number, each in enumerate(self._shown or ()):
            if number:
                self._grid.addWidget(rule(), _LINES * number - 1, 0, 1, _COLUMNS)
            self._add(_LINES * number, each)
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
        self._ages, self._buttons = [], []

    def _add(self, row: int, held: HeldAction) -> None:
        self._grid.addWidget(ElidedLabel(held.title, bold=True), row, 0)
        self._grid.addWidget(PillLabel(self._theme, pills.GRIPS[held.grip]), row, 1)
        for column, each in enumerate(self._offered(held), start=2):
            self._grid.addWidget(each, row, column)
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
        self._grid.addWidget(words, row + 1, 0, 1, _COLUMNS)

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

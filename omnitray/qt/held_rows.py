"""What is under action now: a row for each, with Why? and Undo. Rebuilt only when it changed."""

from collections.abc import Iterable

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QGridLayout, QPushButton, QWidget

from omnitray.core.protection_view import Grip, Held
from omnitray.qt import formats, pills
from omnitray.qt.frames import button, rule
from omnitray.qt.labels import ElidedLabel, label, plain_tooltip
from omnitray.qt.pills import PillLabel
from omnitray.qt.theme import GAP, SMALL_GAP, Theme

_COLUMNS = 7
NOTHING = "Nothing is held back. What is slowed down or paused will be listed here, with Undo."


class HeldRows(QWidget):
    """The rows. Signals carry the id of the action; ``end_requested`` the key of the job."""

    why_requested = Signal(str)
    undo_requested = Signal(str)
    end_requested = Signal(str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._shown: tuple[Held, ...] | None = None
        self._ages: list[tuple[ElidedLabel, Held]] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(GAP)
        self._grid.setVerticalSpacing(SMALL_GAP)
        for column, stretch in ((0, 3), (2, 3), (3, 3)):
            self._grid.setColumnStretch(column, stretch)

    def show_held(self, held: Iterable[Held], now_s: float) -> None:
        """Show what is held; ages follow the clock."""
        wanted = tuple(held)
        if wanted != self._shown:
            self._shown = wanted
            self._rebuild()
        for words, each in self._ages:
            age = formats.duration(now_s - each.since)
            words.setText(", ".join(part for part in (each.means, f"for {age}") if part))

    def _rebuild(self) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            if widget := item.widget():
                widget.hide()
                widget.deleteLater()
        self._ages = []
        if not self._shown:
            self._grid.addWidget(label(NOTHING, muted=True), 0, 0, 1, _COLUMNS)
            return
        for number, each in enumerate(self._shown):
            if number:
                self._grid.addWidget(rule(), 2 * number - 1, 0, 1, _COLUMNS)
            self._add(2 * number, each)

    def _add(self, row: int, held: Held) -> None:
        age = ElidedLabel(scale=0.92, muted=True)
        self._ages.append((age, held))
        self._grid.addWidget(ElidedLabel(held.title, bold=True), row, 0)
        self._grid.addWidget(PillLabel(self._theme, pills.GRIPS[held.grip]), row, 1)
        self._grid.addWidget(age, row, 2)
        self._grid.addWidget(ElidedLabel(held.why, scale=0.92, muted=True), row, 3)
        name = formats.one_line(held.title, 60)
        why = self._button("Why?", held.action_id, f"Why {name}?")
        why.clicked.connect(self._on_why)
        self._grid.addWidget(why, row, 4)
        if held.undoable:
            word = "Resume" if held.grip == Grip.PAUSED else "Undo"
            undo = self._button(word, held.action_id, f"{word}: {name}")
            undo.clicked.connect(self._on_undo)
            self._grid.addWidget(undo, row, 5)
        if held.grip == Grip.PAUSED:
            end = self._button("End…", held.job_key, f"End {name}, after one more question")
            end.clicked.connect(self._on_end)
            self._grid.addWidget(end, row, 6)

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
        self.undo_requested.emit(_meant_by(self.sender()))

    @Slot()
    def _on_end(self) -> None:
        self.end_requested.emit(_meant_by(self.sender()))


def _meant_by(sender: object) -> str:
    return str(sender.property("meant")) if isinstance(sender, QPushButton) else ""

"""What came of what the person asked for: a sentence beside the buttons, with its way back."""

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QWidget

from omnitray.core.protection_view import Told, WayBack
from omnitray.qt import formats
from omnitray.qt.frames import button
from omnitray.qt.labels import paragraph
from omnitray.qt.theme import SMALL_GAP

_LONGEST = 400


class ToldLine(QWidget):
    """Hidden until there is something to tell. Signals carry an action's id, a job's key."""

    undo_requested = Signal(str)
    unprotect_requested = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.told: Told | None = None
        self.words = paragraph()
        self.undo = button("Undo")
        self.undo.clicked.connect(self._on_undo)
        row = QHBoxLayout(self)
        row.setContentsMargins(SMALL_GAP + 2, 2, SMALL_GAP + 2, 2)
        row.setSpacing(SMALL_GAP)
        row.addWidget(self.words, 1)
        row.addWidget(self.undo)
        self.hide()

    def show_told(self, told: Told | None) -> None:
        """Tell it; None takes away what was told."""
        self.told = told
        self.setVisible(told is not None)
        if told is None:
            return
        words = formats.one_line(told.sentence, _LONGEST)
        self.words.setText(words)
        self.words.setAccessibleName(words)
        self.undo.setVisible(told.way_back is not WayBack.NONE)
        self.undo.setAccessibleName(f"Undo: {words}")

    @Slot()
    def _on_undo(self) -> None:
        if self.told is None:
            return
        if self.told.way_back is WayBack.UNDO:
            self.undo_requested.emit(self.told.action_id)
        else:
            self.unprotect_requested.emit(self.told.job_key)

"""What came of what the person asked for: a sentence beside the buttons, with its way back.

It goes when it is no longer so: when what holds the job is something else than when it was said.
"""

from collections.abc import Iterable

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QHBoxLayout, QWidget

from omnitray.protector.view import ActionFeedback, HeldAction, WayBack
from omnitray.ui import formats
from omnitray.ui.intents import Intents
from omnitray.ui.theme import SMALL_GAP
from omnitray.ui.widgets.frames import button
from omnitray.ui.widgets.labels import paragraph

_LONGEST = 400


class ToldLine(QWidget):
    """Hidden until there is something to say."""

    def __init__(self, intents: Intents, inset: int = 0) -> None:
        super().__init__()
        self._intents = intents
        self.told: ActionFeedback | None = None
        self._held: tuple[HeldAction, ...] = ()
        self.words = paragraph()
        self.undo = button("Undo")
        self.undo.clicked.connect(self._on_undo)
        row = QHBoxLayout(self)
        row.setContentsMargins(inset, 2, inset, 2)
        row.setSpacing(SMALL_GAP)
        row.addWidget(self.words, 1)
        row.addWidget(self.undo)
        self.hide()

    def show_told(self, told: ActionFeedback | None) -> None:
        """Show it; None removes what was shown."""
        self.told = told
        self.setVisible(told is not None)
        if told is None:
            return
        words = formats.one_line(told.sentence, _LONGEST)
        self.words.setText(words)
        self.words.setAccessibleName(words)
        self.undo.setVisible(told.way_back is not WayBack.NONE)
        self.undo.setAccessibleName(f"Undo: {words}")

    def follow(self, held: Iterable[HeldAction]) -> None:
        """Take what is held now; a change of what holds the job removes the report."""
        before, self._held = self._grips(), tuple(held)
        if self.told is not None and self._grips() != before:
            self.show_told(None)

    def _grips(self) -> frozenset[tuple[str, str]]:
        """What holds the job of the report; where no job was named, all that is held."""
        key = self.told.job_key if self.told else ""
        about = (each for each in self._held if key in {"", each.job_key})
        return frozenset((each.action_id, each.grip.value) for each in about)

    @Slot()
    def _on_undo(self) -> None:
        if self.told is None:
            return
        if self.told.way_back is WayBack.UNDO:
            self._intents.undo_requested.emit(self.told.action_id)
        else:
            self._intents.job_action_requested.emit(self.told.job_key, "unprotect")

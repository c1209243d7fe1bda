"""Protection as the main thread sees it: the newest view, and the commands for the protector."""

from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from omnitray.api.door import Command, Refusal, Refused
from omnitray.core.facts import ProtectState
from omnitray.core.protection_view import Explanation, ProtectionView


class Protection(QObject):
    """Holds the newest view; hands commands to the protector."""

    view_changed = Signal(object)  # ProtectionView
    question_changed = Signal(object)  # Question, or None

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.view = ProtectionView()

    def start(self) -> None:
        """Start protecting."""

    def stop(self) -> None:
        """Give everything back."""

    def explain(self) -> Explanation:
        """Who would be acted on now, and why."""
        return Explanation(action_id="", title="Nothing", text="Nothing is short.")

    def carry_out(self, command: Command[Any]) -> Any:
        """Carry out a command; raises Refused."""
        raise Refused(Refusal.NOT_NOW, f"{type(command).__name__} cannot be done now")

    @Slot(object)
    def set_state(self, state: ProtectState) -> None:
        """On, watch or off."""

    @Slot(float)
    def pause_for(self, duration_s: float) -> None:
        """Watch only for a while."""

    @Slot()
    def undo_all(self) -> None:
        """Take everything back."""

    @Slot(str)
    def undo(self, action_id: str) -> None:
        """Take one action back."""

    @Slot(str, str)
    def act_on_job(self, job_key: str, action: str) -> None:
        """What the person asks to be done to a job."""

    @Slot(str, str)
    def answer(self, question_id: str, answer: str) -> None:
        """The person's answer to a question."""

"""What the protector asks, on every page: the question, its answers, the time that is left."""

from collections.abc import Callable

from PySide6.QtCore import QTimer, Slot
from PySide6.QtWidgets import QBoxLayout, QPushButton

from omnitray.protector.view import Answer, QuestionView
from omnitray.runtime.protection_commands import ALWAYS_SLOW_DOWN, ALWAYS_WORDS, answer_words
from omnitray.ui import formats
from omnitray.ui.intents import Intents
from omnitray.ui.widgets.frames import Banner, WrapRow, button, follow_tabs

_SECOND_MS = 1000


class QuestionBanner(Banner):
    """A banner that is there while a question is open."""

    def __init__(self, intents: Intents, wall: Callable[[], float]) -> None:
        super().__init__("Question")
        self.intents = intents
        self._wall = wall
        self._question: QuestionView | None = None
        self.buttons: list[QPushButton] = []
        self._answers = WrapRow()
        self.row.setDirection(QBoxLayout.Direction.TopToBottom)  # six buttons leave no text room
        self.row.addWidget(self._answers)
        self._tick = QTimer(self)
        self._tick.setInterval(_SECOND_MS)
        self._tick.timeout.connect(self._say)

    def show_question(self, question: QuestionView | None) -> None:
        """Ask; None takes the question away."""
        self._question = question
        self._answers.clear()
        self.buttons = []
        self._tick.stop()
        self.setVisible(question is not None)
        if question is None:
            return
        for answer, words in answer_words(question):
            self._offer(question, str(answer), words)
            if answer == Answer.LEAVE_ALONE and not question.anyway:
                self._offer(question, ALWAYS_SLOW_DOWN, ALWAYS_WORDS)
        follow_tabs(self, self.buttons)
        self._answers.rearrange()
        if question.deadline is not None:
            self._tick.start()
        self._say()

    def _offer(self, question: QuestionView, answer: str, words: str) -> None:
        made = button(words, danger=answer == Answer.END)
        made.setProperty("answer", answer)
        made.setAccessibleName(f"{words}: {formats.one_line(question.title, 60)}")
        made.clicked.connect(self._on_clicked)
        self._answers.add(made)
        self.buttons.append(made)

    @Slot()
    def _say(self) -> None:
        if self._question is None:
            return
        asked = formats.one_line(self._question.text, 400)
        unanswered = formats.one_line(self._question.unanswered, 100)
        if self._question.deadline is not None:
            left = formats.duration(max(0.0, self._question.deadline - self._wall()))
            words = f"{asked} In {left}: {unanswered or 'acts without an answer'}."
        elif unanswered:
            words = f"{asked} Without an answer: {unanswered}."
        else:
            words = asked
        self.words.setText(words)

    @Slot()
    def _on_clicked(self) -> None:
        sender = self.sender()
        if self._question is None or not isinstance(sender, QPushButton):
            return
        if sender.property("answer") == ALWAYS_SLOW_DOWN:
            self.intents.job_action_requested.emit(self._question.job_key, ALWAYS_SLOW_DOWN)
        else:
            self.intents.answer_given.emit(self._question.id, str(sender.property("answer")))

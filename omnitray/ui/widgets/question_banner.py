"""What the protector asks, on every page: the question, its answers, the time that is left."""

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QPushButton

from omnitray.protector.view import Answer, QuestionView
from omnitray.runtime.protection_commands import ALWAYS_SLOW_DOWN, ALWAYS_WORDS, answer_words
from omnitray.ui import formats
from omnitray.ui.intents import Intents
from omnitray.ui.theme import line_height
from omnitray.ui.widgets.frames import Banner, ButtonRow, button, follow_tabs, scrolled

_SECOND_MS = 1000
_ANSWER_LINES = 9  # as many as they take, where the window is high enough
_LOW_LINES = 3  # of words in a low one: with the answers less than half of it at 24 pt
_SCROLL_BAR = 10  # as wide as the style sheet draws it


class QuestionBanner(Banner):
    """A banner that is there while a question is open."""

    def __init__(self, intents: Intents, wall: Callable[[], float]) -> None:
        super().__init__("Question")
        self.intents = intents
        self._wall = wall
        self._question: QuestionView | None = None
        self._low = False
        self.buttons: list[QPushButton] = []
        self._answers = ButtonRow((), (), lines=_ANSWER_LINES)
        self._area = scrolled(self.words)
        self._area.setAccessibleName("Question")
        self.row.setDirection(QBoxLayout.Direction.TopToBottom)  # six buttons leave no text room
        self.row.addWidget(self._area)
        self.row.addWidget(self._answers)
        self._tick = QTimer(self)
        self._tick.setInterval(_SECOND_MS)
        self._tick.timeout.connect(self._say)

    def show_question(self, question: QuestionView | None) -> None:
        """Ask; None takes the question away."""
        self._question = question
        self._tick.stop()
        self.setVisible(question is not None)
        self.buttons = [] if question is None else self._offered(question)
        # What cannot be undone, and what lasts, is the first to stand below More.
        self._answers.replace(self.buttons, goes=list(reversed(self.buttons)))
        if question is None:
            return
        follow_tabs(self, (*self.buttons, self._answers.more))
        if question.deadline is not None:
            self._tick.start()
        self._say()

    def _offered(self, question: QuestionView) -> list[QPushButton]:
        made = []
        for answer, words in answer_words(question):
            made.append(self._offer(question, str(answer), words))
            if answer == Answer.LEAVE_ALONE and not question.anyway:
                made.append(self._offer(question, ALWAYS_SLOW_DOWN, ALWAYS_WORDS))
        return made

    def _offer(self, question: QuestionView, answer: str, words: str) -> QPushButton:
        made = button(words, danger=answer == Answer.END)
        made.setProperty("answer", answer)
        made.setAccessibleName(f"{words}: {formats.one_line(question.title, 60)}")
        made.clicked.connect(self._on_clicked)
        return made

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Another width."""
        super().resizeEvent(event)
        self._fit()

    def bound(self, *, low: bool) -> None:
        """In a low window the words scroll where they need more, and the answers take one line."""
        self._low = low
        self._answers.set_lines(1 if low else _ANSWER_LINES)
        self._fit()

    def _fit(self) -> None:
        margins = self.row.contentsMargins()
        width = self.width() - margins.left() - margins.right()
        high = self.words.heightForWidth(max(1, width))
        most = line_height(self.words.font(), _LOW_LINES) + 2 if self._low else high
        if high > most:  # beside the scroll bar
            high = self.words.heightForWidth(max(1, width - _SCROLL_BAR))
        self._area.setFixedHeight(max(0, min(high, most)))
        focus = Qt.FocusPolicy  # the keyboard scrolls it where it scrolls
        self._area.setFocusPolicy(focus.TabFocus if high > most else focus.NoFocus)

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
        self._fit()

    @Slot()
    def _on_clicked(self) -> None:
        sender = self.sender()
        if self._question is None or not isinstance(sender, QPushButton):
            return
        if sender.property("answer") == ALWAYS_SLOW_DOWN:
            self.intents.job_action_requested.emit(self._question.job_key, ALWAYS_SLOW_DOWN)
        else:
            self.intents.answer_given.emit(self._question.id, str(sender.property("answer")))

"""What the buttons of a question say: what each would do now. Pure."""

from omnitray.protector.view import Answer, QuestionView

_RUNS = {
    Answer.SLOW_DOWN: "Slow down",
    Answer.PAUSE: "Pause",
    Answer.END: "End",
    Answer.LEAVE_ALONE: "Leave it alone for 1 h",
    Answer.NEVER: "Never touch this",
}
_PAUSED = {
    **_RUNS,
    Answer.SLOW_DOWN: "Let it run, slowed down",
    Answer.PAUSE: "Keep paused",
}


def answer_words(question: QuestionView) -> tuple[tuple[Answer, str], ...]:
    """The answers in their order, each with its words."""
    words = _PAUSED if question.paused else _RUNS
    return tuple((answer, words[answer]) for answer in question.answers)

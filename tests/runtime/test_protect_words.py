"""A question as a notification: what is so, what happens without an answer, five buttons."""

import msgspec
import pytest

from omnitray.protector.view import Answer, QuestionView
from omnitray.runtime.protection_text import notification

QUESTION = QuestionView(
    id="q",
    job_key="pytest",
    title="pytest · ~/shop",
    text="pytest · ~/shop is paused: memory runs out in about 13 s, at 20 MB/s.",
)


@pytest.mark.parametrize("deadline", [None, 1000.0])
@pytest.mark.parametrize("unanswered", ["it stays paused", "it is ended"])
def test_it_says_what_happens_without_an_answer(deadline: float | None, unanswered: str) -> None:
    asked = msgspec.structs.replace(QUESTION, deadline=deadline, unanswered=unanswered)
    assert notification(asked).body == f"{QUESTION.text} Without an answer {unanswered}."


def test_it_has_a_button_for_each_answer() -> None:
    shown = notification(QUESTION)
    assert shown.title == "pytest · ~/shop: what shall be done?"
    assert [each.key for each in shown.buttons] == [answer.value for answer in Answer]
    assert [each.label for each in shown.buttons] == [
        "Slow down",
        "Pause",
        "End",
        "Leave it alone for 1 h",
        "Never touch this",
    ]


def test_a_job_that_is_paused_already_is_kept_so_or_let_run() -> None:
    shown = notification(msgspec.structs.replace(QUESTION, paused=True))
    assert [each.label for each in shown.buttons[:2]] == ["Let it run, slowed down", "Keep paused"]
    assert [each.key for each in shown.buttons[:2]] == ["slow_down", "pause"]

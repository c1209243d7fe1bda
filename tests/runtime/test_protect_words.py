"""A question as a notification: what is so, what happens without an answer, three buttons."""

import msgspec
import pytest

from omnitray.base.facts import Severity
from omnitray.cleanup.facts import CleanPlan, CleanResult
from omnitray.protector.view import Answer, QuestionView
from omnitray.runtime.cleaning import Cleaned
from omnitray.runtime.protection_commands import answer_words, cleaned_notice, prompt

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
    assert prompt(asked).body == (
        f"{QUESTION.text} Without an answer {unanswered}. Answer here or in OmniTray's window."
    )


@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize("answers", [tuple(Answer), tuple(reversed(Answer)), (Answer.END,)])
def test_three_buttons_suffice_and_none_of_them_is_final(
    answers: tuple[Answer, ...], *, paused: bool
) -> None:
    shown = prompt(msgspec.structs.replace(QUESTION, answers=answers, paused=paused)).buttons
    assert len(shown) <= 3
    assert shown[-1] == ("details", "More…")
    assert not {key for key, _ in shown} & {Answer.END, Answer.NEVER}


def test_what_can_be_taken_back_stands_first() -> None:
    paused = msgspec.structs.replace(QUESTION, paused=True)
    assert prompt(QUESTION).title == "pytest · ~/shop: what shall be done?"
    assert [label for _, label in prompt(QUESTION).buttons] == ["Slow down", "Pause", "More…"]
    assert [label for _, label in prompt(paused).buttons] == [
        "Keep paused",
        "Let it run, slowed",
        "More…",
    ]
    assert [answer for answer, _ in answer_words(paused)] == [
        Answer.PAUSE,
        Answer.SLOW_DOWN,
        Answer.LEAVE_ALONE,
        Answer.NEVER,
        Answer.END,
    ]


def test_a_cause_that_is_left_alone_may_be_ended_by_one_click_and_the_button_says_what() -> None:
    answers = (Answer.END, Answer.LEAVE_ALONE, Answer.NEVER)
    asked = msgspec.structs.replace(QUESTION, answers=answers, anyway=True)
    assert [label for _, label in prompt(asked).buttons] == [
        "End this process anyway",
        "Leave it alone for 1 h",
        "More…",
    ]
    assert [answer for answer, _ in answer_words(asked)] == list(answers)


def test_a_cleaning_that_freed_nothing_is_no_warning() -> None:
    plan = CleanPlan(made_at=0.0, used_percent=91.0, target_percent=75.0)
    result = CleanResult(before_percent=91.0, after_percent=91.0)
    notice = cleaned_notice(Cleaned(mount="/", plan=plan, result=result))
    assert notice.title == "Cleaning caches on / freed nothing"
    assert notice.severity is Severity.INFO
    assert notice.context["others_wait"] is False
    assert notice.with_monitor

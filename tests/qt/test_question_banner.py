import msgspec
import pytest
from PySide6.QtCore import QTimer
from pytestqt.qtbot import QtBot

from omnitray.core.protection_view import Answer
from omnitray.qt.question_banner import QuestionBanner
from support import samples
from support.clock import FakeClock
from support.keys import click

QUESTION = samples.question()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def banner(qtbot: QtBot, clock: FakeClock) -> QuestionBanner:
    made = QuestionBanner(clock.wall)
    qtbot.addWidget(made)
    return made


def test_a_question_offers_its_answers_and_carries_the_one_given(banner: QuestionBanner) -> None:
    given: list[tuple[str, str]] = []
    banner.answered.connect(lambda *each: given.append(each))
    banner.show_question(QUESTION)
    assert [each.text() for each in banner.buttons] == [
        "Slow down",
        "Pause",
        "End",
        "Leave alone for 1 h",
        "Never touch this",
    ]
    click(banner.buttons[1])
    assert given == [("q1", Answer.PAUSE)]


def test_only_the_answers_offered_are_shown(banner: QuestionBanner) -> None:
    banner.show_question(msgspec.structs.replace(QUESTION, answers=(Answer.END,)))
    assert [each.accessibleName() for each in banner.buttons] == ["End: pytest · ~/shop"]


def test_the_time_left_is_counted_down_in_sight(banner: QuestionBanner, clock: FakeClock) -> None:
    deadline = clock.wall() + 30
    paused = msgspec.structs.replace(QUESTION, deadline=deadline, unanswered="it is paused")
    banner.show_question(paused)
    assert banner.words.text().endswith("In 30 s: it is paused.")
    clock.advance(12)
    banner.findChildren(QTimer)[0].timeout.emit()
    assert banner.words.text().endswith("In 18 s: it is paused.")


def test_without_a_deadline_it_says_what_happens_without_an_answer(banner: QuestionBanner) -> None:
    banner.show_question(QUESTION)
    assert banner.words.text().endswith("Without an answer: it stays slowed down.")


def test_none_takes_the_question_away(banner: QuestionBanner) -> None:
    banner.show_question(QUESTION)
    banner.show_question(None)
    assert banner.isHidden()
    assert banner.buttons == []

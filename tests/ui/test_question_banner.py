import msgspec
import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from omnitray.protector.view import Answer
from omnitray.ui.intents import Intents
from omnitray.ui.widgets.question_banner import QuestionBanner
from support import samples
from support.clock import FakeClock
from support.keys import click, press
from support.shown import plain

QUESTION = samples.question()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def banner(qtbot: QtBot, clock: FakeClock) -> QuestionBanner:
    made = QuestionBanner(Intents(), clock.wall)
    qtbot.addWidget(made)
    return made


def test_a_question_offers_its_answers_and_carries_the_one_given(banner: QuestionBanner) -> None:
    given: list[tuple[str, str]] = []
    banner.intents.answer_given.connect(lambda *each: given.append(each))
    banner.show_question(QUESTION)
    assert [each.text() for each in banner.buttons] == [
        "Slow down",
        "Pause",
        "Leave it alone for 1 h",
        "Always slow this down",
        "Never touch this",
        "End",
    ]
    click(banner.buttons[1])
    assert given == [("q1", Answer.PAUSE)]


def test_only_the_answers_offered_are_shown(banner: QuestionBanner) -> None:
    banner.show_question(msgspec.structs.replace(QUESTION, answers=(Answer.END,)))
    assert [each.accessibleName() for each in banner.buttons] == ["End: pytest · ~/shop"]


def test_a_cause_that_is_left_alone_may_be_ended_all_the_same(banner: QuestionBanner) -> None:
    answers = (Answer.END, Answer.LEAVE_ALONE, Answer.NEVER)
    banner.show_question(msgspec.structs.replace(QUESTION, answers=answers, anyway=True))
    assert [each.text() for each in banner.buttons] == [
        "End this process anyway",
        "Leave it alone for 1 h",
        "Never touch this",
    ]


def test_the_time_left_is_counted_down_in_sight(banner: QuestionBanner, clock: FakeClock) -> None:
    deadline = clock.wall() + 30
    paused = msgspec.structs.replace(QUESTION, deadline=deadline, unanswered="it is paused")
    banner.show_question(paused)
    assert plain(banner.words.text()).endswith("In 30 s: it is paused.")
    clock.advance(12)
    banner.findChildren(QTimer)[0].timeout.emit()
    assert plain(banner.words.text()).endswith("In 18 s: it is paused.")


def test_without_a_deadline_it_says_what_happens_without_an_answer(banner: QuestionBanner) -> None:
    banner.show_question(QUESTION)
    assert plain(banner.words.text()).endswith("Without an answer: it stays slowed down.")


def test_none_takes_the_question_away(banner: QuestionBanner) -> None:
    banner.show_question(QUESTION)
    banner.show_question(None)
    assert banner.isHidden()
    assert banner.buttons == []


def test_the_buttons_say_what_they_do_to_a_job_that_is_paused(banner: QuestionBanner) -> None:
    banner.show_question(msgspec.structs.replace(QUESTION, paused=True))
    assert [each.text() for each in banner.buttons] == [
        "Keep paused",
        "Let it run, slowed",
        "Leave it alone for 1 h",
        "Always slow this down",
        "Never touch this",
        "End",
    ]


@pytest.mark.parametrize("width", [500, 760, 1080])
def test_the_question_has_the_whole_width_and_no_button_is_cut(
    banner: QuestionBanner, width: int, qtbot: QtBot
) -> None:
    banner.resize(width, 100)
    with qtbot.waitExposed(banner):
        banner.show_question(msgspec.structs.replace(QUESTION, paused=True))
    assert banner.words.width() > width - 50
    assert all(each.width() >= each.sizeHint().width() for each in banner.buttons)


def test_the_tab_key_finds_the_answers_where_they_stand(qtbot: QtBot) -> None:
    around = QWidget()
    qtbot.addWidget(around)
    column = QVBoxLayout(around)
    first, asked, last = (
        QPushButton("first"),
        QuestionBanner(Intents(), FakeClock().wall),
        QPushButton("last"),
    )
    for each in (first, asked, last):
        column.addWidget(each)
    around.show()
    asked.show_question(QUESTION)
    first.setFocus()
    for answer in asked.buttons:
        press(around.focusWidget(), Qt.Key.Key_Tab)
        assert around.focusWidget() is answer
    press(around.focusWidget(), Qt.Key.Key_Tab)
    assert around.focusWidget() is last

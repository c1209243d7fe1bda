import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from omnitray.core.facts import Mode, ProtectState
from omnitray.core.protection_view import Breaker, BreakerState, Explanation, ProtectionView, Told
from omnitray.qt import explain_card, held_rows, protection_page
from omnitray.qt.protection_page import ProtectionPage, breaker_words
from omnitray.qt.theme import Theme
from support import samples
from support.keys import click
from support.samples import NOW


def words(widget: QWidget) -> list[str]:
    QApplication.processEvents()  # what was laid out anew is shown by the next event
    return [label.text() for label in widget.findChildren(QLabel) if label.isVisibleTo(widget)]


def button(widget: QWidget, name: str) -> QPushButton:
    found = widget.findChildren(QPushButton)
    return next(each for each in found if name in (each.accessibleName(), each.text()))


@pytest.fixture
def page(qtbot: QtBot) -> ProtectionPage:
    made = ProtectionPage(Theme(Qt.ColorScheme.Light), lambda: NOW)
    qtbot.addWidget(made)
    made.resize(860, 600)
    made.show()
    qtbot.waitExposed(made)
    return made


def test_before_anything_was_done_every_part_says_what_will_be_there(page: ProtectionPage) -> None:
    said = words(page)
    for sentence in (
        held_rows.NOTHING,
        explain_card.NOTHING_ASKED,
        explain_card.NO_EFFECT,
        explain_card.NO_MEANS,
        protection_page.NO_JOURNAL,
    ):
        assert sentence in said
    assert not page.undo_all.isEnabled()


def test_what_is_held_stands_with_means_age_and_reason(page: ProtectionPage) -> None:
    page.show_view(samples.protection())
    said = words(page.held)
    assert "pytest · ~/shop" in said
    assert "weight 100 → 5, for 3 min" in said
    assert "memory full in 20 to 40 s" in said


def test_undo_names_its_action_and_undo_all_says_so(page: ProtectionPage) -> None:
    page.show_view(samples.protection())
    undone: list[object] = []
    page.undo_requested.connect(undone.append)
    page.undo_all_requested.connect(lambda: undone.append("all"))
    click(button(page.held, "Undo: pytest · ~/shop"))
    click(button(page.held, "Resume: pytest gw3"))
    click(page.undo_all)
    assert undone == ["x1", "x2", "all"]


def test_the_first_explanation_is_shown_until_another_is_asked_for(page: ProtectionPage) -> None:
    view = samples.protection()
    other = Explanation(action_id="x1", title="pytest · ~/shop", text="It starved the others.")
    page.show_view(msgspec.structs.replace(view, explanations=(*view.explanations, other)))
    assert "Why pytest gw3?" in words(page.why)
    assert "parent of the run" in words(page.why)
    click(button(page.held, "Why pytest · ~/shop?"))
    assert "Why pytest · ~/shop?" in words(page.why)
    page.journal.setCurrentIndex(page.journal_model.index(0, 0))
    assert "Why pytest gw3?" in words(page.why)


def test_means_that_do_not_work_say_why_not(page: ProtectionPage) -> None:
    page.show_view(samples.protection())
    pills = [each.accessibleName() for each in page.effects.findChildren(QWidget)]
    assert "freezer: works here" in pills
    assert "autogroup: off on this kernel (does not work here)" in pills


def test_the_person_switches_the_protector_and_the_page_follows_the_facts(
    page: ProtectionPage,
) -> None:
    asked: list[object] = []
    page.protect_state_requested.connect(asked.append)
    click(button(page.state, "Protection: watch only"))
    assert asked == [ProtectState.WATCH]
    page.show_view(ProtectionView(state=ProtectState.OFF, mode=Mode.PROD))
    assert page.state.value == ProtectState.OFF
    assert page.headline.text() == "Protection is off"
    assert page.detail.text().startswith("prod mode")


def test_unchanged_facts_rebuild_nothing(page: ProtectionPage) -> None:
    page.show_view(samples.protection())
    before = button(page.held, "Undo: pytest · ~/shop")
    page.show_view(samples.protection())
    assert button(page.held, "Undo: pytest · ~/shop") is before


def test_a_closed_breaker_says_what_is_left_an_open_one_why_and_until_when() -> None:
    assert breaker_words(Breaker()) == "ends left: 3 of 3 in 10 min"
    opened = Breaker(state=BreakerState.OPEN, until=NOW, why="an end freed almost nothing")
    assert breaker_words(opened).startswith("breaker open: nothing is ended until ")
    assert breaker_words(opened).endswith("(an end freed almost nothing)")
    half = Breaker(state=BreakerState.HALF_OPEN)
    assert breaker_words(half) == "breaker half-open: one end is let through"


def test_what_came_of_an_undo_is_told_on_the_page(page: ProtectionPage) -> None:
    page.show_told(Told(sentence="pytest was taken back."))
    assert "pytest was taken back." in words(page)
    assert not page.told.undo.isVisible()


def test_what_is_paused_can_be_ended_from_its_row_after_a_question(
    page: ProtectionPage, qtbot: QtBot
) -> None:
    page.show_view(samples.protection())
    with qtbot.waitSignal(page.end_requested) as caught:
        click(button(page.held, "End pytest gw3, after one more question"))
    assert caught.args == ["pytest:41207/gw3"]


def test_undo_all_says_why_there_is_nothing_to_undo(page: ProtectionPage) -> None:
    assert not page.undo_all.isEnabled()
    assert "nothing to undo" in page.undo_all.toolTip()


def test_an_action_of_an_earlier_run_is_explained_from_the_journal(page: ProtectionPage) -> None:
    page.show_view(samples.protection())
    page.show_why("x0")
    shown = " ".join(words(page.why))
    assert "Why slowed down cargo build · ~/engine" in shown
    assert "CPU 88 %. It is undone" in shown

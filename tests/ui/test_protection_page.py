import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from omnitray.base.facts import Mode, ProtectState
from omnitray.protector.view import (
    ActionFeedback,
    BreakerState,
    BreakerView,
    Explanation,
    HoldKind,
    Means,
    ProtectionView,
)
from omnitray.ui.pages.protection import explain_card, held_rows
from omnitray.ui.pages.protection import page as protection_page
from omnitray.ui.pages.protection.page import ProtectionPage, breaker_words
from support import samples
from support.keys import click, press
from support.pages import page_context, show_view
from support.samples import NOW
from support.shown import plain


def words(widget: QWidget) -> list[str]:
    QApplication.processEvents()  # what was laid out anew is shown by the next event
    return [
        plain(label.text()) for label in widget.findChildren(QLabel) if label.isVisibleTo(widget)
    ]


def button(widget: QWidget, name: str) -> QAbstractButton:
    found = widget.findChildren(QAbstractButton)
    return next(each for each in found if name in (each.accessibleName(), each.text()))


@pytest.fixture
def page(qtbot: QtBot) -> ProtectionPage:
    made = ProtectionPage(page_context())
    qtbot.addWidget(made)
    made.resize(860, 600)
    with qtbot.waitExposed(made):
        made.show()
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
    show_view(page, samples.protection())
    said = words(page.held)
    assert "pytest · ~/shop" in said
    assert "weight 100 → 5, for 3 min" in said
    assert "memory full in 20 to 40 s" in said


def test_undo_names_its_action_and_undo_all_says_so(page: ProtectionPage) -> None:
    show_view(page, samples.protection())
    undone: list[object] = []
    page.context.intents.undo_requested.connect(undone.append)
    page.context.intents.undo_all_requested.connect(lambda: undone.append("all"))
    click(button(page.held, "Undo: pytest · ~/shop"))
    click(button(page.held, "Resume: pytest gw3"))
    click(page.undo_all)
    assert undone == ["x1", "x2", "all"]


def test_the_first_explanation_is_shown_until_another_is_asked_for(page: ProtectionPage) -> None:
    view = samples.protection()
    other = Explanation(action_id="x1", title="pytest · ~/shop", text="It starved the others.")
    show_view(page, msgspec.structs.replace(view, explanations=(*view.explanations, other)))
    assert "Why pytest gw3?" in words(page.why)
    assert "parent of the run" in words(page.why)
    click(button(page.held, "Why pytest · ~/shop?"))
    assert "Why pytest · ~/shop?" in words(page.why)
    page.journal.setCurrentIndex(page.journal_model.index(0, 0))
    assert "Why pytest gw3?" in words(page.why)


def test_when_the_action_that_was_asked_about_is_over_the_newest_is_explained(
    page: ProtectionPage,
) -> None:
    view = samples.protection()
    asked = Explanation(action_id="x1", title="pytest · ~/shop", text="It starved the others.")
    explanations = (*view.explanations, asked)
    show_view(page, msgspec.structs.replace(view, explanations=explanations))
    click(button(page.held, "Why pytest · ~/shop?"))
    left = tuple(each for each in view.held if each.action_id != "x1")
    show_view(page, msgspec.structs.replace(view, held=left, explanations=explanations))
    assert "Why pytest gw3?" in words(page.why)


def test_means_that_do_not_work_say_why_not(page: ProtectionPage) -> None:
    show_view(page, samples.protection())
    pills = [each.accessibleName() for each in page.effects.findChildren(QWidget)]
    assert "freezer: works here" in pills
    assert "autogroup: off on this kernel (does not work here)" in pills


def test_the_person_switches_the_protector_and_the_page_follows_the_facts(
    page: ProtectionPage,
) -> None:
    asked: list[object] = []
    page.context.intents.protect_state_requested.connect(asked.append)
    click(button(page.state, "watch only"))
    assert asked == [ProtectState.WATCH]
    show_view(page, ProtectionView(state=ProtectState.OFF, mode=Mode.PROD))
    assert page.state.value == ProtectState.OFF
    assert page.headline.text() == "Protection is off"
    assert page.detail.text().startswith("prod mode")


def test_unchanged_facts_rebuild_nothing(page: ProtectionPage) -> None:
    show_view(page, samples.protection())
    before = button(page.held, "Undo: pytest · ~/shop")
    show_view(page, samples.protection())
    assert button(page.held, "Undo: pytest · ~/shop") is before


def test_a_closed_breaker_says_what_is_left_an_open_one_why_and_until_when() -> None:
    assert breaker_words(BreakerView()) == "ends left: 3 of 3 in 10 min"
    opened = BreakerView(state=BreakerState.OPEN, until=NOW, why="an end freed almost nothing")
    assert breaker_words(opened).startswith("breaker open: nothing is ended until ")
    assert breaker_words(opened).endswith("(an end freed almost nothing)")
    half = BreakerView(state=BreakerState.HALF_OPEN)
    assert breaker_words(half) == "breaker half-open: one end is let through"


def test_what_came_of_an_undo_is_told_on_the_page(page: ProtectionPage) -> None:
    page.show_feedback(ActionFeedback(sentence="pytest was taken back."))
    assert "pytest was taken back." in words(page)
    assert not page.told.undo.isVisible()


def test_what_is_paused_can_be_ended_from_its_row_after_a_question(
    page: ProtectionPage, qtbot: QtBot
) -> None:
    show_view(page, samples.protection())
    with qtbot.waitSignal(page.context.intents.jobs_end_asked) as caught:
        click(button(page.held, "End pytest gw3, after one more question"))
    assert caught.args == [("pytest:41207/gw3",)]


def test_undo_all_says_why_there_is_nothing_to_undo(page: ProtectionPage) -> None:
    assert not page.undo_all.isEnabled()
    assert "nothing to undo" in page.undo_all.toolTip()


def test_an_action_of_an_earlier_run_is_explained_from_the_journal(page: ProtectionPage) -> None:
    show_view(page, samples.protection())
    page.show_why("x0")
    shown = " ".join(words(page.why))
    assert "Why slowed down cargo build · ~/engine" in shown
    assert "CPU 88 %. It is undone" in shown


def focused(page: ProtectionPage) -> str:
    widget = page.window().focusWidget()
    assert widget is not None
    return widget.accessibleName()


def without(view: ProtectionView, *action_ids: str) -> ProtectionView:
    held = tuple(each for each in view.held if each.action_id not in action_ids)
    return msgspec.structs.replace(view, held=held)


def test_the_focus_stays_in_the_list_when_a_row_has_gone(page: ProtectionPage) -> None:
    view = samples.protection()
    show_view(page, view)
    button(page.held, "Undo: pytest · ~/shop").setFocus()
    show_view(page, without(view, "x1"))
    assert focused(page) == "Why pytest gw3?"
    button(page.held, "Resume: pytest gw3").setFocus()
    show_view(page, view)
    show_view(page, without(view, "x1"))
    assert "pytest gw3" in focused(page)
    show_view(page, without(view, "x1", "x2"))
    assert focused(page) == "Under action now"


def test_a_row_that_goes_does_not_choose_another_in_the_journal(page: ProtectionPage) -> None:
    view = samples.protection()
    show_view(page, view)
    button(page.held, "Resume: pytest gw3").setFocus()
    show_view(page, without(view, "x1", "x2"))
    assert not page.journal.currentIndex().isValid()


def test_a_focus_elsewhere_stays_where_it_is(page: ProtectionPage) -> None:
    page.undo_all.setFocus()
    before = page.window().focusWidget()
    show_view(page, samples.protection())
    assert page.window().focusWidget() is before


def test_the_tab_key_goes_through_the_rows_before_it_leaves_them(page: ProtectionPage) -> None:
    show_view(page, samples.protection())
    page.undo_all.setFocus()
    seen = []
    for _ in range(5):
        press(page.window().focusWidget(), Qt.Key.Key_Tab)
        seen.append(focused(page))
    assert seen == [
        "Why pytest · ~/shop?",
        "Undo: pytest · ~/shop",
        "Why pytest gw3?",
        "Resume: pytest gw3",
        "End pytest gw3, after one more question",
    ]


def test_a_long_reason_and_its_means_are_there_to_their_end(page: ProtectionPage) -> None:
    held = msgspec.structs.replace(
        samples.protection().held[0], why="memory runs out in 20 to 40 s, at 290 MB/s, " * 4
    )
    show_view(page, ProtectionView(held=(held,)))
    QApplication.processEvents()
    (why,) = (each for each in page.held.findChildren(QLabel) if "290" in each.text())
    assert why.height() >= why.heightForWidth(why.width())


def test_what_was_told_goes_when_it_is_no_longer_so(page: ProtectionPage) -> None:
    view = samples.protection()
    show_view(page, without(view, "x1"))
    page.show_feedback(ActionFeedback(sentence="pytest runs as before."))
    show_view(page, msgspec.structs.replace(without(view, "x1"), mode=Mode.TEST))
    assert page.told.isVisible()
    show_view(page, view)
    assert not page.told.isVisible()


def test_what_was_told_of_one_job_stays_when_another_is_held(page: ProtectionPage) -> None:
    view = samples.protection()
    slowed, other = view.held[0], view.held[1]
    show_view(page, ProtectionView(held=(slowed,)))
    page.show_feedback(ActionFeedback(sentence="It is slowed down.", job_key=slowed.job_key))
    show_view(page, ProtectionView(held=(slowed, msgspec.structs.replace(other, job_key="make:1"))))
    assert page.told.isVisible()
    show_view(page, ProtectionView(held=(msgspec.structs.replace(slowed, grip=HoldKind.PAUSED),)))
    assert not page.told.isVisible()


def test_the_heading_of_an_empty_journal_stays_at_the_top(page: ProtectionPage) -> None:
    page.resize(860, 1200)
    QApplication.processEvents()
    (head,) = (each for each in page.findChildren(QLabel) if each.text() == "Journal")
    assert head.height() < 2 * head.sizeHint().height()
    assert page.no_journal.y() - head.y() < 3 * head.sizeHint().height()


def test_the_reason_for_means_that_do_not_work_is_said_once_and_whole(page: ProtectionPage) -> None:
    why = "this session has no service manager that could make scopes"
    means = [Means(name=name, works=False, why_not=why) for name in ("weight", "freezer")]
    show_view(page, ProtectionView(means=(Means(name="nice", works=True), *means)))
    assert words(page.effects).count(why) == 1

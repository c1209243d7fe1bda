import time

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from omnitray.base.facts import Job, ProtectState
from omnitray.processes.process_table import identity
from omnitray.protector.inspection import JobInspection
from omnitray.protector.view import ActionFeedback, Protected, ProtectionView, WayBack
from omnitray.ui.pages.processes.model import JOB
from omnitray.ui.pages.processes.page import NONE_FIT, NONE_YET, ProcessesPage
from omnitray.ui.pages.processes.text import JobColumn
from omnitray.ui.widgets.cells import CELL, CellDelegate
from support import samples
from support.keys import click, press, type_text
from support.pages import page_context, show_jobs

VIEW = samples.protection()


class Opened:
    """The page with the sample jobs, and what it asked for."""

    def __init__(self, qtbot: QtBot) -> None:
        self.page = ProcessesPage(page_context())
        qtbot.addWidget(self.page)
        self.page.resize(860, 520)
        with qtbot.waitExposed(self.page):
            self.page.show()
        self.asked: list[tuple[str, str]] = []
        self.page.context.intents.job_action_requested.connect(
            lambda *each: self.asked.append(each)
        )

    @property
    def box(self) -> QMessageBox:
        assert self.page.question is not None
        return self.page.question


@pytest.fixture
def opened(qtbot: QtBot) -> Opened:
    made = Opened(qtbot)
    show_jobs(made.page, samples.jobs(), VIEW)
    return made


def test_before_the_first_scan_the_page_says_what_will_be_there(qtbot: QtBot) -> None:
    page = Opened(qtbot).page
    assert page.empty.isVisible()
    assert page.empty.text() == NONE_YET
    assert not page.pause.isEnabled()


def test_a_filter_without_a_hit_says_so(opened: Opened) -> None:
    type_text(opened.page.filter, "nothing of the kind")
    assert opened.page.empty.text() == NONE_FIT
    assert opened.page.empty.isVisible()


def test_buttons_offer_what_makes_sense_for_the_job(opened: Opened) -> None:
    page = opened.page

    def offered() -> list[str]:
        buttons = (page.slow_down, page.pause, page.resume, page.protect, page.end)
        return [each.text() for each in buttons if each.isEnabled()]

    page.select("cargo build:40551")
    assert offered() == ["Slow down", "Pause", "Protect", "End…"]
    page.select("pytest:41207")  # slowed down
    assert offered() == ["Pause", "Resume", "Protect", "End…"]
    page.select("Firefox:2210")  # protected
    assert offered() == []


def test_a_button_that_cannot_be_pressed_says_why(opened: Opened) -> None:
    page = opened.page
    assert "Choose a job" in page.end.toolTip()
    page.select("pytest:41207")
    assert "slowed down already" in page.slow_down.toolTip()
    page.select("Firefox:2210")
    assert "It is protected: has windows." in page.pause.toolTip()
    assert page.pause.accessibleDescription() == "It is protected: has windows."
    assert "protected: has windows" in page.chosen.text()


def test_switched_off_protection_offers_nothing_but_to_protect(opened: Opened) -> None:
    page = opened.page
    show_jobs(page, samples.jobs(), ProtectionView(state=ProtectState.OFF))
    page.select("cargo build:40551")
    assert not page.pause.isEnabled()
    assert "Protection is off" in page.pause.toolTip()
    assert page.protect.isEnabled()


def test_what_the_person_protects_can_be_taken_back(opened: Opened) -> None:
    page = opened.page
    key = "cargo build:40551"
    mine = Protected(job_key=key, why="protected by you", by_person=True)
    show_jobs(page, samples.jobs(), ProtectionView(protected=(mine,)))
    page.select(key)
    assert not page.protect.isVisible()
    click(page.unprotect)
    assert opened.asked == [(key, "unprotect")]


def test_what_came_of_a_press_is_told_with_its_way_back(opened: Opened, qtbot: QtBot) -> None:
    page, key = opened.page, "cargo build:40551"
    page.select(key)
    page.show_feedback(
        ActionFeedback(sentence="It is paused.", job_key=key, action_id="a7", way_back=WayBack.UNDO)
    )
    assert page.told.words.text() == "It is paused."
    with qtbot.waitSignal(page.context.intents.undo_requested) as caught:
        click(page.told.undo)
    assert caught.args == ["a7"]
    page.show_feedback(
        ActionFeedback(sentence="Never touched.", job_key=key, way_back=WayBack.UNPROTECT)
    )
    click(page.told.undo)
    assert opened.asked == [(key, "unprotect")]
    page.show_feedback(ActionFeedback(sentence="It has ended already.", job_key=key))
    assert not page.told.undo.isVisible()
    page.select("vite:38110")
    assert not page.told.isVisible()


def test_the_memory_of_the_chosen_job_is_shown_with_shared_pages_counted_once(
    opened: Opened,
) -> None:
    page, job = opened.page, samples.jobs()[1]
    look = JobInspection(pss_bytes={identity(job.processes[0]): 2_000_000_000})
    show_jobs(page, samples.jobs(), inspection=look)
    page.select(job.key)
    assert page.chosen.text().endswith("RSS 3.1 GB, PSS 2.0 GB")


def test_a_cell_that_is_cut_off_gives_the_whole_in_its_tooltip(opened: Opened) -> None:
    page = opened.page
    delegate = page.view.itemDelegate()
    assert isinstance(delegate, CellDelegate)
    cell = page.model.index_of("pytest:41207").data(CELL)
    assert delegate.tooltip(cell, page.view.font(), 60) == "pytest ~/shop · 9 processes"
    assert not delegate.tooltip(cell, page.view.font(), 900)


def test_open_branches_stay_open_when_the_order_changes(opened: Opened) -> None:
    page = opened.page
    page.view.expand(page.model.index_of("vite:38110"))
    page.model.sort(JobColumn.NAME, Qt.SortOrder.AscendingOrder)
    show_jobs(page, samples.jobs()[::-1], VIEW)
    assert page.view.isExpanded(page.model.index_of("vite:38110"))
    assert not page.view.isExpanded(page.model.index_of("pytest:41207"))


def test_a_process_stands_for_its_job(opened: Opened) -> None:
    page = opened.page
    build = page.model.index_of("cargo build:40551")
    assert page.model.rowCount(build) == 0
    page.view.expand(build)
    page.view.setCurrentIndex(page.model.index(1, 0, build))
    click(page.slow_down)
    click(page.pause)
    click(page.protect)
    assert opened.asked == [
        ("cargo build:40551", "slow_down"),
        ("cargo build:40551", "pause"),
        ("cargo build:40551", "protect"),
    ]


def test_ending_asks_first_and_names_job_count_and_processes(opened: Opened) -> None:
    opened.page.select("pytest:41207")
    click(opened.page.end)
    assert opened.asked == []
    assert opened.box.text() == "End pytest · ~/shop, 9 processes?"
    assert opened.box.textFormat() == Qt.TextFormat.PlainText
    assert "pytest (pid 41207)" in opened.box.informativeText()
    assert "and 5 more" in opened.box.informativeText()
    default = opened.box.defaultButton()
    assert default is not None
    assert default.text() == "Leave it running"
    click(next(each for each in opened.box.buttons() if each.text() == "End 9 processes"))
    assert opened.asked == [("pytest:41207", "end")]


def test_escape_leaves_it_running(opened: Opened) -> None:
    opened.page.select("pytest:41207")
    opened.page.view.setFocus()
    press(opened.page.view, Qt.Key.Key_Delete)
    press(opened.box, Qt.Key.Key_Escape)
    assert opened.asked == []


def test_what_is_confirmed_is_what_was_asked_about(opened: Opened) -> None:
    opened.page.select("pytest:41207")
    click(opened.page.end)
    opened.page.select("cargo build:40551")  # the selection moved on meanwhile
    click(next(each for each in opened.box.buttons() if each.text() == "End 9 processes"))
    assert opened.asked == [("pytest:41207", "end")]


def test_the_selection_survives_new_scans(opened: Opened) -> None:
    opened.page.select("vite:38110")
    show_jobs(opened.page, samples.jobs()[::-1])
    job = opened.page.view.selected_job()
    assert job is not None
    assert job.key == "vite:38110"


def reordered(opened: Opened) -> list[Job]:
    """A scan in which the second job does nothing any more, and what comes first now."""
    jobs = list(samples.jobs())
    jobs[1] = msgspec.structs.replace(jobs[1], cpu_percent=0.0)
    show_jobs(opened.page, tuple(jobs), VIEW)
    return jobs


def first_rows(page: ProcessesPage) -> list[str]:
    rows = (page.model.index(row, 0).data(JOB) for row in range(page.model.rowCount()))
    return [each.key for each in rows]


def test_the_list_holds_still_for_three_seconds_after_a_key(opened: Opened, qtbot: QtBot) -> None:
    page = opened.page
    before = first_rows(page)
    press(page.view, Qt.Key.Key_Down)
    jobs = reordered(opened)
    assert first_rows(page) == before
    new = msgspec.structs.replace(jobs[0], key="new:1", name="new")
    show_jobs(page, (*jobs, new), VIEW)
    assert page.held.text() == "order held · 1 new"
    assert page.update_order.isVisible()
    assert first_rows(page) == [*before, "new:1"]
    qtbot.waitUntil(page.held.isHidden, timeout=6000)
    assert first_rows(page) != [*before, "new:1"]
    assert not page.update_order.isVisible()


@pytest.mark.parametrize("way", ["update", "f5", "shown again"])
def test_it_is_fresh_when_it_is_asked_for(opened: Opened, way: str) -> None:
    page = opened.page
    before = first_rows(page)
    press(page.view, Qt.Key.Key_Down)
    reordered(opened)
    if way == "update":
        click(page.update_order)
    elif way == "f5":
        page.reload()
    else:
        page.hide()
        page.show()
    assert first_rows(page) != before
    assert page.held.isHidden()


def test_a_selected_row_and_the_focus_alone_hold_nothing(opened: Opened, qtbot: QtBot) -> None:
    page = opened.page
    page.activateWindow()
    page.view.setFocus()
    qtbot.waitUntil(page.view.hasFocus)
    before = first_rows(page)
    page.select("cargo build:40551")
    reordered(opened)
    assert first_rows(page) != before


def test_a_row_that_has_ended_is_not_kept_by_a_hand_that_goes_on(
    opened: Opened, qtbot: QtBot
) -> None:
    page = opened.page
    press(page.view, Qt.Key.Key_Down)
    show_jobs(page, samples.jobs()[1:], VIEW)
    assert page.held.text() == "order held · 1 ended"
    start = time.monotonic()
    while page.model.held.ended and time.monotonic() - start < 8.0:
        page.view.hold()
        qtbot.wait(50)
    assert page.model.held.ended == 0
    assert samples.jobs()[0].key not in first_rows(page)

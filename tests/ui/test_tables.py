"""Every table: arranged by the person and kept so, sorted by keys, copied, with a menu a row."""

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from omnitray.ui.pages.alerts.page import AlertsPage
from omnitray.ui.pages.overview import OverviewPage
from omnitray.ui.pages.page import WindowFacts
from omnitray.ui.pages.processes.page import ProcessesPage
from omnitray.ui.pages.processes.text import FIGURES, JobColumn
from omnitray.ui.pages.servers.page import ServersPage
from omnitray.ui.pages.servers.text import ServerColumn
from omnitray.ui.widgets.table import CellView
from omnitray.ui.window_place import FilePlaces, Place, TableState
from support import samples, server_samples
from support.keys import CTRL, press
from support.pages import page_context, show_jobs

ARRANGE = CTRL | Qt.KeyboardModifier.ShiftModifier
UP, DOWN = Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder


@pytest.fixture
def processes(qtbot: QtBot) -> ProcessesPage:
    return a_page(qtbot, page_context().facts)


def a_page(qtbot: QtBot, facts: WindowFacts) -> ProcessesPage:
    context = page_context()
    context.facts.tables.update(facts.tables)
    page = ProcessesPage(context)
    qtbot.addWidget(page)
    page.resize(1100, 520)
    with qtbot.waitExposed(page):
        page.show()
    show_jobs(page, samples.jobs(), samples.protection())
    return page


def drag_edge(view: CellView, column: int, by: int) -> None:
    """Take the right edge of a title and move it."""
    titles = view.header()
    edge = titles.sectionViewportPosition(column) + titles.sectionSize(column) - 1
    start = QPoint(edge, titles.height() // 2)
    QTest.mousePress(titles.viewport(), Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(titles.viewport(), start + QPoint(by, 0))
    end = start + QPoint(by, 0)
    QTest.mouseRelease(titles.viewport(), Qt.MouseButton.LeftButton, pos=end)


def sorted_by(view: CellView) -> tuple[int, Qt.SortOrder]:
    return view.header().sortIndicatorSection(), view.header().sortIndicatorOrder()


def menu_of(view: CellView) -> dict[str, bool]:
    """The words of the menu of the chosen rows, and whether each can be pressed."""
    view.open_menu(QPoint(0, 0))
    assert view.menu is not None
    found = {each.text(): each.isEnabled() for each in view.menu.actions() if each.text()}
    view.menu.close()
    return found


def entry(view: CellView, word: str) -> None:
    view.open_menu(QPoint(0, 0))
    assert view.menu is not None
    next(each for each in view.menu.actions() if each.text() == word).trigger()
    view.menu.close()


def test_a_width_that_was_dragged_is_kept_for_the_next_window(
    processes: ProcessesPage, qtbot: QtBot
) -> None:
    before = processes.view.columnWidth(JobColumn.LEVER)
    drag_edge(processes.view, JobColumn.STATE, 0)
    assert not processes.context.facts.tables  # a click alone arranges nothing
    drag_edge(processes.view, JobColumn.LEVER, 40)
    assert processes.view.columnWidth(JobColumn.LEVER) == before + 40
    again = a_page(qtbot, processes.context.facts)
    assert again.view.columnWidth(JobColumn.LEVER) == pytest.approx(before + 40, abs=1)


def test_a_column_of_figures_is_never_narrower_than_its_figures(processes: ProcessesPage) -> None:
    least = processes.view.columnWidth(JobColumn.MEMORY)
    drag_edge(processes.view, JobColumn.MEMORY, -60)
    assert processes.view.columnWidth(JobColumn.MEMORY) == least


def test_the_order_of_the_columns_and_the_sort_are_kept(
    processes: ProcessesPage, qtbot: QtBot
) -> None:
    processes.view.header().moveSection(JobColumn.MEMORY, 1)
    processes.view.sort_by(JobColumn.MEMORY, UP)
    again = a_page(qtbot, processes.context.facts)
    assert again.view.header().visualIndex(JobColumn.MEMORY) == 1
    assert sorted_by(again.view) == (JobColumn.MEMORY, UP)
    first = again.model.job_at(again.model.index(0, 0))
    assert first is not None
    assert first.rss_bytes == min(job.rss_bytes for job in samples.jobs())


def test_what_is_kept_goes_through_the_file(tmp_path: Path) -> None:
    places = FilePlaces(tmp_path / "window.json")
    state = TableState(widths={3: 7.5}, order=(0, 2, 1), sort=2, descending=False)
    places.save(Place(tables={"processes": state}))
    assert places.load().tables == {"processes": state}


@pytest.mark.parametrize(
    "state",
    [TableState(order=(0, 0, 1), sort=99, widths={99: 4.0}), TableState(widths={2: -3.0})],
)
def test_a_state_of_another_version_harms_nothing(qtbot: QtBot, state: TableState) -> None:
    page = a_page(qtbot, WindowFacts(tables={"processes": state}))
    assert sorted_by(page.view) == (JobColumn.CPU, DOWN)
    assert page.view.columnWidth(JobColumn.CPU) >= page.view.fitting_widths()[JobColumn.CPU]


@pytest.mark.parametrize("column", FIGURES)
def test_figures_sort_descending_first(processes: ProcessesPage, column: JobColumn) -> None:
    view = processes.view
    view.sort_by(JobColumn.NAME, UP)
    titles = view.header()
    middle = titles.sectionViewportPosition(column) + titles.sectionSize(column) // 2
    QTest.mouseClick(titles.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(middle, 8))
    assert sorted_by(view) == (column, DOWN)


def test_keys_sort_by_another_column_and_the_other_way(processes: ProcessesPage) -> None:
    view = processes.view
    press(view, Qt.Key.Key_Right, ARRANGE)
    assert sorted_by(view) == (JobColumn.MEMORY, DOWN)
    press(view, Qt.Key.Key_Up, ARRANGE)
    assert sorted_by(view) == (JobColumn.MEMORY, UP)
    press(view, Qt.Key.Key_Left, ARRANGE)
    press(view, Qt.Key.Key_Left, ARRANGE)
    assert sorted_by(view) == (JobColumn.NAME, UP)  # the column of projects is hidden


def test_rows_are_copied_as_they_are_read(processes: ProcessesPage) -> None:
    processes.view.select("pytest:41207")
    press(processes.view, Qt.Key.Key_C, CTRL)
    line = QGuiApplication.clipboard().text()
    assert line.startswith("pytest ~/shop · 9 processes\t")
    assert "slowed down" in line.split("\t")
    processes.view.selectAll()
    press(processes.view, Qt.Key.Key_C, CTRL)
    assert len(QGuiApplication.clipboard().text().splitlines()) == len(samples.jobs())


def test_the_menu_of_a_job_has_all_that_its_buttons_do(processes: ProcessesPage) -> None:
    processes.view.select("pytest:41207")
    offered = menu_of(processes.view)
    buttons = (processes.slow_down, processes.pause, processes.resume, processes.end)
    for each in (*buttons, processes.protect):
        assert offered[each.text()] == each.isEnabled(), each.text()
    assert offered["Copy"]
    assert "Sort by" in offered


def test_several_jobs_are_acted_on_at_once(processes: ProcessesPage, qtbot: QtBot) -> None:
    asked: list[tuple[str, str]] = []
    intents = processes.context.intents
    intents.job_action_requested.connect(lambda *each: asked.append(each))
    processes.view.selectAll()
    pause = processes.pause.text()
    number = int(pause.removeprefix("Pause "))
    assert 1 < number < len(samples.jobs())  # what is protected is not meant
    entry(processes.view, pause)
    assert len(asked) == number
    assert {action for _, action in asked} == {"pause"}
    with qtbot.waitSignal(intents.jobs_end_asked) as caught:
        entry(processes.view, processes.end.text())
    assert len(caught.args[0]) > 1
    jobs = tuple(job for job in samples.jobs() if job.key in caught.args[0])
    processes.ask_to_end(jobs)
    assert processes.question is not None
    assert f"End {len(jobs)} jobs" in processes.question.text()


def test_the_menu_of_the_overview_leads_to_the_processes(qtbot: QtBot) -> None:
    page = OverviewPage(page_context())
    qtbot.addWidget(page)
    page.show()
    show_jobs(page, samples.jobs(), samples.protection())
    page.jobs_view.setCurrentIndex(page.jobs_model.index(0, 0))
    with qtbot.waitSignal(page.context.intents.job_opened):
        entry(page.jobs_view, "Show among the processes")
    assert "Pause" in menu_of(page.jobs_view)


def test_the_menu_of_alerts_has_all_that_the_buttons_do(qtbot: QtBot) -> None:
    page = AlertsPage(page_context(samples.ListedAlerts(samples.alerts())))
    qtbot.addWidget(page)
    page.show()
    page.reload()
    offered = menu_of(page.view)
    for each in (page.detail.acknowledge, page.detail.resolve, page.detail.open_file):
        assert offered[each.text()] == each.isEnabled()
    assert {"Snooze", "Copy", "Export all that fit the filter"} <= offered.keys()
    page.view.selectAll()
    press(page.view, Qt.Key.Key_C, CTRL)
    text = QGuiApplication.clipboard().text()
    assert all(alert.title in text for alert in samples.alerts())


def test_servers_sort_and_have_a_menu(qtbot: QtBot) -> None:
    page = ServersPage(page_context())
    qtbot.addWidget(page)
    page.context.facts.servers = server_samples.servers()
    page.show()
    page.show_servers()
    declared = [page.model.view_at(row) for row in range(page.model.rowCount())]
    chosen = page.chosen_key
    page.view.sort_by(ServerColumn.RESTARTS, DOWN)
    restarts = [view.restarts for row in range(len(declared)) if (view := page.model.view_at(row))]
    assert restarts == sorted(restarts, reverse=True)
    assert page.chosen_key == chosen
    row = page.view.currentIndex().row()
    view = page.model.view_at(row)
    assert view is not None
    assert view.name == chosen
    page.view.header().setSortIndicator(-1, UP)
    assert [page.model.view_at(row) for row in range(len(declared))] == declared
    offered = menu_of(page.view)
    assert offered["Stop"] == page.detail.stop.isEnabled()
    assert isinstance(page.view.menu, QMenu)

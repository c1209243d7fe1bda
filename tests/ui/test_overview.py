import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QAbstractButton, QApplication
from pytestqt.qtbot import QtBot

from omnitray.base.facts import AlertType, Severity
from omnitray.ui.charts.readings import ChartReadings
from omnitray.ui.pages.overview import OverviewPage
from omnitray.ui.pages.page import PageContext
from omnitray.ui.pages.processes.text import JobColumn
from omnitray.ui.theme import line_height
from support import samples
from support.keys import click
from support.pages import page_context, show_jobs


@pytest.fixture
def context() -> PageContext:
    return page_context()


@pytest.fixture
def shared(context: PageContext) -> ChartReadings:
    return context.facts.readings


@pytest.fixture
def page(qtbot: QtBot, context: PageContext) -> OverviewPage:
    made = OverviewPage(context)
    qtbot.addWidget(made)
    made.resize(800, 560)
    with qtbot.waitExposed(made):
        made.show()
    return made


def test_the_cards_show_the_newest_figures(page: OverviewPage, shared: ChartReadings) -> None:
    shared.replace(samples.snapshots(30))
    page.restart()
    assert page.cards["CPU"].value.text().endswith(" %")
    assert page.cards["Disk"].value.text().endswith(" MB/s")
    assert page.strain.text() == "Time lost waiting: CPU 12 % · memory 2 % · disk 4 %"


def test_an_alert_is_marked_on_the_chart_that_it_is_about(
    page: OverviewPage, shared: ChartReadings
) -> None:
    shared.replace(samples.snapshots(60))
    memory = samples.alert(
        1,
        60,
        AlertType.RESOURCE_CRITICAL,
        Severity.CRITICAL,
        "Short of it",
        "",
        context={"resource": "memory"},
    )
    page.context.facts.marked["a00001"] = memory
    page.show_marks()
    for title, card in page.cards.items():
        card.chart.point_at(60.0)
        assert card.chart.crosshair_text().endswith("Short of it") == (title == "Memory")


@pytest.mark.parametrize("about", [{}, {"resource": "gpu"}, {"resource": ["cpu"]}])
def test_an_alert_about_no_chart_is_a_neutral_mark_on_all(
    page: OverviewPage, shared: ChartReadings, about: dict[str, object]
) -> None:
    shared.replace(samples.snapshots(60))
    page.context.facts.marked["a00002"] = samples.alert(
        2, 60, AlertType.SERVER_DOWN, Severity.CRITICAL, "Server down", "", context=about
    )
    page.show_marks()
    for card in page.cards.values():
        card.chart.point_at(60.0)
        assert card.chart.crosshair_text().endswith("Server down")


def test_one_range_serves_all_charts_and_is_said(page: OverviewPage) -> None:
    click(page.range.findChildren(QAbstractButton)[2])
    assert page.context.facts.range_s == 900.0
    assert {card.chart.range_s for card in page.cards.values()} == {900.0}


def test_before_the_first_scan_the_list_says_so_in_one_line(page: OverviewPage) -> None:
    words = page.no_jobs
    assert words.heightForWidth(words.width()) < line_height(words.font(), 2)


def test_the_first_five_jobs_are_listed_with_their_state(page: OverviewPage) -> None:
    assert page.no_jobs.isVisible()
    show_jobs(page, samples.jobs(), samples.protection())
    assert not page.no_jobs.isVisible()
    assert page.jobs_model.rowCount() == 5
    assert page.jobs_model.index(0, 0).data() == "pytest 9 processes"
    assert page.jobs_model.index(0, JobColumn.STATE).data() == "slowed down"
    assert page.jobs_model.index(0, JobColumn.LEVER).data() == "weight 100 → 5"


def test_on_a_low_page_the_first_jobs_stand_above_the_charts(page: OverviewPage) -> None:
    show_jobs(page, samples.jobs(), samples.protection())
    charts = page.cards["CPU"]
    assert page.jobs_view.mapTo(page, QPoint()).y() > charts.mapTo(page, QPoint()).y()
    page.resize(800, 300)
    QApplication.processEvents()
    assert page.jobs_model.rowCount() == 3
    assert page.jobs_view.mapTo(page, QPoint()).y() < charts.mapTo(page, QPoint()).y()
    bottom = page.jobs_view.mapTo(page, page.jobs_view.rect().bottomLeft()).y()
    assert bottom < page.height()


def test_thresholds_are_drawn_where_the_settings_put_them(page: OverviewPage) -> None:
    before = page.cards["CPU"].chart.grab().toImage()
    page.show_settings()
    assert page.cards["CPU"].chart.grab().toImage() != before

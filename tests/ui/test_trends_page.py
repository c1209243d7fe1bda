"""Trends: what is known of a time, with gaps, against the time before."""

from pytestqt.qtbot import QtBot

from omnitray.metrics.aggregate import JobCost, MetricPoint
from omnitray.metrics.periods import Period
from omnitray.ui.pages.page import PageSources
from omnitray.ui.pages.trends import TrendsPage
from omnitray.ui.window import MainWindow
from support import samples


def test_means_jobs_and_the_time_before_are_shown(qtbot: QtBot) -> None:
    asked: list[tuple[str, Period, float]] = []

    def points(series: str, by: Period, since: float, until: float) -> list[MetricPoint]:
        asked.append((series, by, until - since))
        mean = 40.0 if since > until - 1 or len(asked) <= 3 else 30.0
        at = by.begin(since) + 3600
        return [MetricPoint(at=at, covered_s=60, low=mean - 5, mean=mean, high=90, p95=80)]

    jobs = [JobCost(name="pytest", project="~/shop", cpu_s=7200, peak_bytes=1 << 30, runs=4)]
    sources = PageSources(metric_points=points, costly_jobs=lambda _since, _until: jobs)
    window = MainWindow(samples.ListedAlerts(), sources=sources)
    qtbot.addWidget(window)
    window.show_page("trends")
    page = window.pages.get(TrendsPage)
    assert page is not None
    assert page.means["cpu"].text() == "mean 40 %"
    assert asked[0] == ("cpu", Period.MINUTE, 86400.0)
    assert page.charts["cpu"].accessibleName() == "Chart: mean 40 per cent"
    assert not page.later.isEnabled()
    page.earlier.click()
    assert page.later.isEnabled()
    assert page.empty.isHidden()


def test_where_nothing_is_known_it_is_said(qtbot: QtBot) -> None:
    window = MainWindow(samples.ListedAlerts())
    qtbot.addWidget(window)
    window.show_page("trends")
    page = window.pages.get(TrendsPage)
    assert page is not None
    assert not page.empty.isHidden()
    assert page.means["cpu"].text() == ""

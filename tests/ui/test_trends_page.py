"""Trends: what is known of a time, with gaps, marks and an outlook, against the time before."""

import csv
import datetime as dt
from pathlib import Path

from pytestqt.qtbot import QtBot

from omnitray.metrics.aggregate import JobCost, MetricPoint, Period, outlook
from omnitray.ui.pages.page import PageSources
from omnitray.ui.pages.trends import text
from omnitray.ui.pages.trends.page import TrendsPage
from omnitray.ui.window import MainWindow
from support import page_samples, samples
from support.pages import built, page_context
from support.sample_window import sample_window

HOUR = 3600


def filling(per_day: float, hours: int, end: float = 88.0) -> list[MetricPoint]:
    """A disk that fills by so many points a day, and is at ``end`` now."""
    return [
        MetricPoint(
            at=number * HOUR, covered_s=HOUR, low=0, high=100, p95=0,
            mean=end - (hours - 1 - number) * per_day / 24,
        )
        for number in range(hours)
    ]  # fmt: skip


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
    page = built(window, TrendsPage)
    assert page.means["cpu"].text() == "mean 40 %"
    assert asked[0] == ("cpu", Period.MINUTE, 86400.0)
    assert page.charts["cpu"].accessibleName() == "CPU: mean 40 %, highest 90 %"
    assert not page.later.isEnabled()
    page.earlier.click()
    assert page.later.isEnabled()
    assert page.empty.isHidden()


def test_where_nothing_is_known_it_is_said_and_no_empty_chart_is_shown(qtbot: QtBot) -> None:
    window = MainWindow(samples.ListedAlerts())
    qtbot.addWidget(window)
    window.show_page("trends")
    window.show()
    page = built(window, TrendsPage)
    assert page.empty.isVisible()
    assert not page.charts["cpu"].isVisible()
    assert not page.export.isEnabled()


def test_alerts_and_actions_are_marked_on_what_they_are_about(qtbot: QtBot) -> None:
    window = sample_window()
    qtbot.addWidget(window)
    window.show_page("trends")
    facts = built(window, TrendsPage).charts["cpu"].facts
    assert facts is not None
    assert [each.at for each in facts.marks] == sorted(each.at for each in facts.marks)
    assert {each.action for each in facts.marks} == {True, False}
    disk = built(window, TrendsPage).charts["disk"].facts
    assert disk is not None
    assert not any(each.action for each in disk.marks)


def test_a_disk_that_fills_says_from_when_to_when(qtbot: QtBot) -> None:
    window = sample_window()
    qtbot.addWidget(window)
    window.show_page("trends")
    page = built(window, TrendsPage)
    page.choice.chosen.emit("week")
    facts = page.charts["disk"].facts
    assert facts is not None
    assert facts.outlook is not None
    assert facts.until > facts.now
    words = text.outlook_words(facts.outlook)
    assert words.startswith("full in ")
    assert page.charts["disk"].accessibleName().endswith(words)
    window.resize(960, 640)
    window.show()
    assert not page.grab().isNull()
    page.earlier.click()
    facts = page.charts["disk"].facts
    assert facts is not None
    assert facts.outlook is None


def test_an_outlook_is_a_range_and_silent_where_it_is_not_sure() -> None:
    found = outlook(filling(4.0, 72))
    assert found is not None
    assert round(found.low_s / 86400, 1) == round(found.high_s / 86400, 1) == 3.0
    assert round(found.per_day, 1) == 4.0
    assert text.outlook_words(found) == "full in about 3 days"
    assert outlook(filling(4.0, 20)) is None  # less than a day was seen
    assert outlook(filling(0.0, 72)) is None
    assert outlook(filling(-4.0, 72)) is None
    assert outlook(filling(0.05, 72)) is None  # in eight months
    saw = [*filling(4.0, 40, end=90.0), *filling(4.0, 72, end=88.0)[40:]]
    unsure = outlook(saw)
    assert unsure is None or unsure.high_s > unsure.low_s


def test_what_is_shown_is_exported_as_csv(qtbot: QtBot, tmp_path: Path) -> None:
    target = tmp_path / "trends.csv"
    context = page_context()
    context = type(context)(
        theme=context.theme, intents=context.intents, alerts=context.alerts,
        clock=context.clock, facts=context.facts, sources=page_samples.sources(),
    )  # fmt: skip
    page = TrendsPage(context, ask=lambda _parent: str(target))
    qtbot.addWidget(page)
    page.reload()
    with qtbot.waitSignal(context.intents.text_export_requested) as asked:
        page.export.click()
    path, content = asked.args
    assert path == str(target)
    rows = list(csv.DictReader(content.splitlines()))
    assert {row["series"] for row in rows} == {"cpu", "memory", "disk"}
    first = dt.datetime.fromisoformat(rows[0]["time"])
    assert samples.NOW - 86400 - 60 <= first.timestamp() <= samples.NOW
    assert all(float(row["min"]) <= float(row["mean"]) <= float(row["max"]) for row in rows)


def test_spans_are_said_as_people_do() -> None:
    day, week, _, year = text.RANGES
    end = dt.datetime(2026, 11, 24, 12).astimezone().timestamp()
    assert text.span_words(end - 6 * 86400, end, week) == "18 to 24 November"
    assert text.span_words(end - 30 * 86400, end, week) == "25 October to 24 November"
    assert text.span_words(end - 366 * 86400, end, year) == "November 2025 to November 2026"
    assert text.axis_words(end, day) == "12:00"

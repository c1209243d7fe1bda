"""When jobs were held is shaded on the charts; each core is a bar; a job has all its details."""

import os

import msgspec
from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QAccessible, QColor, QGuiApplication, QImage, QPainter
from pytestqt.qtbot import QtBot

from omnitray.base.facts import ProcessReport
from omnitray.platforms.process_report import process_report
from omnitray.protector.view import HoldKind, ProtectionView
from omnitray.ui.charts.cores import CoreBars
from omnitray.ui.charts.job_tracks import JobTracks
from omnitray.ui.charts.paint import ChartView, Shade, paint_shades
from omnitray.ui.charts.spans import HeldSpans
from omnitray.ui.pages.overview import OverviewPage
from omnitray.ui.pages.processes.page import ProcessesPage
from omnitray.ui.theme import LIGHT, Theme
from support import samples
from support.keys import click
from support.pages import page_context, show_jobs
from support.samples import NOW

HELD = samples.protection().held


def test_a_span_begins_with_the_hold_and_ends_when_it_is_over() -> None:
    spans = HeldSpans()
    assert spans.follow(HELD, NOW)
    assert [(each.since_at, each.until_at) for each in spans.spans] == [
        (NOW - 190, None),
        (NOW - 48, None),
    ]
    assert not spans.follow(HELD, NOW + 5)
    assert spans.follow(HELD[:1], NOW + 10)
    over = next(each for each in spans.spans if each.until_at is not None)
    assert (over.grip, over.until_at) == (HoldKind.PAUSED, NOW + 10)


def test_what_would_only_be_held_is_not_shaded() -> None:
    spans = HeldSpans()
    would = msgspec.structs.replace(HELD[0], grip=HoldKind.WOULD)
    assert not spans.follow((would,), NOW)
    assert spans.spans == ()


def test_charts_shade_who_was_held_and_name_it_under_the_crosshair(qtbot: QtBot) -> None:
    context = page_context()
    page = OverviewPage(context)
    qtbot.addWidget(page)
    page.resize(900, 600)
    for shot in samples.snapshots(200):
        context.facts.readings.add(shot)
    page.show()
    cpu, memory = page.cards["CPU"].chart, page.cards["Memory"].chart
    cpu.point_at(20)
    memory.point_at(20)
    plain = cpu.grab().toImage()
    assert "slowed down" not in cpu.crosshair_text()
    context.facts.spans.follow(HELD, NOW)
    page.show_view()
    assert cpu.grab().toImage() != plain
    assert "pytest · ~/shop slowed down" in cpu.crosshair_text()
    assert "pytest gw3 paused" in cpu.crosshair_text()
    assert "slowed down" not in memory.crosshair_text()
    cpu.point_at(100)
    assert "paused" not in cpu.crosshair_text()


def test_a_name_from_right_to_left_stands_before_what_was_done_to_it(qtbot: QtBot) -> None:
    context = page_context()
    page = OverviewPage(context)
    qtbot.addWidget(page)
    for shot in samples.snapshots(200):
        context.facts.readings.add(shot)
    arabic = msgspec.structs.replace(HELD[0], title="\u062e\u0627\u062f\u0645")
    context.facts.spans.follow((arabic,), NOW)
    page.show_view()
    cpu = page.cards["CPU"].chart
    cpu.point_at(20)
    assert "\u2068\u062e\u0627\u062f\u0645\u2069 slowed down" in cpu.crosshair_text()


def test_no_other_shade_runs_through_the_name_of_one(qtbot: QtBot) -> None:
    assert qtbot

    def drawn(*shades: Shade) -> QImage:
        image = QImage(400, 120, QImage.Format.Format_RGB32)
        image.fill(QColor(LIGHT.card))
        painter = QPainter(image)
        view = ChartView(
            plot=QRectF(0, 0, 400, 120),
            now_s=300.0,
            range_s=300.0,
            top=100.0,
            ratio=1.0,
            colours=LIGHT,
        )
        paint_shades(painter, view, shades)
        wide = painter.fontMetrics().horizontalAdvance("make slowed down")
        line = painter.fontMetrics().height()
        painter.end()
        return image.copy(QRect(2, 6, wide - 1, line - 1))

    one = Shade(0.0, None, "make slowed down", paused=False)
    over_it = Shade(30.0, None, "", paused=True)
    assert drawn(one, over_it) == drawn(one)


def test_each_core_is_a_bar(qtbot: QtBot) -> None:
    bars = CoreBars(Theme())
    qtbot.addWidget(bars)
    bars.show_cores((12.0, 91.0, 3.0))
    assert bars.bars == (12.0, 91.0, 3.0)
    assert "Busiest is core 1 with 91 %" in bars.accessibleDescription()
    bars.show_cores(tuple(float(each) for each in range(64)))
    assert len(bars.bars) == 32
    assert bars.bars[-1] == 63.0
    bars.show_cores((50.0,))
    assert not bars.isVisibleTo(bars)


def test_two_full_cores_do_not_look_like_the_sign_for_a_pause(qtbot: QtBot) -> None:
    bars = CoreBars(Theme(Qt.ColorScheme.Light))
    qtbot.addWidget(bars)
    bars.show_cores((99.0, 99.0))
    bars.resize(bars.sizeHint())
    image = bars.grab().toImage()
    column = [image.pixelColor(5, row).name() for row in range(image.height())]
    inner = column[2:-2]
    assert column[0] == column[-1] == LIGHT.muted  # one frame around both
    assert inner.count(LIGHT.card) == 3  # cut into quarters
    assert LIGHT.cpu in inner


def test_tracks_follow_each_job() -> None:
    tracks = JobTracks()
    for second in range(3):
        tracks.add(samples.jobs(), 100.0 + second, NOW + second)
    cpu, memory = tracks.of("pytest:41207")
    assert list(cpu.values) == [480.0] * 3
    assert memory.newest is not None


def test_the_details_of_a_job_are_shown_and_copied(qtbot: QtBot) -> None:
    asked: list[bool] = []

    def describe(pid: int, start_ticks: int, *, environment: bool) -> ProcessReport:
        asked.append(environment)
        return ProcessReport(
            pid=pid,
            start_ticks=start_ticks,
            command=("pytest", "-k", "a b"),
            folder="/home/you/shop",
            started_at=NOW,
            user="you",
            limits=(("Open files", "1024, at most 4096"),),
            files=("/tmp/log",),
            environment=(("TOKEN", "secret"),) if environment else None,
        )

    context = msgspec.structs.replace(page_context(), describe=describe)
    page = ProcessesPage(context)
    qtbot.addWidget(page)
    page.show()
    show_jobs(page, samples.jobs(), ProtectionView())
    page.select("pytest:41207")
    page.open_details()
    details = page.details
    assert details is not None
    text = details.copied_text()
    assert "Command line: pytest -k 'a b'" in text
    assert "Limit: Open files: 1024, at most 4096" in text
    assert "secret" not in text
    assert asked == [False]
    click(details.environment)
    click(details.copy)
    assert "TOKEN=secret" in QGuiApplication.clipboard().text()
    for card in details.charts:
        assert QAccessible.queryAccessibleInterface(card.chart).text(QAccessible.Text.Name)
    details.close()


def test_a_real_process_is_reported_and_a_gone_one_is_not() -> None:
    report = process_report(os.getpid(), 0, environment=True)
    assert report is not None
    assert report.command
    assert report.environment
    assert report.started_at > 0
    assert process_report(2**22 + 5, 0, environment=False) is None

"""What an open window does not do: paint what is the same, or more often than is read."""

import msgspec
import pytest
from pytestqt.qtbot import QtBot

from omnitray.base.facts import Mode, MonitorLevel, OwnCost
from omnitray.ui.charts.job_tracks import JobTracks
from omnitray.ui.pages.page import Inspects
from omnitray.ui.pages.processes.model import JobsModel
from omnitray.ui.pages.processes.text import Grips, JobColumn
from omnitray.ui.widgets.cells import CELL
from omnitray.ui.window import MainWindow
from support import samples
from support.sample_window import sample_window

LONG_MS = 3_600_000  # so that nothing is due, however busy this machine is


@pytest.fixture
def window(qtbot: QtBot) -> MainWindow:
    made = sample_window()
    qtbot.addWidget(made)
    with qtbot.waitExposed(made):
        made.show()
    return made


@pytest.mark.parametrize(
    ("level", "cpu_percent", "shown_ms"),
    [
        (MonitorLevel.NORMAL, 40.0, 1000),
        (MonitorLevel.INTENSIVE, 40.0, 1000),
        (MonitorLevel.CRITICAL, 40.0, 2000),
        (MonitorLevel.NORMAL, 97.0, 3000),
        (MonitorLevel.CRITICAL, 97.0, 3000),
    ],
)
def test_the_busier_the_machine_the_less_is_painted(
    window: MainWindow, level: MonitorLevel, cpu_percent: float, shown_ms: int
) -> None:
    newest = samples.snapshots(1)[0]
    window.add_snapshot(msgspec.structs.replace(newest, level=level, cpu_percent=cpu_percent))
    assert window.pages.shown_ms == shown_ms


def test_who_is_protected_is_looked_at_less_often_than_figures(window: MainWindow) -> None:
    window.add_snapshot(msgspec.structs.replace(samples.snapshots(1)[0], cpu_percent=10.0))
    window.show_page("processes")
    assert window.pages.page is not None
    assert window.pages.page.inspects is Inspects.FIGURES
    figures_ms = window.pages.looks.interval_ms
    window.show_page("overview")
    assert window.pages.looks.interval_ms > figures_ms


def test_other_figures_wait_and_another_state_does_not(window: MainWindow) -> None:
    status = samples.status()
    window.show_status(status)
    window.pages.shown_ms = LONG_MS
    shown = window.footer.words.text()
    costlier = msgspec.structs.replace(status, own=OwnCost(cpu_percent=77.0, rss_bytes=1))
    window.show_status(costlier)
    assert window.footer.words.text() == shown
    window.show_status(msgspec.structs.replace(costlier, mode=Mode.PROD))
    assert "77" in window.footer.words.text()
    assert window.header.mode.value == Mode.PROD


def test_a_hidden_window_catches_up_when_it_is_shown(window: MainWindow) -> None:
    status = samples.status()
    window.show_status(status)
    window.hide()
    window.show_status(msgspec.structs.replace(status, mode=Mode.PROD))
    assert window.header.mode.value == status.mode
    window.show()
    assert window.header.mode.value == Mode.PROD


def test_a_list_tells_of_the_cells_that_changed_and_of_no_other() -> None:
    model = JobsModel(as_given=True)
    jobs = samples.jobs()
    model.show_jobs(jobs)
    for row in range(model.rowCount()):
        for column in JobColumn:
            assert model.index(row, column).data(CELL) is not None
    told: list[tuple[int, int, int, int]] = []
    model.dataChanged.connect(
        lambda first, last: told.append((first.row(), first.column(), last.row(), last.column()))
    )
    model.show_jobs(jobs)
    model.show_grips(Grips())
    assert told == []
    busier = msgspec.structs.replace(jobs[1], cpu_percent=444.0)
    model.show_jobs((jobs[0], busier, *jobs[2:]))
    assert told == [(1, JobColumn.CPU, 1, JobColumn.CPU)]
    assert "444" in model.index(1, JobColumn.CPU).data(CELL).text


def test_cells_out_of_sight_are_computed_no_more_and_those_in_sight_are_asked_for_again() -> None:
    model = JobsModel(as_given=True)
    jobs = samples.jobs()
    model.show_jobs(jobs)
    for row in range(model.rowCount()):
        model.index(row, JobColumn.CPU).data(CELL)
    told: list[tuple[int, int]] = []
    model.dataChanged.connect(lambda first, last: told.append((first.row(), last.row())))
    for turn in range(12):
        model.index(0, JobColumn.CPU).data(CELL)  # the only row in sight
        busier = msgspec.structs.replace(jobs[5], cpu_percent=100.0 + turn)
        model.show_jobs((*jobs[:5], busier, *jobs[6:]))
    assert told.count((5, 5)) < 12
    assert told.count((0, model.rowCount() - 1)) == 1
    assert told[-1] == (0, model.rowCount() - 1)


def test_two_scans_in_a_second_are_one_point_of_a_curve() -> None:
    tracks, jobs = JobTracks(), samples.jobs()
    for moment in (0.0, 0.5, 1.0, 1.5, 2.0):
        tracks.add(jobs, 1000.0 + moment, samples.NOW + moment)
    cpu, _ = tracks.of(jobs[0].key)
    assert list(cpu.times) == [1000.0, 1001.0, 1002.0]

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QAbstractItemModel, QPersistentModelIndex, Qt
from PySide6.QtTest import QAbstractItemModelTester

from omnitray.base.facts import Job, JobKind
from omnitray.processes.process_table import identity
from omnitray.protector.inspection import JobInspection
from omnitray.ui.pages.processes.model import JobsModel
from omnitray.ui.pages.processes.text import Grips, JobColumn, grips, top_jobs
from omnitray.ui.widgets.cells import CELL
from support import samples

FATAL = QAbstractItemModelTester.FailureReportingMode.Fatal


def names(model: QAbstractItemModel) -> list[str]:
    return [model.index(row, 0).data(CELL).text for row in range(model.rowCount())]


def a_job(name: str, cpu: float, count: int = 2) -> Job:
    return samples.job(name, "~/shop", JobKind.COMMAND, 100 + len(name), count, cpu, 1e9 + cpu)


@pytest.fixture
def model(qapp: object) -> JobsModel:  # noqa: ARG001 - a model needs the application
    return JobsModel()


def test_jobs_come_by_cpu_and_their_processes_below_them(model: JobsModel) -> None:
    model.show_jobs([a_job("low", 5), a_job("high", 90, count=3)])
    assert names(model) == ["high", "low"]
    high = model.index(0, 0)
    assert model.rowCount(high) == 3
    assert model.parent(model.index(1, 0, high)) == high


def test_the_order_stands_while_frozen_and_follows_afterwards(model: JobsModel) -> None:
    model.show_jobs([a_job("aa", 50), a_job("bbb", 40)])
    model.freeze(frozen=True)
    model.show_jobs([a_job("aa", 1), a_job("bbb", 99), a_job("cccc", 70)])
    assert names(model) == ["aa", "bbb", "cccc"]
    model.freeze(frozen=False)
    assert names(model) == ["bbb", "cccc", "aa"]


def test_a_job_that_ends_while_frozen_stays_as_ended_and_cannot_be_acted_on(
    model: JobsModel,
) -> None:
    model.show_jobs([a_job("aa", 50), a_job("bbb", 40)])
    model.freeze(frozen=True)
    model.show_jobs([a_job("bbb", 40)])
    assert names(model) == ["aa", "bbb"]
    assert model.index(0, JobColumn.STATE).data() == "ended"
    assert model.job_at(model.index(0, 0)) is None
    model.freeze(frozen=False)
    assert names(model) == ["bbb"]


def test_a_selected_row_is_followed_when_the_order_changes(model: JobsModel) -> None:
    model.show_jobs([a_job("aa", 50), a_job("bbb", 40)])
    kept = QPersistentModelIndex(model.index(1, 0))
    below = QPersistentModelIndex(model.index(1, 0, model.index(1, 0)))
    model.show_jobs([a_job("aa", 1), a_job("bbb", 99)])
    assert kept.row() == 0
    assert below.parent().row() == 0


def shown(model: JobsModel, row: int = 0) -> list[str]:
    job = model.index(row, 0)
    return [model.index(each, 0, job).data() for each in range(model.rowCount(job))]


def without_first(job: Job) -> Job:
    return msgspec.structs.replace(job, processes=job.processes[1:])


def test_a_process_that_ends_while_frozen_keeps_its_row_and_no_other_moves(
    model: JobsModel,
) -> None:
    job = a_job("aa", 50, count=3)
    model.show_jobs([job])
    before = shown(model)
    chosen = QPersistentModelIndex(model.index(1, 0, model.index(0, 0)))
    model.freeze(frozen=True)
    model.show_jobs([without_first(job)])
    assert shown(model) == before
    assert model.index(0, JobColumn.STATE, model.index(0, 0)).data() == "ended"
    assert chosen.row() == 1
    model.freeze(frozen=False)
    assert shown(model) == before[1:]
    assert chosen.data() == before[1]


def test_a_filter_acts_at_once_and_calls_nobody_ended_who_is_not(model: JobsModel) -> None:
    jobs = [a_job("aa", 50), a_job("bbb", 40)]
    model.show_jobs(jobs)
    model.freeze(frozen=True)
    model.filter("bb")
    assert names(model) == ["bbb"]
    model.filter("")
    model.show_jobs(jobs)
    assert names(model) == ["aa", "bbb"]
    assert "ended" not in [model.index(row, JobColumn.STATE).data() for row in (0, 1)]


def test_io_growth_and_shared_memory_come_with_a_closer_look(model: JobsModel) -> None:
    job = a_job("aa", 50)
    first, second = (identity(each) for each in job.processes)
    look = JobInspection(
        io_bps={first: 2e6, second: 0.0}, growth_bps={first: 3e6}, pss_bytes={first: 5_000_000}
    )
    model.show_jobs([job])
    assert model.index(0, JobColumn.IO).data() == "–"
    model.show_grips(Grips(look=look))
    assert model.index(0, JobColumn.IO).data() == "2.0 MB/s"
    below = model.index(0, 0)
    assert [model.index(row, JobColumn.IO, below).data() for row in (0, 1)] == ["2.0 MB/s", "0"]
    assert model.index(0, JobColumn.GROWTH, below).data() == "+3.0 MB/s"
    assert model.index(0, JobColumn.MEMORY).data(CELL).hint == "PSS 5.0 MB"


def test_a_list_by_io_follows_the_look(model: JobsModel) -> None:
    jobs = [a_job("aa", 50), a_job("bbb", 40)]
    model.show_jobs(jobs)
    model.sort(JobColumn.IO, Qt.SortOrder.DescendingOrder)
    model.show_grips(Grips(look=JobInspection(io_bps={identity(jobs[1].processes[0]): 9e6})))
    assert names(model) == ["bbb", "aa"]


def test_the_lever_stands_with_the_processes_that_it_is_on(model: JobsModel) -> None:
    job = a_job("aa", 50, count=3)
    niced = msgspec.structs.replace(job.processes[2], nice=10, state="D")
    job = msgspec.structs.replace(job, processes=(*job.processes[:2], niced))
    held = msgspec.structs.replace(
        samples.protection().held[0], job_key=job.key, pids=(job.processes[1].pid,)
    )
    model.show_jobs([job])
    model.show_grips(Grips(held={job.key: held}))
    below = model.index(0, 0)

    def cells(row: int) -> list[str]:
        return [model.index(row, each, below).data() for each in (JobColumn.STATE, JobColumn.LEVER)]

    assert cells(0) == ["sleeping", ""]
    assert cells(1) == ["slowed down", "weight 100 → 5"]
    assert cells(2) == ["waits for a disk", "nice 10"]


def test_the_filter_finds_name_project_process_and_pid(model: JobsModel) -> None:
    model.show_jobs(samples.jobs())
    for text, expected in (
        ("PYTEST", ["pytest"]),
        ("rustc", ["cargo build"]),
        ("shop/web", ["vite"]),
        ("41210", ["pytest"]),
        ("nothing of the kind", []),
    ):
        model.filter(text)
        assert names(model) == expected


def test_a_column_that_is_chosen_orders_at_once_and_says_so(model: JobsModel) -> None:
    model.show_jobs([a_job("aa", 50), a_job("bbb", 40)])
    model.freeze(frozen=True)
    model.sort(JobColumn.NAME, Qt.SortOrder.DescendingOrder)
    assert names(model) == ["bbb", "aa"]
    title = model.headerData(JobColumn.NAME, Qt.Orientation.Horizontal)
    assert title == "Job ↓"


def test_the_state_shows_what_is_held_and_what_is_protected(model: JobsModel) -> None:
    model.show_jobs(samples.jobs())
    model.show_grips(grips(samples.protection(), samples.look()))

    def state(key: str) -> Any:
        index = model.index_of(key)
        return [index.siblingAtColumn(each).data() for each in (JobColumn.STATE, JobColumn.LEVER)]

    assert state("pytest:41207") == ["slowed down", "weight 100 → 5"]
    assert state("Firefox:2210") == ["protected", "has windows"]
    assert state("sshd:902") == ["running", ""]


def test_a_state_that_is_not_known_shows_no_pill(model: JobsModel) -> None:
    model.show_jobs([a_job("aa", 50)])
    assert model.index(0, JobColumn.STATE).data(CELL).pill is None
    model.show_grips(Grips(look=JobInspection(judged=frozenset({a_job("aa", 50).key}))))
    assert model.index(0, JobColumn.STATE).data() == "running"


def test_overview_and_processes_say_the_same_about_a_job() -> None:
    known = grips(samples.protection(), samples.look())
    tree, top = JobsModel(), JobsModel(as_given=True)
    for model in (tree, top):
        model.show_jobs(samples.jobs(), known)
    for job in samples.jobs():
        one, other = tree.index_of(job.key), top.index_of(job.key)
        for column in (JobColumn.CPU, JobColumn.MEMORY, JobColumn.STATE, JobColumn.LEVER):
            said = one.siblingAtColumn(column).data(CELL)
            assert said == other.siblingAtColumn(column).data(CELL)


def test_a_job_that_somebody_else_stopped_is_shown_as_paused(model: JobsModel) -> None:
    job = a_job("aa", 0)
    stopped = tuple(msgspec.structs.replace(each, state="T") for each in job.processes)
    model.show_jobs([msgspec.structs.replace(job, processes=stopped)])
    assert model.index(0, JobColumn.STATE).data() == "paused"
    assert model.index(0, JobColumn.LEVER).data() == "not by OmniTray"


def test_what_is_held_comes_first_on_the_overview() -> None:
    held = samples.protection().held[0]
    known = Grips(held={"sshd:902": held})
    assert [job.name for job in top_jobs(samples.jobs(), known, 2)] == ["sshd", "pytest"]


scans = st.lists(
    st.tuples(
        st.dictionaries(
            st.sampled_from("abcdef"), st.tuples(st.integers(0, 99), st.integers(1, 4))
        ),
        st.booleans(),
        st.sampled_from(["", "a", "e"]),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(scans)
def test_any_series_of_scans_keeps_the_model_consistent(
    qapp: object,  # noqa: ARG001 - a model needs the application
    scans: list[tuple[dict[str, tuple[int, int]], bool, str]],
) -> None:
    model = JobsModel()
    tester = QAbstractItemModelTester(model, FATAL)
    for found, frozen, text in scans:
        model.freeze(frozen=frozen)
        model.filter(text)
        model.show_jobs([a_job(name, cpu, count) for name, (cpu, count) in found.items()])
        alive = {name for name in found if text in f"{name} · ~/shop"}
        listed = names(model)
        assert alive <= set(listed)
        if not frozen:
            assert set(listed) == alive
    assert tester.model() is model

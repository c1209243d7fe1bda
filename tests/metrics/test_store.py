"""Minutes become hours, days and months; nothing is counted twice, and little is kept."""

import sqlite3
from pathlib import Path

import pytest

from omnitray.metrics.aggregate import (
    DAY_S,
    HOUR_S,
    JobCost,
    Period,
    Stretch,
    of_samples,
    of_stretches,
    percentile,
)
from omnitray.metrics.store import MetricsStore, read_counts, read_jobs, read_points

CPU = 1
START = Period.DAY.begin(1_795_353_687.0)


def stretch(mean: float, covered_s: float = 60.0) -> Stretch:
    return Stretch(covered_s, mean - 1, mean, mean + 1, mean + 0.5)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "metrics.db"


def fill(file: Path, hours: int, step: int = 60, **counts: int) -> None:
    store = MetricsStore(file)
    for at in range(START, START + hours * HOUR_S + 60, step):
        store.write(at, {CPU: stretch((at - START) / HOUR_S)}, counts)
    store.close()


def test_samples_weigh_as_long_as_they_stand_for() -> None:
    found = of_samples([(0.0, 30.0), (100.0, 1.0)])
    assert found is not None
    assert (found.covered_s, found.low, found.high) == (31.0, 0.0, 100.0)
    assert found.mean == pytest.approx(100 / 31)
    assert found.p95 == 0.0
    assert of_samples([]) is None
    assert of_stretches([]) is None


def test_the_percentile_is_the_value_that_most_of_the_weight_stays_under() -> None:
    assert percentile([(float(n), 1.0) for n in range(1, 101)]) == 95.0
    assert percentile([(5.0, 1.0)]) == 5.0


def test_an_hour_is_summed_up_from_its_minutes_once_it_is_over(file: Path) -> None:
    fill(file, 3)
    hours = read_points(file, "cpu", Period.HOUR, START, START + 4 * HOUR_S)
    assert [each.at for each in hours] == [START + n * HOUR_S for n in range(4)]
    assert hours[0].covered_s == 3600
    assert hours[0].mean == pytest.approx(59 / 120)
    assert hours[0].low == -1.0
    assert hours[0].high == pytest.approx(59 / 60 + 1)
    assert hours[3].covered_s == 60  # the one that goes on


def test_a_day_and_a_month_hold_what_their_parts_hold(file: Path) -> None:
    fill(file, 50, step=600, **{"alert.SERVER_DOWN": 1})
    days = read_points(file, "cpu", Period.DAY, START, START + 3 * DAY_S)
    assert [each.at for each in days] == [START, START + DAY_S, START + 2 * DAY_S]
    assert sum(each.covered_s for each in days) == 60 * (50 * 6 + 1)
    assert days[0].mean == pytest.approx(143 / 12)
    counts = read_counts(file, Period.DAY, START, START + 3 * DAY_S)
    assert sum(each["alert.SERVER_DOWN"] for each in counts.values()) == 50 * 6 + 1
    months = read_points(file, "cpu", Period.MONTH, START, START + 3 * DAY_S)
    assert sum(each.covered_s for each in months) == 60 * (50 * 6 + 1)


def test_what_was_missed_while_nothing_ran_is_made_up(file: Path) -> None:
    fill(file, 1)
    store = MetricsStore(file)
    later = START + 40 * DAY_S
    store.write(later, {CPU: stretch(7)}, {})
    store.close()
    days = read_points(file, "cpu", Period.DAY, START, later + 60)
    assert [each.at for each in days] == [START, Period.DAY.begin(later)]  # a gap is a gap


def test_old_minutes_go_and_their_hours_stay(file: Path) -> None:
    fill(file, 60, step=300)
    minutes = read_points(file, "cpu", Period.MINUTE, 0, START + 70 * HOUR_S)
    assert minutes[0].at >= START + 60 * HOUR_S - 49 * HOUR_S
    hours = read_points(file, "cpu", Period.HOUR, 0, START + 70 * HOUR_S)
    assert len(hours) == 61


def test_the_most_costly_jobs_of_each_hour_are_kept(file: Path) -> None:
    store = MetricsStore(file)
    jobs = [
        JobCost(name=f"job {n}", project="~/shop", cpu_s=float(n), peak_bytes=n) for n in range(30)
    ]
    store.write(START, {CPU: stretch(1)}, {}, jobs)
    again = JobCost(name="job 29", project="~/shop", cpu_s=1.0, runs=0)
    store.write(START + 60, {CPU: stretch(1)}, {}, [again])
    store.write(START + HOUR_S, {CPU: stretch(1)}, {})
    store.close()
    found = read_jobs(file, START, START + HOUR_S)
    assert [each.name for each in found][:2] == ["job 29", "job 28"]
    assert (found[0].cpu_s, found[0].runs) == (30.0, 1)
    assert len(found) == 10


@pytest.mark.expect_log("damaged")
def test_a_damaged_file_is_set_aside(file: Path) -> None:
    file.write_bytes(b"this is no database" * 100)
    store = MetricsStore(file)
    store.write(START, {CPU: stretch(1)}, {})
    store.close()
    assert len(read_points(file, "cpu", Period.MINUTE, START, START + 60)) == 1
    assert (file.parent / "metrics-damaged" / "metrics.db").exists()


def test_without_a_file_nothing_is_known(file: Path) -> None:
    assert read_points(file, "cpu", Period.HOUR, 0, START) == []
    assert read_jobs(file, 0, START) == []
    assert not file.exists()


def test_the_file_is_private_and_in_wal_mode(file: Path) -> None:
    fill(file, 1, step=600)
    assert file.stat().st_mode & 0o777 == 0o600
    connection = sqlite3.connect(file)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()

"""From readings to minutes."""

import msgspec
import pytest

from omnitray.base.facts import Job, Snapshot
from omnitray.metrics.aggregate import BY_NAME, SERIES, MetricsRecorder
from support import fake_door

CPU = BY_NAME["cpu"].number
MINUTE = 60 * (int(fake_door.MOMENT) // 60)


def shot(at_s: float, cpu: float | None = 10.0, interval_s: float | None = 5.0) -> Snapshot:
    return msgspec.structs.replace(
        fake_door.snapshot(MINUTE + at_s, cpu), interval_s=interval_s, monotonic_s=at_s
    )


def job(key: str, cpu: float, rss: int = 1) -> Job:
    return msgspec.structs.replace(fake_door.job(), key=key, cpu_percent=cpu, rss_bytes=rss)


def test_a_minute_is_written_when_the_next_begins() -> None:
    recorder = MetricsRecorder()
    assert recorder.add(shot(0, 10.0), (), None) is None
    assert recorder.add(shot(5, 30.0), (), None) is None
    record = recorder.add(shot(61, 90.0), (), None)
    assert record is not None
    assert record.at == MINUTE
    found = record.values[CPU]
    assert (found.low, found.mean, found.high, found.covered_s) == (10.0, 20.0, 30.0, 10.0)


def test_what_could_not_be_read_is_left_out() -> None:
    recorder = MetricsRecorder()
    recorder.add(shot(0, None), (), None)
    record = recorder.flush()
    assert record is not None
    assert CPU not in record.values
    assert BY_NAME["own_cpu"].number not in record.values
    assert recorder.flush() is None


def test_over_a_sleep_nothing_is_measured() -> None:
    recorder = MetricsRecorder()
    recorder.add(shot(0), (), None)
    record = recorder.add(shot(8 * 3600, interval_s=None), (), None)
    assert record is not None
    assert record.values[CPU].covered_s == 5.0
    last = recorder.flush()
    assert last is not None
    assert last.values[CPU].covered_s == 30.0


def test_jobs_of_one_name_and_project_are_one_line_with_their_runs() -> None:
    recorder = MetricsRecorder()
    for second in (0, 5, 10):
        recorder.add(shot(second), (job("a", 100.0, 7), job("b", 200.0, 9), job("c", 0.1)), None)
    record = recorder.flush()
    assert record is not None
    (cost,) = record.jobs
    assert (cost.name, cost.project, cost.runs, cost.peak_bytes) == ("pytest", "~/shop", 3, 9)
    assert cost.cpu_s == pytest.approx(45.0, rel=0.01)
    recorder.add(shot(70), (job("a", 100.0),), None)
    record = recorder.flush()
    assert record is not None
    assert record.jobs[0].runs == 0  # it ran already


def test_a_job_that_rests_before_it_runs_has_the_peak_of_the_whole_minute() -> None:
    recorder = MetricsRecorder()
    recorder.add(shot(0), (job("a", 100.0, 50),), None)
    recorder.add(shot(60), (job("a", 0.0, 9),), None)
    recorder.add(shot(65), (job("a", 0.0, 9),), None)
    recorder.add(shot(70), (job("a", 100.0, 2),), None)
    record = recorder.flush()
    assert record is not None
    (cost,) = record.jobs
    assert (cost.runs, cost.peak_bytes, cost.cpu_s) == (0, 9, 5.0)


def test_events_are_counted() -> None:
    recorder = MetricsRecorder()
    recorder.add(shot(0), (), None)
    recorder.count("alert.SERVER_DOWN")
    recorder.count("alert.SERVER_DOWN")
    record = recorder.flush()
    assert record is not None
    assert record.counts == {"alert.SERVER_DOWN": 2}


def test_no_number_of_a_series_stands_twice() -> None:
    assert len({each.number for each in SERIES}) == len(BY_NAME) == len(SERIES)

"""Clocks that jump, days of 23 and 25 hours, and databases that are damaged, locked or newer."""

import os
import sqlite3
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from omnitray.metrics.aggregate import DAY_S, HOUR_S, Period, Stretch
from omnitray.metrics.store import (
    MetricsStore,
    NewerMetricsError,
    UnreadableMetricsError,
    read_counts,
    read_points,
)

CPU, MEMORY = 1, 2
START = 1_795_305_600  # 2026-11-22 00:00 UTC
BERLIN = ZoneInfo("Europe/Berlin")
ALERT = "alert.SERVER_DOWN"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "metrics.db"


@pytest.fixture
def store(file: Path) -> Iterator[MetricsStore]:
    store = MetricsStore(file)
    yield store
    store.close()


@pytest.fixture
def in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def whole(mean: float, covered_s: float = 60.0) -> Stretch:
    return Stretch(covered_s, mean, mean, mean, mean)


def write(store: MetricsStore, at: int, mean: float = 10.0, alerts: int = 0) -> None:
    store.write(at, {CPU: whole(mean)}, {ALERT: alerts})


def covered(file: Path, period: Period, since: float = 0, until: float = START * 2) -> float:
    return sum(each.covered_s for each in read_points(file, "cpu", period, since, until))


def alerts(file: Path, period: Period) -> int:
    found = read_counts(file, period, 0, START * 2)
    return sum(each.get(ALERT, 0) for each in found.values())


@pytest.mark.usefixtures("in_berlin")
@pytest.mark.parametrize(("month", "day", "hours"), [(3, 29, 23), (10, 25, 25), (6, 1, 24)])
def test_a_day_of_23_or_25_hours_has_them_all_and_no_other(
    store: MetricsStore, file: Path, month: int, day: int, hours: int
) -> None:
    begin = int(datetime(2026, month, day, tzinfo=BERLIN).timestamp())
    before = begin - 3 * HOUR_S
    for at in range(before, begin + 30 * HOUR_S, 600):
        write(store, at, mean=float(begin <= at < begin + hours * HOUR_S), alerts=1)
    days = read_points(file, "cpu", Period.DAY, before, begin + 30 * HOUR_S)
    assert [each.at for each in days] == [
        int(datetime(2026, month, day - 1, tzinfo=BERLIN).timestamp())
        if day > 1
        else int(datetime(2026, month - 1, 31, tzinfo=BERLIN).timestamp()),
        begin,
        begin + hours * HOUR_S,
    ]
    assert [each.mean for each in days] == [0.0, 1.0, 0.0]
    assert days[1].covered_s == hours * 6 * 60
    assert covered(file, Period.HOUR) == 33 * 6 * 60
    assert alerts(file, Period.DAY) == alerts(file, Period.HOUR) == 33 * 6


def test_a_minute_that_is_written_in_two_parts_has_both(store: MetricsStore, file: Path) -> None:
    store.write(START, {CPU: whole(10.0, 30.0)}, {ALERT: 2})
    store.write(START, {CPU: whole(20.0, 30.0), MEMORY: whole(5.0, 30.0)}, {ALERT: 1})
    (point,) = read_points(file, "cpu", Period.MINUTE, START, START + 60)
    assert (point.covered_s, point.low, point.mean, point.high) == (60.0, 10.0, 15.0, 20.0)
    assert alerts(file, Period.MINUTE) == 3
    assert len(read_points(file, "memory", Period.MINUTE, START, START + 60)) == 1


def test_a_clock_that_goes_back_loses_and_doubles_nothing(store: MetricsStore, file: Path) -> None:
    for minute in range(0, 5 * 60, 5):
        write(store, START + minute * 60, alerts=1)
    for minute in range(2 * 60, 2 * 60 + 10):  # NTP puts it right ten minutes later
        write(store, START + minute * 60, mean=90.0, alerts=1)
    for minute in range(5 * 60, 30 * 60, 5):
        write(store, START + minute * 60, alerts=1)
    for period in (Period.MINUTE, Period.HOUR, Period.DAY):
        assert covered(file, period) == (30 * 12 + 10) * 60, period
        assert alerts(file, period) == 30 * 12 + 10, period
    hour = read_points(file, "cpu", Period.HOUR, START + 2 * HOUR_S, START + 3 * HOUR_S)[0]
    assert (hour.high, hour.covered_s) == (90.0, 22 * 60)


@pytest.mark.parametrize("wrong", [2_208_988_800, 0], ids=["the year 2040", "the year 1970"])
def test_a_wrong_year_for_some_minutes_costs_nothing(
    store: MetricsStore, file: Path, wrong: int
) -> None:
    for minute in range(0, 4 * 24 * 60, 10):
        write(store, START + minute * 60)
    now = START + 4 * DAY_S
    started = time.process_time()
    for minute in range(20):
        write(store, wrong + minute * 60)
    assert time.process_time() - started < 2.0  # 60 years of hours are not gone through
    for minute in range(0, 26 * 60, 10):
        write(store, now + minute * 60)
    until = now + 2 * DAY_S
    minutes = read_points(file, "cpu", Period.MINUTE, START, until)
    assert minutes[0].at <= now - 20 * HOUR_S
    assert covered(file, Period.HOUR, START, until) == (4 * 24 + 26) * 6 * 60
    assert covered(file, Period.DAY, START, until) == (4 * 24 + 26) * 6 * 60
    assert [each.at for each in read_points(file, "cpu", Period.HOUR, START, until)] == [
        START + n * HOUR_S for n in range(4 * 24 + 26)
    ]


def test_after_a_week_away_the_old_goes_once_the_clock_has_held(
    store: MetricsStore, file: Path
) -> None:
    write(store, START)
    later = START + 7 * DAY_S
    write(store, later)
    assert covered(file, Period.MINUTE, 0, later) == 60.0
    for minute in range(1, 130):
        write(store, later + minute * 60)
    assert covered(file, Period.MINUTE, 0, later) == 0.0
    assert covered(file, Period.HOUR, 0, later) == 60.0


@pytest.mark.expect_log("damaged")
def test_a_file_that_is_damaged_while_it_is_used_is_set_aside_and_the_minute_is_kept(
    file: Path, tmp_path: Path
) -> None:
    store = MetricsStore(file)
    for minute in range(400):
        write(store, START + minute * 60)
    store.close()
    content = bytearray(file.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    file.write_bytes(content)
    store = MetricsStore(file)
    write(store, START + 500 * 60)
    write(store, START + 501 * 60)
    store.close()
    assert covered(file, Period.MINUTE) == 120.0
    assert (tmp_path / "metrics-damaged" / "metrics.db").read_bytes() == bytes(content)


@pytest.mark.expect_log("damaged")
def test_a_database_without_our_tables_is_set_aside(file: Path, tmp_path: Path) -> None:
    with sqlite3.connect(file) as other:
        other.execute("CREATE TABLE minutes (something TEXT)")
        other.execute("PRAGMA user_version = 1")
    other.close()
    store = MetricsStore(file)
    write(store, START)
    store.close()
    assert covered(file, Period.MINUTE) == 60.0
    assert (tmp_path / "metrics-damaged" / "metrics.db").exists()


def test_a_newer_database_is_left_as_it_is(store: MetricsStore, file: Path, tmp_path: Path) -> None:
    with sqlite3.connect(file) as newer:
        newer.execute("CREATE TABLE minutes (a TEXT, b TEXT)")
        newer.execute("PRAGMA user_version = 2")
    newer.close()
    before = file.read_bytes()
    with pytest.raises(NewerMetricsError, match=r"newer version \(2\)"):
        write(store, START)
    assert file.read_bytes() == before
    assert not (tmp_path / "metrics-damaged").exists()
    with pytest.raises(UnreadableMetricsError):
        read_points(file, "cpu", Period.HOUR, 0, START)


def test_a_locked_database_keeps_nothing_of_the_minute_and_takes_it_later(
    store: MetricsStore, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omnitray.metrics.store.BUSY_S", 0.01)
    write(store, START)
    store.close()
    other = sqlite3.connect(file)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        write(store, START + 60)
    assert covered(file, Period.MINUTE) == 60.0  # who reads is not locked out
    other.rollback()
    other.close()
    write(store, START + 60)
    assert covered(file, Period.MINUTE) == 120.0


@pytest.mark.parametrize("kind", ["fifo", "folder"])
def test_what_is_no_file_stops_nobody(store: MetricsStore, file: Path, kind: str) -> None:
    if kind == "fifo":
        os.mkfifo(file)
    else:
        file.mkdir()
    with pytest.raises(OSError, match=r"it is|Is a directory"):
        write(store, START)
    with pytest.raises(OSError, match=r"it is|Is a directory"):
        read_points(file, "cpu", Period.HOUR, 0, START)


def test_a_damaged_file_is_a_sentence_for_who_reads(file: Path) -> None:
    file.write_bytes(b"this is no database" * 1000)
    with pytest.raises(UnreadableMetricsError, match="cannot be read now: file is not a database"):
        read_points(file, "cpu", Period.HOUR, 0, START)

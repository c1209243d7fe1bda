"""Axes have round figures and moments that a clock shows as round."""

import datetime as dt
import time

import pytest

from omnitray.ui.charts.ticks import clock_ticks, time_ticks, value_ticks


def test_values_are_round_and_few() -> None:
    assert value_ticks(100.0, most=5) == [0, 20, 40, 60, 80, 100]
    assert value_ticks(11.8e9, most=3) == [0, 5e9, 10e9]
    assert value_ticks(0.7, most=2) == [0.0, 0.5]


def test_times_are_round_and_few() -> None:
    assert time_ticks(252.0, most=5) == [0, 60, 120, 180, 240]
    assert time_ticks(0.4, most=3) == [0]
    assert time_ticks(3600.0 * 5, most=6) == [0, 3600, 7200, 10800, 14400, 18000]


@pytest.mark.parametrize(("days", "most"), [(1, 7), (7, 7), (31, 8), (366, 12)])
def test_moments_of_a_clock_are_round(days: int, most: int) -> None:
    until = 1_795_356_131.0
    since = until - days * 86400
    found = clock_ticks(since, until, most)
    assert 3 <= len(found) <= most + 1
    assert all(since <= at <= until for at in found)
    local = [dt.datetime.fromtimestamp(at).astimezone() for at in found]
    if days == 1:
        assert {each.minute for each in local} == {0}
    else:
        assert {(each.hour, each.minute) for each in local} == {(0, 0)}
    if days > 31:
        assert {each.day for each in local} == {1}


def test_a_day_of_25_hours_still_ends_at_midnight(monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        since = dt.datetime(2026, 10, 22, 12).astimezone().timestamp()
        until = dt.datetime(2026, 10, 28, 12).astimezone().timestamp()
        hours = {
            dt.datetime.fromtimestamp(at).astimezone().hour for at in clock_ticks(since, until, 7)
        }
        assert hours == {0}
    finally:
        monkeypatch.undo()
        time.tzset()

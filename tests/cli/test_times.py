"""Durations and moments as people type them."""

import datetime as dt
import time

import pytest

from omnitray.cli.times import duration_s, moment, rfc3339, shown, stretch

ZONE = dt.timezone(dt.timedelta(hours=2))
NOW = dt.datetime(2026, 11, 22, 15, 30, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("15m", 900),
        ("1h30m", 5400),
        ("2d", 172_800),
        ("1.5h", 5400),
        ("off", 0),
        ("0", 0),
        (" 1H ", 3600),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "1x", "-5m", "5m later", "1h-"])
def test_what_is_no_duration_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="allowed: a duration"):
        duration_s(text)


def test_a_number_without_a_unit_is_refused_with_what_it_may_mean() -> None:
    with pytest.raises(ValueError, match=r"^'5' is not allowed; allowed: 5s, 5m, 5h or 5d$"):
        duration_s("5")
    assert duration_s("90", plain_seconds=True) == 90  # of run --timeout, as timeout(1) has it


@pytest.mark.parametrize(
    ("text", "wire"),
    [
        ("13:00", "2026-11-22T11:00:00.000Z"),
        ("9:05:30", "2026-11-22T07:05:30.000Z"),
        ("16:00", "2026-11-21T14:00:00.000Z"),  # it is 15:30: the one of yesterday
        ("yesterday 13:00", "2026-11-21T11:00:00.000Z"),
        ("today 13:00", "2026-11-22T11:00:00.000Z"),
        ("2h", "2026-11-22T11:30:00.000Z"),
        ("today", "2026-11-21T22:00:00.000Z"),
        ("yesterday", "2026-11-20T22:00:00.000Z"),
        ("now", "2026-11-22T13:30:00.000Z"),
        ("2 hours ago", "2026-11-22T11:30:00.000Z"),
        ("an hour and 30 minutes ago", "2026-11-22T12:00:00.000Z"),
        ("LAST HOUR", "2026-11-22T12:30:00.000Z"),
        ("3 days ago", "2026-11-19T13:30:00.000Z"),
        ("1 week ago", "2026-11-15T13:30:00.000Z"),
        ("Last Week", "2026-11-08T22:00:00.000Z"),  # its Monday
        ("half an hour ago", "2026-11-22T13:00:00.000Z"),
        ("two hours ago", "2026-11-22T11:30:00.000Z"),
        ("3 months ago", "2026-08-22T13:30:00.000Z"),
        ("last year", "2024-12-31T22:00:00.000Z"),
        ("Yesterday at 9:00", "2026-11-21T07:00:00.000Z"),
        ("the day before yesterday", "2026-11-19T22:00:00.000Z"),
        ("noon", "2026-11-22T10:00:00.000Z"),
        ("1:30 PM", "2026-11-22T11:30:00.000Z"),
        ("12am", "2026-11-21T22:00:00.000Z"),
        ("sunday", "2026-11-21T22:00:00.000Z"),  # which it is
        ("last Sunday", "2026-11-14T22:00:00.000Z"),
        ("Fri 13:00", "2026-11-20T11:00:00.000Z"),
        ("21 Nov 13:21", "2026-11-21T11:21:00.000Z"),  # as a list shows it
        ("Nov 21", "2026-11-20T22:00:00.000Z"),
        ("23 Nov", "2025-11-22T22:00:00.000Z"),  # tomorrow's was a year ago
        ("1 january 2026", "2025-12-31T22:00:00.000Z"),
        ("last month", "2026-09-30T22:00:00.000Z"),
        ("2026-11-01t12:00:00z", "2026-11-01T12:00:00.000Z"),
        ("2026-11-01T12:00:00Z", "2026-11-01T12:00:00.000Z"),
        ("2026-11-01T12:00:00+01:00", "2026-11-01T11:00:00.000Z"),
        ("0001-01-01T00:00:00Z", "1970-01-02T00:00:00.000Z"),
    ],
)
def test_moments(text: str, wire: str) -> None:
    assert rfc3339(moment(text, NOW)) == wire


@pytest.mark.parametrize(
    ("text", "wire"),
    [
        ("1 July", "2026-06-30T22:00:00.000Z"),  # summer time, an hour more than now
        ("last month", "2026-09-30T22:00:00.000Z"),
        ("Monday", "2026-11-15T23:00:00.000Z"),
        ("2026-07-01", "2026-06-30T22:00:00.000Z"),
    ],
)
def test_a_day_before_a_change_of_the_clocks_has_its_own_midnight(
    text: str, wire: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as zone:
        zone.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
        time.tzset()
        now = dt.datetime(2026, 11, 22, 15, 30).astimezone()
        assert rfc3339(moment(text, now)) == wire
    time.tzset()


@pytest.mark.parametrize(
    "text",
    [
        *("", "5", "25:00", "13:61", "whenever", "2026-13-01", "99999999999999d", "off", "0"),
        *("31 feb", "13 pm", "0 am", "9999999 years ago", "22 november 0000", "nov"),
    ],
)
def test_what_is_no_moment_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="allowed: a time"):
        moment(text, NOW)


def test_today_is_shown_by_its_time_alone() -> None:
    assert shown("2026-11-22T13:21:27.123Z", NOW) == "15:21:27"
    assert shown("2026-11-20T13:21:27.123Z", NOW) == "20 Nov 15:21"


@pytest.mark.parametrize(
    ("period", "words"),
    [("minute", "15:00:00"), ("hour", "15:00:00"), ("day", "22 Nov"), ("month", "Nov 2026")],
)
def test_a_stretch_is_called_by_what_its_length_asks_for(period: str, words: str) -> None:
    assert stretch("2026-11-22T13:00:00Z", NOW, period) == words

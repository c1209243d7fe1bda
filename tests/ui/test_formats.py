from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QLocale

from omnitray.ui import formats
from omnitray.ui.shell import forms_of
from support.samples import NOW


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "–"),
        (0, "0 B"),
        (999, "999 B"),
        (1500, "1.5 kB"),
        (71_000_000, "71 MB"),
        (9_960_000, "10 MB"),
        (999_600_000, "1.0 GB"),
        (14_200_000_000, "14.2 GB"),
        (512_000_000_000, "512 GB"),
        (3_000_000_000_000_000, "3000 TB"),
    ],
)
def test_sizes_have_one_decimal_where_it_says_something(value: float | None, expected: str) -> None:
    assert formats.size(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, "–"), (84_000_000, "84 MB/s"), (1_440_000, "1.4 MB/s"), (310, "310 B/s")],
)
def test_rates_carry_their_unit(value: float | None, expected: str) -> None:
    assert formats.rate(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "–"),
        (0.0, "0"),
        (-20_000.0, "0"),
        (310_000_000, "+310 MB/s"),
        (-2_500_000, "−2.5 MB/s"),
    ],
)
def test_growth_has_a_sign_and_is_0_where_it_is_noise(value: float | None, expected: str) -> None:
    assert formats.growth(value) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-3, "0 s"),
        (0, "0 s"),
        (0.004, "0.1 s"),
        (0.4, "0.4 s"),
        (0.8, "0.8 s"),
        (0.97, "1 s"),
        (48.4, "48 s"),
        (190, "3 min"),
        (3600, "1 h"),
        (7500, "2 h 5 min"),
        (86_400, "1 day"),
        (3 * 86_400, "3 days"),
    ],
)
def test_durations_are_said_in_their_largest_units(seconds: float, expected: str) -> None:
    assert formats.duration(seconds) == expected


def test_moments_are_told_by_how_long_ago_they_were() -> None:
    assert len(formats.when(NOW, NOW)) == len("14:02:11")
    assert formats.when(NOW - 86_400, NOW).startswith("Yesterday ")
    assert formats.when(NOW - 86_400, NOW, brief=True) == "Yesterday"
    assert " Nov " in formats.when(NOW - 3 * 86_400, NOW)
    assert formats.when(NOW - 3 * 86_400, NOW, brief=True).endswith(" Nov")
    assert formats.when(NOW - 400 * 86_400, NOW).startswith("2025-")


def test_counts_agree_with_their_noun() -> None:
    assert formats.count(1, "process") == "1 process"
    assert formats.count(9, "process") == "9 processes"
    assert formats.count(2, "connection") == "2 connections"


def test_one_line_of_hostile_text_cannot_break_out() -> None:
    hostile = "evil\n\x1b[31m\u202eexe.txt\u2028next\x00"
    shown = formats.one_line(hostile)
    assert shown == "evil [31m exe.txt next"


def test_text_from_right_to_left_is_isolated_and_keeps_its_letters() -> None:
    shown = formats.one_line("שרת api نزل")
    assert shown == "\u2068שרת api نزل\u2069"


def test_a_long_title_ends_in_an_ellipsis() -> None:
    shown = formats.one_line("x" * 10_000, 50)
    assert len(shown) == 50
    assert shown.endswith("…")


@given(st.text(max_size=400), st.integers(2, 60))
def test_one_line_is_one_line_and_never_longer_than_allowed(text: str, limit: int) -> None:
    shown = formats.one_line(text, limit)
    assert len(shown) <= limit + 2  # the two marks of isolation
    assert len(shown.splitlines()) <= 1
    assert not any(mark in shown for mark in "\u202a\u202b\u202d\u202e\u2066\u2067\x00")


def test_a_block_keeps_its_lines_and_says_that_it_was_cut() -> None:
    assert formats.block("one\ntwo") == "one\ntwo"
    assert formats.block("x" * 5000).endswith(" …")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("grows by 8.9 MB/s.", "grows by 8.9\u00a0MB/\u2060s."),
        ("CPU 96 %, limit 75 %", "CPU 96\u00a0%, limit 75\u00a0%"),
        ("20 to 40 s, for 3 min", "20 to 40\u00a0s, for 3\u00a0min"),
        ("gw3 stays, 3 sheep too", "gw3 stays, 3 sheep too"),
    ],
)
def test_no_line_ends_between_a_figure_and_its_unit(text: str, expected: str) -> None:
    assert formats.unbroken(text) == expected


@pytest.fixture
def german() -> Iterator[None]:
    formats.use_locale(forms_of(QLocale(QLocale.Language.German, QLocale.Country.Germany)))
    yield
    formats.use_locale(formats.LocaleForms())


@pytest.mark.usefixtures("german")
def test_figures_and_dates_are_written_by_the_locale() -> None:
    assert formats.size(14.2e9) == "14,2 GB"
    assert formats.percent(1.25, 1) == "1,2 %"
    assert formats.growth(3.1e6) == "+3,1 MB/s"
    day = 86_400.0
    assert formats.when(NOW - 30 * day, NOW, brief=True).endswith("Okt")


def test_the_day_has_twelve_hours_twice_where_it_is_so() -> None:
    american = forms_of(QLocale(QLocale.Language.English, QLocale.Country.UnitedStates))
    assert (american.twelve_hours, american.month_first) == (True, True)
    british = forms_of(QLocale(QLocale.Language.English, QLocale.Country.UnitedKingdom))
    assert (british.twelve_hours, british.month_first) == (False, False)
    formats.use_locale(american)
    try:
        shown = formats.clock_time(NOW)
        assert shown.endswith((" AM", " PM"))
        assert len(shown) <= len(formats.widest_time())
    finally:
        formats.use_locale(formats.LocaleForms())


RIGHT_TO_LEFT = "خادم الويب"


def test_each_part_of_a_joined_line_is_isolated() -> None:
    line = formats.dotted(RIGHT_TO_LEFT, f"~/{RIGHT_TO_LEFT}", "9 processes")
    assert line == f"\u2068{RIGHT_TO_LEFT}\u2069 · \u2068~/{RIGHT_TO_LEFT}\u2069 · 9 processes"
    again = formats.one_line(line)
    assert line in again
    assert again.count("\u2068") == again.count("\u2069")


def test_a_foreign_text_cannot_end_the_isolation() -> None:
    assert "\u2069" not in formats.one_line("a\u2069b")
    cut = formats.one_line(f"\u2068{RIGHT_TO_LEFT * 50}\u2069 end", 40)
    assert cut.count("\u2068") == cut.count("\u2069")

"""Forecasts over series as machines make them: who is believed, how early, and how truly."""

import random
from collections.abc import Callable

import pytest

from omnitray.base.policy import ModeLimits
from omnitray.protector.forecast import MemoryForecaster, Span, Trend, runs_out
from support.scenes import GB, MB, reading

LIMITS = ModeLimits(cpu_percent=75.0, memory_percent=80.0, hold_s=3.0)
Left = Callable[[float], float]  # MB, by the seconds since the start
BEGIN_S = 1.0  # until then nothing moves
SPOKEN = list[tuple[float, Span]]


def spoken(left_mb: Left, until_s: float, every_s: float = 0.1) -> SPOKEN:
    """What was foretold at each moment, with some unevenness in when is looked."""
    trend, told, at_s = Trend(), [], 0.0
    rnd = random.Random("looks")  # noqa: S311 - no secret
    while at_s < until_s:
        trend.add(at_s, left_mb(at_s) * MB)
        span = trend.runs_out()
        if span is not None:
            told.append((at_s, span))
        at_s += every_s * rnd.uniform(0.9, 1.3)
    return told


def lumps(rate: float, lump: float, left: float) -> Left:
    """So much is taken at once, as often as the rate says."""
    return lambda at_s: left - lump * int(max(0.0, at_s - BEGIN_S) * rate / lump)


def under_noise(rate: float, noise: float, left: float) -> Left:
    """A fall on a busy machine."""
    rnd = random.Random("busy")  # noqa: S311 - no secret
    return lambda at_s: left - rate * max(0.0, at_s - BEGIN_S) + rnd.uniform(-noise, noise)


def doubling(at_s: float) -> float:
    """A list that grows by an eighth of itself whenever it is full."""
    size, spent = 64.0, 0.0
    while spent + size / 8 / 40 <= at_s:
        spent += size / 8 / 40
        size *= 1.125
    return 3000.0 - size


@pytest.mark.parametrize(
    ("series", "left", "rate", "within_s"),
    [
        (lumps(20, 4, 150), 150, 20, 4.0),
        (lumps(20, 10, 150), 150, 20, 4.0),
        (lumps(20, 20, 150), 150, 20, 4.5),
        (lumps(50, 50, 1000), 1000, 50, 6.0),
        (lumps(200, 64, 2000), 2000, 200, 4.0),
        (lumps(200, 200, 3000), 3000, 200, 5.0),
        (lumps(1000, 100, 8000), 8000, 1000, 2.5),
        (under_noise(20, 3, 300), 300, 20, 4.0),
        (under_noise(100, 10, 2000), 2000, 100, 4.0),
    ],
)
def test_what_runs_out_is_foretold_in_time_and_truly(
    series: Left, left: float, rate: float, within_s: float
) -> None:
    ends_s = BEGIN_S + left / rate
    told = spoken(series, ends_s - 0.3)

    assert told
    assert told[0][0] <= BEGIN_S + within_s
    look_s = 0.3  # when exactly the last lump is taken is seen that late
    true = [
        span.low_s - look_s <= ends_s - at_s <= span.high_s + look_s
        for at_s, span in told
        if at_s >= BEGIN_S + 3.0  # by then nothing of the rest before it is in the window
    ]
    assert sum(true) >= 0.95 * len(true)


SILENT: list[tuple[str, Left]] = [
    ("one step", lambda at_s: 2000.0 - (1200.0 if at_s > 5.0 else 0.0)),
    ("a step every four seconds and back", lambda at_s: 2000.0 - (400.0 if at_s % 8 < 4 else 0.0)),
    ("a collected heap", lambda at_s: 2000.0 - (at_s % 1.2) * 300.0),
    ("a collected heap in lumps", lambda at_s: 2000.0 - 40.0 * int((at_s % 1.0) * 5)),
    ("a slowly breathing cache", lambda at_s: 2000.0 + 5.0 * ((at_s * 7) % 3)),
    ("a leak of hours under noise", under_noise(0.05, 20, 3000)),
    ("what rises", lambda at_s: 500.0 + 20.0 * at_s),
]


@pytest.mark.parametrize(("name", "series"), SILENT, ids=[name for name, _ in SILENT])
def test_what_does_not_run_out_is_not_said_to(name: str, series: Left) -> None:
    after_the_first_tooth = [each for each in spoken(series, 60.0) if each[0] > 2.0]

    assert not after_the_first_tooth, name


@pytest.mark.parametrize("seed", [3, 5, 8, 11])
def test_five_minutes_of_noise_foretell_nothing(seed: int) -> None:
    """Series in which by chance each part's mean is under the one before."""
    rnd, trend = random.Random(seed), Trend()  # noqa: S311 - no secret
    spans = []
    for step in range(3000):
        trend.add(step * 0.1, (3000.0 + rnd.uniform(-60.0, 60.0)) * MB)
        spans.append(trend.runs_out())

    assert not any(spans)


def test_a_fall_that_gives_something_back_midway_is_not_believed() -> None:
    def samples(*parts: float) -> list[tuple[float, float]]:
        return [(at / 10, parts[at // 5] * MB) for at in range(5 * len(parts))]

    assert runs_out(samples(1000, 900, 800, 700, 600, 500)) is not None
    assert runs_out(samples(1000, 900, 800, 801, 700, 600)) is None


def test_after_a_burst_it_is_silent_within_two_seconds() -> None:
    told = spoken(lambda at_s: 3000.0 - 300.0 * min(4.0, max(0.0, at_s - BEGIN_S)), 30.0)

    assert told
    assert told[-1][0] <= BEGIN_S + 4.0 + 2.0


def test_a_stall_is_no_end_of_what_goes_on_after_it() -> None:
    def stalled(at_s: float) -> float:
        return 2000.0 - 60.0 * (at_s if at_s < 4.0 else max(4.0, at_s - 3.0))

    silent = [at_s for at_s, _ in spoken(stalled, 20.0)]
    assert not any(5.5 < at_s < 7.0 for at_s in silent)
    assert any(7.0 < at_s < 12.0 for at_s in silent)


def test_what_grows_ever_faster_ends_earlier_than_foretold_but_not_by_far() -> None:
    ends_s = next(at_s / 10 for at_s in range(2000) if doubling(at_s / 10) <= 0)

    for at_s, span in spoken(doubling, ends_s - 0.3):
        assert span.low_s <= (ends_s - at_s) * 1.6 + 2.0


def test_what_was_before_a_hibernation_counts_no_more() -> None:
    trend = Trend()
    for at in range(6):
        trend.add(at * 0.2, (3000.0 - 100.0 * at) * MB)
    assert trend.runs_out() is not None
    for at in range(4):
        trend.add(3600.0 + at * 0.2, (2400.0 - 100.0 * at) * MB)
    assert trend.runs_out() is None


@pytest.mark.parametrize("ratio", [0.0, 0.4])
def test_swap_that_is_used_up_first_counts_whether_it_lies_in_memory_or_not(ratio: float) -> None:
    """``ratio``: how much memory a byte of compressed swap takes; the rest is won back."""
    forecaster, told, swap = MemoryForecaster(), [], 4 * GB
    rate = 200 * MB
    for step in range(140):
        taken = rate * step // 10
        swapped = min(taken, swap - swap // 10)
        lost = taken - swapped + int(ratio * swapped)
        used = 60.0 + 100.0 * lost / (16 * GB)
        memory = reading(used=used, total=16 * GB, swap=(swap, swap - swapped)).memory
        if (forecast := forecaster.add(step / 10, memory, LIMITS)) is not None:
            told.append((step / 10, forecast))
    assert told
    total = 0.35 * 16 * GB + 0.9 * swap
    quickest_s = total / (rate * (1.0 + ratio))
    for at_s, forecast in told:
        assert forecast.high_s >= quickest_s - at_s - 0.5


def test_in_a_group_smaller_than_the_machine_the_group_s_limit_is_foretold() -> None:
    forecaster, told = MemoryForecaster(), []
    series = lumps(20, 4, 250)
    for step in range(80):
        used = 100.0 - 100.0 * series(step / 10) * MB / GB
        forecast = forecaster.add(step / 10, reading(used=used, total=GB).memory, LIMITS)
        if forecast is not None:
            told.append((step / 10, forecast))
    floor_s = BEGIN_S + (250 - 0.05 * 1024) / 20
    at_s, first = told[0]
    assert at_s < floor_s / 2
    assert first.low_s - 0.3 <= floor_s - at_s <= first.high_s + 0.3

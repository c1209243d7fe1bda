"""Forecasts, on traces that are made up: the counts of false alarms are the expectation."""

import random
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnitray.base.conditions import memory_left
from omnitray.base.facts import DiskFacts, Forecast, Resource
from omnitray.base.policy import ModeLimits
from omnitray.protector.forecast import (
    DiskForecaster,
    MemoryForecaster,
    Trend,
    attributed,
    runs_out,
)
from support.scenes import GB, MB, job, process, reading

LIMITS = ModeLimits(cpu_percent=75.0, memory_percent=80.0, hold_s=3.0)
STEP_S = 0.2


def alarms(left_at: Callable[[float], float], from_s: float = 0.0) -> int:
    """How often it would have been said that nothing is left within half a minute."""
    trend, count = Trend(), 0
    for step in range(int(60.0 / STEP_S)):
        at_s = step * STEP_S
        trend.add(at_s, left_at(at_s))
        span = trend.runs_out()
        count += span is not None and span.high_s < 30.0 and at_s >= from_s
    return count


def flat(_at_s: float) -> float:
    return 4.0 * GB


def noisy(at_s: float) -> float:
    return 4.0 * GB + random.Random(at_s).uniform(-200, 200) * MB  # noqa: S311 - no secret


def saw_tooth(at_s: float) -> float:
    return 4.0 * GB - (at_s % 2.0) * 300 * MB


def build_steps(at_s: float) -> float:
    """Every five seconds a compiler takes 200 MB at once and gives them back."""
    return 4.0 * GB - (200 * MB if at_s % 5.0 < 2.5 else 0)


def falling_back(at_s: float) -> float:
    return 4.0 * GB + at_s * 50 * MB


@pytest.mark.parametrize("trace", [flat, noisy, build_steps, falling_back])
def test_what_does_not_run_out_is_never_said_to(trace: Callable[[float], float]) -> None:
    assert alarms(trace) == 0


def test_a_saw_tooth_is_believed_in_its_first_tooth_at_most() -> None:
    assert alarms(saw_tooth) == 3
    assert alarms(saw_tooth, from_s=2.0) == 0


@pytest.mark.parametrize("rate", [200 * MB, 500 * MB, 2 * GB])
def test_a_rush_is_foretold_before_half_of_the_time_is_gone(rate: int) -> None:
    left, trend = 4.0 * GB, Trend()
    needed_s = left / rate
    at_s = 0.0
    while at_s < needed_s:
        trend.add(at_s, left - rate * at_s)
        span = trend.runs_out()
        if span is not None:
            break
        at_s += 0.1
    assert span is not None
    assert at_s < needed_s / 2
    assert span.low_s <= needed_s - at_s <= span.high_s * 1.001
    assert span.slope_bps == pytest.approx(rate)


def test_a_leak_of_hours_is_left_alone() -> None:
    assert runs_out([(at, 4.0 * GB - at * 0.3 * MB) for at in range(20)]) is None


def test_a_range_that_is_too_wide_is_not_said() -> None:
    samples = [(at / 10, 4.0 * GB - GB * (at / 10) ** 4) for at in range(20)]

    assert runs_out(samples) is None


def test_few_readings_say_nothing() -> None:
    assert runs_out([(0.0, 3.0), (1.0, 2.0)]) is None
    assert Trend().runs_out() is None


def test_an_old_burst_does_not_silence_what_is_steady_now() -> None:
    trend = Trend()
    left, at_s = 8.0 * GB, 0.0
    for _ in range(10):
        at_s += 0.1
        left -= 0.1 * 2 * GB
        trend.add(at_s, left)
    for _ in range(20):
        at_s += 0.1
        left -= 0.1 * 400 * MB
        trend.add(at_s, left)

    span = trend.runs_out()

    assert span is not None
    assert span.slope_bps == pytest.approx(400 * MB)


def test_time_that_goes_back_starts_anew_and_old_readings_are_dropped() -> None:
    trend = Trend(oldest_s=10.0)
    for at in range(10):
        trend.add(100.0 + at / 10, 1000.0 - at * 10)
    trend.add(50.0, 1.0)
    assert trend.runs_out() is None
    trend.add(100.0, 1.0)
    assert trend.runs_out() is None


@given(
    st.lists(
        st.tuples(st.floats(0, 1e6), st.floats(-1e12, 1e12)), max_size=40, unique_by=lambda s: s[0]
    )
)
def test_a_range_is_always_in_order_and_positive(samples: list[tuple[float, float]]) -> None:
    span = runs_out(sorted(samples))

    if span is not None:
        assert 0.0 <= span.low_s <= span.high_s
        assert span.slope_bps > 0.0


def test_memory_left_counts_memory_and_swap_over_their_floors() -> None:
    memory = reading(used=90.0, total=10 * GB, swap=(2 * GB, GB)).memory

    assert memory_left(memory, LIMITS) == pytest.approx(0.5 * GB + 0.8 * GB, rel=1e-6)


def test_another_total_starts_the_forecast_anew() -> None:
    forecaster = MemoryForecaster()
    for at in range(30):
        last = forecaster.add(at / 10, reading(used=70.0 + at / 10).memory, LIMITS)
    assert last is not None

    assert forecaster.add(3.0, reading(used=73.0, total=8 * GB).memory, LIMITS) is None


def test_growth_is_attributed_to_the_job_that_grows_most() -> None:
    forecast = Forecast(
        resource=Resource.MEMORY, low_s=10.0, high_s=20.0, slope_bps=1.0, left_bytes=1
    )
    jobs = (
        job("a", process(1), growth=300.0),
        job("b", process(2), growth=100.0),
        job("c", process(3), growth=-50.0),
    )

    told = attributed(forecast, jobs)

    assert (told.job_key, told.share) == ("a", 0.75)
    just_begun = job("own", process(9, rss_bytes=11 * MB), growth=900.0)
    assert attributed(forecast, (*jobs, just_begun), 50.0 * MB).job_key == "a"
    ours = msgspec.structs.replace(jobs[0], is_own_command=True)
    assert attributed(forecast, (ours, *jobs[1:])).job_key == "b"
    assert attributed(forecast, jobs[2:]) == forecast
    steady = (job("d", process(4), growth=0.0), job("e", process(5)))
    assert attributed(forecast, steady) == forecast


def disk(mount: str, free: int) -> DiskFacts:
    return DiskFacts(
        mount=mount, filesystem="ext4", total_bytes=100 * GB, free_bytes=free, used_percent=90.0
    )


def test_a_disk_that_fills_is_foretold_by_its_mount() -> None:
    forecaster = DiskForecaster()
    for at in range(10):
        forecasts = forecaster.add(
            float(at), (disk("/", 50 * GB), disk("/data", 10 * GB - at * 200 * MB))
        )

    assert [each.mount for each in forecasts] == ["/data"]
    assert forecasts[0].resource is Resource.DISK


def test_a_disk_that_was_unmounted_is_forgotten() -> None:
    forecaster = DiskForecaster()
    for at in range(10):
        forecaster.add(float(at), (disk("/data", 10 * GB - at * 200 * MB),))
    forecaster.add(10.0, ())

    assert forecaster.add(11.0, (disk("/data", 8 * GB),)) == ()

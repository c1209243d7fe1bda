from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnitray.processes.jobs import Growth, JobTracker
from support.clock import FakeClock
from support.processes import FakeProcesses

MIB = 1 << 20


def test_a_steady_slope_is_found_from_the_third_reading() -> None:
    growth = Growth()
    slopes = [growth.add(second, second * 5 * MIB) for second in range(5)]
    assert slopes[:2] == [None, None]
    assert slopes[2:] == pytest.approx([5 * MIB] * 3)


def test_a_single_jump_is_no_growth() -> None:
    growth = Growth()
    sizes = [100, 100, 100, 100, 900, 900, 900, 900]
    slopes = [growth.add(second, size * MIB) for second, size in enumerate(sizes)]
    assert slopes[4] == 0.0


def test_noise_is_no_growth() -> None:
    growth = Growth()
    assert [growth.add(second, 100 * MIB + second * 4096) for second in range(4)][3] == 0.0


def test_readings_too_close_together_say_nothing() -> None:
    growth = Growth()
    assert [growth.add(0.1 * step, step * MIB * 50) for step in range(8)] == [None] * 8


def test_old_readings_do_not_count() -> None:
    growth = Growth()
    for second in range(3):
        growth.add(second, second * 500 * MIB)
    assert growth.add(100, 5 * MIB) is None


def test_two_readings_at_one_time_are_one() -> None:
    growth = Growth()
    for second in (0, 1, 2, 2, 2):
        slope = growth.add(second, second * 3 * MIB)
    assert slope == pytest.approx(3 * MIB)


@given(
    st.floats(-100, 100),
    st.lists(st.floats(0.5, 5), min_size=5, max_size=12),
    st.integers(0, 7),
    st.integers(-1000, 1000),
)
def test_one_wrong_reading_does_not_bend_the_slope_away(
    slope: float, steps: list[float], place: int, error: int
) -> None:
    growth, now, found = Growth(), 0.0, None
    for number, step in enumerate(steps):
        now += step
        wrong = error if number == place else 0
        found = growth.add(now, round((5000 + slope * now + wrong) * MIB))
    assert found is not None
    assert -101 * MIB <= found <= 101 * MIB or len(steps) < 7


LOOKS = st.lists(
    st.tuples(
        st.sampled_from((0.0, 0.5, 5.0, 30.0, 70.0)),  # seconds since the look before
        st.dictionaries(st.integers(0, 3), st.sampled_from((0, 5, 20)), max_size=2),
        st.booleans(),
    ),
    min_size=12,
    max_size=30,
)


@given(LOOKS)
def test_a_job_that_rests_grows_as_if_each_of_its_sizes_had_been_kept(
    looks: list[tuple[float, dict[int, int], bool]],
) -> None:
    clock, table = FakeClock(), FakeProcesses()
    tracker = JobTracker(table, clock, Path("/nowhere"))
    shell = table.shell(1)
    runs = [table.typed(f"python job{number}.py", shell) for number in range(3)]
    kept: dict[str, Growth] = {}
    sizes: dict[int, int] = {}
    for gap_s, grown, is_new in looks:
        clock.advance(gap_s)
        if is_new:
            runs.append(table.typed("python another.py", shell))
        for number, mib in grown.items():
            run = runs[number % len(runs)]
            sizes[run] = sizes.get(run, 50) + mib
            table.change(run, rss_bytes=sizes[run] * MIB)
        jobs = tracker.update(table.scan())
        rates = {
            job.key: kept.setdefault(job.key, Growth()).add(clock.monotonic(), job.rss_bytes)
            for job in jobs
        }
        assert {job.key: job.growth_bps for job in jobs} == rates
        weights = [(-job.rss_bytes, job.key) for job in jobs]
        assert weights == sorted(weights)

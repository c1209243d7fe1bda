import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnitray.processes.jobs import Growth

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

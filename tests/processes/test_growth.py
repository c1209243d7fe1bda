import pytest

from omnitray.processes.growth import Growths
from support.scenes import MB, job, process


def test_a_rate_is_known_from_the_second_look() -> None:
    growths = Growths()
    growths.observe((job("run", process(1, rss_bytes=100 * MB)),), 10.0)
    assert growths.of(1, 1) is None
    assert growths.of_job("run") == 0.0

    growths.observe((job("run", process(1, rss_bytes=150 * MB)),), 10.5)

    assert growths.of(1, 1) == pytest.approx(100.0 * MB)
    assert growths.of_job("run") == pytest.approx(100.0 * MB)


def test_rates_are_smoothed() -> None:
    growths = Growths()
    for at, size in enumerate((100, 200, 200)):
        growths.observe((job("run", process(1, rss_bytes=size * MB)),), float(at))

    assert growths.of(1, 1) == pytest.approx(40.0 * MB)


def test_a_look_that_comes_too_soon_changes_nothing() -> None:
    growths = Growths()
    growths.observe((job("run", process(1, rss_bytes=100 * MB)),), 1.0)
    growths.observe((job("run", process(1, rss_bytes=900 * MB)),), 1.01)

    assert growths.of(1, 1) is None


def test_a_recycled_pid_is_somebody_else() -> None:
    growths = Growths()
    growths.observe((job("run", process(1, start=5, rss_bytes=100 * MB)),), 1.0)
    growths.observe((job("run", process(1, start=9, rss_bytes=900 * MB)),), 2.0)

    assert growths.of(1, 9) is None


def test_small_processes_are_not_followed_but_their_number_is_growth_of_the_job() -> None:
    growths = Growths()
    small = [process(pid, rss_bytes=10 * MB) for pid in range(1, 21)]
    growths.observe((job("bomb", *small[:10]),), 1.0)
    growths.observe((job("bomb", *small),), 2.0)

    assert growths.of(1, 1) is None
    assert growths.of_job("bomb") == pytest.approx(100.0 * MB)

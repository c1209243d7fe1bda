from hypothesis import given
from hypothesis import strategies as st

from omnitray.base.facts import Resource
from omnitray.base.policy import Band
from omnitray.monitor.thresholds import AlarmLevel, ThresholdMonitor, Watched

BAND = Band(warning=70.0, critical=85.0, clear_below=10.0, hold_s=5.0)


def watch_over(values: list[tuple[float, float | None]]) -> ThresholdMonitor:
    watch = ThresholdMonitor(Watched(Resource.CPU), BAND)
    for now, value in values:
        watch.observe(value, now)
    return watch


def test_a_spike_shorter_than_the_hold_time_tells_nothing() -> None:
    assert watch_over([(0, 99.0), (4.9, 99.0), (5.1, 20.0)]).height is AlarmLevel.CLEAR


def test_a_value_held_over_the_warning_is_told_once_with_its_threshold() -> None:
    watch = ThresholdMonitor(Watched(Resource.CPU), BAND)
    assert watch.observe(72.0, 0.0) is None
    told = watch.observe(73.0, 5.0)
    assert told is not None
    assert (told.before, told.after, told.threshold) == (AlarmLevel.CLEAR, AlarmLevel.WARNING, 70.0)
    assert watch.observe(73.0, 10.0) is None


def test_critical_is_held_on_its_own_time_not_on_the_warning_s() -> None:
    watch = watch_over([(0, 72.0), (4.9, 90.0), (5.0, 90.0)])
    heights = [watch.height]
    watch.observe(90.0, 9.9)
    assert [*heights, watch.height] == [AlarmLevel.WARNING, AlarmLevel.CRITICAL]


def test_it_clears_only_below_the_threshold_less_the_band_for_the_hold_time() -> None:
    watch = watch_over([(0, 95.0), (5.0, 95.0), (6.0, 76.0), (20.0, 76.0)])
    heights = [watch.height]
    for now, value in ((21.0, 74.0), (26.0, 74.0), (27.0, 59.0), (32.0, 59.0)):
        watch.observe(value, now)
        heights.append(watch.height)
    assert heights == [2, 2, 1, 1, 0]


def test_a_very_low_threshold_clears_under_its_half_instead_of_never() -> None:
    watch = ThresholdMonitor(Watched(Resource.MEMORY), Band(warning=6.0, critical=8.0, hold_s=0.0))
    heights = []
    for value in (7.0, 4.0, 2.9):
        watch.observe(value, 0.0)
        heights.append(watch.height)
    assert heights == [AlarmLevel.WARNING, AlarmLevel.WARNING, AlarmLevel.CLEAR]


def test_an_unreadable_value_starts_the_waiting_anew() -> None:
    watch = watch_over([(0, 99.0), (4.0, None), (5.0, 99.0)])
    assert watch.height is AlarmLevel.CLEAR
    assert watch.left_s(6.0) == 4.0


@given(st.lists(st.tuples(st.floats(0.1, 20), st.floats(0, 100)), max_size=60))
def test_a_change_always_had_its_hold_time(steps: list[tuple[float, float]]) -> None:
    watch = ThresholdMonitor(Watched(Resource.CPU), BAND)
    now, over_since, last_change = 0.0, None, -1e9
    for delay, value in steps:
        now += delay
        over_since = (over_since if over_since is not None else now) if value >= 70 else None
        told = watch.observe(value, now)
        if told is not None:
            if told.after > told.before:
                assert over_since is not None
                assert now - over_since >= BAND.hold_s
            last_change = now
    assert last_change <= now


@given(st.lists(st.floats(60.01, 69.99), min_size=1, max_size=50))
def test_wobbling_inside_the_band_never_changes_anything(values: list[float]) -> None:
    watch = watch_over([(0, 75.0), (5.0, 75.0)])
    for second, value in enumerate(values):
        assert watch.observe(value, 10.0 + 5 * second) is None

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnitray.ui.charts.series import GAP_FACTOR, AutoScale, TimeAxis, Track, lines, nice_ceiling

# Steps between samples as multiples of the rhythm (5 s): punctual, late, far too late.
steps = st.lists(
    st.tuples(
        st.sampled_from([0.1, 1.0, 2.4, 2.6, 9.0]),
        st.one_of(st.none(), st.floats(0, 100)),
        st.booleans(),
    ),
    min_size=1,
    max_size=120,
)
RHYTHM_S = 5.0


def track_of(parts: list[tuple[float, float | None, bool]]) -> Track:
    track, at_s = Track(keep_s=1e9), 0.0
    for step, value, cut in parts:
        at_s += step * RHYTHM_S
        track.add(at_s, value, RHYTHM_S, cut=cut)
    return track


@given(steps, st.floats(0.5, 400))
def test_no_spike_is_lost_however_many_samples_share_a_column(
    parts: list[tuple[float, float | None, bool]], column_s: float
) -> None:
    track = track_of(parts)
    if not len(track):
        return
    drawn = list(lines(track, 0.0, track.times[-1], column_s))
    values = [value for line in drawn for _, value in line]
    assert max(values) == max(track.values)
    assert min(values) == min(track.values)
    for at_s, value in zip(track.times, track.values, strict=True):
        column = math.floor(at_s / column_s)
        here = [v for line in drawn for t, v in line if math.floor(t / column_s) == column]
        assert min(here) <= value <= max(here)


@given(steps, st.floats(0.5, 400))
def test_no_line_spans_a_gap(
    parts: list[tuple[float, float | None, bool]], column_s: float
) -> None:
    track = track_of(parts)
    gaps = [
        (before, after)
        for number, (before, after) in enumerate(itertools.pairwise(track.times), start=1)
        if after - before > GAP_FACTOR * RHYTHM_S or track.begins_line(number)
    ]
    for line in lines(track, 0.0, 1e9, column_s):
        for (left, _), (right, _) in itertools.pairwise(line):
            assert not any(left <= before and after <= right for before, after in gaps)


@given(steps, st.floats(0.5, 400))
def test_points_are_in_order_and_no_more_than_two_a_column(
    parts: list[tuple[float, float | None, bool]], column_s: float
) -> None:
    for line in lines(track_of(parts), 0.0, 1e9, column_s):
        times = [at_s for at_s, _ in line]
        assert times == sorted(times)
        columns = math.floor(times[-1] / column_s) - math.floor(times[0] / column_s) + 1
        assert len(times) <= 2 * columns


def test_a_sample_that_is_late_by_less_than_the_factor_joins() -> None:
    track = track_of([(1, 10.0, False), (2.4, 11.0, False)])
    assert len(list(lines(track, 0, 1e9, 1.0))) == 1


def test_the_slower_rhythm_of_two_neighbours_decides() -> None:
    track = Track()
    track.add(0.0, 1.0, expected_s=30.0)
    track.add(30.0, 2.0, expected_s=0.5)  # the first sample of a faster level
    track.add(32.0, 3.0, expected_s=0.5)  # four times the rhythm of both: late
    assert [len(line) for line in lines(track, 0, 100, 0.1)] == [2, 1]


def test_a_figure_that_could_not_be_read_makes_a_gap() -> None:
    track = track_of([(1, 10.0, False), (1, None, False), (1, 11.0, False)])
    assert [len(line) for line in lines(track, 0, 1e9, 0.1)] == [1, 1]


def test_only_the_stretch_asked_for_is_drawn_with_one_neighbour_on_each_side() -> None:
    track = track_of([(1, float(n), False) for n in range(100)])
    (line,) = lines(track, 100.0, 200.0, 0.1)
    assert line[0][0] == 95.0
    assert line[-1][0] == 205.0


def test_a_sample_from_the_past_is_dropped() -> None:
    track = Track()
    track.add(10.0, 1.0, 5.0)
    track.add(4.0, 2.0, 5.0)
    assert list(track.values) == [1.0]


def test_old_samples_are_forgotten_in_strides() -> None:
    track = Track(keep_s=100.0)
    for second in range(2000):
        track.add(float(second), 1.0, 1.0)
    assert len(track) < 400
    assert track.times[-1] == 1999.0


def test_the_highest_is_the_first_of_equals() -> None:
    track = track_of([(1, 5.0, False), (1, 9.0, False), (1, 9.0, False), (1, 1.0, False)])
    highest = track.highest(0, 1e9)
    assert highest is not None
    assert highest == (10.0, 9.0)
    assert track.highest(100.0, 200.0) is None


def test_the_crosshair_finds_nothing_in_a_gap() -> None:
    track = track_of([(1, 5.0, False), (9, 6.0, False)])
    assert track.nearest(6.0, within_s=1.0) == (5.0, 5.0)
    assert track.nearest(27.0, within_s=1.0) is None
    assert Track().nearest(0.0, 1.0) is None


@given(st.floats(1e-3, 1e12))
def test_a_nice_ceiling_is_at_least_the_value_and_at_most_two_and_a_half_times_it(
    value: float,
) -> None:
    top = nice_ceiling(value)
    assert value <= top * (1 + 1e-9)
    assert top <= 2.5 * value * (1 + 1e-6)


def test_a_scale_grows_at_once_and_shrinks_after_a_whole_window() -> None:
    scale = AutoScale(floor=1.0)
    assert scale.fit(150.0, 0.0, 60.0) == 200.0
    assert scale.fit(3.0, 10.0, 60.0) == 200.0
    assert scale.fit(3.0, 69.0, 60.0) == 200.0
    assert scale.fit(3.0, 70.0, 60.0) == 5.0


def test_a_peak_meanwhile_starts_the_wait_over() -> None:
    scale = AutoScale(floor=1.0)
    scale.fit(150.0, 0.0, 60.0)
    scale.fit(3.0, 10.0, 60.0)
    scale.fit(180.0, 60.0, 60.0)
    assert scale.fit(3.0, 75.0, 60.0) == 200.0


def test_an_axis_counts_the_hours_asleep() -> None:
    axis = TimeAxis()
    axis.place(100.0, 1000.0)
    assert axis.place(105.0, 1005.0) == 105.0
    assert axis.place(106.0, 8206.0) == 7306.0  # two hours asleep: monotonic stood still
    assert axis.wall(105.0) == pytest.approx(1005.0)


def test_a_wall_clock_set_back_does_not_turn_the_axis_around() -> None:
    axis = TimeAxis()
    axis.place(100.0, 1000.0)
    assert axis.place(105.0, 400.0) == 105.0
    assert axis.wall(105.0) == 400.0
    assert axis.at(395.0) == 100.0

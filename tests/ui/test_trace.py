"""What is kept of a curve from paint to paint is what a new chart would draw."""

import math

from hypothesis import given
from hypothesis import strategies as st

from omnitray.ui.charts.series import Track, lines
from omnitray.ui.charts.trace import Trace

RHYTHM_S = 0.5
Columns = dict[int, tuple[float, float]]

# Steps between samples as multiples of the rhythm: punctual, late, far too late.
steps = st.lists(
    st.tuples(st.sampled_from([0.1, 1.0, 2.4, 9.0]), st.floats(0, 100), st.booleans()),
    min_size=1,
    max_size=60,
)


def by_column(found: list[list[tuple[float, float]]], start_s: float, column_s: float) -> Columns:
    """The lowest and the highest value of every column that is in sight as a whole.

    Of the column that the begin cuts, the lowest and the highest sample may lie out of sight.
    """
    columns: dict[int, list[float]] = {}
    for line in found:
        for at_s, value in line:
            if (column := math.floor(at_s / column_s)) > math.floor(start_s / column_s):
                columns.setdefault(column, []).append(value)
    return {column: (min(values), max(values)) for column, values in columns.items()}


def begins(found: list[list[tuple[float, float]]], start_s: float, column_s: float) -> list[int]:
    """In which columns lines begin that go on after the column that the begin cuts."""
    cut = math.floor(start_s / column_s)
    ends = [
        (math.floor(line[0][0] / column_s), math.floor(line[-1][0] / column_s)) for line in found
    ]
    return [max(cut, first) for first, last in ends if last > cut]


@given(steps, st.floats(0.2, 8.0), st.floats(2.0, 40.0), st.integers(1, 5))
def test_painted_again_and_again_it_is_the_same_as_painted_once(
    parts: list[tuple[float, float, bool]], column_s: float, range_s: float, each: int
) -> None:
    track, at_s = Track(keep_s=1e9), 0.0
    trace = Trace(track)
    for number, (step, value, cut) in enumerate(parts):
        at_s += step * RHYTHM_S
        track.add(at_s, value, RHYTHM_S, cut=cut)
        if number % each:
            continue
        start_s = at_s - range_s
        kept = [
            [(point.x(), point.y()) for point in polygon.toList()]
            for polygon in trace.polygons(start_s, at_s, column_s)
        ]
        once = list(lines(track, start_s, at_s, column_s))
        assert by_column(kept, start_s, column_s) == by_column(once, start_s, column_s)
        assert begins(kept, start_s, column_s) == begins(once, start_s, column_s)


def test_points_that_have_left_the_chart_are_forgotten() -> None:
    track = Track()
    trace = Trace(track)
    for second in range(3000):
        track.add(float(second), 1.0, 1.0)
        kept = trace.polygons(second - 60.0, float(second), 1.0)
    assert sum(polygon.size() for polygon in kept) < 300


def test_another_history_or_range_is_taken_up_whole() -> None:
    track = Track()
    trace = Trace(track)
    for second in range(100):
        track.add(float(second), 1.0, 1.0)
    assert trace.polygons(90.0, 99.0, 0.1)[0].size() < 15
    assert trace.polygons(0.0, 99.0, 1.0)[0].size() == 100
    track.clear()
    assert trace.polygons(0.0, 99.0, 1.0) == []
    track.add(100.0, 2.0, 1.0)
    assert trace.polygons(40.0, 100.0, 1.0)[0].last().y() == 2.0

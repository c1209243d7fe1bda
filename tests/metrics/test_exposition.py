"""The text that scrapers read, in both formats."""

import math

from omnitray.api.metric_calls import families
from omnitray.metrics.exposition import CPU_HOLDS_S, MetricFamily, RunningTotals, write
from support.fake_door import MOMENT, FakeDoor, snapshot

COUNTER = MetricFamily("omnitray_alerts", "counter", "Incidents.", [({"type": 'a"b\\c\n'}, 2)])
SAMPLES: list[tuple[dict[str, str], float | None]] = [({}, 0.25), ({"x": "y"}, None)]
GAUGE = MetricFamily("omnitray_cpu_usage_ratio", "gauge", "Share.", SAMPLES)


def test_openmetrics_names_a_counter_without_its_ending_and_ends() -> None:
    assert write([COUNTER, GAUGE], openmetrics=True) == (
        "# TYPE omnitray_alerts counter\n"
        "# HELP omnitray_alerts Incidents.\n"
        'omnitray_alerts_total{type="a\\"b\\\\c\\n"} 2\n'
        "# TYPE omnitray_cpu_usage_ratio gauge\n"
        "# HELP omnitray_cpu_usage_ratio Share.\n"
        "omnitray_cpu_usage_ratio 0.25\n"
        "# EOF\n"
    )


def test_the_older_format_names_the_sample() -> None:
    text = write([COUNTER], openmetrics=False)
    assert "# TYPE omnitray_alerts_total counter\n" in text
    assert "EOF" not in text


def test_what_is_not_known_is_left_out() -> None:
    empty = MetricFamily("omnitray_x", "gauge", "X.", [({}, None)])
    assert write([empty], openmetrics=False) == "\n"


def test_a_name_of_any_bytes_and_a_figure_that_is_none_cost_no_other_series() -> None:
    """Prometheus refuses the whole text for one series that stands there twice."""
    samples: list[tuple[dict[str, str], float | None]] = [
        ({"mount": "/mnt/\udcff"}, 0.5),
        ({"mount": "/mnt/\udcfe"}, 0.25),  # looks the same where it is written
        ({"mount": "/nan"}, math.nan),
        ({"mount": "/inf"}, math.inf),
        ({"mount": "/"}, 1e300),
    ]
    text = write([MetricFamily("omnitray_x", "gauge", "X.", samples)], openmetrics=True)
    assert text.encode().decode().splitlines()[2:] == [
        'omnitray_x{mount="/mnt/?"} 0.5',
        'omnitray_x{mount="/"} 1e+300',
        "# EOF",
    ]


def test_the_machine_is_bounded_in_series_and_names_no_process() -> None:
    text = write(families(FakeDoor()), openmetrics=False)
    samples = [line for line in text.splitlines() if not line.startswith("#")]
    assert len(samples) <= 300 - 2 * 50 - 50  # with all the servers and webhooks that are named
    assert "pytest" not in text
    assert 'omnitray_alerts_total{type="SERVER_DOWN",severity="critical"} 2' in samples
    assert 'omnitray_server_up{server="api"} 1' in samples


def test_a_reading_without_a_rate_leaves_no_gap_in_the_series() -> None:
    totals = RunningTotals()
    totals.add(snapshot())
    totals.add(snapshot(MOMENT + 5, cpu_percent=None))  # the level has changed
    assert totals.now.cpu_at(5.0) == 34.2
    assert totals.now.cpu_at(CPU_HOLDS_S) == 34.2
    assert totals.now.cpu_at(CPU_HOLDS_S + 0.1) is None  # it says nothing about now

    door = FakeDoor()
    door.totals_now = totals.now
    door.shots = [snapshot(MOMENT + 5, cpu_percent=None)]
    assert "\nomnitray_cpu_usage_ratio 0.342\n" in write(families(door), openmetrics=False)
    door.shots = [snapshot(MOMENT + 5, cpu_percent=0.0)]  # nothing to do is a figure, too
    assert "\nomnitray_cpu_usage_ratio 0\n" in write(families(door), openmetrics=False)
    door.shots = [snapshot(MOMENT + CPU_HOLDS_S + 1, cpu_percent=None)]
    assert "cpu_usage" not in write(families(door), openmetrics=False)

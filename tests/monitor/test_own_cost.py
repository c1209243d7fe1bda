from omnitray.base.facts import OwnCost
from omnitray.monitor.sampler import OwnCostMeter
from support.clock import FakeClock


def test_it_measures_over_stretches_and_leaves_the_start_out() -> None:
    clock, used = FakeClock(), [0.0]
    meter = OwnCostMeter(clock, lambda: used[0], lambda: 70_000_000)
    for used_s in (2.0, 2.01, 2.03):
        clock.advance(5.0)
        used[0] = used_s
        latest = meter.read()
    assert latest is not None
    assert latest.rss_bytes == 70_000_000
    assert round(latest.cpu_percent, 2) == 0.4


def test_between_two_stretches_the_last_figure_stands() -> None:
    clock = FakeClock()
    meter = OwnCostMeter(clock, lambda: 1.0, lambda: None)
    assert meter.read() is None
    clock.advance(5.0)
    assert meter.read() is None
    clock.advance(5.0)
    assert meter.read() == meter.read() == OwnCost(cpu_percent=0.0, rss_bytes=0)

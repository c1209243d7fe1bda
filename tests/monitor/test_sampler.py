"""Disks are looked at as often as they fill, so that "full in two minutes" is said in time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnitray.base.facts import (
    BatteryFacts,
    DiskFacts,
    Forecast,
    MonitorLevel,
    Snapshot,
    TemperatureFacts,
)
from omnitray.monitor.machine import CpuQuota, Traffic
from omnitray.monitor.sampler import DiskLook, DiskWatch, Sampler
from omnitray.protector.forecast import DiskForecaster
from support.clock import FakeClock
from support.machine import FakeMachine

NORMAL = MonitorLevel.NORMAL


class Bench:
    """A sampler with its fake machine and clock."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.machine = FakeMachine(cores=2)
        self.sampler = Sampler(self.machine, self.clock)

    def sample(self, level: MonitorLevel = NORMAL) -> Snapshot:
        return self.sampler.sample(level)

    def after(self, seconds: float, level: MonitorLevel = NORMAL) -> Snapshot:
        self.clock.advance(seconds)
        self.machine.work(seconds, 1.0, 0.5)
        return self.sample(level)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def rates(shot: Snapshot) -> list[float | None]:
    return [
        shot.interval_s,
        shot.cpu_percent,
        shot.disk_read_bps,
        shot.disk_write_bps,
        shot.net_recv_bps,
        shot.net_sent_bps,
    ]


def has_no_rate(shot: Snapshot) -> bool:
    return rates(shot) == [None] * 6 and shot.cpu_per_core_percent == ()


def test_the_first_sample_has_no_rates_but_all_the_rest(bench: Bench) -> None:
    shot = bench.sample()
    assert has_no_rate(shot)
    assert shot.memory_percent == 25.0
    assert shot.load == (0.1, 0.2, 0.3)
    assert shot.connections == 7
    assert shot.level is NORMAL


def test_cpu_is_the_share_of_time_worked_in_total_and_by_core(bench: Bench) -> None:
    bench.sample()
    shot = bench.after(5)
    assert shot.cpu_percent == 75.0
    assert shot.cpu_per_core_percent == (100.0, 50.0)


def test_rates_come_from_measured_time_not_from_the_rhythm(bench: Bench) -> None:
    bench.sample()
    bench.machine.disk = {"sda": Traffic(8000, 800)}
    bench.machine.network = {"eth0": Traffic(80, 8)}
    shot = bench.after(8)
    assert shot.interval_s == 8
    assert (shot.disk_read_bps, shot.disk_write_bps) == (1000, 100)
    assert (shot.net_recv_bps, shot.net_sent_bps) == (10, 1)


def test_a_change_of_level_breaks_the_rates_once(bench: Bench) -> None:
    bench.sample()
    assert has_no_rate(bench.after(1, MonitorLevel.CRITICAL))
    assert bench.after(0.5, MonitorLevel.CRITICAL).cpu_percent == 75.0


def test_reset_breaks_the_rates_once(bench: Bench) -> None:
    bench.sample()
    bench.sampler.reset()
    assert has_no_rate(bench.after(5))
    assert bench.after(5).interval_s == 5


@pytest.mark.parametrize("jump_s", [2.1, -2.1, 3600.0])
def test_clocks_that_part_break_the_rates_once(bench: Bench, jump_s: float) -> None:
    bench.sample()
    bench.clock.jump_wall(jump_s)
    assert has_no_rate(bench.after(5))
    assert bench.after(5).interval_s == 5


def test_a_clock_that_is_nudged_breaks_nothing(bench: Bench) -> None:
    bench.sample()
    bench.clock.jump_wall(1.9)
    assert bench.after(5).interval_s == 5


def test_a_gap_breaks_the_rates(bench: Bench) -> None:
    bench.sample()
    assert has_no_rate(bench.after(12.6))


def test_a_starved_machine_keeps_its_rates_at_the_fastest_level(bench: Bench) -> None:
    bench.sample(MonitorLevel.CRITICAL)
    assert bench.after(4.0, MonitorLevel.CRITICAL).cpu_percent == 75.0


def test_two_samples_at_one_instant_have_no_rate(bench: Bench) -> None:
    bench.sample()
    assert has_no_rate(bench.sample())


def test_what_cannot_be_read_is_none_and_comes_back(bench: Bench) -> None:
    bench.sample()
    bench.machine.has_cpu = False
    bench.machine.disk = None
    bench.machine.network = None
    bench.machine.memory_facts = None
    bench.machine.sockets = None
    blind = bench.after(5)
    assert rates(blind) == [5, None, None, None, None, None]
    assert (blind.memory, blind.memory_percent, blind.connections) == (None, None, None)
    bench.machine.has_cpu = True
    bench.machine.disk = {"sda": Traffic(10, 10)}
    assert bench.after(5).cpu_percent is None
    assert bench.after(5).cpu_percent == 75.0


def test_a_device_that_is_plugged_in_brings_no_spike(bench: Bench) -> None:
    bench.sample()
    bench.machine.disk = {"sda": Traffic(50, 5), "sdb": Traffic(10**15, 10**15)}
    shot = bench.after(5)
    assert (shot.disk_read_bps, shot.disk_write_bps) == (10, 1)


def test_a_counter_that_starts_over_counts_nothing_for_once(bench: Bench) -> None:
    bench.machine.network = {"eth0": Traffic(10**9, 0), "wlan0": Traffic(0, 0)}
    bench.sample()
    bench.machine.network = {"eth0": Traffic(5, 0), "wlan0": Traffic(500, 0)}
    assert bench.after(5).net_recv_bps == 100


def test_a_core_that_goes_offline_leaves_the_total(bench: Bench) -> None:
    bench.sample()
    bench.machine.busy.append(0.0)
    bench.machine.total.append(0.0)
    shot = bench.after(5)
    assert shot.cpu_per_core_percent == ()
    assert shot.cpu_percent is not None


def test_under_a_quota_cpu_is_relative_to_the_quota(bench: Bench) -> None:
    bench.machine.quota = CpuQuota(cores=0.5, used_s=10.0)
    bench.sample()
    bench.machine.quota = CpuQuota(cores=0.5, used_s=11.0)
    assert bench.after(4).cpu_percent == 50.0
    bench.machine.quota = CpuQuota(cores=0.5, used_s=99.0)
    assert bench.after(4).cpu_percent == 100.0


def test_a_quota_that_appears_has_no_rate_at_first(bench: Bench) -> None:
    bench.sample()
    bench.machine.quota = CpuQuota(cores=0.5, used_s=10.0)
    assert bench.after(4).cpu_percent is None


def test_sensors_are_read_seldom_and_anew_after_a_break(bench: Bench) -> None:
    bench.machine.sensors = (TemperatureFacts(label="cpu", celsius=50.0),)
    bench.sample(MonitorLevel.CRITICAL)
    for _ in range(10):
        bench.after(0.5, MonitorLevel.CRITICAL)
    assert bench.machine.slow_readings == 1
    bench.after(5, MonitorLevel.CRITICAL)
    assert bench.machine.slow_readings == 2
    bench.machine.battery_facts = BatteryFacts(percent=40, discharging=True)
    assert bench.after(1, MonitorLevel.INTENSIVE).battery == bench.machine.battery_facts
    assert bench.machine.slow_readings == 3


def test_how_busy_the_gpu_is_is_asked_as_seldom(bench: Bench) -> None:
    bench.machine.gpu = 40.0
    assert bench.sample(MonitorLevel.CRITICAL).gpu_percent == 40.0
    bench.machine.gpu = 90.0
    assert bench.after(1, MonitorLevel.CRITICAL).gpu_percent == 40.0
    assert bench.after(10, MonitorLevel.CRITICAL).gpu_percent == 90.0


def test_slow_sensors_are_read_so_seldom_that_they_cost_a_thousandth() -> None:
    bench = Bench()

    def slow() -> tuple[TemperatureFacts, ...]:
        bench.clock.advance(0.2)
        bench.machine.slow_readings += 1
        return ()

    bench.machine.temperatures = slow  # type: ignore[method-assign]
    sampler = Sampler(bench.machine, bench.clock)
    for _ in range(39):
        sampler.sample(NORMAL)
        bench.clock.advance(5)
    assert bench.machine.slow_readings == 1


@given(
    st.lists(
        st.tuples(
            st.floats(0.01, 4.9),
            st.floats(0, 1),
            st.integers(-(10**6), 10**12),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_rates_are_never_negative_and_shares_never_leave_the_scale(
    steps: list[tuple[float, float, int]],
) -> None:
    bench = Bench()
    bench.sample()
    for seconds, share, count in steps:
        bench.clock.advance(seconds)
        bench.machine.work(seconds, share)
        bench.machine.disk = {"sda": Traffic(max(0, count), 0)}
        shot = bench.sample()
        assert shot.cpu_percent is not None
        assert 0 <= shot.cpu_percent <= 100
        assert shot.disk_read_bps is not None
        assert shot.disk_read_bps >= 0


GB, MB = 1e9, 1e6
RUNS_OUT_S = 120.0


class FillingDisk:
    """A disk on which so much is written a second, from a moment on and until another."""

    def __init__(self, total: float, free: float, bps: float, start_s: float = 20.0) -> None:
        self.clock = FakeClock()
        self.total, self.free, self.bps = total, free, bps
        self.start_s = self.clock.monotonic() + start_s
        self.stop_s = float("inf")
        self.watch = DiskWatch(self.read, self.clock)
        self.forecaster = DiskForecaster()
        self.looks = 0

    @property
    def left(self) -> float:
        at_s = min(self.clock.monotonic(), self.stop_s)
        return max(0.0, self.free - self.bps * max(0.0, at_s - self.start_s))

    def read(self) -> tuple[DiskFacts, ...]:
        self.looks += 1
        used = 100.0 * (self.total - self.left) / self.total
        return (
            DiskFacts(
                mount="/data",
                filesystem="ext4",
                total_bytes=int(self.total),
                free_bytes=int(self.left),
                used_percent=used,
            ),
        )

    def turn(self) -> tuple[DiskLook, tuple[Forecast, ...]]:
        look = self.watch.look()
        found = self.forecaster.add(look.at_mono_s, look.disks)
        return look, found

    def foretold(self, seconds: float) -> float | None:
        """Seconds that are left when it is first said that it is full within two minutes."""
        until_s = self.clock.monotonic() + seconds
        while self.clock.monotonic() < until_s:
            look, found = self.turn()
            if any(each.high_s < RUNS_OUT_S for each in found):
                return self.left / self.bps
            self.clock.advance(look.next_s)
        return None


@pytest.mark.parametrize("bps", [30 * MB, 100 * MB, 300 * MB, 500 * MB])
@pytest.mark.parametrize("free", [4 * GB, 20 * GB, 100 * GB])
@pytest.mark.parametrize("total", [64 * GB, 2000 * GB])
@pytest.mark.parametrize("offset", [0.0, 2.3, 4.9])
def test_a_full_disk_is_foretold_in_time_to_slow_its_writer_down_first(
    total: float, free: float, bps: float, offset: float
) -> None:
    lasts_s = free / bps
    disk = FillingDisk(max(total, free), free, bps, start_s=20.0 + offset)
    left_s = disk.foretold(lasts_s + 40.0)

    assert left_s is not None
    # The whole time, or two minutes, less the looks that it takes to be sure.
    assert left_s >= 0.8 * min(lasts_s, RUNS_OUT_S) - 5.0
    assert left_s > 0.0


@pytest.mark.parametrize(("free", "bps"), [(1 * GB, 30 * MB), (1 * GB, 100 * MB), (2 * GB, 500e6)])
@pytest.mark.parametrize("offset", [0.0, 0.4, 0.9])
def test_a_small_disk_is_foretold_before_it_is_full(free: float, bps: float, offset: float) -> None:
    disk = FillingDisk(2 * GB, free, bps, start_s=20.0 + offset)
    left_s = disk.foretold(free / bps + 40.0)

    assert left_s is not None
    assert left_s >= 0.3 * free / bps


@pytest.mark.parametrize(("bps", "seconds"), [(500 * MB, 8.0), (300 * MB, 8.0), (100 * MB, 30.0)])
def test_a_copy_of_some_gigabytes_onto_a_roomy_disk_fills_nothing(
    bps: float, seconds: float
) -> None:
    disk = FillingDisk(500 * GB, 60 * GB, bps)
    disk.stop_s = disk.start_s + seconds

    assert disk.foretold(120.0) is None


def test_at_rest_it_is_looked_at_every_five_seconds_and_more_often_where_little_is_left() -> None:
    roomy, tight, boot = (
        FillingDisk(500e9, 100e9, 0),
        FillingDisk(5e9, 2e9, 0),
        FillingDisk(5e8, 1e8, 0),
    )
    assert [each.turn()[0].next_s for each in (roomy, tight, boot)] == [5.0, 2.0, 5.0]
    assert not any(each.turn()[0].filling for each in (roomy, tight, boot))


def test_while_it_fills_it_is_looked_at_twice_a_second_and_calm_again_after_five() -> None:
    disk = FillingDisk(500 * GB, 40 * GB, 400 * MB, start_s=0.0)
    disk.turn()
    disk.clock.advance(5.0)
    look, _ = disk.turn()
    assert (look.next_s, look.filling) == (0.5, frozenset({"/data"}))
    disk.stop_s = disk.clock.monotonic()
    disk.clock.advance(5.1)
    look, _ = disk.turn()
    assert (look.next_s, look.filling) == (5.0, frozenset())


def test_what_is_written_slowly_asks_for_no_closer_look() -> None:
    disk = FillingDisk(500 * GB, 30 * GB, 3 * MB, start_s=0.0)
    for _ in range(20):
        look, _ = disk.turn()
        assert (look.next_s, look.filling) == (5.0, frozenset())
        disk.clock.advance(look.next_s)

"""Disks are looked at as often as they fill, so that "full in two minutes" is said in time."""

import pytest

from omnitray.base.facts import DiskFacts, Forecast
from omnitray.monitor.disk_watch import DiskLook, DiskWatch
from omnitray.protector.forecast import DiskForecaster
from support.clock import FakeClock

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

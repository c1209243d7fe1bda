"""The guard's reading over a machine that is told what to be, and the probe over a told clock."""

import pytest

from omnitray.base.conditions import others_waited
from omnitray.base.facts import MemoryFacts
from omnitray.monitor.machine import CpuQuota
from omnitray.protector.guard import GuardSource, NoWakeupTriggers
from omnitray.protector.latency import LatencyProbe
from support.clock import FakeClock
from support.machine import FakeMachine


class Wakers(NoWakeupTriggers):
    """Compressed swap and one trigger."""

    def zram_bytes(self) -> int:
        return 123

    def triggers(self) -> tuple[int, ...]:
        return (9,)


def test_a_reading_is_put_together() -> None:
    machine, clock = FakeMachine(), FakeClock(monotonic=50.0)
    source = GuardSource(machine, Wakers(), clock)
    reading = source.read()
    assert reading is not None
    assert reading.memory == machine.memory_facts
    assert (reading.monotonic_s, reading.zram_bytes, reading.cpu_percent) == (50.0, 123, None)
    assert source.triggers() == (9,)
    source.close()


def test_without_memory_there_is_no_reading() -> None:
    machine = FakeMachine()
    machine.memory_facts = None
    assert GuardSource(machine, NoWakeupTriggers(), FakeClock()).read() is None


def test_processor_use_is_of_half_a_second_at_least() -> None:
    machine, clock = FakeMachine(), FakeClock()
    source = GuardSource(machine, NoWakeupTriggers(), clock)
    shown = []
    for share in (0.0, 1.0, 1.0, 1.0, 0.0):
        machine.work(0.3, share)
        reading = source.read()
        assert reading is not None
        shown.append(reading.cpu_percent)
        clock.advance(0.3)
    known = [None if each is None else round(each) for each in shown]
    assert known == [None, None, 100, 100, 50]


def test_where_our_group_may_use_less_than_the_machine_its_share_counts() -> None:
    machine, clock = FakeMachine(cores=8), FakeClock()
    source = GuardSource(machine, NoWakeupTriggers(), clock)
    machine.quota = CpuQuota(cores=1.5, used_s=10.0)
    source.read()
    clock.advance(1.0)
    machine.work(1.0, 0.2)  # 1.6 of 8 cores: the machine is idle, the group is at its limit
    machine.quota = CpuQuota(cores=1.5, used_s=11.5)
    reading = source.read()
    assert reading is not None
    assert reading.cpu_percent == pytest.approx(100.0)
    assert reading.quota_cores == 1.5


def test_a_limit_that_comes_is_silent_for_one_reading() -> None:
    machine, clock = FakeMachine(), FakeClock()
    source = GuardSource(machine, NoWakeupTriggers(), clock)
    shown = []
    for quota in (None, CpuQuota(cores=1.0, used_s=5.0), CpuQuota(cores=1.0, used_s=5.5), None):
        machine.quota = quota
        reading = source.read()
        assert reading is not None
        shown.append(reading.cpu_percent)
        machine.work(1.0, 1.0)
        clock.advance(1.0)
    assert shown == [None, None, 50.0, 100.0]


class Slow:
    """A machine on which a wake-up comes ``wait_s`` late, and work takes ``slower`` times as long.

    ``used`` is the processor time of the one that asks.
    """

    def __init__(self, wait_s: float = 0.0, slower: float = 1.0) -> None:
        self.now = self.used_s = 0.0
        self.wait_s, self.slower = wait_s, slower

    def __call__(self) -> float:
        self.now += 0.0005 * self.slower
        self.used_s += 0.0005
        return self.now

    def used(self) -> float:
        return self.used_s

    def sleep(self, seconds: float) -> None:
        self.now += seconds + self.wait_s


def probe_of(clock: Slow) -> LatencyProbe:
    return LatencyProbe(clock, clock.used, clock.sleep)


def test_the_probe_tells_a_busy_machine_from_a_quiet_one() -> None:
    clock = Slow()
    probe = probe_of(clock)
    quiet = probe.measure()
    clock.wait_s = 0.02
    busy = probe.measure()
    assert abs(quiet.now_ms - quiet.quiet_ms) < 0.1
    assert abs(busy.now_ms - quiet.now_ms - 20.0) < 0.1
    assert abs(busy.quiet_ms - quiet.quiet_ms) < 0.1


def test_a_probe_that_begins_on_a_busy_machine_does_not_take_its_load_for_quiet() -> None:
    clock = Slow(wait_s=0.02, slower=8.0)
    probe = probe_of(clock)
    busy = probe.measure()
    assert others_waited(None, busy) is True
    clock.wait_s, clock.slower = 0.0, 1.0
    quiet = probe.measure()
    assert others_waited(None, quiet) is False
    assert abs(busy.quiet_ms - quiet.quiet_ms) < 0.1


GIB = 1 << 30


def checked_quickly(before: MemoryFacts, after: MemoryFacts, *, for_s: float) -> float | None:
    """What a quick check says so long after a reading."""
    machine, clock = FakeMachine(), FakeClock()
    machine.memory_facts = before
    source = GuardSource(machine, NoWakeupTriggers(), clock)
    source.read()
    machine.memory_facts = after
    clock.advance(for_s)
    return source.quick_check()


def memory(*, available: int, swap_free: int = 0) -> MemoryFacts:
    return MemoryFacts(
        total_bytes=16 * GIB,
        available_bytes=available,
        swap_total_bytes=4 * GIB,
        swap_free_bytes=swap_free,
    )


def test_a_quick_check_says_how_old_the_reading_is_while_memory_hardly_moves() -> None:
    before = memory(available=8 * GIB)
    assert checked_quickly(before, before, for_s=2.0) == 2.0
    assert checked_quickly(before, memory(available=8 * GIB - 15 * (1 << 20)), for_s=2.0) == 2.0


@pytest.mark.parametrize(
    "after",
    [
        memory(available=8 * GIB - 17 * (1 << 20), swap_free=GIB),
        memory(available=8 * GIB + 17 * (1 << 20), swap_free=GIB),
        memory(available=8 * GIB, swap_free=GIB - 17 * (1 << 20)),
    ],
)
def test_a_quick_check_asks_for_a_reading_when_memory_or_swap_has_moved(after: MemoryFacts) -> None:
    assert checked_quickly(memory(available=8 * GIB, swap_free=GIB), after, for_s=2.0) is None


def test_without_a_reading_there_is_nothing_to_check() -> None:
    assert GuardSource(FakeMachine(), NoWakeupTriggers(), FakeClock()).quick_check() is None


def test_what_cannot_be_read_any_more_is_no_rest() -> None:
    machine, clock = FakeMachine(), FakeClock()
    source = GuardSource(machine, NoWakeupTriggers(), clock)
    source.read()
    machine.memory_facts = None
    clock.advance(1.0)
    assert source.quick_check() is None
    assert source.read() is None
    machine.memory_facts = memory(available=GIB)
    assert source.quick_check() is None

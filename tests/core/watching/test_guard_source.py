"""The guard's reading over a machine that is told what to be, and the probe over a told clock."""

from omnitray.core.watching.guard_source import GuardSource, NoWakers
from omnitray.core.watching.latency import LatencyProbe
from support.clock import FakeClock
from support.machine import FakeMachine


class Wakers(NoWakers):
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
    assert GuardSource(machine, NoWakers(), FakeClock()).read() is None


def test_processor_use_is_of_half_a_second_at_least() -> None:
    machine, clock = FakeMachine(), FakeClock()
    source = GuardSource(machine, NoWakers(), clock)
    shown = []
    for share in (0.0, 1.0, 1.0, 1.0, 0.0):
        machine.work(0.3, share)
        reading = source.read()
        assert reading is not None
        shown.append(reading.cpu_percent)
        clock.advance(0.3)
    known = [None if each is None else round(each) for each in shown]
    assert known == [None, None, 100, 100, 50]


class Slow:
    """A clock on which everything takes ``wait_s`` longer than it should."""

    def __init__(self) -> None:
        self.now = 0.0
        self.wait_s = 0.0

    def __call__(self) -> float:
        self.now += 0.0005
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds + self.wait_s


def test_the_probe_tells_a_busy_machine_from_a_quiet_one() -> None:
    clock = Slow()
    probe = LatencyProbe(clock, clock.sleep)
    quiet = probe.measure()
    clock.wait_s = 0.02
    busy = probe.measure()
    assert abs(quiet.now_ms - quiet.quiet_ms) < 0.1
    assert abs(busy.now_ms - quiet.now_ms - 20.0) < 0.1
    assert abs(busy.quiet_ms - quiet.quiet_ms) < 0.1

"""When to look again: headroom divided by how fast it can be used up.

The formula is earlyoom's (``sleep_time_ms`` in its ``main.c``): nothing can go wrong before memory
has been filled down to the floor, and memory cannot be filled faster than 6 GB/s, swap not faster
than 800 MB/s. So a sleep of ``memory headroom / 6 GB/s + swap headroom / 800 MB/s`` is never too
long, and with gigabytes to spare the guard costs nothing. Two things are added: half of that time
is slept, because what fills memory is to be seen on its way (only then can it be paused instead of
ended), and the mode's limit must not be crossed unseen at the rate that is measured.

At rest most of these readings are quick checks (``GuardSource.quick_check``): memory alone is
looked at. A whole reading follows at once where it has moved, after five seconds in any case, and
earlier where the kernel's triggers say that processors or disks get short.
"""

import enum
import time
from collections.abc import Callable
from typing import Protocol

import msgspec

from omnitray.base.clock import Clock
from omnitray.base.conditions import floor_points, is_cpu_over, is_memory_over, memory_left
from omnitray.base.facts import Forecast, GuardReading, MemoryFacts
from omnitray.base.policy import ModeLimits, ProtectPolicy
from omnitray.monitor.machine import BusyTime, CpuQuota, Machine
from omnitray.protector.forecast import MemoryForecaster

RAM_FILL_BPS = 6000 << 20  # the fastest that earlyoom's author saw (stress -m 4)
SWAP_FILL_BPS = 800 << 20  # as above, into zram
SHORTEST_S = 0.1  # as earlyoom, which sleeps for 0.1 to 1 s
LONGEST_S = 5.0  # as the level NORMAL looks; the kernel's triggers wake it sooner
_LOOKS_ON_THE_WAY = 2.0  # the first may come late: one is left before the limit
_MEASURED_MARGIN = 4.0  # looks before the limit at the rate that is measured
WORTH_BPS = 8 << 20  # slower growth is left to the worst case
_CALM_SCAN_S, _ALERT_SCAN_S = 5.0, 1.0  # as the levels NORMAL and INTENSIVE look
_OTHERS_SCAN_S = 3.0  # as long as the shortest hold: what begins meanwhile is slowed down in time
_CLOSE_SCAN_S, _CLOSE_POINTS = 0.3, 3.0  # 4 to 6 ms with 1,075 processes: 2 % of a core
_NEAR_POINTS = 6.0  # where it moves: whether the floor is seconds away, the jobs' growth says
_MOVED_POINTS = 0.5
_WATCHED_S = 2.0  # after acting: a fork bomb goes on with what was forked meanwhile
_SOON_S = 60.0  # twice the 30 s within which what grows is paused
_IDLE_S = 1.0  # with so much time there is room for it
_PRESSING = 10.0  # per cent of time that something waited for memory
# A look at a browser of 116 processes takes 20 to 40 ms of a processor on a busy machine: ten times
# a second, for as long as a page leaks that may not be touched, that was 25 % of a core (measured).
# The first ten to twenty looks of an incident are as fast as it asks; then as many as this pays.
_LOOKS_SHARE, _LOOKS_AT_ONCE_S = 0.05, 0.4
_LOOK_AT_LEAST_S = 1.0  # with thousands of processes too


class DelayReason(enum.StrEnum):
    """Why the guard sleeps so long."""

    PLENTY = "there is plenty"
    FILL_RATE = "so long memory lasts at the fastest rate there is"
    GROWTH = "the limit comes near at the rate that is measured"
    CLOSE = "memory is close to its floor"


class GuardStep(msgspec.Struct, frozen=True, kw_only=True):
    """What a reading brought: when to read again, and whether to look at the processes now."""

    delay_s: float
    reason: DelayReason
    forecast: Forecast | None
    wants_scan: bool
    idle: bool = False  # nothing is near, nothing is held: a quick check may do until it moves


def next_delay(
    reading: GuardReading, previous: GuardReading | None, policy: ProtectPolicy
) -> tuple[float, DelayReason]:
    """Seconds until the next reading is due, 0.1 to 5, and why."""
    worst_s = _worst_case_s(reading.memory, policy.limits)
    growth_s = _growth_s(reading, previous, policy.limits)
    seconds = min(worst_s, growth_s, LONGEST_S)
    if seconds <= SHORTEST_S:
        return SHORTEST_S, DelayReason.CLOSE
    if seconds == LONGEST_S:
        return LONGEST_S, DelayReason.PLENTY
    return seconds, DelayReason.FILL_RATE if worst_s <= growth_s else DelayReason.GROWTH


def _worst_case_s(memory: MemoryFacts, limits: ModeLimits) -> float:
    floor = memory.total_bytes * limits.memory_floor_percent / 100.0
    swap_floor = memory.swap_total_bytes * limits.swap_floor_percent / 100.0
    ram_s = max(0.0, memory.available_bytes - floor) / RAM_FILL_BPS
    swap_s = max(0.0, memory.swap_free_bytes - swap_floor) / SWAP_FILL_BPS
    return (ram_s + swap_s) / _LOOKS_ON_THE_WAY


def _growth_s(reading: GuardReading, previous: GuardReading | None, limits: ModeLimits) -> float:
    """A quarter of the time to the limit; past the limit, to the floor."""
    if previous is None or reading.monotonic_s <= previous.monotonic_s:
        return LONGEST_S
    gap_s = reading.monotonic_s - previous.monotonic_s
    growth_bps = (reading.memory.used_bytes - previous.memory.used_bytes) / gap_s
    if growth_bps < WORTH_BPS:
        return LONGEST_S
    total = reading.memory.total_bytes
    lines = (limits.memory_percent, 100.0 - limits.memory_floor_percent)
    ahead = [total * line / 100.0 - reading.memory.used_bytes for line in lines]
    headroom = next((bytes_ for bytes_ in ahead if bytes_ > 0), 0.0)
    return headroom / growth_bps / _MEASURED_MARGIN


def next_quick_check(since_s: float, delay_s: float) -> float | None:
    """Seconds until the next quick check or reading; None: read now, the last one is too old."""
    left_s = LONGEST_S - since_s
    return min(delay_s, left_s) if left_s >= SHORTEST_S else None


class LookBudget:
    """What looks at the processes may take of a processor: many in a rush, few for long."""

    def __init__(self) -> None:
        self._left_s = _LOOKS_AT_ONCE_S
        self._at_s: float | None = None

    def allows(self, now_s: float, since_look_s: float) -> bool:
        """Whether one may be taken now, so long after the last."""
        gap_s = 0.0 if self._at_s is None else max(0.0, now_s - self._at_s)
        self._left_s = min(_LOOKS_AT_ONCE_S, self._left_s + gap_s * _LOOKS_SHARE)
        self._at_s = now_s
        return self._left_s > 0.0 or since_look_s >= _LOOK_AT_LEAST_S

    def pay(self, cpu_s: float) -> None:
        """One was taken."""
        self._left_s -= cpu_s


class Guard:
    """Keeps the readings that forecasts need, and rations the looks at the processes.

    ``cpu_s`` is the processor time of the thread that looks.
    """

    def __init__(self, cpu_s: Callable[[], float] = time.thread_time) -> None:
        self._forecaster = MemoryForecaster()
        self._cpu_s = cpu_s
        self._budget = LookBudget()
        self._began_cpu_s = 0.0
        self._previous: GuardReading | None = None
        self._scanned: GuardReading | None = None
        self._acted_s: float | None = None
        self._cpu_is_others = False

    def observe(
        self, reading: GuardReading, policy: ProtectPolicy, *, held: bool = False
    ) -> GuardStep:
        """Take a reading. ``held``: something is under action, which must be looked after."""
        forecast = self._forecaster.add(reading.monotonic_s, reading.memory, policy.limits)
        delay_s, reason = next_delay(reading, self._previous, policy)
        every_s = self._scan_every_s(reading, forecast, policy.limits, held=held)
        self._previous = reading
        wants_scan = every_s is not None and self._is_due(reading.monotonic_s, every_s)
        if wants_scan:
            self._scanned = reading
        if every_s is not None:
            delay_s = min(delay_s, max(every_s, SHORTEST_S))
        return GuardStep(
            delay_s=delay_s,
            reason=reason,
            forecast=forecast,
            wants_scan=wants_scan,
            idle=every_s is None and forecast is None and delay_s >= _IDLE_S,
        )

    def begin(self) -> None:
        """A step begins."""
        self._began_cpu_s = self._cpu_s()

    def looked(self, *, cpu_is_others: bool = False) -> None:
        """The step has looked at the processes and decided about them: what it took is known.

        ``cpu_is_others``: what takes the processors is nothing that could be slowed down.
        """
        self._budget.pay(self._cpu_s() - self._began_cpu_s)
        self._cpu_is_others = cpu_is_others

    def acted(self) -> None:
        """Something was paused or ended: what was foretold is void, and what it did is watched."""
        self._forecaster.forget()
        self._acted_s = self._previous.monotonic_s if self._previous else None

    def _is_due(self, now_s: float, every_s: float) -> bool:
        last = self._scanned
        if last is None:
            return True
        since_s = now_s - last.monotonic_s
        return since_s >= every_s - SHORTEST_S / 2 and self._budget.allows(now_s, since_s)

    def _scan_every_s(
        self,
        reading: GuardReading,
        forecast: Forecast | None,
        limits: ModeLimits,
        *,
        held: bool,
    ) -> float | None:
        """How often the processes are to be looked at; None when nothing asks for it."""
        over_floor = floor_points(reading.memory, limits)
        if over_floor <= 0.0 or _is_soon(forecast) or self._has_just_acted(reading.monotonic_s):
            return 0.0
        is_near = over_floor <= _NEAR_POINTS and self._matters(reading, limits)
        if over_floor <= _CLOSE_POINTS or is_near:
            return _CLOSE_SCAN_S
        if is_cpu_over(reading.cpu_percent, limits):
            every_s = _OTHERS_SCAN_S if self._cpu_is_others else _ALERT_SCAN_S
            return _CALM_SCAN_S if held else every_s
        if is_memory_over(reading.memory, limits) or _is_pressed(reading):
            return _ALERT_SCAN_S if self._matters(reading, limits) else _CALM_SCAN_S
        return _CALM_SCAN_S if held else None

    def _has_just_acted(self, now_s: float) -> bool:
        return self._acted_s is not None and now_s - self._acted_s < _WATCHED_S

    def _matters(self, reading: GuardReading, limits: ModeLimits) -> bool:
        """Whether memory is another than at the last look, and could be used up before long.

        A fall counts as a rise does: freed memory is often taken again at the same rate.
        """
        scanned = self._scanned
        if scanned is None:
            return True
        left = memory_left(reading.memory, limits)
        moved = abs(left - memory_left(scanned.memory, limits))
        if 100.0 * moved < _MOVED_POINTS * reading.memory.total_bytes:
            return False
        rate_bps = max(
            abs(left - memory_left(before.memory, limits)) / gap_s
            for before in (scanned, self._previous or scanned)
            if (gap_s := reading.monotonic_s - before.monotonic_s) > 0
        )
        return left <= rate_bps * _SOON_S


def _is_soon(forecast: Forecast | None) -> bool:
    return forecast is not None and forecast.low_s <= _SOON_S


def _is_pressed(reading: GuardReading) -> bool:
    pressure = reading.pressure.memory if reading.pressure else None
    return pressure is not None and pressure.some_avg10 >= _PRESSING


_SHORTEST_WINDOW_S = 0.5  # 50 ticks of /proc/stat: exact to 2 % of a core


class WakeupTriggers(Protocol):
    """What a platform has beside the machine's readings."""

    def zram_bytes(self) -> int:
        """Memory that compressed swap takes."""
        ...

    def triggers(self) -> tuple[int, ...]:
        """Descriptors that tell early that something gets short; none where there are none.

        On Linux each turns POLLPRI and is left out for two seconds after a hit.
        """
        ...

    def close(self) -> None:
        """Give every descriptor back."""
        ...


class NoWakeupTriggers:
    """Where nothing wakes early."""

    def zram_bytes(self) -> int:
        """None taken."""
        return 0

    def triggers(self) -> tuple[int, ...]:
        """None."""
        return ()

    def close(self) -> None:
        """Nothing."""


class _Used(msgspec.Struct, frozen=True):
    """The processors' counters at one moment."""

    at_s: float
    whole: BusyTime | None
    quota: CpuQuota | None


class GuardSource:
    """Gives readings; from one thread."""

    def __init__(self, machine: Machine, wakers: WakeupTriggers, clock: Clock) -> None:
        self._machine = machine
        self._wakers = wakers
        self._clock = clock
        self._last: tuple[float, int] | None = None  # when, and what was left
        self._before: _Used | None = None
        self._cpu_percent: float | None = None

    def read(self) -> GuardReading | None:
        """A reading, or None where memory cannot be read."""
        memory = self._machine.memory()
        if memory is None:
            self._last = None
            return None
        now = self._clock.monotonic()
        self._last = (now, _left(memory))
        return GuardReading(
            monotonic_s=now,
            memory=memory,
            pressure=self._machine.pressure(),
            zram_bytes=self._wakers.zram_bytes(),
            cpu_percent=self._cpu(),
            quota_cores=self._quota_cores(),
        )

    def quick_check(self) -> float | None:
        """Seconds since the last reading, if memory has hardly moved since; else None.

        It costs a fifth of a reading, and is for a time when nothing else is at stake.
        """
        memory = self._machine.memory() if self._last else None
        if memory is None or self._last is None:
            return None
        since_s = self._clock.monotonic() - self._last[0]
        moved = abs(_left(memory) - self._last[1])
        return since_s if moved < WORTH_BPS * since_s else None

    def triggers(self) -> tuple[int, ...]:
        """What wakes a sleeper early; see :class:`WakeupTriggers`."""
        return self._wakers.triggers()

    def close(self) -> None:
        """Give the triggers back."""
        self._wakers.close()

    def _cpu(self) -> float | None:
        times, at_s = self._machine.cpu_times(), self._clock.monotonic()
        if self._before is not None and at_s - self._before.at_s < _SHORTEST_WINDOW_S:
            return self._cpu_percent
        now = _Used(at_s, times.whole if times else None, self._machine.cpu_quota())
        if self._before is not None:
            self._cpu_percent = _used_percent(self._before, now)
        self._before = now
        return self._cpu_percent

    def _quota_cores(self) -> float | None:
        quota = self._before.quota if self._before else None
        return quota.cores if quota else None


def _used_percent(before: _Used, now: _Used) -> float | None:
    if now.quota is not None:
        return now.quota.used_percent(before.quota, now.at_s - before.at_s)
    if before.whole is None or now.whole is None:
        return None
    return _busy_percent(before.whole, now.whole)


def _left(memory: MemoryFacts) -> int:
    return memory.available_bytes + memory.swap_free_bytes


def _busy_percent(before: BusyTime, now: BusyTime) -> float | None:
    total = now.total - before.total
    return min(100.0, max(0.0, 100.0 * (now.busy - before.busy) / total)) if total > 0 else None

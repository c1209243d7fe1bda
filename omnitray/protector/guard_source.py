"""Where the guard's readings come from: the machine's cheap readings, put together.

Nothing here scans processes. CPU use is of the time since the reading before last that is at
least half a second old: over less it says nothing. Where our group may use less than the machine
has, it is of that share.
"""

from typing import Protocol

import msgspec

from omnitray.base.clock import Clock
from omnitray.base.facts import MemoryFacts
from omnitray.monitor.machine import BusyTime, CpuQuota, Machine
from omnitray.protector.guard import WORTH_BPS
from omnitray.protector.model import GuardReading

_SHORTEST_WINDOW_S = 0.5


class Wakers(Protocol):
    """What a platform has beside the machine's readings."""

    def zram_bytes(self) -> int:
        """Memory that compressed swap takes."""
        ...

    def triggers(self) -> tuple[int, ...]:
        """Descriptors (on Windows handles) that tell early that something gets short.

        On Linux each turns POLLPRI and is left out for two seconds after a hit; elsewhere each
        turns readable, or is signalled, for as long as memory is short.
        """
        ...

    def close(self) -> None:
        """Give every descriptor back."""
        ...


class NoWakers:
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

    def __init__(self, machine: Machine, wakers: Wakers, clock: Clock) -> None:
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

    def glance(self) -> float | None:
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
        """What wakes a sleeper early; see :class:`Wakers`."""
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

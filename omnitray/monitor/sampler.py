"""Takes snapshots: reads the machine, turns counters into rates over measured time.

A rate needs two readings of the same stretch. After a break (the first sample, a change of level,
``reset()``, a resume, a clock that jumped, a gap) there is none, and rates are ``None``. Sensors
and battery can cost milliseconds, so they are read now and then and remembered in between.

How full the disks are is read as often as the room left and the rate of writing ask for
(:class:`DiskWatch`). A snapshot comes every 0.5 to 30 s; a writer of 500 MB/s fills 10 GB in 20 s.
Reading the use of a disk takes some microseconds, so that it need not wait for a snapshot.
"""

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

import msgspec

from omnitray.base.clock import Clock
from omnitray.base.facts import DiskFacts, MonitorLevel, OwnCost, Snapshot
from omnitray.monitor.levels import RHYTHMS
from omnitray.monitor.machine import BusyTime, CpuQuota, CpuTimes, Machine, Traffic

_CALM_S, _CLOSE_S = 5.0, 1.0
_FILLING_S, _SHORTEST_S = 0.5, 0.1
_FASTEST_BPS = 500e6  # what one writer puts on a disk of today; more is seen two looks later
_LOOKS_BEFORE_FULL = 20.0
_FILLS_SOON_S = 300.0  # a disk that would be full within that is looked at closely
_WORTH_BPS = 4e6  # slower growth leaves time for snapshots: 4 GB last a quarter of an hour
_SMALLEST_BYTES = 1 << 30  # smaller ones (a boot partition) are written once a month
_STAYS_CLOSE_S = 5.0  # after the last look that showed it getting fuller


class DiskLook(msgspec.Struct, frozen=True, kw_only=True):
    """The disks at one moment; ``filling`` are those that would be full within minutes."""

    at_mono_s: float
    disks: tuple[DiskFacts, ...]
    filling: frozenset[str] = frozenset()  # mounts
    next_s: float = _CALM_S


class DiskWatch:
    """Looks, and says when to look again; belongs to one thread."""

    def __init__(self, read: Callable[[], tuple[DiskFacts, ...]], clock: Clock) -> None:
        self._read = read
        self._clock = clock
        self._free: dict[str, tuple[float, int]] = {}  # by mount: when, and what was left
        self._until_s: dict[str, float] = {}  # by mount: so long it counts as filling

    def look(self) -> DiskLook:
        """Read each disk."""
        now_s, disks = self._clock.monotonic(), self._read()
        delays = [_CALM_S]
        for disk in disks:
            if (lasts_s := self._lasts_s(disk, now_s)) < _FILLS_SOON_S:
                self._until_s[disk.mount] = now_s + _STAYS_CLOSE_S
            if now_s < self._until_s.get(disk.mount, float("-inf")):
                delays += [_FILLING_S, lasts_s / _LOOKS_BEFORE_FULL]
            elif disk.total_bytes >= _SMALLEST_BYTES:
                delays.append(max(_CLOSE_S, disk.free_bytes / _FASTEST_BPS / 2))
        self._free = {disk.mount: (now_s, disk.free_bytes) for disk in disks}
        filling = {disk.mount for disk in disks if now_s < self._until_s.get(disk.mount, now_s)}
        return DiskLook(
            at_mono_s=now_s,
            disks=disks,
            filling=frozenset(filling),
            next_s=max(_SHORTEST_S, min(delays)),
        )

    def _lasts_s(self, disk: DiskFacts, now_s: float) -> float:
        """How long what is left lasts at the rate since the look before."""
        then_s, before = self._free.get(disk.mount, (now_s, disk.free_bytes))
        if now_s <= then_s:
            return float("inf")
        bps = (before - disk.free_bytes) / (now_s - then_s)
        return disk.free_bytes / bps if bps >= _WORTH_BPS else float("inf")


JUMP_S = 2.0  # the clocks part by so much: a suspend (the steady one stands still), or a set clock
GAP = 2.5  # a gap of so many expected intervals is a break
# A starved machine makes a 0.5 s rhythm late by seconds. The rate over that time is right, and it
# is wanted then more than ever, so that short gaps are none.
LEAST_GAP_S = 5.0
SENSORS_EVERY_S = 10.0
SENSORS_SHARE = 0.001  # sensors may take a thousandth of the time, however slow they are

Value = TypeVar("Value")


class _Counters(msgspec.Struct, frozen=True, kw_only=True):
    """What the next sample needs of this one."""

    level: MonitorLevel
    wall_s: float
    monotonic_s: float
    cpu: CpuTimes | None
    quota: CpuQuota | None
    disk: Mapping[str, Traffic] | None
    network: Mapping[str, Traffic] | None


class Sampler:
    """Reads ``machine`` at the time of ``clock``; one instance belongs to one thread."""

    def __init__(self, machine: Machine, clock: Clock) -> None:
        self._machine = machine
        self._clock = clock
        self.disks = DiskWatch(machine.disks, clock)
        self._before: _Counters | None = None
        self._temperatures = _Rationed(machine.temperatures, clock)
        self._battery = _Rationed(machine.battery, clock)
        self._gpu = _Rationed(machine.gpu_percent, clock)

    def reset(self) -> None:
        """Forget the previous reading: the next sample has no rates."""
        self._before = None

    def sample(self, level: MonitorLevel) -> Snapshot:
        """One reading of the whole machine; processes are counted by the scan."""
        now = self._count(level)
        before = self._before if _continues(self._before, now) else None
        if before is None:
            self._temperatures.expire()
            self._battery.expire()
            self._gpu.expire()
        self._before = now
        return self._snapshot(before, now)

    def _count(self, level: MonitorLevel) -> _Counters:
        machine = self._machine
        return _Counters(
            level=level,
            wall_s=self._clock.wall(),
            monotonic_s=self._clock.monotonic(),
            cpu=machine.cpu_times(),
            quota=machine.cpu_quota(),
            disk=machine.disk_traffic(),
            network=machine.network_traffic(),
        )

    def _snapshot(self, before: _Counters | None, now: _Counters) -> Snapshot:
        machine = self._machine
        interval_s = now.monotonic_s - before.monotonic_s if before else None
        disk_in, disk_out = _rates(before.disk if before else None, now.disk, interval_s)
        net_in, net_out = _rates(before.network if before else None, now.network, interval_s)
        return Snapshot(
            taken_at=now.wall_s,
            monotonic_s=now.monotonic_s,
            level=now.level,
            interval_s=interval_s,
            cpu_percent=_cpu_percent(before, now),
            cpu_per_core_percent=_per_core(before.cpu if before else None, now.cpu),
            load=machine.load(),
            memory=machine.memory(),
            disks=machine.disks(),
            disk_read_bps=disk_in,
            disk_write_bps=disk_out,
            net_recv_bps=net_in,
            net_sent_bps=net_out,
            connections=machine.connections(),
            temperatures=self._temperatures.value(),
            battery=self._battery.value(),
            gpu_percent=self._gpu.value(),
            pressure=machine.pressure(),
            cost_s=self._clock.monotonic() - now.monotonic_s,
        )


class _Rationed(Generic[Value]):
    """A reading that may be slow, taken seldom enough not to matter."""

    def __init__(self, read: Callable[[], Value], clock: Clock) -> None:
        self._read = read
        self._clock = clock
        self._due_s = float("-inf")
        self._last: Value

    def expire(self) -> None:
        """Drop the value, so that the next call reads it."""
        self._due_s = float("-inf")

    def value(self) -> Value:
        """The reading, at most some seconds old."""
        started = self._clock.monotonic()
        if started >= self._due_s:
            self._last = self._read()
            ended = self._clock.monotonic()
            self._due_s = ended + max(SENSORS_EVERY_S, (ended - started) / SENSORS_SHARE)
        return self._last


def _continues(before: _Counters | None, now: _Counters) -> bool:
    """Whether a rate between the two makes sense."""
    if before is None or before.level != now.level:
        return False
    steady_s = now.monotonic_s - before.monotonic_s
    if abs(now.wall_s - before.wall_s - steady_s) > JUMP_S:
        return False
    return 0 < steady_s <= max(LEAST_GAP_S, GAP * RHYTHMS[now.level].look_s)


def _cpu_percent(before: _Counters | None, now: _Counters) -> float | None:
    if before is None:
        return None
    if now.quota is not None:
        return now.quota.used_percent(before.quota, now.monotonic_s - before.monotonic_s)
    if before.cpu is None or now.cpu is None:
        return None
    return _busy_percent(before.cpu.whole, now.cpu.whole)


def _busy_percent(before: BusyTime, now: BusyTime) -> float | None:
    total = now.total - before.total
    if total <= 0:
        return None
    # Linux lets the time of waiting for disks go backwards by a little.
    return max(0.0, min(100.0, 100.0 * (now.busy - before.busy) / total))


def _per_core(before: CpuTimes | None, now: CpuTimes | None) -> tuple[float, ...]:
    if before is None or now is None or len(before.cores) != len(now.cores):
        return ()
    shares = [_busy_percent(*pair) for pair in zip(before.cores, now.cores, strict=True)]
    known = [share for share in shares if share is not None]
    return tuple(known) if len(known) == len(shares) else ()


def _rates(
    before: Mapping[str, Traffic] | None,
    now: Mapping[str, Traffic] | None,
    interval_s: float | None,
) -> tuple[float | None, float | None]:
    """Bytes a second over the devices in both readings: a new one brings no spike of its past."""
    if before is None or now is None or not interval_s:
        return None, None
    pairs = [(before[name], each) for name, each in now.items() if name in before]
    inward = sum(max(0, new.inward - old.inward) for old, new in pairs)
    outward = sum(max(0, new.outward - old.outward) for old, new in pairs)
    return inward / interval_s, outward / interval_s


_STRETCH_S = 5.0


class OwnCostMeter:
    """CPU over stretches of at least 5 s, and the resident memory at their end.

    The first stretch is the program's start and says nothing about the rest: it is left out.

    ``cpu_s`` gives the CPU seconds (user and system, all threads) that this process has used,
    ``rss_bytes`` its resident memory, None where that cannot be read.
    """

    def __init__(
        self, clock: Clock, cpu_s: Callable[[], float], rss_bytes: Callable[[], int | None]
    ) -> None:
        self._clock = clock
        self._cpu_s = cpu_s
        self._rss_bytes = rss_bytes
        self._since_s = clock.monotonic()
        self._used_s = cpu_s()
        self._latest: OwnCost | None = None
        self._started = False

    def read(self) -> OwnCost | None:
        """The newest figure; None before the first stretch is over."""
        now = self._clock.monotonic()
        if now - self._since_s >= _STRETCH_S:
            used_s, rss = self._cpu_s(), self._rss_bytes()
            share = 100.0 * (used_s - self._used_s) / (now - self._since_s)
            if self._started:
                self._latest = OwnCost(cpu_percent=max(0.0, share), rss_bytes=rss or 0)
            self._since_s, self._used_s, self._started = now, used_s, True
        return self._latest

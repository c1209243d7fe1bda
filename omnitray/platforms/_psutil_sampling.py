"""The machine through psutil, for platforms without /proc: ``core.machine.Machine``.

Written for macOS and Windows, tested with a stand-in for psutil on Linux, never run there yet.
There is no pressure information, and no limits of groups are looked for.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import psutil

from omnitray.base.facts import (
    BatteryFacts,
    DiskFacts,
    MemoryFacts,
    PressureFacts,
    TemperatureFacts,
)
from omnitray.monitor.machine import BusyTime, CpuQuota, CpuTimes, Traffic

_IDLE = ("idle", "iowait")
_COUNTED_TWICE = ("guest", "guest_nice")  # in user and nice already
_UNKNOWN_LEFT = (-1, -2)  # psutil.POWER_TIME_UNKNOWN, POWER_TIME_UNLIMITED

Answer = TypeVar("Answer")


class PsutilMachine:
    """``choose`` picks the partitions that count, ``is_real`` the interfaces."""

    def __init__(
        self,
        choose: Callable[[Iterable[Any]], list[Any]],
        is_real: Callable[[str], bool],
        *,
        has_load: bool,
        system: Any = psutil,
    ) -> None:
        self._choose = choose
        self._is_real = is_real
        self._has_load = has_load
        self._system = system

    def cpu_times(self) -> CpuTimes | None:
        """Seconds since boot."""
        cores = self._ask(lambda: self._system.cpu_times(percpu=True))
        if not cores:
            return None
        times = tuple(_busy_time(core) for core in cores)
        whole = BusyTime(sum(each.busy for each in times), sum(each.total for each in times))
        return CpuTimes(whole=whole, cores=times)

    def cpu_quota(self) -> CpuQuota | None:
        """Not looked for."""
        return None

    def load(self) -> tuple[float, float, float] | None:
        """Load averages; on Windows psutil would have to make them up."""
        if not self._has_load:
            return None
        averages = self._ask(self._system.getloadavg)
        return None if averages is None else (averages[0], averages[1], averages[2])

    def memory(self) -> MemoryFacts | None:
        """Memory and swap (the page file on Windows)."""
        memory, swap = self._ask(self._system.virtual_memory), self._ask(self._system.swap_memory)
        if memory is None or not memory.total:
            return None
        return MemoryFacts(
            total_bytes=memory.total,
            available_bytes=min(memory.total, memory.available),
            swap_total_bytes=swap.total if swap else 0,
            swap_free_bytes=min(swap.total, swap.free) if swap else 0,
        )

    def pressure(self) -> PressureFacts | None:
        """Only Linux has it."""
        return None

    def disks(self) -> tuple[DiskFacts, ...]:
        """The chosen partitions, the fullest first."""
        partitions = self._ask(lambda: self._system.disk_partitions(all=False)) or []
        found = [self._disk(each) for each in self._choose(partitions)]
        known = [each for each in found if each is not None]
        return tuple(sorted(known, key=lambda each: (-each.used_percent, each.mount)))

    def disk_traffic(self) -> Mapping[str, Traffic] | None:
        """Drives."""
        counters = self._ask(lambda: self._system.disk_io_counters(perdisk=True))
        if not counters:
            return None
        return {name: Traffic(each.read_bytes, each.write_bytes) for name, each in counters.items()}

    def network_traffic(self) -> Mapping[str, Traffic] | None:
        """Interfaces to the outside."""
        counters = self._ask(lambda: self._system.net_io_counters(pernic=True))
        if not counters:
            return None
        return {
            name: Traffic(each.bytes_recv, each.bytes_sent)
            for name, each in counters.items()
            if self._is_real(name)
        }

    def connections(self) -> int | None:
        """There is no cheap count here, and listing them would cost more than all the rest."""
        return None

    def temperatures(self) -> tuple[TemperatureFacts, ...]:
        """Psutil knows none here."""
        return ()

    def battery(self) -> BatteryFacts | None:
        """The battery, where there is one."""
        found = self._ask(self._system.sensors_battery)
        if found is None:
            return None
        discharging = found.power_plugged is False
        known = discharging and found.secsleft not in _UNKNOWN_LEFT
        return BatteryFacts(
            percent=float(found.percent),
            discharging=discharging,
            left_s=float(found.secsleft) if known else None,
        )

    def _disk(self, partition: Any) -> DiskFacts | None:
        use = self._ask(lambda: self._system.disk_usage(partition.mountpoint))
        if use is None or not use.total:
            return None
        return DiskFacts(
            mount=partition.mountpoint,
            filesystem=partition.fstype,
            total_bytes=use.total,
            free_bytes=use.free,
            used_percent=float(use.percent),
        )

    def _ask(self, question: Callable[[], Answer]) -> Answer | None:
        try:
            return question()
        except (OSError, RuntimeError, psutil.Error):
            return None


def _busy_time(core: Any) -> BusyTime:
    fields = core._asdict()
    total = sum(value for name, value in fields.items() if name not in _COUNTED_TWICE)
    return BusyTime(total - sum(fields.get(name, 0.0) for name in _IDLE), total)

"""A machine that is told what to be."""

from collections.abc import Mapping

from omnitray.base.facts import (
    BatteryFacts,
    DiskFacts,
    MemoryFacts,
    PressureFacts,
    TemperatureFacts,
)
from omnitray.monitor.machine import BusyTime, CpuQuota, CpuTimes, Traffic

GIB = 1 << 30


class FakeMachine:
    """``core.machine.Machine`` as plain attributes; counters move by :meth:`work`."""

    def __init__(self, cores: int = 2) -> None:
        self.busy = [0.0] * cores
        self.total = [0.0] * cores
        self.has_cpu = True
        self.quota: CpuQuota | None = None
        self.load_averages: tuple[float, float, float] | None = (0.1, 0.2, 0.3)
        self.memory_facts: MemoryFacts | None = MemoryFacts(
            total_bytes=16 * GIB, available_bytes=12 * GIB
        )
        self.pressure_facts: PressureFacts | None = None
        self.disk_facts: tuple[DiskFacts, ...] = ()
        self.disk: dict[str, Traffic] | None = {"sda": Traffic(0, 0)}
        self.network: dict[str, Traffic] | None = {"eth0": Traffic(0, 0)}
        self.sockets: int | None = 7
        self.sensors: tuple[TemperatureFacts, ...] = ()
        self.battery_facts: BatteryFacts | None = None
        self.gpu: float | None = None
        self.slow_readings = 0

    def work(self, seconds: float, *shares: float) -> None:
        """So much time passes, each core busy by its share (0 to 1; the last one repeats)."""
        for core in range(len(self.busy)):
            share = shares[min(core, len(shares) - 1)] if shares else 0.0
            self.busy[core] += seconds * share
            self.total[core] += seconds

    def cpu_times(self) -> CpuTimes | None:
        if not self.has_cpu:
            return None
        cores = tuple(BusyTime(*each) for each in zip(self.busy, self.total, strict=True))
        return CpuTimes(whole=BusyTime(sum(self.busy), sum(self.total)), cores=cores)

    def cpu_quota(self) -> CpuQuota | None:
        return self.quota

    def load(self) -> tuple[float, float, float] | None:
        return self.load_averages

    def memory(self) -> MemoryFacts | None:
        return self.memory_facts

    def pressure(self) -> PressureFacts | None:
        return self.pressure_facts

    def disks(self) -> tuple[DiskFacts, ...]:
        return self.disk_facts

    def disk_traffic(self) -> Mapping[str, Traffic] | None:
        return dict(self.disk) if self.disk is not None else None

    def network_traffic(self) -> Mapping[str, Traffic] | None:
        return dict(self.network) if self.network is not None else None

    def connections(self) -> int | None:
        return self.sockets

    def temperatures(self) -> tuple[TemperatureFacts, ...]:
        self.slow_readings += 1
        return self.sensors

    def battery(self) -> BatteryFacts | None:
        return self.battery_facts

    def gpu_percent(self) -> float | None:
        return self.gpu

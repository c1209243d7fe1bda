"""The seam to the machine: cheap reading functions that each platform provides.

Everything here is a raw reading at one moment. Rates are the sampler's business, so the counters
only ever grow (but for a device that was reset or unplugged). A reading that cannot be had is
``None`` (or empty where several are expected), never 0, and no function raises for what it finds.
"""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from omnitray.base.facts import (
    BatteryFacts,
    DiskFacts,
    MemoryFacts,
    PressureFacts,
    TemperatureFacts,
)


class BusyTime(msgspec.Struct, frozen=True):
    """Time spent working and all time, in one unit (ticks or seconds), since boot."""

    busy: float
    total: float


class CpuTimes(msgspec.Struct, frozen=True, kw_only=True):
    """All cores together, and each; waiting for a disk is idle time."""

    whole: BusyTime
    cores: tuple[BusyTime, ...] = ()


class CpuQuota(msgspec.Struct, frozen=True, kw_only=True):
    """A limit smaller than the machine: so many cores' worth, and what our group has used of it."""

    cores: float
    used_s: float

    def used_percent(self, before: "CpuQuota | None", interval_s: float) -> float | None:
        """How much of it has been used since."""
        allowed_s = self.cores * interval_s
        if before is None or self.used_s < before.used_s or allowed_s <= 0:
            return None
        return min(100.0, 100.0 * (self.used_s - before.used_s) / allowed_s)


class Traffic(msgspec.Struct, frozen=True):
    """Bytes since boot: read and written, or received and sent."""

    inward: int
    outward: int


class Machine(Protocol):
    """What a platform can say about itself. The first block is cheap enough for every tick."""

    def cpu_times(self) -> CpuTimes | None:
        """Processor time since boot."""
        ...

    def cpu_quota(self) -> CpuQuota | None:
        """The processor limit of our own group, or None where the machine is the limit."""
        ...

    def load(self) -> tuple[float, float, float] | None:
        """Load averages of 1, 5 and 15 minutes."""
        ...

    def memory(self) -> MemoryFacts | None:
        """Memory and swap, of our own group where that is smaller than the machine."""
        ...

    def pressure(self) -> PressureFacts | None:
        """Pressure stall information."""
        ...

    def disks(self) -> tuple[DiskFacts, ...]:
        """Every local, writable file system once, the fullest first; never waits for a server."""
        ...

    def disk_traffic(self) -> Mapping[str, Traffic] | None:
        """Bytes read and written, by physical device."""
        ...

    def network_traffic(self) -> Mapping[str, Traffic] | None:
        """Bytes received and sent, by interface; loopback and doubles left out."""
        ...

    def connections(self) -> int | None:
        """TCP and UDP sockets in use."""
        ...

    def temperatures(self) -> tuple[TemperatureFacts, ...]:
        """Sensors; may be slow."""
        ...

    def battery(self) -> BatteryFacts | None:
        """The battery; may be slow."""
        ...

    def gpu_percent(self) -> float | None:
        """How busy the busiest GPU is; may be slow."""
        ...

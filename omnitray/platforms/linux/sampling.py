"""The machine as Linux shows it in /proc and /sys: ``monitor.machine.Machine``.

Files that are read at every tick are kept open; what each costs stands in docs/benchmarks.md.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from omnitray.base.facts import (
    BatteryFacts,
    DiskFacts,
    MemoryFacts,
    PressureFacts,
    PressurePair,
    TemperatureFacts,
)
from omnitray.monitor.machine import CpuQuota, CpuTimes, Traffic
from omnitray.platforms.linux import parse, sensors
from omnitray.platforms.linux.cgroup import CgroupLimits
from omnitray.platforms.linux.devices import RealDevices
from omnitray.platforms.linux.files import KeptFile, read_once
from omnitray.platforms.linux.mounts import LocalDisks

_LOOK_AGAIN_S = 60.0  # a cpuset changes when a person changes it


class LinuxMachine:
    """Reads below ``root``: / or a test's own folder with ``proc`` and ``sys`` in it."""

    def __init__(
        self, root: Path = Path("/"), monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        proc, sys_class = root / "proc", root / "sys/class"
        self._class = sys_class
        self._stat = KeptFile(proc / "stat")
        self._load = KeptFile(proc / "loadavg")
        self._memory = KeptFile(proc / "meminfo")
        self._sockets = (KeptFile(proc / "net/sockstat"), KeptFile(proc / "net/sockstat6"))
        self._diskstats = KeptFile(proc / "diskstats", records=True)
        self._interfaces = KeptFile(proc / "net/dev", records=True)
        pressure = proc / "pressure"
        self._pressure = [KeptFile(pressure / name) for name in ("cpu", "memory", "io")]
        self._block = RealDevices(sys_class / "block", disks=True)
        self._net = RealDevices(sys_class / "net", disks=False)
        self._disks = LocalDisks(root)
        self._limits = CgroupLimits(root, monotonic)
        self._cores = 0
        self._own_status = proc / "self/status"
        self._monotonic = monotonic
        self._allowed: frozenset[int] | None = None
        self._allowed_due_mono_s = float("-inf")
        self._arc = KeptFile(proc / "spl/kstat/zfs/arcstats")

    def cpu_times(self) -> CpuTimes | None:
        """/proc/stat, of the processors that this process may run on."""
        now_mono_s = self._monotonic()
        if now_mono_s >= self._allowed_due_mono_s:
            self._allowed = parse.allowed_processors(read_once(self._own_status) or b"")
            self._allowed_due_mono_s = now_mono_s + _LOOK_AGAIN_S
        content = self._stat.read()
        times = parse.cpu_times(content, self._allowed) if content else None
        if times is not None:
            self._cores = len(times.cores)
        return times

    def cpu_quota(self) -> CpuQuota | None:
        """cpu.max of our cgroup or one above it; of use after the first ``cpu_times()``."""
        return self._limits.cpu(self._cores)

    def load(self) -> tuple[float, float, float] | None:
        """/proc/loadavg."""
        content = self._load.read()
        return parse.load(content) if content else None

    def memory(self) -> MemoryFacts | None:
        """/proc/meminfo, or the cgroup's limit where that is smaller."""
        content = self._memory.read()
        facts = parse.memory(content, self._arc.read() or b"") if content else None
        return self._limits.memory(facts) if facts else None

    def pressure(self) -> PressureFacts | None:
        """/proc/pressure; None on a kernel without it."""
        cpu, memory, io = (self._pair(file) for file in self._pressure)
        if cpu is None and memory is None and io is None:
            return None
        return PressureFacts(cpu=cpu, memory=memory, io=io)

    def disks(self) -> tuple[DiskFacts, ...]:
        """Local file systems, the fullest first."""
        return self._disks.read()

    def disk_traffic(self) -> Mapping[str, Traffic] | None:
        """Drives, not their partitions or what is stacked upon them."""
        content = self._diskstats.read()
        if content is None:
            return None
        return self._block.keep(parse.disk_traffic(content, self._block.doubles))

    def network_traffic(self) -> Mapping[str, Traffic] | None:
        """Interfaces to the outside."""
        content = self._interfaces.read()
        if content is None:
            return None
        return self._net.keep(parse.network_traffic(content, self._net.doubles))

    def connections(self) -> int | None:
        """Sockets in use, from the counters: listing them would cost a thousand times as much."""
        return parse.sockets_in_use(b"\n".join(file.read() or b"" for file in self._sockets))

    def temperatures(self) -> tuple[TemperatureFacts, ...]:
        """Sensors of the board, else thermal zones."""
        return sensors.temperatures(self._class)

    def battery(self) -> BatteryFacts | None:
        """All batteries as one."""
        return sensors.battery(self._class)

    def close(self) -> None:
        """Give the descriptors back."""
        kept = (self._stat, self._load, self._memory, self._diskstats, self._interfaces, self._arc)
        for file in (*kept, *self._sockets, *self._pressure):
            file.close()
        self._disks.close()
        self._limits.close()

    @staticmethod
    def _pair(file: KeptFile) -> PressurePair | None:
        content = file.read()
        return parse.pressure(content) if content else None

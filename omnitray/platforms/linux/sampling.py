"""The machine as Linux shows it in /proc and /sys: ``monitor.machine.Machine``.

Files that are read at every tick are kept open; what each costs stands in docs/benchmarks.md.

The guard is woken by the kernel's pressure triggers: without privilege their window must be a
multiple of two seconds (commit d82caa273565). Sensors may be slow: the sampler asks them seldom.
"""

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec

from omnitray.base.facts import (
    BatteryFacts,
    DiskFacts,
    MemoryFacts,
    PressureFacts,
    PressurePair,
    TemperatureFacts,
)
from omnitray.monitor.machine import CpuQuota, CpuTimes, Traffic
from omnitray.platforms.linux import files
from omnitray.platforms.linux.cgroup import CgroupLimits
from omnitray.platforms.linux.files import KeptFile, read_number, read_once, read_text
from omnitray.platforms.linux.mounts import LocalDisks

_SANE_C = range(-50, 151)
_MOST = 16
_WAKES_DISKS = frozenset({"drivetemp"})  # reading it can spin a sleeping disk up
_INPUT = re.compile(r"temp(\d+)_input$")
_DOUBLE_DISK = re.compile(r"(loop|ram|zram|dm-|md|sr|fd|nbd|drbd)\d")
_DOUBLE_NET = re.compile(
    r"(lo$|veth|docker|br-|br\d|virbr|vnet|cni|flannel|cali|tun|tap|wg|bond|team|dummy|ifb|"
    r"vxlan|vlan|lxc|lxdbr|podman)"
)
_LOOK_AGAIN_S = 60.0  # a cpuset changes, and a module is loaded, when a person does it
_TRIGGER = b"some 150000 2000000\0"  # 150 ms of stall within 2 s
_ZRAM_USED = 2  # the third figure of mm_stat: memory taken, in bytes


def temperatures(class_folder: Path) -> tuple[TemperatureFacts, ...]:
    """The hwmon sensors, else the thermal zones; at most 16, the hottest first."""
    found = list(_hwmon(class_folder / "hwmon")) or list(_zones(class_folder / "thermal"))
    return tuple(sorted(found, key=lambda each: -each.celsius)[:_MOST])


def _hwmon(folder: Path) -> Iterator[TemperatureFacts]:
    for chip in _entries(folder):
        name = read_text(chip / "name") or chip.name
        if name in _WAKES_DISKS:
            continue
        for file in _entries(chip):
            if found := _INPUT.match(file.name):
                label = read_text(chip / f"temp{found[1]}_label")
                yield from _sane(f"{name} {label}" if label else name, read_number(file))


def _zones(folder: Path) -> Iterator[TemperatureFacts]:
    for zone in _entries(folder):
        if zone.name.startswith("thermal_zone"):
            yield from _sane(read_text(zone / "type") or zone.name, read_number(zone / "temp"))


def _sane(label: str, thousandths: int | None) -> Iterator[TemperatureFacts]:
    if thousandths is not None and thousandths // 1000 in _SANE_C:
        yield TemperatureFacts(label=label, celsius=thousandths / 1000)


def gpu_percent(class_folder: Path) -> float | None:
    """How busy the busiest GPU is, of those whose driver says so (amdgpu); None without one.

    Asked for its use, a GPU that sleeps is woken up; it does nothing.
    """
    cards = (each for each in _entries(class_folder / "drm") if each.name.startswith("card"))
    shares = [_busy(each / "device") for each in cards]  # renderD128 is one of them once more
    return max((each for each in shares if each is not None), default=None)


def _busy(device: Path) -> float | None:
    if not (device / "gpu_busy_percent").exists():
        return None
    if read_text(device / "power" / "runtime_status") == "suspended":
        return 0.0
    busy = read_number(device / "gpu_busy_percent")
    return float(busy) if busy is not None and 0 <= busy <= 100 else None  # noqa: PLR2004 - per cent


def battery(class_folder: Path) -> BatteryFacts | None:
    """All batteries of the machine (not of its mouse) as one."""
    supplies = [each for each in _entries(class_folder / "power_supply") if _is_battery(each)]
    charges = [charge for each in supplies if (charge := _charge(each)) is not None]
    # Two batteries that count in different units cannot be added up: the first one speaks.
    charges = [charge for charge in charges if charge.unit == charges[0].unit]
    if not charges:
        return None
    now, full = sum(each.now for each in charges), sum(each.full for each in charges)
    drain = sum(each.drain for each in charges)
    discharging = any(read_text(each / "status") == "Discharging" for each in supplies)
    return BatteryFacts(
        percent=max(0.0, min(100.0, 100.0 * now / full)),
        discharging=discharging,
        left_s=3600.0 * now / drain if discharging and drain else None,
    )


class _Charge(msgspec.Struct, frozen=True, kw_only=True):
    """``drain`` is what is used in an hour, 0 where that is not known."""

    unit: str
    now: int
    full: int
    drain: int = 0


def _charge(supply: Path) -> _Charge | None:
    for unit, flow in (("energy", "power"), ("charge", "current")):
        now, full = read_number(supply / f"{unit}_now"), read_number(supply / f"{unit}_full")
        if now is not None and full:
            drain = abs(read_number(supply / f"{flow}_now") or 0)
            return _Charge(unit=unit, now=now, full=full, drain=drain)
    percent = read_number(supply / "capacity")
    return None if percent is None else _Charge(unit="percent", now=percent, full=100)


def _is_battery(supply: Path) -> bool:
    return read_text(supply / "type") == "Battery" and read_text(supply / "scope") != "Device"


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


class RealDevices:
    """Keeps the physical ones of ``class_folder`` (/sys/class/block or /sys/class/net).

    A device is virtual when sysfs says so: partitions, device mapper, RAID, loop; bridges, pairs,
    tunnels. Where sysfs says nothing or knows only virtual ones (in a container the one interface
    is half of a pair), names decide.
    """

    def __init__(self, class_folder: Path, *, disks: bool) -> None:
        self._folder = class_folder
        self._disks = disks
        self._real: dict[str, bool] = {}
        self._doubles: frozenset[str] = frozenset()

    @property
    def doubles(self) -> frozenset[str]:
        """Those known to be virtual, once a real one is known: their figures need no reading."""
        return self._doubles

    def keep(self, traffic: Mapping[str, Traffic]) -> dict[str, Traffic]:
        """Only the real ones. A new name makes us look at all again: names are reused."""
        if not self._real.keys() >= traffic.keys():
            self._real, self._doubles = {}, frozenset()
        kept = {name: each for name, each in traffic.items() if self._is_real(name)}
        if kept and len(kept) < len(traffic):
            self._doubles = frozenset(name for name, real in self._real.items() if not real)
        if kept or not traffic:
            return kept
        doubles = _DOUBLE_DISK if self._disks else _DOUBLE_NET
        return {name: each for name, each in traffic.items() if not doubles.match(name)}

    def _is_real(self, name: str) -> bool:
        known = self._real.get(name)
        if known is None:
            known = self._real[name] = self._look(name)
        return known

    def _look(self, name: str) -> bool:
        node = self._folder / name.replace("/", "!")
        try:
            place = str(node.readlink())
        except OSError:
            return False
        # Not all of /devices/virtual/: a multipath NVMe drive lives there, in nvme-subsystem.
        if "/virtual/block/" in place or "/virtual/net/" in place:
            return False
        return not (self._disks and (node / "partition").exists())


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
        self._has_arc = False
        self._arc_due_mono_s = float("-inf")

    def cpu_times(self) -> CpuTimes | None:
        """/proc/stat, of the processors that this process may run on."""
        now_mono_s = self._monotonic()
        if now_mono_s >= self._allowed_due_mono_s:
            self._allowed = files.allowed_processors(read_once(self._own_status) or b"")
            self._allowed_due_mono_s = now_mono_s + _LOOK_AGAIN_S
        content = self._stat.read()
        times = files.cpu_times(content, self._allowed) if content else None
        if times is not None:
            self._cores = len(times.cores)
        return times

    def cpu_quota(self) -> CpuQuota | None:
        """cpu.max of our cgroup or one above it; of use after the first ``cpu_times()``."""
        return self._limits.cpu(self._cores)

    def load(self) -> tuple[float, float, float] | None:
        """/proc/loadavg."""
        content = self._load.read()
        return files.load(content) if content else None

    def memory(self) -> MemoryFacts | None:
        """/proc/meminfo, or the cgroup's limit where that is smaller."""
        content = self._memory.read()
        facts = files.memory(content, self._arc_stats()) if content else None
        return self._limits.memory(facts) if facts else None

    def _arc_stats(self) -> bytes:
        """Of the cache of ZFS; where it is missing it is looked for once a minute.

        Its module may be loaded later. A path that leads nowhere costs more than /proc/meminfo.
        """
        now_mono_s = self._monotonic()
        if not self._has_arc and now_mono_s < self._arc_due_mono_s:
            return b""
        content = self._arc.read()
        self._has_arc = content is not None
        self._arc_due_mono_s = now_mono_s + _LOOK_AGAIN_S
        return content or b""

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
        return self._block.keep(files.disk_traffic(content, self._block.doubles))

    def network_traffic(self) -> Mapping[str, Traffic] | None:
        """Interfaces to the outside."""
        content = self._interfaces.read()
        if content is None:
            return None
        return self._net.keep(files.network_traffic(content, self._net.doubles))

    def connections(self) -> int | None:
        """Sockets in use, from the counters: listing them would cost a thousand times as much."""
        return files.sockets_in_use(b"\n".join(file.read() or b"" for file in self._sockets))

    def temperatures(self) -> tuple[TemperatureFacts, ...]:
        """Sensors of the board, else thermal zones."""
        return temperatures(self._class)

    def battery(self) -> BatteryFacts | None:
        """All batteries as one."""
        return battery(self._class)

    def gpu_percent(self) -> float | None:
        """The busiest GPU."""
        return gpu_percent(self._class)

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
        return files.pressure(content) if content else None


class LinuxWakers:
    """Triggers and compressed swap below ``root``: / or a test's own folder."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._pressure = root / "proc/pressure"
        self._zram = [KeptFile(path) for path in sorted(root.glob("sys/block/zram*/mm_stat"))]
        self._triggers: list[int] | None = None

    def zram_bytes(self) -> int:
        """Memory that compressed swap takes."""
        taken = 0
        for file in self._zram:
            with contextlib.suppress(IndexError, ValueError):  # the device is being reset
                taken += int((file.read() or b"").split()[_ZRAM_USED])
        return taken

    def triggers(self) -> tuple[int, ...]:
        """Descriptors that turn POLLPRI when something gets short; opened at the first call.

        After a hit a poll may return at once until the window is over: the sleeper leaves the
        descriptor out for so long.
        """
        if self._triggers is None:
            opened = [_open_trigger(self._pressure / name) for name in ("memory", "cpu", "io")]
            self._triggers = [descriptor for descriptor in opened if descriptor is not None]
        return tuple(self._triggers)

    def close(self) -> None:
        """Give every descriptor back."""
        for descriptor in self._triggers or ():
            os.close(descriptor)
        self._triggers = None
        for file in self._zram:
            file.close()


def _open_trigger(path: Path) -> int | None:
    """A trigger, or None where the kernel has none or wants privilege for them."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        os.write(descriptor, _TRIGGER)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor

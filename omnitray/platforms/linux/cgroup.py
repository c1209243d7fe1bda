"""The limits of our own cgroup and all groups above it, version 2 and version 1.

Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst of the kernel. Which groups have
a limit is looked up once a minute; in between only the use of the limiting ones is read.
"""

import re
from collections.abc import Callable
from pathlib import Path

import msgspec

from omnitray.base.facts import MemoryFacts
from omnitray.monitor.machine import CpuQuota
from omnitray.platforms.linux.files import KeptFile, read_number, read_once

_MOUNT = re.compile(rb"^\S+ \S+ \S+ (\S+) (\S+) .* - (cgroup2?) \S+ (\S+)$", re.MULTILINE)
_LOOK_AGAIN_S = 60.0
# Version 1 counts a group's own and below; "total_" includes the groups below.
_FILE_CACHE = re.compile(rb"^(total_)?(?:in)?active_file (\d{1,18})$", re.MULTILINE)
_USAGE_US = re.compile(rb"^usage_usec (\d{1,18})$", re.MULTILINE)


class Home(msgspec.Struct, frozen=True, kw_only=True):
    """Where a controller keeps our group: the folders from our own up to its mount."""

    controllers: frozenset[bytes]  # empty for version 2
    folders: tuple[Path, ...]


def find_homes(root: Path) -> list[Home]:
    """Our group in each hierarchy that this process is in."""
    own = _own_groups(read_once(root / "proc/self/cgroup") or b"")
    mounts = read_once(root / "proc/self/mountinfo") or b""
    homes = []
    for fs_root, point, kind, options in _MOUNT.findall(mounts):
        names = frozenset(options.split(b",")) if kind == b"cgroup" else frozenset()
        group = next((path for key, path in own.items() if _is_for(key, names)), None)
        if group is not None:
            folders = _folders(root / point.decode(errors="replace").lstrip("/"), fs_root, group)
            homes.append(Home(controllers=names, folders=folders))
    return homes


def _own_groups(content: bytes) -> dict[frozenset[bytes], bytes]:
    groups = {}
    for line in content.split(b"\n"):
        _, _, rest = line.partition(b":")
        controllers, colon, path = rest.partition(b":")
        if colon:
            groups[frozenset(controllers.split(b",")) - {b""}] = path
    return groups


def _is_for(group: frozenset[bytes], options: frozenset[bytes]) -> bool:
    return group == options if not group or not options else group <= options


def _folders(mount: Path, fs_root: bytes, group: bytes) -> tuple[Path, ...]:
    """Our group's folder and all above it; in a container its mount may begin with our group."""
    prefix = fs_root.rstrip(b"/")
    below = group[len(prefix) :] if (group + b"/").startswith(prefix + b"/") else b""
    parts = [part for part in below.decode(errors="replace").split("/") if part]
    if ".." in parts or not mount.joinpath(*parts).is_dir():
        parts = []
    return tuple(mount.joinpath(*parts[:depth]) for depth in range(len(parts), -1, -1))


class _MemoryGroup(msgspec.Struct, frozen=True, kw_only=True):
    limit_bytes: int
    swap_limit_bytes: int | None
    current: KeptFile
    stat: KeptFile
    swap_current: KeptFile | None
    both_current: KeptFile | None = None  # version 1 counts memory and swap together


class _CpuGroup(msgspec.Struct, frozen=True, kw_only=True):
    cores: float
    used: KeptFile


class CgroupLimits:
    """What is smaller than the machine, found under ``root`` (a test's own, or /)."""

    def __init__(self, root: Path, monotonic: Callable[[], float]) -> None:
        self._root = root
        self._monotonic = monotonic
        self._due_mono_s = float("-inf")
        self._memory: list[_MemoryGroup] = []
        self._cpu: list[_CpuGroup] = []

    def memory(self, machine: MemoryFacts) -> MemoryFacts:
        """The machine's memory, or that of the tightest group where that is smaller."""
        self._look_again_if_due()
        tightest = machine
        for group in self._memory:
            limited = _limited(machine, group)
            if limited is not None and (
                tightest is machine or limited.available_bytes < tightest.available_bytes
            ):
                tightest = limited
        return tightest

    def cpu(self, cores: int) -> CpuQuota | None:
        """The tightest quota, where it is smaller than so many cores."""
        self._look_again_if_due()
        groups = [group for group in self._cpu if not cores or group.cores < cores]
        if not groups:
            return None
        tightest = min(groups, key=lambda group: group.cores)
        used_s = _used_s(tightest.used)
        return None if used_s is None else CpuQuota(cores=tightest.cores, used_s=used_s)

    def close(self) -> None:
        """Give the descriptors back."""
        for group in self._memory:
            for file in (group.current, group.stat, group.swap_current, group.both_current):
                if file is not None:
                    file.close()
        for each in self._cpu:
            each.used.close()
        self._memory, self._cpu = [], []
        self._due_mono_s = float("-inf")

    def _look_again_if_due(self) -> None:
        now = self._monotonic()
        if now < self._due_mono_s:
            return
        self.close()
        self._due_mono_s = now + _LOOK_AGAIN_S
        homes = [_without_our_own_unit(home) for home in find_homes(self._root)]
        self._memory = [group for home in homes for group in _memory_groups(home)]
        self._cpu = [group for home in homes for group in _cpu_groups(home, homes)]


def _without_our_own_unit(home: Home) -> Home:
    """What may be used by this program alone says nothing about what others may use."""
    own = home.folders[0].name
    folders = home.folders[1:] if "omnitray" in own and len(home.folders) > 1 else home.folders
    return msgspec.structs.replace(home, folders=folders)


def _memory_groups(home: Home) -> list[_MemoryGroup]:
    if home.controllers and b"memory" not in home.controllers:
        return []
    make = _memory_v1 if home.controllers else _memory_v2
    return [group for folder in home.folders if (group := make(folder)) is not None]


def _memory_v2(folder: Path) -> _MemoryGroup | None:
    limits = [read_number(folder / name) for name in ("memory.max", "memory.high")]
    known = [limit for limit in limits if limit is not None]  # "max" is no number
    if not known:
        return None
    return _MemoryGroup(
        limit_bytes=min(known),
        swap_limit_bytes=read_number(folder / "memory.swap.max"),
        current=KeptFile(folder / "memory.current"),
        stat=KeptFile(folder / "memory.stat"),
        swap_current=KeptFile(folder / "memory.swap.current"),
    )


def _memory_v1(folder: Path) -> _MemoryGroup | None:
    limit = read_number(folder / "memory.limit_in_bytes")
    if limit is None:
        return None
    both = read_number(folder / "memory.memsw.limit_in_bytes")  # without swapaccount there is none
    return _MemoryGroup(
        limit_bytes=limit,
        swap_limit_bytes=None if both is None else max(0, both - limit),
        current=KeptFile(folder / "memory.usage_in_bytes"),
        stat=KeptFile(folder / "memory.stat"),
        swap_current=None,
        both_current=KeptFile(folder / "memory.memsw.usage_in_bytes"),
    )


def _limited(machine: MemoryFacts, group: _MemoryGroup) -> MemoryFacts | None:
    """The group's memory where its limit is smaller than the machine, else None."""
    if not 0 < group.limit_bytes < machine.total_bytes:
        return None
    current = _number(group.current)
    if current is None:
        return None
    free = group.limit_bytes - current + _file_cache(group.stat.read() or b"")
    available = max(0, min(group.limit_bytes, free, machine.available_bytes))
    swap_total, swap_free = machine.swap_total_bytes, machine.swap_free_bytes
    if group.swap_limit_bytes is not None and group.swap_limit_bytes < swap_total:
        used = _number(group.swap_current) or 0
        if group.both_current is not None:
            used = max(0, (_number(group.both_current) or current) - current)
        swap_total = group.swap_limit_bytes
        swap_free = max(0, min(swap_free, swap_total - used))
    return MemoryFacts(
        total_bytes=group.limit_bytes,
        available_bytes=available,
        swap_total_bytes=swap_total,
        swap_free_bytes=swap_free,
        limited=True,
    )


def _file_cache(stat: bytes) -> int:
    found = _FILE_CACHE.findall(stat)
    below = [amount for total, amount in found if total] or [amount for _, amount in found]
    return sum(int(amount) for amount in below)


def _cpu_groups(home: Home, homes: list[Home]) -> list[_CpuGroup]:
    if not home.controllers:
        found = [_cpu_v2(folder) for folder in home.folders]
    elif b"cpu" in home.controllers:
        found = [
            _cpu_v1(folder, _accounts(depth, homes)) for depth, folder in enumerate(home.folders)
        ]
    else:
        found = []
    return [group for group in found if group is not None]


def _cpu_v2(folder: Path) -> _CpuGroup | None:
    try:
        quota, period = (read_once(folder / "cpu.max") or b"").split()
        return _CpuGroup(cores=int(quota) / int(period), used=KeptFile(folder / "cpu.stat"))
    except (ValueError, ZeroDivisionError):  # "max 100000" is no limit
        return None


def _cpu_v1(folder: Path, accounts: Path | None) -> _CpuGroup | None:
    quota = read_number(folder / "cpu.cfs_quota_us")
    period = read_number(folder / "cpu.cfs_period_us")
    if accounts is None or quota is None or not period or quota <= 0:
        return None
    return _CpuGroup(cores=quota / period, used=KeptFile(accounts / "cpuacct.usage"))


def _accounts(depth: int, homes: list[Home]) -> Path | None:
    """The folder where the group that is so many steps above ours counts its time."""
    for home in homes:
        if b"cpuacct" in home.controllers and depth < len(home.folders):
            return home.folders[depth]
    return None


def _used_s(file: KeptFile) -> float | None:
    content = file.read() or b""
    if found := _USAGE_US.search(content):
        return int(found[1]) / 1e6
    number = _as_number(content)
    return None if number is None else number / 1e9


def _number(file: KeptFile | None) -> int | None:
    return None if file is None else _as_number(file.read() or b"")


def _as_number(content: bytes) -> int | None:
    try:
        return int(content)
    except ValueError:
        return None

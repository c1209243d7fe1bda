"""Memory limits of the cgroups above us: where one is smaller, it is the machine.

The limit of our own unit (a scope or service that holds nothing but this program) is left out:
it says nothing about what others may use.
"""

import os
from pathlib import Path

from omnitray.core.facts import MemoryFacts
from omnitray.platforms._linux_units import unit_in

_V1_UNLIMITED = 1 << 62  # version 1 says "no limit" with the largest page-aligned figure


class MemoryLimit:
    """One limited cgroup, its files kept open. ``read`` gives the machine as it is from inside."""

    def __init__(self, limit_bytes: int, usage: Path, stat: Path) -> None:
        self._limit_bytes = limit_bytes
        self._usage = os.open(usage, os.O_RDONLY)
        self._stat = os.open(stat, os.O_RDONLY)

    @property
    def limit_bytes(self) -> int:
        """What the cgroup may hold."""
        return self._limit_bytes

    def narrow(self, memory: MemoryFacts) -> MemoryFacts:
        """The smaller of machine and cgroup.

        What the cgroup could still take is its limit minus its use, plus the file pages that the
        kernel would take back first (inactive ones whole, active ones half, as MemAvailable does).
        """
        used = int(os.pread(self._usage, 32, 0))
        files = _counters(os.pread(self._stat, 8192, 0))
        reclaimable = files.get(b"inactive_file", 0) + files.get(b"active_file", 0) // 2
        available = max(0, self._limit_bytes - used + min(reclaimable, used))
        if available >= memory.available_bytes:
            return memory
        return MemoryFacts(
            total_bytes=self._limit_bytes,
            available_bytes=available,
            swap_total_bytes=memory.swap_total_bytes,
            swap_free_bytes=memory.swap_free_bytes,
            limited=True,
        )

    def close(self) -> None:
        """Give the files back."""
        os.close(self._usage)
        os.close(self._stat)


def find_limits(
    total_bytes: int, proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")
) -> tuple[MemoryLimit, ...]:
    """The cgroups above us whose limit is smaller than the machine."""
    try:
        lines = (proc / "self/cgroup").read_text().splitlines()
    except OSError:
        return ()
    found: list[MemoryLimit] = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            found += _limits(cgroups, path, "memory.max", "memory.current", total_bytes)
        elif "memory" in controllers.split(","):
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes")
            found += _limits(cgroups / "memory", path, *names, total_bytes)
    return tuple(found)


def _limits(
    root: Path, path: str, limit_name: str, usage_name: str, total_bytes: int
) -> list[MemoryLimit]:
    own = Path(path.lstrip("/"))
    levels = [own, *own.parents]
    if unit_in(path) == own.name:
        levels = levels[1:]
    found = []
    for level in levels:
        folder = root / level
        limit = _limit(folder / limit_name)
        if limit is not None and limit < total_bytes:
            found.append(MemoryLimit(limit, folder / usage_name, folder / "memory.stat"))
    return found


def _limit(path: Path) -> int | None:
    try:
        text = path.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() and int(text) < _V1_UNLIMITED else None


def _counters(text: bytes) -> dict[bytes, int]:
    pairs = (line.split(b" ", 1) for line in text.splitlines() if b" " in line)
    return {name: int(value) for name, value in pairs if value.isdigit()}

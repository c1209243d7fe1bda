"""The guard's reading on Linux: available memory, swap and pressure for some microseconds.

Files are opened once and read with ``pread``; nothing here scans processes. The kernel's own
triggers wake a sleeper early: without privilege their window must be a multiple of two seconds.
"""

import contextlib
import os
import re
from pathlib import Path

from omnitray.core.facts import MemoryFacts, PressureFacts, PressurePair
from omnitray.platforms._linux_limits import find_limits

_TRIGGER = b"some 150000 2000000\0"  # 150 ms of stall within 2 s
_MEMINFO_BYTES = 4096
_WANTED = (b"MemTotal", b"MemAvailable", b"SwapTotal", b"SwapFree")
_FIGURES = re.compile(rb"^(MemTotal|MemAvailable|SwapTotal|SwapFree): +(\d+) kB", re.MULTILINE)
_AVERAGES = re.compile(rb"^(some|full) avg10=([\d.]+)", re.MULTILINE)
_ZRAM_USED = 2  # the third figure of mm_stat: memory taken, in bytes


class LinuxGuard:
    """Kept files of /proc and what they say. ``proc`` and friends point tests elsewhere."""

    def __init__(
        self,
        proc: Path = Path("/proc"),
        sys: Path = Path("/sys"),
    ) -> None:
        self._meminfo = os.open(proc / "meminfo", os.O_RDONLY)
        self._pressure = {name: _open(proc / "pressure" / name) for name in ("cpu", "memory", "io")}
        self._zram = [
            descriptor
            for path in sorted((sys / "block").glob("zram*/mm_stat"))
            if (descriptor := _open(path)) is not None
        ]
        self._proc = proc
        self._triggers: list[int] = []
        self._limits = find_limits(self._machine_memory().total_bytes, proc, sys / "fs/cgroup")

    def memory(self) -> MemoryFacts:
        """Memory and swap now, of the smallest cgroup above us where that is less."""
        memory = self._machine_memory()
        for limit in self._limits:
            with contextlib.suppress(OSError, ValueError):  # the cgroup was taken away
                memory = limit.narrow(memory)
        return memory

    def pressure(self) -> PressureFacts | None:
        """Pressure averages now, or None where the kernel keeps none."""
        pairs = {name: _pair(descriptor) for name, descriptor in self._pressure.items()}
        return PressureFacts(**pairs) if any(pairs.values()) else None

    def zram_bytes(self) -> int:
        """Memory that compressed swap takes."""
        taken = 0
        for descriptor in self._zram:
            with contextlib.suppress(OSError, IndexError, ValueError):  # the device was removed
                taken += int(os.pread(descriptor, 256, 0).split()[_ZRAM_USED])
        return taken

    def triggers(self) -> tuple[int, ...]:
        """Descriptors that turn POLLPRI when memory or processors get short; opened once.

        After a hit a descriptor stays quiet for the window, and a poll on it may return at once
        until then: the sleeper leaves it out for two seconds.
        """
        if not self._triggers:
            names = ("memory", "cpu", "io")
            opened = [_open_trigger(self._proc / "pressure" / name) for name in names]
            self._triggers = [descriptor for descriptor in opened if descriptor is not None]
        return tuple(self._triggers)

    def close(self) -> None:
        """Give every file back."""
        kept = [self._meminfo, *self._pressure.values(), *self._zram, *self._triggers]
        for descriptor in kept:
            if descriptor is not None:
                os.close(descriptor)
        for limit in self._limits:
            limit.close()

    def _machine_memory(self) -> MemoryFacts:
        text = os.pread(self._meminfo, _MEMINFO_BYTES, 0)
        figures = {name: int(value) * 1024 for name, value in _FIGURES.findall(text)}
        total, available, swap_total, swap_free = (figures.get(name, 0) for name in _WANTED)
        return MemoryFacts(
            total_bytes=total,
            available_bytes=available,
            swap_total_bytes=swap_total,
            swap_free_bytes=swap_free,
        )


def _open(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDONLY)
    except OSError:
        return None


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


def _pair(descriptor: int | None) -> PressurePair | None:
    if descriptor is None:
        return None
    try:
        averages = {
            kind: float(value) for kind, value in _AVERAGES.findall(os.pread(descriptor, 256, 0))
        }
    except OSError:
        return None
    if b"some" not in averages:
        return None
    return PressurePair(some_avg10=averages[b"some"], full_avg10=averages.get(b"full"))

"""What wakes the guard early on Linux, and what compressed swap takes.

The kernel's pressure triggers: without privilege their window must be a multiple of two seconds
(commit d82caa273565). Memory and pressure themselves are read by the sampler's machine.
"""

import contextlib
import os
from pathlib import Path

from omnitray.platforms.linux.files import KeptFile

_TRIGGER = b"some 150000 2000000\0"  # 150 ms of stall within 2 s
TRIGGER_WINDOW_S = 2.0
_ZRAM_USED = 2  # the third figure of mm_stat: memory taken, in bytes


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

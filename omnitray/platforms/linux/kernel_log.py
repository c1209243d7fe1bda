"""New lines of the kernel's log, where it may be read, and its count of what it has ended.

``/dev/kmsg`` gives one record a read. Many systems keep it for root (``kernel.dmesg_restrict``,
which Debian sets); the journal then has the same lines for some groups. The count is for all.
"""

import os
import re
from pathlib import Path

from omnitray.platforms.linux.files import KeptFile

_RECORD_BYTES = 8192
_MOST_RECORDS = 1000
_KILLS = re.compile(rb"^oom_kill (\d+)$", re.MULTILINE)


class KernelLog:
    """Reads on from where it was opened; what was there before is left out."""

    def __init__(self, path: Path = Path("/dev/kmsg")) -> None:
        self._descriptor: int | None = None
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            os.lseek(self._descriptor, 0, os.SEEK_END)
        except OSError:
            self.close()

    @property
    def why_not(self) -> str:
        """Empty where it can be read."""
        return "" if self._descriptor is not None else "the kernel's log is not for us to read"

    def lines(self) -> tuple[str, ...]:
        """The messages since the last call."""
        found: list[str] = []
        while self._descriptor is not None and len(found) < _MOST_RECORDS:
            try:
                record = os.read(self._descriptor, _RECORD_BYTES)
            except BrokenPipeError:
                continue  # some were overwritten before we came
            except OSError:
                break
            if not record:
                break
            found.append(record.decode("utf-8", "replace").partition(";")[2].rstrip("\n"))
        return tuple(found)

    def close(self) -> None:
        """Give the descriptor back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = None


class KillCount:
    """How many processes the kernel has ended because memory ran out; from one small file.

    In a container the count of its own group is taken: that of the machine counts all groups.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        own = root / "sys/fs/cgroup/memory.events"  # a container's; the machine's root has none
        self._file = KeptFile(own if own.exists() else root / "proc/vmstat")

    def read(self) -> int | None:
        """The count since the machine's start; None where the kernel does not count."""
        found = _KILLS.search(self._file.read() or b"")
        return int(found[1]) if found else None

    def close(self) -> None:
        """Give the descriptor back."""
        self._file.close()

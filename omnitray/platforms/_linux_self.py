"""This process itself on Linux: its resident memory."""

import os
from pathlib import Path

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def own_rss_bytes() -> int | None:
    """Resident set of this process, or None where /proc cannot be read."""
    try:
        return int(Path("/proc/self/statm").read_bytes().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError, ValueError):
        return None

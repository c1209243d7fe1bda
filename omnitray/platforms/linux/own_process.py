"""This process itself on Linux: its resident memory, its family."""

import os
from pathlib import Path

from omnitray.base.facts import OwnFacts

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def own_rss_bytes() -> int | None:
    """Resident set of this process, or None where /proc cannot be read."""
    try:
        return int(Path("/proc/self/statm").read_bytes().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError, ValueError):
        return None


def own_facts() -> OwnFacts:
    """Our pids, those that we were started by, and our user."""
    ancestors, pid = set(), os.getppid()
    while pid > 1 and pid not in ancestors:
        ancestors.add(pid)
        pid = _parent(pid)
    return OwnFacts(
        pids=frozenset({os.getpid(), *_children()}), ancestors=frozenset(ancestors), uid=os.getuid()
    )


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return 0


def _children() -> set[int]:
    """Children of all our threads (``CONFIG_PROC_CHILDREN``): the watchdog is one."""
    found: set[int] = set()
    for file in Path("/proc/self/task").glob("*/children"):
        try:
            found.update(int(word) for word in file.read_bytes().split())
        except (OSError, ValueError):
            continue
    return found

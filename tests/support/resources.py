"""What a running program takes: processor time to the nanosecond, memory shared and not."""

import os
import time
from pathlib import Path
from typing import NamedTuple

import psutil

TICKS = os.sysconf("SC_CLK_TCK")
MB = 1_000_000


class Taken(NamedTuple):
    """Processor seconds of a process and its descendants up to a moment."""

    cpu_s: float
    at: float


def taken(pid: int) -> Taken:
    """What it and its descendants, living and waited for, have used so far.

    The kernel keeps nanoseconds for each living thread and hundredths of a second for the whole
    process with what has ended; the larger of the two is nearer the truth.
    """
    processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return Taken(
        sum(max(_fine(each.pid), _coarse(each.pid)) for each in processes), time.monotonic()
    )


def _fine(pid: int) -> float:
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except OSError:  # the thread has just ended
            continue
    return total / 1e9


def _coarse(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(each) for each in fields[11:15]) / TICKS


def percent_between(before: Taken, after: Taken) -> float:
    """Per cent of one core."""
    return 100.0 * (after.cpu_s - before.cpu_s) / (after.at - before.at)


class Held(NamedTuple):
    """Memory: all that is mapped in, and what would be free if it ended."""

    rss_mb: float
    uss_mb: float


def held(pid: int) -> Held:
    """What a process and its descendants hold."""
    processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    figures = [each.memory_full_info() for each in processes]
    return Held(sum(x.rss for x in figures) / MB, sum(x.uss for x in figures) / MB)


def threads(pid: int) -> dict[str, float]:
    """Processor seconds so far by the name of the thread; the first one is ``main``."""
    used: dict[str, float] = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            name = "main" if task.name == str(pid) else (task / "comm").read_text().strip()
            seconds = int((task / "schedstat").read_text().split()[0]) / 1e9
        except OSError:  # the thread has just ended
            continue
        used[name] = used.get(name, 0.0) + seconds
    return used

"""What a person may want to know of one process, read when they ask for it; portable.

The environment may hold secrets: it is read only where it is asked for by name.
"""

from collections.abc import Callable
from typing import TypeVar

import psutil

from omnitray.base.facts import ProcessReport

_MOST_FILES = 200
T = TypeVar("T")


def process_report(pid: int, start_ticks: int, *, environment: bool) -> ProcessReport | None:
    """None where it has ended; what may not be read is empty.

    ``start_ticks`` only names it: a process that has come since in its place started after the
    scan, which the start time shows.
    """
    try:
        process = psutil.Process(pid)
        started_at = process.create_time()
    except psutil.Error:
        return None
    files: list[str] = _tried(lambda: [each.path for each in process.open_files()], [])
    nothing: dict[str, str] = {}
    variables = tuple(sorted(_tried(process.environ, nothing).items())) if environment else None
    return ProcessReport(
        pid=pid,
        start_ticks=start_ticks,
        command=tuple(_tried(process.cmdline, [])),
        folder=_tried(process.cwd, ""),
        started_at=started_at,
        user=_tried(process.username, ""),
        limits=_limits(process),
        files=tuple(files[:_MOST_FILES]),
        more_files=max(0, len(files) - _MOST_FILES),
        environment=variables,
    )


def _limits(process: psutil.Process) -> tuple[tuple[str, str], ...]:
    """Those that are not infinite, as ``soft of hard``."""
    found = []
    for name, words in _LIMITS.items():
        kind = getattr(psutil, name, None)
        if kind is None or not hasattr(process, "rlimit"):
            continue
        pair = _tried(lambda kind=kind: process.rlimit(kind), None)  # type: ignore[misc]
        if pair is not None and pair[0] >= 0:
            hard = "no limit" if pair[1] < 0 else str(pair[1])
            found.append((words, f"{pair[0]}, at most {hard}"))
    return tuple(found)


_LIMITS = {
    "RLIMIT_NOFILE": "Open files",
    "RLIMIT_NPROC": "Processes",
    "RLIMIT_AS": "Address space in bytes",
    "RLIMIT_DATA": "Data in bytes",
    "RLIMIT_STACK": "Stack in bytes",
    "RLIMIT_CORE": "Core file in bytes",
    "RLIMIT_CPU": "CPU time in seconds",
    "RLIMIT_MEMLOCK": "Locked memory in bytes",
}


def _tried(read: Callable[[], T], otherwise: T) -> T:
    try:
        return read()
    except (psutil.Error, OSError):
        return otherwise

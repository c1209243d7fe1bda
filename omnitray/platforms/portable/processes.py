"""Processes through psutil.

A test holds them to the answers of the table from /proc. What is of one system only (sessions,
process groups, terminals) is 0 elsewhere.

``start_ticks`` counts hundredths of a second of the calendar. macOS and Windows record that moment
with the process. On Linux psutil works it out from the clock: after a step of the clock identities
that were taken before count as gone, and nothing is done to them.

On macOS the resident set leaves out what the system has compressed, so that a process may hold
many times what ``rss_bytes`` says; ``pss_bytes`` gives the footprint there.
"""

import os
import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

import psutil

from omnitray.base.facts import ProcessFacts

TICKS_PER_S = 100
_ATTRIBUTES = (
    *("pid", "ppid", "name", "status", "create_time", "num_threads", "nice"),
    *("cpu_times", "memory_info"),
)
_STATES = {
    psutil.STATUS_RUNNING: "R",
    psutil.STATUS_SLEEPING: "S",
    psutil.STATUS_DISK_SLEEP: "D",
    psutil.STATUS_STOPPED: "T",
    psutil.STATUS_TRACING_STOP: "t",
    psutil.STATUS_ZOMBIE: "Z",
    psutil.STATUS_DEAD: "X",
    psutil.STATUS_IDLE: "I",
    psutil.STATUS_PARKED: "P",
}
_NETWORK = frozenset({"smbfs", "nfs", "afpfs", "webdav", "nfs4", "cifs"})

Answer = TypeVar("Answer")


class PsutilProcessTable:
    """A ``processes.process_table.ProcessTable``; one instance belongs to one thread."""

    def __init__(
        self, system: Any = psutil, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._system = system
        self._monotonic = monotonic
        self._used: dict[tuple[int, int], tuple[float, float]] = {}
        self._fixed: dict[tuple[int, int], tuple[int | None, int]] = {}

    def scan(self) -> tuple[ProcessFacts, ...]:
        """All processes now; CPU since the previous scan."""
        used, self._used = self._used, {}
        fixed, self._fixed = self._fixed, {}
        found = []
        forget_terminals()
        for process in self._system.process_iter():
            try:
                seen = process.as_dict(_ATTRIBUTES)
            except psutil.NoSuchProcess:
                continue
            facts = self._facts(process, seen, used, fixed)
            found.append(facts)
        return tuple(found)

    def _facts(
        self,
        process: Any,
        seen: dict[str, Any],
        used: dict[tuple[int, int], tuple[float, float]],
        fixed: dict[tuple[int, int], tuple[int | None, int]],
    ) -> ProcessFacts:
        start = start_ticks(seen["create_time"] or 0.0)
        identity = (seen["pid"], start)
        uid, tty = self._fixed[identity] = fixed.get(identity) or (_uid(process), _tty(process))
        memory = seen["memory_info"]
        return ProcessFacts(
            pid=seen["pid"],
            ppid=seen["ppid"] or 0,
            start_ticks=start,
            name=_printable(seen["name"] or ""),
            state=_STATES.get(seen["status"], "S"),
            uid=uid,
            session=session_of(seen["pid"]),
            group=_number(getattr(os, "getpgid", None), seen["pid"]),
            tty=tty,
            threads=seen["num_threads"] or 1,
            nice=nice_value(int(seen["nice"] or 0)),
            cpu_percent=self._share(identity, seen["cpu_times"], used),
            rss_bytes=memory.rss if memory else 0,
        )

    def _share(
        self,
        identity: tuple[int, int],
        times: Any,
        before: dict[tuple[int, int], tuple[float, float]],
    ) -> float | None:
        if times is None:
            return None
        now, used_s = self._monotonic(), times.user + times.system
        self._used[identity] = (now, used_s)
        then, used_then_s = before.get(identity, (now, used_s))
        return max(0.0, 100.0 * (used_s - used_then_s) / (now - then)) if now > then else None


class PsutilProcessDetails:
    """A ``processes.process_table.ProcessDetails``."""

    def __init__(self, system: Any = psutil) -> None:
        self._system = system

    def exe(self, process: ProcessFacts, /) -> str | None:
        """Path of the executable."""
        return self._of(process, lambda found: found.exe() or None)

    def cmdline(self, process: ProcessFacts, /) -> tuple[str, ...] | None:
        """Arguments, made printable."""
        return self._of(process, lambda found: tuple(map(_printable, found.cmdline())))

    def cwd(self, process: ProcessFacts, /) -> str | None:
        """Working folder."""
        return self._of(process, lambda found: found.cwd() or None)

    def cgroup(self, _process: ProcessFacts, /) -> str | None:
        """Only Linux has them."""
        return None

    def pss_bytes(self, process: ProcessFacts, /) -> int | None:
        """The footprint on macOS, else what is the process's alone: the nearest to be had."""
        return self._of(process, _own_memory)

    def written_bytes(self, process: ProcessFacts, /) -> int | None:
        """What it has written; macOS does not tell."""
        return self._of(process, lambda found: int(found.io_counters().write_bytes))

    def io_bytes(self, process: ProcessFacts, /) -> int | None:
        """What it has read and written; macOS does not tell."""
        return self._of(process, lambda found: _moved(found.io_counters()))

    def writes_to(
        self, _process: ProcessFacts, _mounts: tuple[str, ...], /
    ) -> frozenset[str] | None:
        """None: how a file was opened is known on Linux alone."""
        return None

    def writes_in(self, _process: ProcessFacts, /) -> str | None:
        """None, as ``writes_to``."""
        return None

    def is_remote(self, folder: str, /) -> bool:
        """Whether it is on another machine's file system."""
        if folder.startswith(("\\\\", "//")):
            return True
        partitions = self._system.disk_partitions(all=True)
        remote = [each.mountpoint for each in partitions if each.fstype in _NETWORK]
        return any(folder == point or folder.startswith(f"{point}/") for point in remote)

    def _of(self, process: ProcessFacts, ask: Callable[[Any], Answer]) -> Answer | None:
        try:
            found = self._system.Process(process.pid)
            if start_ticks(found.create_time()) != process.start_ticks:
                return None
            answer = ask(found)
            return answer if found.is_running() else None
        except (psutil.Error, OSError, AttributeError):
            return None  # an attribute: this platform's psutil does not have the question


def forget_terminals() -> None:
    """Let psutil list the terminals again at the next question.

    WORKAROUND psutil 7.2: it remembers those of its first call, so that a process on a later
    terminal seems to have none. This can go when ``get_terminal_map`` has no cache any more.
    """
    remembered = getattr(sys.modules.get("psutil._psposix"), "get_terminal_map", None)
    if callable(clear := getattr(remembered, "cache_clear", None)):
        clear()


def start_ticks(create_time: float) -> int:
    """Hundredths of a second since the epoch."""
    return round(create_time * TICKS_PER_S)


def session_of(pid: int) -> int:
    """The id of its session; 0 where the system has none or the process is gone."""
    return _number(getattr(os, "getsid", None), pid)


# Priority classes of Windows (SetPriorityClass) with the nice value that comes nearest.
CLASSES = {0x40: 19, 0x4000: 10, 0x20: 0, 0x8000: -5, 0x80: -10, 0x100: -20}


def nice_value(priority: int, *, by_class: bool = psutil.WINDOWS) -> int:
    """The nice value of what psutil calls ``nice``: a priority class on Windows."""
    return CLASSES.get(priority, 0) if by_class else priority


def own_priority(nice: int, *, by_class: bool = psutil.WINDOWS) -> int:
    """What psutil takes for a nice value: on Windows the class that is next to it."""
    if not by_class:
        return nice
    return min(CLASSES, key=lambda each: abs(CLASSES[each] - nice))


def _own_memory(process: Any) -> int:
    extended = getattr(process, "memory_info_ex", None)
    footprint = getattr(extended(), "phys_footprint", None) if extended else None
    return int(footprint or process.memory_full_info().uss)


def _moved(counters: Any) -> int:
    return int(counters.read_bytes + counters.write_bytes)


def _uid(process: Any) -> int | None:
    try:
        return int(process.uids().effective)
    except (psutil.Error, AttributeError):
        return None


def _tty(process: Any) -> int:
    try:
        terminal = process.terminal()
        return os.stat(terminal).st_rdev if terminal else 0  # noqa: PTH116 - a device, not a place
    except (psutil.Error, AttributeError, OSError):
        return 0


def _number(ask: Callable[[int], int] | None, pid: int) -> int:
    try:
        return ask(pid) if ask else 0
    except OSError:
        return 0


def _printable(text: str) -> str:
    return (
        text
        if text.isprintable()
        else "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
    )

"""The two clocks: monotonic for durations, wall for display and file names."""

import datetime as dt
import heapq
import time
from typing import Protocol


class Clock(Protocol):
    """What the core asks for the time."""

    def monotonic(self) -> float:
        """Seconds that never go backwards; does not count suspended time on Linux."""
        ...

    def wall(self) -> float:
        """Seconds since the epoch; may jump."""
        ...


class SystemClock:
    """The real clocks, also where a test of the same process freezes or replaces those of time."""

    _monotonic, _wall = staticmethod(time.monotonic), staticmethod(time.time)

    def monotonic(self) -> float:
        """Seconds that never go backwards."""
        return self._monotonic()

    def wall(self) -> float:
        """Seconds since the epoch."""
        return self._wall()


class DeadlineQueue:
    """At most one appointment a key; times are monotonic seconds."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, str]] = []
        self._due: dict[str, float] = {}

    def put(self, key: str, due_m: float) -> None:
        """Make or move the appointment of ``key``."""
        if self._due.get(key) != due_m:
            self._due[key] = due_m
            heapq.heappush(self._heap, (due_m, key))
        if len(self._heap) > 64 + 4 * len(self._due):
            self._heap = [(due, each) for each, due in self._due.items()]
            heapq.heapify(self._heap)

    def drop(self, key: str) -> None:
        """Cancel the appointment of ``key``, if there is one."""
        self._due.pop(key, None)

    def take(self, now_m: float) -> list[str]:
        """The keys that are due, earliest first; their appointments are gone then."""
        taken = []
        while (next_m := self.next_m) is not None and next_m <= now_m:
            _, key = heapq.heappop(self._heap)
            del self._due[key]
            taken.append(key)
        return taken

    @property
    def next_m(self) -> float | None:
        """The earliest appointment."""
        while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)  # moved or cancelled since
        return self._heap[0][0] if self._heap else None


def timestamp(wall_s: float) -> str:
    """``2026-11-22T13:21:27.123Z`` for seconds since the epoch."""
    moment = dt.datetime.fromtimestamp(wall_s, dt.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def epoch(text: str) -> float:
    """The inverse of :func:`timestamp`; raises ValueError on anything else."""
    return dt.datetime.fromisoformat(text).timestamp()

"""How fast single processes grow, from one scan to the next.

Small processes are not followed: with ten thousand of them that is what keeps a look cheap.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Generic, TypeVar

from omnitray.base.facts import Job

_WORTH_BYTES = 16 << 20
_SHORTEST_S = 0.05  # under it, the steps of the counters would be multiplied
_KEPT = 0.4  # of the rate so far, when a new one comes


class Growths:
    """Growth rates by identity, smoothed over a few scans; a job's includes its new processes."""

    def __init__(self) -> None:
        self._processes = _Rates[tuple[int, int]]()
        self._jobs = _Rates[str]()

    def of(self, pid: int, start_ticks: int) -> float | None:
        """Bytes a second; None until there are enough readings."""
        return self._processes.rates.get((pid, start_ticks))

    def of_job(self, key: str) -> float:
        """Bytes a second that it grows, in its processes or in their number; 0 if not known."""
        return self._jobs.rates.get(key, 0.0)

    def observe(self, jobs: Sequence[Job], now_s: float) -> None:
        """Take the sizes of one look."""
        self._jobs.observe({job.key: job.rss_bytes for job in jobs}, now_s)
        self._processes.observe(
            {
                (process.pid, process.start_ticks): process.rss_bytes
                for job in jobs
                for process in job.processes
                if process.rss_bytes >= _WORTH_BYTES
            },
            now_s,
        )


Who = TypeVar("Who")


class _Rates(Generic[Who]):
    """What changes how fast; forgets what is not there any more."""

    def __init__(self) -> None:
        self.rates: dict[Who, float] = {}
        self._sizes: dict[Who, int] = {}
        self._at_s = 0.0

    def observe(self, sizes: dict[Who, int], now_s: float) -> None:
        """Take the sizes of one look."""
        gap_s = now_s - self._at_s
        if self._sizes and gap_s < _SHORTEST_S:
            return
        before, known = self._sizes, self.rates
        rates = {}
        for who, size in sizes.items():
            then = before.get(who)
            if then is not None:
                rate = (size - then) / gap_s
                so_far = known.get(who)
                rates[who] = rate if so_far is None else _KEPT * so_far + (1.0 - _KEPT) * rate
        self.rates, self._sizes, self._at_s = rates, sizes, now_s


_MOST = 8  # readings kept: 28 slopes
_FEWEST = 3
_SPAN_S = 1.0  # under it, noise would be multiplied
_OLDEST_S = 60.0
_NOISE_BYTES = 1 << 20


class Growth:
    """The sizes of one job; the slope is the median of all pairs (Theil and Sen)."""

    def __init__(self) -> None:
        self._readings: deque[tuple[float, int]] = deque(maxlen=_MOST)

    def add(self, now_s: float, size_bytes: int) -> float | None:
        """Take a reading; bytes a second so far, None until there are enough."""
        readings = self._readings
        if readings and now_s <= readings[-1][0]:
            readings.pop()
        while readings and now_s - readings[0][0] > _OLDEST_S:
            readings.popleft()
        readings.append((now_s, size_bytes))
        if len(readings) < _FEWEST or now_s - readings[0][0] < _SPAN_S:
            return None
        sizes = [size for _, size in readings]
        if max(sizes) - min(sizes) < _NOISE_BYTES:
            return 0.0
        return _median(
            (later[1] - earlier[1]) / (later[0] - earlier[0])
            for earlier, later in combinations(readings, 2)
        )


def _median(slopes: Iterable[float]) -> float:
    """As ``statistics`` has it, whose import would be half a megabyte for this."""
    ordered = sorted(slopes)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2

"""How fast single processes grow, from one look to the next.

Small processes are not followed: with ten thousand of them that is what keeps a look cheap.
"""

from collections.abc import Sequence
from typing import Generic, TypeVar

from omnitray.base.facts import Job

_WORTH_BYTES = 16 << 20
_SHORTEST_S = 0.05  # under it, the steps of the counters would be multiplied
_KEPT = 0.4  # of the rate so far, when a new one comes


class Growths:
    """Rates by identity, smoothed over a few looks; of jobs, with what they start anew."""

    def __init__(self) -> None:
        self._processes = _Rates[tuple[int, int]]()
        self._jobs = _Rates[str]()

    def of(self, pid: int, start_ticks: int) -> float | None:
        """Bytes a second; None until it can be told."""
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

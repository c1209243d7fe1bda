"""How fast single processes grow, from one look to the next.

Small processes are not followed: with ten thousand of them that is what keeps a look cheap.
"""

from collections.abc import Iterable

from omnitray.core.facts import Job

_WORTH_BYTES = 16 << 20
_SHORTEST_S = 0.05  # under it, the steps of the counters would be multiplied
_KEPT = 0.4  # of the rate so far, when a new one comes


class Growths:
    """Rates by identity, smoothed over a few looks; of jobs, their sums."""

    def __init__(self) -> None:
        self._sizes: dict[tuple[int, int], tuple[float, int]] = {}
        self._rates: dict[tuple[int, int], float] = {}
        self._of_jobs: dict[str, float] = {}

    def of(self, pid: int, start_ticks: int) -> float | None:
        """Bytes a second; None until it can be told."""
        return self._rates.get((pid, start_ticks))

    def of_job(self, key: str) -> float:
        """Bytes a second that its processes grow together, without those that shrink."""
        return self._of_jobs.get(key, 0.0)

    def observe(self, jobs: Iterable[Job], now_s: float) -> None:
        """Take the sizes of one look."""
        sizes: dict[tuple[int, int], tuple[float, int]] = {}
        rates: dict[tuple[int, int], float] = {}
        of_jobs: dict[str, float] = {}
        for job in jobs:
            for process in job.processes:
                if process.rss_bytes < _WORTH_BYTES:
                    continue
                who = (process.pid, process.start_ticks)
                sizes[who], rate = self._next(who, now_s, process.rss_bytes)
                if rate is not None:
                    rates[who] = rate
                    of_jobs[job.key] = of_jobs.get(job.key, 0.0) + max(0.0, rate)
        self._sizes, self._rates, self._of_jobs = sizes, rates, of_jobs

    def _next(
        self, who: tuple[int, int], now_s: float, rss_bytes: int
    ) -> tuple[tuple[float, int], float | None]:
        before = self._sizes.get(who)
        known = self._rates.get(who)
        if before is None:
            return (now_s, rss_bytes), None
        gap_s = now_s - before[0]
        if gap_s < _SHORTEST_S:
            return before, known
        rate = (rss_bytes - before[1]) / gap_s
        if known is not None:
            rate = _KEPT * known + (1.0 - _KEPT) * rate
        return (now_s, rss_bytes), rate

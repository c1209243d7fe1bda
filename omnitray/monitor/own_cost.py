"""What OmniTray itself takes, measured like everything else: over a stretch of time."""

from collections.abc import Callable

from omnitray.base.clock import Clock
from omnitray.base.status import OwnCost

_STRETCH_S = 5.0


class OwnCostMeter:
    """CPU over stretches of at least 5 s, and the resident memory at their end.

    The first stretch is the program's start and says nothing about the rest: it is left out.

    ``cpu_s`` gives the CPU seconds (user and system, all threads) that this process has used,
    ``rss_bytes`` its resident memory, None where that cannot be read.
    """

    def __init__(
        self, clock: Clock, cpu_s: Callable[[], float], rss_bytes: Callable[[], int | None]
    ) -> None:
        self._clock = clock
        self._cpu_s = cpu_s
        self._rss_bytes = rss_bytes
        self._since_s = clock.monotonic()
        self._used_s = cpu_s()
        self._latest: OwnCost | None = None
        self._started = False

    def read(self) -> OwnCost | None:
        """The newest figure; None before the first stretch is over."""
        now = self._clock.monotonic()
        if now - self._since_s >= _STRETCH_S:
            used_s, rss = self._cpu_s(), self._rss_bytes()
            share = 100.0 * (used_s - self._used_s) / (now - self._since_s)
            if self._started:
                self._latest = OwnCost(cpu_percent=max(0.0, share), rss_bytes=rss or 0)
            self._since_s, self._used_s, self._started = now, used_s, True
        return self._latest

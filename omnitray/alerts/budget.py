"""How many notifications a person can take: so many in a window, the rest in a digest."""

from collections import deque

from omnitray.alerts.timing import AlertTiming

DIGEST_SLOT = "digest"


class Budget:
    """Counts what was told and keeps what waits for the digest (fingerprints)."""

    def __init__(self, timing: AlertTiming) -> None:
        self._timing = timing
        self._told_m: deque[float] = deque(maxlen=timing.budget)
        self._waiting: dict[str, None] = {}
        self._digest_m: float | None = None

    def left(self, now_m: float) -> bool:
        """True while one more notification may be shown."""
        full = len(self._told_m) >= self._timing.budget
        return not full or now_m - self._told_m[0] >= self._timing.budget_window_s

    def spend(self, now_m: float) -> None:
        """One was shown."""
        self._told_m.append(now_m)

    def defer(self, fingerprint: str, now_m: float) -> None:
        """Wait for the digest."""
        if not self._waiting and self._digest_m is None:
            self._digest_m = now_m  # the floor counts from the first one that had to wait
        self._waiting[fingerprint] = None

    def leave(self, fingerprint: str) -> None:
        """No longer wait."""
        self._waiting.pop(fingerprint, None)

    def take_digest(self, now_m: float) -> tuple[str, ...]:
        """What the digest that is due now tells of; empty when none is due."""
        if self.next_m is None or self.next_m > now_m:
            return ()
        taken = tuple(self._waiting)
        self._waiting.clear()
        self._digest_m = now_m
        return taken

    @property
    def next_m(self) -> float | None:
        """When the next digest is due."""
        if not self._waiting or self._digest_m is None:
            return None
        return self._digest_m + self._timing.digest_floor_s

"""The two clocks: monotonic for durations, wall for display and file names."""

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
    """The real clocks."""

    def monotonic(self) -> float:
        """Seconds that never go backwards."""
        return time.monotonic()

    def wall(self) -> float:
        """Seconds since the epoch."""
        return time.time()

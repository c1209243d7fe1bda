"""A clock that is turned by the test."""


class FakeClock:
    """Both clocks of ``core.clock.Clock``."""

    def __init__(self, monotonic: float = 1000.0, wall: float = 1_795_353_687.0) -> None:
        self._monotonic = monotonic
        self._wall = wall

    def monotonic(self) -> float:
        return self._monotonic

    def wall(self) -> float:
        return self._wall

    def advance(self, seconds: float) -> None:
        """Time passes."""
        self._monotonic += seconds
        self._wall += seconds

    def jump_wall(self, seconds: float) -> None:
        """Somebody sets the time, or the machine was suspended."""
        self._wall += seconds

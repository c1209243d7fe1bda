"""Bounds of the local API, with the reasons for their figures, and a token bucket.

No limit is kept by address: on loopback everybody has the same one, and a ban would lock out the
person. What is over a bound is refused; what is under it is never slowed down.
"""

from collections.abc import Callable

MAX_BODY_BYTES = 64 * 1024
MAX_HEADER_BYTES = 16 * 1024
MAX_FRAME_BYTES = 64 * 1024
DRAINED_BYTES = 16 << 20  # read and thrown away, so that the refusal is seen and not a reset
MAX_CONNECTIONS = 128  # that have shown the token
MAX_STRANGERS = 32  # that have not (yet): the oldest gives way to the next
MAX_SOCKETS = 48  # 32 must work at once, and a few more for the person's own tools
HEADER_TIMEOUT_S = 5.0
BODY_TIMEOUT_S = 10.0
STALL_TIMEOUT_S = 10.0  # a reader that takes nothing for so long is gone
COMMAND_TIMEOUT_S = 10.0
WRONG_TOKEN_DELAY_S = 0.1
SOCKET_QUEUE = 512  # messages: minutes for a slow reader, a moment for a flood
REQUESTS_PER_S = 500.0  # over twice what is promised
REQUEST_BURST = 1000.0
SOCKET_COMMANDS_PER_S = 20.0
SOCKET_COMMAND_BURST = 40.0


class Bucket:
    """A token bucket: ``rate`` a second on average, ``burst`` at once."""

    def __init__(self, rate: float, burst: float, monotonic: Callable[[], float]) -> None:
        self._rate = rate
        self._burst = burst
        self._monotonic = monotonic
        self._left = burst
        self._at = monotonic()

    def take(self) -> float:
        """Take one; 0 if there was one, else the seconds until there is."""
        now = self._monotonic()
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return (1 - self._left) / self._rate
        self._left -= 1
        return 0.0

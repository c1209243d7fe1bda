"""How fast something grows, from its last few sizes, without being fooled by a single jump."""

from collections import deque
from collections.abc import Iterable
from itertools import combinations

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
        """Take a reading; bytes a second so far, None until it can be told."""
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

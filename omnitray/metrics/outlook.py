"""When a disk will be full if it goes on as over the last days: a range, or nothing. Pure.

The slopes of all pairs of readings (Theil and Sen) say how fast it fills; what the slower and the
faster quarter of them leave open is the range. Where a quarter of them fall there is no trend.
"""

from collections.abc import Sequence
from itertools import combinations

import msgspec

from omnitray.metrics.aggregate import MetricPoint
from omnitray.metrics.periods import DAY_S

LOOKED_BACK_S = 7.0 * DAY_S  # a week has every kind of day once
_LEAST_SEEN_S = 1.0 * DAY_S  # a night and a day: less says how today is, not how it goes on
_FEWEST = 12
_MOST = 48  # 1,128 pairs
_LOW, _HIGH = 0.25, 0.75
_FARTHEST_S = 60.0 * DAY_S  # nobody makes room for what may be in three months
FULL = 100.0


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """Full between ``low_s`` and ``high_s`` from the newest reading; per cent a day it grows."""

    low_s: float
    high_s: float
    per_day: float


def outlook(points: Sequence[MetricPoint]) -> Outlook | None:
    """What these readings in per cent, oldest first, foretell; None where that is not sure."""
    known = [each for each in points if each.covered_s > 0]
    if len(known) < _FEWEST or known[-1].at - known[0].at < _LEAST_SEEN_S:
        return None
    left = max(0.0, FULL - known[-1].mean)
    thinned = known[:: -(-len(known) // _MOST)]
    slopes = sorted(
        (later.mean - earlier.mean) / (later.at - earlier.at)
        for earlier, later in combinations(thinned, 2)
    )
    slow, middle, fast = (slopes[int(share * (len(slopes) - 1))] for share in (_LOW, 0.5, _HIGH))
    if slow <= 0.0 or left / fast > _FARTHEST_S:
        return None
    high_s = min(left / slow, 2.0 * _FARTHEST_S)
    return Outlook(low_s=left / fast, high_s=high_s, per_day=middle * DAY_S)

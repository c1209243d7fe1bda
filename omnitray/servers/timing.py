"""How long a start may take, how long to wait before the next, and when to give up. Pure.

Sources: Kubernetes' start-up probes (health is held off while starting), systemd's fixed
``RestartSec`` and pm2's uptime rule as what not to do (``pm2`` counts only exits in the first
second and restarted programs 40,000 times, pm2 #2584; systemd's back-off is never reset, #43813).
"""

import math
import statistics
from collections import deque
from collections.abc import Callable, Iterable

import msgspec

from omnitray.servers.model import ProbeResult

# The brief's adaptive time-outs; an exit never waits for them.
LIMITS_S = (90.0, 120.0, 180.0, 240.0)
MIN_LEARNT_S, MAX_LEARNT_S = 30.0, 240.0
LEARNT_FACTOR, LEARNT_EXTRA_S = 1.5, 10.0
KEPT_STARTS = 20  # the fewest of which the p95 is not the longest
MIN_STARTS = 3  # fewer say nothing on the spread: the first start after an update is often long
SLOW_AFTER_S = 90.0  # the brief's SERVER_SLOW
SLOW_FACTOR = 2.0  # less is the spread of a busy machine
MIN_SLOW_S = 10.0  # twice the usual of a server that starts in 0.3 s is no news; as LEARNT_EXTRA_S

BACKOFF_MAX_S = 60.0  # Kubernetes waits for 300 s; here a person sits in front of it
# How long a report of an outage has the monitor look closely: the longest start and the longest
# wait before it. While a server is tried again the next report comes sooner; one that is given up
# is no reason to look twice a second for weeks.
HURRY_S = LIMITS_S[-1] + BACKOFF_MAX_S
JITTER = 0.2  # servers that fell together do not start together
# systemd's burst is 5 in 10 s; five starts of 90 s with the waits between take 465 s.
LOOP_FAILURES, LOOP_WINDOW_S = 5, 600.0
HEALTHY_RESET_S = 300.0  # the kubelet resets its back-off after 600 s of running

PROBE_S = 5.0  # three of five failed probes are DOWN: 15 s at most, without load
FIRST_PROBE_S, MOST_PROBE_S = 0.1, 1.0  # while starting: a tenth of the time so far
WEIGHTS = {
    ProbeResult.OK: 0.0,
    ProbeResult.REFUSED: 1.0,
    ProbeResult.BAD_ANSWER: 1.0,
    ProbeResult.TIMEOUT: 0.5,
}
WINDOW = 5
DOWN_WEIGHT = 3.0
UNANSWERED = 3  # probes in a row without a good answer: no answer is to be seen within three


class StartTimes:
    """The durations of the last good starts, in seconds, and what follows from them."""

    def __init__(self, known: Iterable[float] = ()) -> None:
        self._known = deque(known, maxlen=KEPT_STARTS)

    @property
    def known(self) -> tuple[float, ...]:
        """The oldest first."""
        return tuple(self._known)

    def add(self, seconds: float) -> None:
        """One more good start."""
        self._known.append(seconds)

    @property
    def usual_s(self) -> float | None:
        """The median; None without a start."""
        return statistics.median(self._known) if self._known else None

    def learnt_s(self) -> float | None:
        """p95 (nearest rank) × 1.5 + 10 s, from 30 to 240 s; None with too few starts."""
        if len(self._known) < MIN_STARTS:
            return None
        ordered = sorted(self._known)
        p95 = ordered[math.ceil(0.95 * len(ordered)) - 1]
        return min(MAX_LEARNT_S, max(MIN_LEARNT_S, p95 * LEARNT_FACTOR + LEARNT_EXTRA_S))

    def limit_s(self, attempt: int, first_s: float) -> float:
        """How long start number ``attempt`` (from 0) in a row may be alive but not ready."""
        first = self.learnt_s() or first_s
        if attempt == 0:
            return first
        return max(first, LIMITS_S[min(attempt, len(LIMITS_S) - 1)])

    def slow_after_s(self) -> float:
        """When a start is reported as slow: at 90 s, or at twice the usual."""
        if self.usual_s is None:
            return SLOW_AFTER_S
        return min(SLOW_AFTER_S, max(MIN_SLOW_S, SLOW_FACTOR * self.usual_s))


def probe_pause_s(starting_s: float) -> float:
    """How long to wait for the next probe of a server that starts since then."""
    return min(MOST_PROBE_S, max(FIRST_PROBE_S, starting_s / 10.0))


class Restarts:
    """Failures in a row: the back-off grows with them, five in ten minutes are a crash loop."""

    def __init__(self, chance: Callable[[], float]) -> None:
        self._chance = chance
        self._failed_m: deque[float] = deque(maxlen=LOOP_FAILURES)
        self._in_a_row = 0

    def record(self, now_m: float) -> bool:
        """Count a failure; True when this makes a crash loop."""
        self._in_a_row += 1
        self._failed_m.append(now_m)
        full = len(self._failed_m) == LOOP_FAILURES
        return full and now_m - self._failed_m[0] <= LOOP_WINDOW_S

    def delay_s(self) -> float:
        """1, 2, 4 … 60 s, ± 20 %."""
        plain = min(BACKOFF_MAX_S, 2.0 ** min(self._in_a_row - 1, 6))
        return plain * (1.0 - JITTER + 2.0 * JITTER * self._chance())

    def reset(self) -> None:
        """Start again at 1 s: it was healthy for long enough, or a person acted."""
        self._failed_m.clear()
        self._in_a_row = 0


class ProbeWindow:
    """DOWN when failures weigh 3 in the last 5 probes, or 3 in a row had no good answer.

    A refusal weighs 1 and a time-out a half: answers that come late now and then are no outage.
    """

    def __init__(self) -> None:
        self._weights: deque[float] = deque(maxlen=WINDOW)
        self._in_a_row = 0

    def add(self, result: ProbeResult) -> bool:
        """Count a probe; True when the server is down."""
        weight = WEIGHTS[result]
        self._weights.append(weight)
        self._in_a_row = self._in_a_row + 1 if weight else 0
        return sum(self._weights) >= DOWN_WEIGHT or self._in_a_row >= UNANSWERED

    def clear(self) -> None:
        """Begin again."""
        self._weights.clear()
        self._in_a_row = 0


class Appointments(msgspec.Struct, kw_only=True):
    """When something is due, monotonic seconds."""

    probe: float | None = None
    slow: float | None = None
    limit: float | None = None
    spawn: float | None = None
    kill: float | None = None
    healthy: float | None = None

    def next(self) -> float | None:
        """The earliest."""
        due = [each for each in msgspec.structs.astuple(self) if each is not None]
        return min(due, default=None)

    def clear(self) -> None:
        """Nothing is due but the end of a tree."""
        self.probe = self.slow = self.limit = self.spawn = self.healthy = None

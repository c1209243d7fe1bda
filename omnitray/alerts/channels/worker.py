"""A channel with a thread of its own, so that a slow or broken one holds up no other.

What waits is bounded, and of one slot only the newest is delivered. A send that raises is said
once until one succeeds; one that does not come back is said once by :meth:`ChannelWorker.check`.
"""

import logging
import threading
from collections.abc import Callable

import msgspec

from omnitray.alerts.channels.base import Channel
from omnitray.alerts.channels.deliveries import Deliveries, delivered, failed
from omnitray.alerts.decision import Decision
from omnitray.alerts.model import Alert
from omnitray.base.clock import Clock

log = logging.getLogger(__name__)
CAPACITY = 256  # the newest; the history has all of a flood
STUCK_S = 10.0  # a service on this machine answers in milliseconds


class ChannelStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """For doctor: what one channel has done."""

    channel: str
    sent: int
    failed: int
    dropped: int
    replaced: int
    waiting: int
    stuck: bool
    last_error: str | None


class ChannelWorker:
    """Feeds one channel."""

    def __init__(
        self,
        name: str,
        channel: Channel,
        clock: Clock,
        report: Callable[[str], None],
        deliveries: Deliveries,
        *,
        capacity: int = CAPACITY,
        stuck_s: float = STUCK_S,
    ) -> None:
        self.name = name
        self._channel = channel
        self._clock = clock
        self._report = report
        self._deliveries = deliveries
        self._capacity = capacity
        self._stuck_s = stuck_s
        self._condition = threading.Condition()
        self._waiting: dict[str, tuple[Alert, Decision]] = {}
        self._busy_since_m: float | None = None
        self._closing = False
        self._stuck = False
        self._sent = self._failed = self._dropped = self._replaced = 0
        self._last_error: str | None = None
        self._thread = threading.Thread(target=self._run, name=f"channel-{name}", daemon=True)
        self._thread.start()

    def put(self, alert: Alert, decision: Decision) -> None:
        """Queue; the newest of a slot replaces what waits for it, the oldest falls out."""
        key = decision.slot or alert.id
        with self._condition:
            if self._closing:
                return
            if key in self._waiting:
                self._replaced += 1
            elif len(self._waiting) >= self._capacity:
                self._waiting.pop(next(iter(self._waiting)))
                self._dropped += 1
            self._waiting[key] = (alert, decision)
            self._condition.notify()

    def check(self) -> None:
        """Say it when a send does not come back, and when it has."""
        with self._condition:
            since_m = self._busy_since_m
            stuck = since_m is not None and self._clock.monotonic() - since_m > self._stuck_s
            changed, self._stuck = stuck != self._stuck, stuck
        if changed:
            state = "does not answer; the others go on" if stuck else "answers again"
            self._report(f"the {self.name} channel {state}")

    def stop(self) -> None:
        """Deliver what waits, then end; returns at once."""
        with self._condition:
            self._closing = True
            self._condition.notify()

    def join(self, timeout_s: float) -> bool:
        """Wait for the end; False when it takes longer."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def statistics(self) -> ChannelStatistics:
        """How it went so far."""
        with self._condition:
            return ChannelStatistics(
                channel=self.name,
                sent=self._sent,
                failed=self._failed,
                dropped=self._dropped,
                replaced=self._replaced,
                waiting=len(self._waiting),
                stuck=self._stuck,
                last_error=self._last_error,
            )

    def _run(self) -> None:
        while True:
            with self._condition:
                while not self._waiting and not self._closing:
                    self._condition.wait()
                if not self._waiting:
                    return
                key = next(iter(self._waiting))
                alert, decision = self._waiting.pop(key)
                self._busy_since_m = self._clock.monotonic()
            self._send(alert, decision)

    def _send(self, alert: Alert, decision: Decision) -> None:
        error = None
        arrived = False
        try:
            arrived = self._channel.send(alert, decision)
        except Exception as caught:  # noqa: BLE001 - whatever a channel does wrong is its own affair
            error = f"{type(caught).__name__}: {caught}"
        with self._condition:
            self._busy_since_m = None
            first = error is not None and self._last_error is None
            self._sent += error is None
            self._failed += error is not None
            self._last_error = error
        concerned = decision.members or (alert.id,)
        if error is not None:
            self._deliveries.note(*failed(self.name, concerned, self._clock.wall(), error))
        elif arrived:
            self._deliveries.note(*delivered(self.name, concerned, self._clock.wall()))
        if first:
            self._report(f"the {self.name} channel failed: {error}")

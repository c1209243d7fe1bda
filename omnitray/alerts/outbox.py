"""The last step: an alert and its decision go to the record, the sink and the subscribers."""

from collections import deque

import msgspec

from omnitray.alerts.decision import FEED, Decision, Outgoing, Sink
from omnitray.alerts.incidents import Incident
from omnitray.alerts.model import Alert
from omnitray.alerts.reasons import Reason
from omnitray.base.clock import Clock
from omnitray.base.facts import AlertChannel
from omnitray.base.subscribers import Subscribers


class Outbox:
    """Notes every decision and passes on what there is a channel for."""

    def __init__(
        self, clock: Clock, sink: Sink, channels: frozenset[AlertChannel], remembered: int
    ) -> None:
        self.decisions: deque[Decision] = deque(maxlen=remembered)
        self.subscribers: Subscribers[Alert] = Subscribers()
        self._clock = clock
        self._sink = sink
        self._channels = channels
        self._marks: dict[tuple[tuple[str, ...], tuple[AlertChannel, ...]], tuple[str, ...]] = {}

    def mark(self, incident: Incident, channels: tuple[AlertChannel, ...]) -> None:
        """Write into the record where it goes."""
        alert = incident.alert
        before_and_now = (alert.channels, channels)
        if (after := self._marks.get(before_and_now)) is None:
            known = {*alert.channels, *(each for each in channels if each in self._channels)}
            after = tuple(str(each) for each in AlertChannel if each in known)
            self._marks[before_and_now] = after  # few: each combination once
        if after != alert.channels:
            incident.alert = msgspec.structs.replace(alert, channels=after)

    def emit(self, alert: Alert, decision: Decision) -> Outgoing:
        """Hand over; subscribers hear what the feeds hear."""
        there = tuple(each for each in decision.channels if each in self._channels)
        fed = any(each in FEED for each in decision.channels)
        if there != decision.channels:
            decision = msgspec.structs.replace(decision, channels=there)
        self.decisions.append(decision)
        receipt = self._sink.submit(alert, decision)
        if fed:
            self.subscribers.notify(alert)
        return Outgoing(alert, decision, receipt)

    def note(self, alert: Alert, reason: Reason) -> Decision:
        """Remember a decision that goes nowhere."""
        decision = self.decision(alert, reason)
        self.decisions.append(decision)
        return decision

    def decision(
        self, alert: Alert, reason: Reason, channels: tuple[AlertChannel, ...] = ()
    ) -> Decision:
        """A decision that tells nobody."""
        return Decision(
            reason=reason,
            alert_id=alert.id,
            fingerprint=alert.fingerprint,
            at=self._clock.wall(),
            channels=channels,
        )

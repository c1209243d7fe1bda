"""The last step: an alert and its decision go to the record, the sink and the subscribers."""

from collections import deque
from collections.abc import Callable

import msgspec

from omnitray.alerts.channels.registry import NAMES
from omnitray.alerts.decision import DURABLE, FEED, Decision, Outgoing, Sink
from omnitray.alerts.incidents import Incident
from omnitray.alerts.model import Alert
from omnitray.alerts.reasons import Reason
from omnitray.base.clock import Clock
from omnitray.base.subscribers import Subscribers


class Outbox:
    """Notes every decision and passes on what there is a channel for."""

    def __init__(
        self, clock: Clock, sink: Sink, channels: Callable[[], frozenset[str]], remembered: int
    ) -> None:
        self.decisions: deque[Decision] = deque(maxlen=remembered)
        self.subscribers: Subscribers[Alert] = Subscribers()
        self._clock = clock
        self._sink = sink
        self._channels = channels
        self._marks: dict[tuple[tuple[str, ...], tuple[str, ...]], tuple[str, ...]] = {}

    def mark(self, incident: Incident, took: tuple[str, ...]) -> bool:
        """Write into the record which channels took it; whether that is new."""
        alert = incident.alert
        before_and_now = (alert.channels, took)
        if (after := self._marks.get(before_and_now)) is None:
            known = {*alert.channels, *took}
            after = tuple(each for each in NAMES if each in known)
            self._marks[before_and_now] = after  # few: each combination once
        if after == alert.channels:
            return False
        incident.alert = msgspec.structs.replace(alert, channels=after)
        return True

    def unmark(self, incident: Incident, channel: str) -> None:
        """It has not taken it after all."""
        left = tuple(each for each in incident.alert.channels if each != channel)
        incident.alert = msgspec.structs.replace(incident.alert, channels=left)

    def amend(self, incident: Incident) -> None:
        """Let the record say what the incident says now."""
        self._sink.amend(incident.alert)

    def emit(self, alert: Alert, decision: Decision) -> Outgoing:
        """Hand over; subscribers hear what the feeds hear."""
        here = self._channels()
        there = tuple(each for each in decision.channels if each in here)
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

    def restored(self, alert: Alert, held: Reason | None) -> None:
        """It was open before the start: only who keeps a memory of its own has to compare."""
        owing = tuple(each for each in DURABLE if each in self._channels())
        decision = self.decision(alert, Reason.RESTORED, owing)
        self.decisions.append(decision)
        if owing:
            self._sink.submit(alert, msgspec.structs.replace(decision, held=held))

    def decision(self, alert: Alert, reason: Reason, channels: tuple[str, ...] = ()) -> Decision:
        """A decision without a notification."""
        return Decision(
            reason=reason,
            alert_id=alert.id,
            fingerprint=alert.fingerprint,
            at=self._clock.wall(),
            channels=channels,
        )

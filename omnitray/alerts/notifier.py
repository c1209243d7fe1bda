"""Carries verdicts out: notifies of one, of many, or notes why not and when to look again.

:class:`Outbox` is the last step: an alert and its decision go to the record, the sink and the
subscribers.
"""

from collections import deque
from collections.abc import Callable, Iterable

import msgspec

from omnitray.alerts.channels.registry import NAMES
from omnitray.alerts.decision import (
    ATTENTION,
    DURABLE,
    EVERYWHERE,
    FEED,
    RECORD,
    Decision,
    Outgoing,
    Reason,
    Sink,
)
from omnitray.alerts.grouping import DIGEST_SLOT, Due
from omnitray.alerts.incidents import Incident, Incidents
from omnitray.alerts.model import (
    Alert,
    many_body,
    many_title,
    one_body,
    without_numbers,
    worst_and_newest,
)
from omnitray.alerts.notification_state import NotificationState
from omnitray.alerts.rules import (
    TEST_TYPES,
    AlertTiming,
    NotificationOutcome,
    NotificationVerdict,
    Trigger,
    repeat_s,
)
from omnitray.base.clock import Clock, DeadlineQueue
from omnitray.base.facts import AlertChannel
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
            escalated=reason is Reason.ESCALATED,
        )


_replace = msgspec.structs.replace
_MEMBERS_NAMED = 100
_LOOKS_A_REPEAT = 4
# Only time holds it back: what is on the screen already may say something else.
_STANDS_AS_IT_IS = {Reason.REPEAT_FLOOR, Reason.NOT_YET_DUE, Reason.FLAPPING}


class Notifier:
    """Asks for verdicts on incidents and does what they say."""

    def __init__(
        self,
        timing: AlertTiming,
        incidents: Incidents,
        telling: NotificationState,
        handover: Outbox,
    ) -> None:
        self.agenda = DeadlineQueue()
        self._timing = timing
        self._incidents = incidents
        self._telling = telling
        self._handover = handover

    def decide(
        self, incident: Incident, change: Trigger, now_m: float, *, notify_now: bool = False
    ) -> Outgoing:
        """Ask for a verdict on an incident and carry it out."""
        flapping = self._incidents.flapping(incident, now_m)
        verdict = self._telling.verdict(
            incident, change, now_m, flapping=flapping, notify_now=notify_now
        )
        if verdict.outcome is NotificationOutcome.TELL:
            raised = change is not Trigger.DUE or incident.pending
            return self._tell_one(incident, verdict.reason, now_m, raised=raised)
        if verdict.reason is Reason.ASKED_ABOUT:
            self._telling.said_by_question(incident, now_m)
            if change is not Trigger.AGAIN:
                return self._tell_elsewhere(incident, now_m)
        if verdict.reason in _STANDS_AS_IT_IS and self._says_otherwise(incident):
            return self._tell_anew(incident, now_m)
        held = self._telling.held(incident, now_m, flapping=flapping)
        return self._not_told(incident, change, verdict, now_m, held)

    def tell_what_waited(self, now_m: float) -> list[Outgoing]:
        """The groups and the digest that are due."""
        told = []
        for group in self._telling.groups.take_due(now_m):
            told += self._tell_together(group, Reason.GROUPED, now_m)
        self._telling.groups.prune(now_m)
        digest = Due(DIGEST_SLOT, self._telling.budget.take_digest(now_m))
        return told + self._tell_together(digest, Reason.DIGEST, now_m)

    def appoint(self, incident: Incident, now_m: float, again_in_s: float | None = None) -> None:
        """Make the appointment that comes first: a second look, the repeat, the expiry."""
        dues = [] if again_in_s is None else [now_m + again_in_s]
        alert = incident.alert
        if (
            incident.firing
            and incident.notified_mono_s is not None
            and alert.type not in TEST_TYPES
        ):
            policy = self._telling.policy
            interval_s = repeat_s(alert.severity, policy)
            repeat_m = incident.notified_mono_s + interval_s
            # Where something holds the repeat back, look again later and not at once.
            dues.append(repeat_m if repeat_m > now_m else now_m + interval_s / _LOOKS_A_REPEAT)
        if (expires_m := incident.expires_m(self._timing)) is not None:
            dues.append(expires_m)
        if dues:
            self.agenda.put(alert.fingerprint, min(dues))

    def _not_told(
        self,
        incident: Incident,
        change: Trigger,
        verdict: NotificationVerdict,
        now_m: float,
        held: Reason | None,
    ) -> Outgoing:
        if verdict.outcome in (NotificationOutcome.GROUP, NotificationOutcome.DIGEST):
            self._telling.wait(incident, verdict.outcome, now_m)
        incident.held = verdict.reason if incident.pending else None
        self.appoint(incident, now_m, verdict.again_in_s)
        if change is Trigger.DUE:  # nothing has happened that is worth a notification
            return Outgoing(incident.alert, self._handover.note(incident.alert, verdict.reason))
        channels = RECORD + self._feeds(incident, change, now_m)
        self._handover.mark(incident, RECORD)
        decision = self._handover.decision(incident.alert, verdict.reason, channels)
        escalated = change is Trigger.ESCALATED
        decision = _replace(decision, held=held, escalated=escalated)
        return self._handover.emit(incident.alert, decision)

    def _tell_elsewhere(self, incident: Incident, now_m: float) -> Outgoing:
        """A question on this desktop says it; who gets alerts elsewhere sees no question."""
        others = tuple(each for each in ATTENTION if each is not AlertChannel.DESKTOP)
        return self._emit_alone(incident, Reason.ASKED_ABOUT, RECORD + FEED + others, now_m)

    def _says_otherwise(self, incident: Incident) -> bool:
        """Whether its own notification is on the screen with another headline; numbers are none."""
        if not incident.firing or not self._telling.stands_alone(incident):
            return False
        return incident.shown != "" and without_numbers(incident.alert.title) != incident.shown

    def _tell_anew(self, incident: Incident, now_m: float) -> Outgoing:
        """Replace the words in its place: one incident stays one notification."""
        incident.shown = without_numbers(incident.alert.title)
        channels = RECORD + FEED + (AlertChannel.DESKTOP,)
        return self._emit_alone(incident, Reason.REWORDED, channels, now_m)

    def _emit_alone(
        self,
        incident: Incident,
        reason: Reason,
        channels: tuple[str, ...],
        now_m: float,
    ) -> Outgoing:
        """Emit an incident in a notification of its own, whatever was shown of it before."""
        incident.published_mono_s = now_m
        self._handover.mark(incident, RECORD)
        self.appoint(incident, now_m)
        alert = incident.alert
        decision = _replace(
            self._handover.decision(alert, reason, channels),
            notify=True,
            slot=incident.slot,
            title=alert.title,
            body=one_body(alert, 0),
            members=(alert.id,),
        )
        return self._handover.emit(alert, decision)

    def _tell_one(
        self, incident: Incident, reason: Reason, now_m: float, *, raised: bool
    ) -> Outgoing:
        untold = max(0, incident.alert.suppressed - raised)
        is_first = incident.notified_mono_s is None  # what was held back until now is this one
        incident.alert = _replace(incident.alert, suppressed=untold)
        self._telling.told_one(incident, now_m, flapping=reason is Reason.FLAPPING_NOTICE)
        incident.published_mono_s = now_m
        self._handover.mark(incident, RECORD)
        alert = incident.alert
        incident.alert = _replace(alert, suppressed=0)
        self.appoint(incident, now_m)
        decision = _replace(
            self._handover.decision(alert, reason, EVERYWHERE),
            notify=True,
            slot=incident.slot,
            title=alert.title,
            body=one_body(alert, 0 if is_first else untold),
            members=(alert.id,),
            suppressed=untold,
        )
        return self._handover.emit(alert, decision)

    def _tell_together(self, due: Due, reason: Reason, now_m: float) -> list[Outgoing]:
        ready = self._ready(due.members, now_m)
        if reason is Reason.GROUPED and ready and not self._telling.budget.left(now_m):
            for incident in ready:
                self._telling.wait(incident, NotificationOutcome.DIGEST, now_m)
            return []
        if len(ready) == 1 and not self._telling.speaks_of(due.slot):
            return [self._tell_one(ready[0], Reason.RELEASED, now_m, raised=True)]
        return self._tell_many(ready, due, reason, now_m) if ready else []

    def _tell_many(
        self, ready: list[Incident], due: Due, reason: Reason, now_m: float
    ) -> list[Outgoing]:
        untold = sum(max(0, incident.alert.suppressed - 1) for incident in ready)
        emptied = self._telling.told_many(ready, due.slot, now_m)
        for incident in ready:
            incident.alert = _replace(incident.alert, suppressed=0)
            self.appoint(incident, now_m)
        together = self._incidents.chosen(self._telling.speaks_of(due.slot))
        alerts = [incident.alert for incident in together]
        worst = max(alerts, key=worst_and_newest)
        total = len(alerts) + due.more
        plain = _replace(self._handover.decision(worst, reason, ATTENTION), slot=due.slot)
        told = _replace(
            plain,
            notify=True,
            title=many_title(alerts, total),
            body=many_body(alerts, total),
            members=tuple(alert.id for alert in alerts[:_MEMBERS_NAMED]),
            suppressed=untold,
        )
        taken_back = [_replace(plain, withdraw=True, slot=each) for each in emptied]
        return [self._handover.emit(worst, decision) for decision in (told, *taken_back)]

    def _ready(self, fingerprints: Iterable[str], now_m: float) -> list[Incident]:
        ready = []
        for incident in self._incidents.chosen(fingerprints):
            verdict = self._telling.verdict(incident, Trigger.DUE, now_m, in_group=True)
            if verdict.outcome is NotificationOutcome.TELL:
                ready.append(incident)
            else:
                incident.held = verdict.reason
                self.appoint(incident, now_m, verdict.again_in_s)
        return ready

    def _feeds(self, incident: Incident, change: Trigger, now_m: float) -> tuple[str, ...]:
        """The feeds hear every transition, and of repeats one within the floor.

        A list of failed tests that has become another one is a transition: editors show it.
        """
        floor_s = self._telling.policy.repeat_floor_s
        recent = (
            incident.published_mono_s is not None and now_m - incident.published_mono_s < floor_s
        )
        if recent and change is Trigger.AGAIN and not incident.relisted:
            return ()
        incident.published_mono_s = now_m
        return FEED

"""What follows from a raise, an end or the passing of time: decided, noted, handed to the sink."""

from collections.abc import Callable, Iterable

import msgspec

from omnitray.core.agenda import Agenda
from omnitray.core.alert import Alert, epoch, timestamp
from omnitray.core.alert_timing import INHIBITORS, TEST_TYPES, AlertTiming
from omnitray.core.budget import DIGEST_SLOT
from omnitray.core.clock import Clock
from omnitray.core.decision import ATTENTION, EVERYWHERE, FEED, RECORD, Outgoing, Sink
from omnitray.core.facts import AlertChannel
from omnitray.core.grouping import Due
from omnitray.core.handover import Handover
from omnitray.core.incident import Incident, Report, restored
from omnitray.core.incidents import Incidents
from omnitray.core.judgement import Change, Outcome, Verdict, repeat_s
from omnitray.core.notice import many_body, many_title, one_body, worst_and_newest
from omnitray.core.reasons import Reason
from omnitray.core.silences import EVERYTHING
from omnitray.core.telling import Telling

_replace = msgspec.structs.replace
_PAUSED = (Reason.SNOOZED, Reason.SNOOZED_ALERT)
_MEMBERS_NAMED = 100


class AlertFlow:
    """Carries out what was decided and keeps the appointments."""

    def __init__(
        self,
        clock: Clock,
        timing: AlertTiming,
        sink: Sink,
        telling: Telling,
        channels: frozenset[AlertChannel],
    ) -> None:
        self.incidents = Incidents(timing)
        self.handover = Handover(clock, sink, channels, timing.remembered)
        self._clock = clock
        self._timing = timing
        self._telling = telling
        self._agenda = Agenda()

    # -- what happens to an alert

    def take_in(self, report: Report, new_id: Callable[[], str], *, notify_now: bool) -> Outgoing:
        """A raise."""
        now_m = self._clock.monotonic()
        reopen_s = self._telling.policy.repeat_floor_s
        incident, change = self.incidents.raised(report, new_id, now_m, reopen_s)
        self._telling.inhibitors.follow(incident)
        outgoing = self._decide(incident, change, now_m, notify_now=notify_now)
        while (surplus := self.incidents.crowded_out()) is not None:
            self.close(surplus, Reason.CROWDED_OUT)
        return outgoing

    def close(self, incident: Incident, reason: Reason) -> Outgoing:
        """It is over."""
        stamp = max(timestamp(self._clock.wall()), incident.alert.last_seen)
        alert = _replace(incident.alert, state="resolved", resolved_at=stamp)
        self.incidents.close(incident, alert, self._clock.monotonic())
        self._agenda.drop(alert.fingerprint)
        return self._withdraw(incident, reason)

    def acknowledge(self, incident: Incident) -> Outgoing:
        """Somebody takes care."""
        incident.alert = _replace(incident.alert, state="acknowledged")
        incident.owed = False
        return self._withdraw(incident, Reason.ACKNOWLEDGED_NOW)

    def pause(self, incident: Incident) -> Outgoing:
        """Its own pause has begun; when that ends and it still stands, it is told again."""
        incident.owed = incident.firing
        incident.held = Reason.SNOOZED_ALERT
        return self._withdraw(incident, Reason.SNOOZED_NOW)

    def restore(self, alerts: Iterable[Alert]) -> None:
        """Follow further what was open when the program ended, silently."""
        now_m, now = self._clock.monotonic(), self._clock.wall()
        for alert in sorted(alerts, key=lambda each: each.last_seen):
            if (older := self.incidents.get(alert.fingerprint)) is not None:
                self.close(older, Reason.RESOLVED)  # two records of one fingerprint: one too many
            incident = restored(alert, now_m, now - epoch(alert.last_seen))
            self.incidents.follow(incident)
            self._telling.inhibitors.follow(incident)
            self._telling.restored(incident)
            self._appoint(incident, now_m, 0.0 if incident.owed else None)
            self.handover.note(incident.alert, Reason.RESTORED)

    # -- the passing of time

    def look(self) -> tuple[Outgoing, ...]:
        """Everything that is due now."""
        now_m = self._clock.monotonic()
        self.offer_again(self._telling.silences.take_expired(now_m))
        found = [self._due(key, now_m) for key in self._agenda.take(now_m)]
        for group in self._telling.groups.take_due(now_m):
            found += self._tell_together(group, Reason.GROUPED, now_m)
        digest = Due(DIGEST_SLOT, self._telling.budget.take_digest(now_m))
        found += self._tell_together(digest, Reason.DIGEST, now_m)
        self._telling.groups.prune(now_m)
        keep_s = max(self._timing.flap_window_s, self._telling.policy.repeat_floor_s)
        self.incidents.prune(now_m, keep_s)
        return tuple(each for each in found if each is not None)

    def next_delay_s(self) -> float | None:
        """When there is something to look at; None when nothing waits."""
        dues = self._telling.next_m()
        if (next_m := self._agenda.next_m) is not None:
            dues.append(next_m)
        return max(0.0, min(dues) - self._clock.monotonic()) if dues else None

    def offer_again(self, fingerprints: Iterable[str]) -> None:
        """Pauses have ended: look again at what they held back."""
        ended = set(fingerprints)
        if not ended:
            return
        concerned = self.incidents if EVERYTHING in ended else self.incidents.chosen(ended)
        for incident in concerned:
            if incident.owed and incident.held in _PAUSED:
                self._agenda.put(incident.alert.fingerprint, self._clock.monotonic())

    def _due(self, fingerprint: str, now_m: float) -> Outgoing | None:
        incident = self.incidents.get(fingerprint)
        if incident is None:
            return None
        if not incident.watched and now_m - incident.raised_m >= self._timing.expire_s:
            return self.close(incident, Reason.EXPIRED)
        return self._decide(incident, Change.DUE, now_m) if incident.firing else None

    # -- deciding and telling

    def _decide(
        self, incident: Incident, change: Change, now_m: float, *, notify_now: bool = False
    ) -> Outgoing:
        flapping = self.incidents.flapping(incident, now_m)
        verdict = self._telling.verdict(
            incident, change, now_m, flapping=flapping, notify_now=notify_now
        )
        if verdict.outcome is Outcome.TELL:
            raised = change is not Change.DUE or incident.owed
            return self._tell_one(incident, verdict.reason, now_m, raised=raised)
        return self._not_told(incident, change, verdict, now_m)

    def _not_told(
        self, incident: Incident, change: Change, verdict: Verdict, now_m: float
    ) -> Outgoing:
        waits = verdict.outcome in (Outcome.GROUP, Outcome.DIGEST)
        if waits:
            self._telling.wait(incident, verdict.outcome, now_m)
        incident.held = verdict.reason if incident.owed else None
        self._appoint(incident, now_m, verdict.again_in_s)
        if change is Change.DUE:  # nothing has happened that anybody need know
            return Outgoing(incident.alert, self.handover.note(incident.alert, verdict.reason))
        channels = RECORD + self._feeds(incident, change, now_m)
        # Marked as sent to the desktop now, for it will be within seconds, and so without
        # writing the record again: a burst would be written twice.
        self.handover.mark(incident, channels + (ATTENTION if waits else ()))
        decision = self.handover.decision(incident.alert, verdict.reason, channels)
        return self.handover.emit(incident.alert, decision)

    def _tell_one(
        self, incident: Incident, reason: Reason, now_m: float, *, raised: bool
    ) -> Outgoing:
        untold = max(0, incident.alert.suppressed - raised)
        incident.alert = _replace(incident.alert, suppressed=untold)
        self._telling.told_one(incident, now_m, flapping=reason is Reason.FLAPPING_NOTICE)
        incident.fed_m = now_m
        self.handover.mark(incident, EVERYWHERE)
        alert = incident.alert
        incident.alert = _replace(alert, suppressed=0)
        self._appoint(incident, now_m)
        decision = _replace(
            self.handover.decision(alert, reason, EVERYWHERE),
            notify=True,
            slot=incident.slot,
            title=alert.title,
            body=one_body(alert, untold),
            members=(alert.id,),
            suppressed=untold,
        )
        return self.handover.emit(alert, decision)

    def _tell_together(self, due: Due, reason: Reason, now_m: float) -> list[Outgoing]:
        ready = self._ready(due.members, now_m)
        if reason is Reason.GROUPED and ready and not self._telling.budget.left(now_m):
            for incident in ready:
                self._telling.wait(incident, Outcome.DIGEST, now_m)
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
            self._appoint(incident, now_m)
        together = self.incidents.chosen(self._telling.speaks_of(due.slot))
        alerts = [incident.alert for incident in together]
        worst = max(alerts, key=worst_and_newest)
        total = len(alerts) + due.more
        plain = _replace(self.handover.decision(worst, reason, ATTENTION), slot=due.slot)
        told = _replace(
            plain,
            notify=True,
            title=many_title(alerts, total),
            body=many_body(alerts, total),
            members=tuple(alert.id for alert in alerts[:_MEMBERS_NAMED]),
            suppressed=untold,
        )
        taken_back = [_replace(plain, withdraw=True, slot=each) for each in emptied]
        return [self.handover.emit(worst, decision) for decision in (told, *taken_back)]

    def _ready(self, fingerprints: Iterable[str], now_m: float) -> list[Incident]:
        ready = []
        for incident in self.incidents.chosen(fingerprints):
            verdict = self._telling.verdict(incident, Change.DUE, now_m, in_group=True)
            if verdict.outcome is Outcome.TELL:
                ready.append(incident)
            else:
                incident.held = verdict.reason
                self._appoint(incident, now_m, verdict.again_in_s)
        return ready

    # -- ending and appointments

    def _withdraw(self, incident: Incident, reason: Reason) -> Outgoing:
        now_m = self._clock.monotonic()
        self._telling.inhibitors.follow(incident)
        slot = self._telling.let_go(incident)
        self._free(incident, now_m)
        if incident.alert.state != "resolved":
            self._appoint(incident, now_m)
        incident.fed_m = now_m
        channels = RECORD + FEED + (ATTENTION if slot else ())
        self.handover.mark(incident, RECORD + FEED)
        decision = _replace(
            self.handover.decision(incident.alert, reason, channels),
            withdraw=slot is not None,
            slot=slot or "",
        )
        return self.handover.emit(incident.alert, decision)

    def _free(self, inhibitor: Incident, now_m: float) -> None:
        """Look again at what this one explained. Failed tests stay explained: they are over."""
        if inhibitor.alert.type not in INHIBITORS or inhibitor.firing:
            return
        for incident in self.incidents:
            standing = incident.alert.type not in TEST_TYPES
            if standing and self._telling.inhibitors.explains(inhibitor, incident):
                self._agenda.put(incident.alert.fingerprint, now_m)

    def _appoint(self, incident: Incident, now_m: float, again_in_s: float | None = None) -> None:
        """Make the appointment that comes first: a second look, the repeat, the expiry."""
        dues = [] if again_in_s is None else [now_m + again_in_s]
        alert = incident.alert
        if incident.firing and incident.told_m is not None and alert.type not in TEST_TYPES:
            policy = self._telling.policy
            repeat_m = incident.told_m + repeat_s(alert.severity, policy)
            # Where something holds the repeat back, look again a floor later and not at once.
            dues.append(repeat_m if repeat_m > now_m else now_m + policy.repeat_floor_s + 1.0)
        if not incident.watched:
            dues.append(incident.raised_m + self._timing.expire_s)
        if dues:
            self._agenda.put(alert.fingerprint, min(dues))

    def _feeds(self, incident: Incident, change: Change, now_m: float) -> tuple[AlertChannel, ...]:
        """The feeds hear every transition, and of repeats one within the floor."""
        floor_s = self._telling.policy.repeat_floor_s
        recent = incident.fed_m is not None and now_m - incident.fed_m < floor_s
        if recent and change is Change.AGAIN:
            return ()
        incident.fed_m = now_m
        return FEED

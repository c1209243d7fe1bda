"""What follows from a raise, an end or the passing of time: decided, noted, handed to the sink."""

from collections.abc import Callable, Iterable

import msgspec

from omnitray.alerts.decision import ATTENTION, FEED, RECORD, Outgoing, Reason, Sink
from omnitray.alerts.incidents import AlertInput, Incident, Incidents, restored
from omnitray.alerts.model import Alert
from omnitray.alerts.notification_state import NotificationState
from omnitray.alerts.notifier import Notifier, Outbox
from omnitray.alerts.rules import INHIBITORS, TEST_TYPES, AlertTiming, Trigger
from omnitray.alerts.silences import EVERYTHING
from omnitray.base.clock import Clock, epoch, timestamp

_replace = msgspec.structs.replace
_ROUNDING_S = 1e-6
_PAUSED = (Reason.SNOOZED, Reason.SNOOZED_ALERT)


class AlertFlow:
    """Knows what follows from what; the ``Notifier`` decides and tells."""

    def __init__(
        self,
        clock: Clock,
        timing: AlertTiming,
        sink: Sink,
        telling: NotificationState,
        channels: Callable[[], frozenset[str]],
    ) -> None:
        self.incidents = Incidents(timing)
        self.handover = Outbox(clock, sink, channels, timing.remembered)
        self._clock = clock
        self._timing = timing
        self._telling = telling
        self._teller = Notifier(timing, self.incidents, telling, self.handover)
        self._over: list[Incident] = []  # inhibitors that ended since the last look

    # -- what happens to an alert

    def take_in(
        self, report: AlertInput, new_id: Callable[[], str], *, notify_now: bool
    ) -> Outgoing:
        """A raise."""
        now_m = self._clock.monotonic()
        reopen_s = self._telling.policy.repeat_floor_s
        incident, change = self.incidents.raised(report, new_id, now_m, reopen_s)
        self._telling.inhibitors.follow(incident)
        outgoing = self._teller.decide(incident, change, now_m, notify_now=notify_now)
        while (surplus := self.incidents.crowded_out()) is not None:
            self.close(surplus, Reason.CROWDED_OUT)
        return outgoing

    def close(self, incident: Incident, reason: Reason) -> Outgoing:
        """It is over."""
        stamp = max(timestamp(self._clock.wall()), incident.alert.last_seen)
        alert = _replace(incident.alert, state="resolved", resolved_at=stamp)
        self.incidents.close(incident, alert, self._clock.monotonic())
        self._teller.agenda.drop(alert.fingerprint)
        return self._withdraw(incident, reason)

    def acknowledge(self, incident: Incident) -> Outgoing:
        """Withdraw the notification: a person takes care."""
        incident.alert = _replace(incident.alert, state="acknowledged")
        incident.pending = False
        return self._withdraw(incident, Reason.ACKNOWLEDGED_NOW)

    def pause(self, incident: Incident) -> Outgoing:
        """Its own pause has begun; when that ends and it still stands, it notifies again."""
        incident.pending = incident.firing
        incident.held = Reason.SNOOZED_ALERT
        return self._withdraw(incident, Reason.SNOOZED_NOW)

    def restore(self, alerts: Iterable[Alert]) -> None:
        """Follow further what was open when the program ended, silently."""
        now_m, now = self._clock.monotonic(), self._clock.wall()
        followed: dict[str, Incident] = {}
        for alert in sorted(alerts, key=lambda each: each.last_seen):
            if (older := self.incidents.get(alert.fingerprint)) is not None:
                self.close(older, Reason.RESOLVED)  # two records of one fingerprint: one too many
            incident = restored(alert, now_m, now - epoch(alert.last_seen))
            self.incidents.follow(incident)
            self._telling.inhibitors.follow(incident)
            self._telling.restored(incident)
            self._teller.appoint(incident, now_m, 0.0 if incident.pending else None)
            followed[alert.fingerprint] = incident
        for incident in followed.values():
            held = self._telling.held(incident, now_m)
            self.handover.restored(incident.alert, held)

    def took(self, alert_id: str, channel: str) -> None:
        """A channel has taken it: its record says so."""
        incident = self.incidents.by_id(alert_id) or self.incidents.lately(alert_id)
        if incident is not None and self.handover.mark(incident, (channel,)):
            self.handover.amend(incident)

    def refused(self, alert_id: str, channel: str) -> None:
        """A channel that was sure to take it has not."""
        incident = self.incidents.by_id(alert_id)
        if incident is not None:
            self.handover.unmark(incident, channel)

    # -- the passing of time

    def look(self) -> tuple[Outgoing, ...]:
        """Everything that is due now."""
        # A sum of a time and a delay may fall short of the appointment by a rounding.
        now_m = self._clock.monotonic() + _ROUNDING_S
        self.offer_again(self._telling.silences.take_expired(now_m))
        self._offer_uninhibited(now_m)
        found = [self._due(key, now_m) for key in self._teller.agenda.take(now_m)]
        found += self._teller.tell_what_waited(now_m)
        keep_s = max(self._timing.flap_window_s, self._telling.policy.repeat_floor_s)
        self.incidents.prune(now_m, keep_s)
        return tuple(each for each in found if each is not None and each.decision.channels)

    def next_delay_s(self) -> float | None:
        """When there is something to look at; None when nothing waits."""
        if self._over:
            return 0.0
        dues = self._telling.next_m()
        if (next_m := self._teller.agenda.next_m) is not None:
            dues.append(next_m)
        return max(0.0, min(dues) - self._clock.monotonic()) if dues else None

    def offer_again(self, fingerprints: Iterable[str]) -> None:
        """Pauses have ended: look again at what they held back."""
        ended = set(fingerprints)
        if not ended:
            return
        concerned = self.incidents if EVERYTHING in ended else self.incidents.chosen(ended)
        for incident in concerned:
            if incident.pending and incident.held in _PAUSED:
                self._teller.agenda.put(incident.alert.fingerprint, self._clock.monotonic())

    def _due(self, fingerprint: str, now_m: float) -> Outgoing | None:
        incident = self.incidents.get(fingerprint)
        if incident is None:
            return None
        expires_m = incident.expires_m(self._timing)
        if expires_m is not None and now_m >= expires_m:
            reason = Reason.ONE_OFF if incident.one_off else Reason.EXPIRED
            return self.close(incident, reason)
        return self._teller.decide(incident, Trigger.DUE, now_m) if incident.firing else None

    def _withdraw(self, incident: Incident, reason: Reason) -> Outgoing:
        now_m = self._clock.monotonic()
        self._telling.inhibitors.follow(incident)
        slot = self._telling.let_go(incident)
        if incident.alert.type in INHIBITORS and not incident.firing:
            self._over.append(incident)
        if incident.alert.state != "resolved":
            self._teller.appoint(incident, now_m)
        incident.published_mono_s = now_m
        channels = RECORD + FEED + (ATTENTION if slot else ())
        self.handover.mark(incident, RECORD)
        decision = _replace(
            self.handover.decision(incident.alert, reason, channels),
            withdraw=slot is not None,
            slot=slot or "",
        )
        return self.handover.emit(incident.alert, decision)

    def _offer_uninhibited(self, now_m: float) -> None:
        """Look again at what ended inhibitors explained; failed tests are over and stay explained.

        One pass over the open incidents for all inhibitors together: twenty thousand that are
        acknowledged at once would otherwise be twenty thousand passes.
        """
        over, self._over = self._over, []
        if not over:
            return
        concerned = self._telling.inhibitors.concerns(over)
        for incident in self.incidents:
            if incident.alert.type not in TEST_TYPES and concerned(incident):
                self._teller.agenda.put(incident.alert.fingerprint, now_m)

"""The alert system: from a raise to a record, a decision and what is handed to the channels.

Who does what: ``fingerprint`` says which raises are the same, ``incidents`` follows them,
``judgement`` decides (pure) with the state that ``telling`` keeps, ``teller`` carries it out,
``notice`` finds the words, ``handover`` gives it away.
Everything here runs on the thread that owns the object and never blocks: the sink takes alerts to
disk and screen on threads of its own. Timers belong to the caller: ``tick()`` whenever
``next_delay_s()`` says so (calling it every second does as well).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from omnitray.alerts.channels.registry import NAMES
from omnitray.alerts.decision import Decision, Outgoing, Sink, Tick
from omnitray.alerts.fingerprint import fingerprint, stable_labels
from omnitray.alerts.incidents import AlertInput
from omnitray.alerts.model import Alert, id_maker
from omnitray.alerts.notification_state import NotificationState
from omnitray.alerts.pipeline import AlertFlow
from omnitray.alerts.prompts import OpenPrompts, Prompt
from omnitray.alerts.reasons import Reason
from omnitray.alerts.rules import DEFAULT_SEVERITY, AlertTiming
from omnitray.alerts.silences import ForgetfulMemory, SilenceMemory, Silences
from omnitray.base import amounts
from omnitray.base.clock import Clock, timestamp
from omnitray.base.facts import AlertMove, AlertType, Severity
from omnitray.base.policy import AlertPolicy
from omnitray.base.subscribers import Callback

ALL_CHANNELS = frozenset(NAMES)
Raised = Outgoing


class AlertSystem:
    """Raise, resolve, acknowledge, pause; the person is notified as seldom as is honest.

    ``sink`` takes alerts to the channels (``channels.dispatch.Dispatcher``), ``channels`` says
    which exist now, ``open_alerts`` those that the history knows to be open, ``silences`` is
    where pauses outlive the program.
    """

    def __init__(
        self,
        clock: Clock,
        policy: AlertPolicy,
        sink: Sink,
        *,
        ids: Callable[[], str] | None = None,
        open_alerts: Iterable[Alert] = (),
        silences: SilenceMemory | None = None,
        channels: Callable[[], frozenset[str]] = lambda: ALL_CHANNELS,
        timing: AlertTiming | None = None,
    ) -> None:
        timing = timing or AlertTiming()
        self._clock = clock
        self._new_id = ids or id_maker(clock)
        self._pauses = Silences(clock, silences or ForgetfulMemory())
        self._telling = NotificationState(policy, timing, self._pauses)
        self._flow = AlertFlow(clock, timing, sink, self._telling, channels)
        self._incidents = self._flow.incidents
        self._prompts = OpenPrompts(clock, self._telling, self._flow.handover, self._incidents)
        self._flow.restore(open_alerts)

    def raise_(  # noqa: PLR0913 - all that an alert is made of
        self,
        type_: AlertType,
        title: str,
        *,
        message: str = "",
        severity: Severity | None = None,
        source: str = "api",
        labels: Mapping[str, str] | None = None,
        context: Mapping[str, Any] | None = None,
        notify_now: bool = False,
        escalates: bool = False,
    ) -> Raised:
        """Report that something is wrong.

        The same type, source and labels are the same incident, however the words differ.
        ``notify_now`` skips severity, grouping and budget, not pauses and the repeat floor;
        ``escalates`` says that an open incident has become worse, as severe as it was.
        """
        cleaned = amounts.context(context)
        title = amounts.text(title, amounts.TITLE_LIMIT)
        named = stable_labels(title, cleaned) if labels is None else labels
        report = AlertInput(
            type=type_,
            title=title,
            message=amounts.text(message, amounts.MESSAGE_LIMIT),
            severity=severity or DEFAULT_SEVERITY[type_],
            source=amounts.text(source, amounts.SOURCE_LIMIT),
            fingerprint=fingerprint(type_, source, named),
            context=cleaned,
            seen=timestamp(self._clock.wall()),
            escalates=escalates,
        )
        return self._flow.take_in(report, self._new_id, notify_now=notify_now)

    def resolve(self, fingerprint: str, reason: Reason = Reason.RESOLVED) -> Raised | None:
        """It no longer holds; None when nothing with this fingerprint is open."""
        incident = self._incidents.get(fingerprint)
        return self._flow.close(incident, reason) if incident else None

    def resolve_id(self, id_: str) -> Raised | None:
        """The same by the alert's id."""
        incident = self._incidents.by_id(id_)
        return self._flow.close(incident, Reason.RESOLVED) if incident else None

    def acknowledge(self, id_: str) -> Raised | None:
        """Acknowledge: silent until it is resolved or gets worse; None when not open."""
        incident = self._incidents.by_id(id_)
        return self._flow.acknowledge(incident) if incident else None

    def move(self, id_: str, move: AlertMove) -> Raised | None:
        """Acknowledge or resolve the alert with this id; None when it is not open."""
        return self.acknowledge(id_) if move is AlertMove.ACKNOWLEDGE else self.resolve_id(id_)

    def snooze(self, duration_s: float, id_: str | None = None) -> float | None:
        """Pause one alert, or all notifications; the end in wall seconds, None if not open."""
        if id_ is None:
            return self._pauses.add(duration_s)
        incident = self._incidents.by_id(id_)
        if incident is None:
            return None
        until = self._pauses.add(duration_s, incident.alert.fingerprint)
        self._flow.pause(incident)
        return until

    @property
    def unsaved_pauses(self) -> str:
        """Why the pauses hold only until the program ends, in a sentence; empty where they last."""
        return self._pauses.fault

    def unsnooze(self, id_: str | None = None) -> None:
        """End one pause, or every pause; what still stands is notified at the next tick."""
        if id_ is None:
            self._flow.offer_again(self._pauses.end_all())
            self._prompts.look()
        elif (incident := self._incidents.by_id(id_)) is not None:
            self._pauses.end(incident.alert.fingerprint)
            self._flow.offer_again([incident.alert.fingerprint])

    def ask(self, prompt: Prompt) -> Reason:
        """Show a question while it stands, if the rules allow it now; the reason for either."""
        return self._prompts.ask(prompt)

    def withdraw(self, prompt_id: str) -> None:
        """A question is answered or over."""
        self._prompts.withdraw(prompt_id)

    def took(self, alert_id: str, channel: str) -> None:
        """A channel has taken an alert; its record names the channel from now on."""
        self._flow.took(alert_id, channel)

    def refused(self, alert_id: str, channel: str) -> None:
        """It has not: the disk refused, say."""
        self._flow.refused(alert_id, channel)

    def closed(self, id_: str) -> None:
        """The person has closed the notification of this alert: it is not shown anew as it was."""
        if (incident := self._incidents.by_id(id_)) is not None:
            self._telling.let_go(incident)

    @property
    def paused_until(self) -> float | None:
        """Until when all notifications are paused, in wall seconds."""
        return self._pauses.all_until

    def tick(self) -> Tick:
        """Do what is due: group waits, digests, repeats, ends of pauses, expiry."""
        outgoing = self._flow.look()
        self._prompts.look()
        return Tick(outgoing, self._flow.next_delay_s())

    def next_delay_s(self) -> float | None:
        """When ``tick`` has something to do; None when nothing waits."""
        return self._flow.next_delay_s()

    @property
    def policy(self) -> AlertPolicy:
        """What steers notifications."""
        return self._telling.policy

    def set_policy(self, policy: AlertPolicy) -> None:
        """Steer by this from now on."""
        self._telling.policy = policy
        self._prompts.look()

    def open_alerts(self) -> tuple[Alert, ...]:
        """Firing and acknowledged, the one raised last first."""
        return tuple(incident.alert for incident in self._incidents)[::-1]

    def get(self, id_: str) -> Alert | None:
        """An open alert by its id."""
        incident = self._incidents.by_id(id_)
        return incident.alert if incident else None

    def decisions(self) -> tuple[Decision, ...]:
        """The last decisions, newest first."""
        return tuple(reversed(self._flow.handover.decisions))

    def subscribe(self, callback: Callback[Alert]) -> Callable[[], None]:
        """Hear of alerts: new, worse, acknowledged, resolved, and repeats once a minute at most.

        Coroutine functions run on the loop that is running now. What comes back unsubscribes.
        """
        return self._flow.handover.subscribers.add(callback)

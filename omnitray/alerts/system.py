"""The alert system: from a raise to a record, a decision and what is handed to the channels.

Who does what: ``model`` says which raises are the same, ``incidents`` follows them, ``rules``
decides (pure) with the state that ``notification_state`` keeps, ``notifier`` carries it out and
gives it away, ``text`` finds the words. Everything here runs on the thread that owns the object and
never blocks: the sink takes alerts to disk and screen on threads of its own. Timers belong to the
caller: ``tick()`` whenever ``next_delay_s()`` says so (calling it every second does as well).

A :class:`Prompt` is a question on its way to the desktop, by the rules of every other notification.
It is shown while it stands, not recorded: it is no alert. Whether it is shown now is
decided by :func:`~omnitray.alerts.rules.judge`, and again whenever a pause ends or the policy
changes. It waits for no group and no digest, since its sender waits for the answer.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from omnitray.alerts.channels.registry import NAMES
from omnitray.alerts.decision import ATTENTION, Decision, Outgoing, Reason, Sink, Tick
from omnitray.alerts.incidents import AlertInput, Incidents
from omnitray.alerts.model import Alert, fingerprint, id_maker, stable_labels
from omnitray.alerts.notification_state import NotificationState
from omnitray.alerts.notifier import Outbox
from omnitray.alerts.pipeline import AlertFlow
from omnitray.alerts.rules import (
    DEFAULT_SEVERITY,
    AlertTiming,
    NotificationCase,
    NotificationOutcome,
    Trigger,
    judge,
)
from omnitray.alerts.silences import ForgetfulMemory, SilenceMemory, Silences
from omnitray.base import amounts
from omnitray.base.clock import Clock, timestamp
from omnitray.base.facts import AlertMove, AlertType, Severity
from omnitray.base.policy import AlertPolicy
from omnitray.base.subscribers import Callback


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """A question; ``buttons`` are (key, label), the key comes back when one is pressed."""

    id: str
    title: str
    body: str
    buttons: tuple[tuple[str, str], ...]
    severity: Severity = Severity.CRITICAL
    about: str = ""  # the fingerprint of the incident that it is about


class OpenPrompts:
    """The questions that stand, and which of them are on the screen."""

    def __init__(
        self, clock: Clock, state: NotificationState, outbox: Outbox, incidents: Incidents
    ) -> None:
        self._clock = clock
        self._state = state
        self._outbox = outbox
        self._incidents = incidents
        self._open: dict[str, Prompt] = {}
        self._shown: dict[str, str] = {}  # by question: the slot

    def ask(self, prompt: Prompt) -> Reason:
        """Let a question stand; whether it is shown now, and why."""
        self._open[prompt.id] = prompt
        return self._decide(prompt)

    def withdraw(self, prompt_id: str) -> None:
        """It is answered or over: take it from the screen."""
        prompt = self._open.pop(prompt_id, None)
        if prompt is not None and (slot := self._shown.pop(prompt_id, None)) is not None:
            self._state.asked_about.pop(prompt_id, None)
            self._emit(prompt, Reason.RESOLVED, slot, notify=False)

    def look(self) -> None:
        """Decide again on those that are not on the screen."""
        for prompt in [each for key, each in self._open.items() if key not in self._shown]:
            self._decide(prompt)

    def _decide(self, prompt: Prompt) -> Reason:
        now_m = self._clock.monotonic()
        case = NotificationCase(
            change=Trigger.NEW,
            severity=prompt.severity,
            snoozed=self._state.silences.reason(prompt.id, now_m),
        )
        verdict = judge(case, self._state.policy)
        if verdict.outcome is NotificationOutcome.TELL:
            slot = self._shown[prompt.id] = self._take_place(prompt, now_m)
            self._state.budget.spend(now_m)
            self._emit(prompt, verdict.reason, slot, notify=True)
        return verdict.reason

    def _take_place(self, prompt: Prompt, now_m: float) -> str:
        """The slot of the incident that it is about: one matter has one notification."""
        if not prompt.about:
            return prompt.id
        self._state.asked_about[prompt.id] = prompt.about
        incident = self._incidents.get(prompt.about)
        slot = self._state.said_by_question(incident, now_m) if incident is not None else None
        return slot or prompt.id

    def _emit(self, prompt: Prompt, reason: Reason, slot: str, *, notify: bool) -> None:
        seen = timestamp(self._clock.wall())
        alert = Alert(
            id=prompt.id,
            type=AlertType.RESOURCE_CRITICAL,
            severity=prompt.severity,
            state="firing",
            title=prompt.title,
            message=prompt.body,
            source="protector",
            fingerprint=prompt.id,
            first_seen=seen,
            last_seen=seen,
        )
        decision = self._outbox.decision(alert, reason, ATTENTION[:1])
        self._outbox.emit(
            alert,
            msgspec.structs.replace(
                decision,
                notify=notify,
                withdraw=not notify,
                slot=slot,
                title=prompt.title,
                body=prompt.body,
                members=(prompt.id,),
                buttons=prompt.buttons,
            ),
        )


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

    def follow(self, alert: Alert) -> bool:
        """Take up an alert that stands open in the history alone; whether it is open now.

        So is one that was open when the program ended and lies in the archive: the next start
        follows the live ones. Where its fingerprint has an incident of its own it stays there.
        """
        if alert.state == "resolved" or self._incidents.get(alert.fingerprint) is not None:
            return False
        self._flow.restore((alert,))
        return True

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
        """The person has closed the notification of this alert: it is not shown again as it was."""
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

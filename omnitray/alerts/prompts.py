"""Questions to the person on their way to the desktop: by the rules of every other notification.

A :class:`Prompt` is shown while it stands, not recorded: it is no alert. Whether it is shown now is
decided by :func:`~omnitray.alerts.rules.judge`, and again whenever a pause ends or the policy
changes. It waits for no group and no digest, since whoever asks waits for the answer.
"""

import msgspec

from omnitray.alerts.decision import ATTENTION
from omnitray.alerts.incidents import Incidents
from omnitray.alerts.model import Alert
from omnitray.alerts.notification_state import NotificationState
from omnitray.alerts.outbox import Outbox
from omnitray.alerts.reasons import Reason
from omnitray.alerts.rules import NotificationCase, NotificationOutcome, Trigger, judge
from omnitray.base.clock import Clock, timestamp
from omnitray.base.facts import AlertType, Severity


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

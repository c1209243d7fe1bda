"""Questions to the person on their way to the desktop: by the rules of every other notification.

A :class:`Prompt` is shown while it stands, not recorded: it is no alert. Whether it is shown now is
decided by :func:`~omnitray.alerts.rules.judge`, and again whenever a pause ends or the policy
changes. It waits for no group and no digest, since whoever asks waits for the answer.
"""

import msgspec

from omnitray.alerts.decision import ATTENTION
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


class OpenPrompts:
    """The questions that stand, and which of them are on the screen."""

    def __init__(self, clock: Clock, state: NotificationState, outbox: Outbox) -> None:
        self._clock = clock
        self._state = state
        self._outbox = outbox
        self._open: dict[str, Prompt] = {}
        self._shown: set[str] = set()

    def ask(self, prompt: Prompt) -> Reason:
        """Let a question stand; whether it is shown now, and why."""
        self._open[prompt.id] = prompt
        return self._decide(prompt)

    def withdraw(self, prompt_id: str) -> None:
        """It is answered or over: take it from the screen."""
        prompt = self._open.pop(prompt_id, None)
        if prompt is not None and prompt_id in self._shown:
            self._shown.discard(prompt_id)
            self._emit(prompt, Reason.RESOLVED, notify=False)

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
            self._shown.add(prompt.id)
            self._state.budget.spend(now_m)
            self._emit(prompt, verdict.reason, notify=True)
        return verdict.reason

    def _emit(self, prompt: Prompt, reason: Reason, *, notify: bool) -> None:
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
                slot=prompt.id,
                title=prompt.title,
                body=prompt.body,
                members=(prompt.id,),
                buttons=prompt.buttons,
            ),
        )

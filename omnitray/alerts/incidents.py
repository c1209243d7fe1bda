"""The incidents that are followed: the open ones, and those resolved a short while ago.

An alert that comes back within the repeat floor, or that keeps coming and going, is the same
record again; later it is a new incident with a record of its own. Each outage of a server has a
record of its own from the first: what is held back then is its notification alone. Only a flood
of them, more than eight within the time of flapping, is one record, which bounds the history.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from omnitray.alerts.decision import ATTENTION, Reason
from omnitray.alerts.model import Alert, server_of
from omnitray.alerts.rules import AlertTiming, Trigger
from omnitray.base.amounts import context_removed
from omnitray.base.facts import AlertType, Severity

_replace = msgspec.structs.replace
_TRANSITIONS_KEPT = 16  # three times what counts as flapping
# Sources that watch what they report and resolve it themselves.
_STANDING = ("monitor", "protector", "server:")


class Incident(msgspec.Struct, kw_only=True, gc=False):
    """``pending``: a notification of the present firing is due and not sent."""

    alert: Alert
    server: str | None
    raised_m: float
    notified_mono_s: float | None = None
    told_rank: int = -1
    published_mono_s: float | None = None
    relisted: bool = False  # the last raise names other failed tests than the one before
    resolved_m: float | None = None
    pending: bool = True
    held: Reason | None = None
    flap_told: bool = False
    slot: str = ""
    shown: str = ""  # the title that the notification has, without its numbers
    transitions: tuple[float, ...] = ()

    @property
    def firing(self) -> bool:
        """True while it holds and is not acknowledged."""
        return self.alert.state == "firing"

    @property
    def watched(self) -> bool:
        """True where its source will resolve it."""
        return self.alert.source.startswith(_STANDING)

    @property
    def one_off(self) -> bool:
        """True where it says how a command ended, which nothing may ever resolve."""
        context = self.alert.context
        return self.alert.source == "cli" and "run" in context and not context.get("now")

    def expires_m(self, timing: AlertTiming) -> float | None:
        """When it is closed where it is not raised again; None where its source resolves it."""
        if self.watched:
            return None
        return self.raised_m + (timing.one_off_s if self.one_off else timing.expire_s)

    def transits(self, now_m: float) -> None:
        """Remember a change between firing and resolved."""
        self.transitions = (*self.transitions[1 - _TRANSITIONS_KEPT :], now_m)


def begin(alert: Alert, now_m: float) -> Incident:
    """A fresh incident."""
    server = server_of(alert.source, alert.context)
    incident = Incident(alert=alert, server=server, raised_m=now_m, slot=alert.id)
    incident.transits(now_m)
    return incident


def restored(alert: Alert, now_m: float, silent_s: float) -> Incident:
    """An incident that was open when the program ended, last raised ``silent_s`` ago.

    It counts as notified when a channel that notifies has taken it; the repeat interval restarts.
    """
    told = any(channel in alert.channels for channel in ATTENTION)
    return Incident(
        alert=alert,
        server=server_of(alert.source, alert.context),
        raised_m=now_m - max(0.0, silent_s),
        notified_mono_s=now_m if told else None,
        told_rank=alert.severity.rank if told else -1,
        pending=not told,
        slot=alert.id,
    )


class AlertInput(msgspec.Struct, frozen=True, kw_only=True):
    """What was raised, cleaned: text that encodes and a context of JSON values."""

    type: AlertType
    title: str
    message: str
    severity: Severity
    source: str
    fingerprint: str
    context: dict[str, Any]
    seen: str
    escalates: bool = False  # something new that is as bad as what was sent


def again(alert: Alert, report: AlertInput) -> Alert:
    """The record after one more raise: newest words, worst severity, one more count."""
    worse = report.severity.rank > alert.severity.rank
    fires = worse or report.escalates or alert.state == "resolved"
    return _replace(
        alert,
        severity=report.severity if worse else alert.severity,
        state="firing" if fires else alert.state,
        title=report.title,
        message=report.message or alert.message,
        count=alert.count + (not _is_the_same_run(alert, report)),
        # The wall clock may have been set back; a record never ends before it began.
        last_seen=max(report.seen, alert.last_seen),
        resolved_at=None,
        context=report.context or alert.context,
        suppressed=alert.suppressed + 1,
    )


def _is_the_same_run(alert: Alert, report: AlertInput) -> bool:
    """Whether a test run has more to say of its failed tests: it has failed once all the same."""
    lists = (alert.context.get("failed"), report.context.get("failed"))
    keys = ("run", "project")
    same = all(alert.context.get(key) == report.context.get(key) for key in keys)
    return same and all(isinstance(each, list) for each in lists) and alert.state != "resolved"


def first(report: AlertInput, id_: str) -> Alert:
    """The record of a first raise."""
    return Alert(
        id=id_,
        type=report.type,
        severity=report.severity,
        state="firing",
        title=report.title,
        message=report.message,
        source=report.source,
        fingerprint=report.fingerprint,
        first_seen=report.seen,
        last_seen=report.seen,
        context=report.context,
        suppressed=1,
    )


class Incidents:
    """By fingerprint; in memory only, bounded by ``timing.most_open``."""

    def __init__(self, timing: AlertTiming) -> None:
        self._timing = timing
        self._open: dict[str, Incident] = {}  # the one that was raised longest ago comes first
        self._fingerprints: dict[str, str] = {}  # alert id -> fingerprint
        self._lately: dict[str, Incident] = {}  # resolved, the oldest first
        self._lately_ids: dict[str, str] = {}  # alert id -> fingerprint
        self._context_bytes: dict[str, int] = {}  # of the open ones, as JSON
        self._all_context_bytes = 0

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[Incident]:
        return iter(tuple(self._open.values()))

    def get(self, fingerprint: str) -> Incident | None:
        """The open incident of a fingerprint."""
        return self._open.get(fingerprint)

    def by_id(self, id_: str) -> Incident | None:
        """The open incident with this alert id."""
        return self._open.get(self._fingerprints.get(id_, ""))

    def lately(self, id_: str) -> Incident | None:
        """The incident with this alert id that was resolved lately."""
        incident = self._lately.get(self._lately_ids.get(id_, ""))
        return incident if incident is not None and incident.alert.id == id_ else None

    def chosen(self, fingerprints: Iterable[str]) -> list[Incident]:
        """The open incidents among these fingerprints."""
        found = (self._open.get(each) for each in fingerprints)
        return [incident for incident in found if incident is not None]

    def raised(
        self, report: AlertInput, new_id: Callable[[], str], now_m: float, reopen_s: float
    ) -> tuple[Incident, Trigger]:
        """Take in a report."""
        incident = self._open.get(report.fingerprint)
        if incident is not None:
            worse = report.severity.rank > incident.alert.severity.rank or report.escalates
            change = Trigger.ESCALATED if worse else Trigger.AGAIN
            before = incident.alert.context.get("failed")
            incident.alert = again(incident.alert, report)
            incident.relisted = incident.alert.context.get("failed") != before
            incident.pending = incident.pending or worse
        else:
            incident, change = self._fired(report, new_id, now_m, reopen_s)
        incident.raised_m = now_m
        self.follow(incident)
        return incident, change

    def follow(self, incident: Incident) -> None:
        """Keep as the one that was raised last."""
        fingerprint = incident.alert.fingerprint
        self._open.pop(fingerprint, None)
        self._open[fingerprint] = incident
        self._fingerprints[incident.alert.id] = fingerprint
        self._weigh(incident)
        while self._all_context_bytes > self._timing.most_context_bytes:
            self._lighten(next(iter(self._context_bytes)))

    def close(self, incident: Incident, alert: Alert, now_m: float) -> None:
        """It is over."""
        incident.alert = alert
        incident.resolved_m = now_m
        incident.transits(now_m)
        del self._open[alert.fingerprint]
        self._all_context_bytes -= self._context_bytes.pop(alert.fingerprint, 0)
        del self._fingerprints[alert.id]
        self._lately.pop(alert.fingerprint, None)
        self._lately[alert.fingerprint] = incident
        self._lately_ids[alert.id] = alert.fingerprint
        if len(self._lately) > self._timing.most_lately:
            self._forget(next(iter(self._lately)))

    def crowded_out(self) -> Incident | None:
        """The one to give up where there are too many."""
        if len(self._open) <= self._timing.most_open:
            return None
        return next(iter(self._open.values()))

    def prune(self, now_m: float, keep_s: float) -> None:
        """Forget what was resolved longer ago than ``keep_s``."""
        for fingerprint, incident in tuple(self._lately.items()):
            if now_m - (incident.resolved_m or 0.0) <= keep_s:
                break
            self._forget(fingerprint)

    def flapping(self, incident: Incident, now_m: float) -> bool:
        """Whether it changed between firing and resolved too often lately."""
        return self._changes(incident, now_m) >= self._timing.flap_transitions

    def _changes(self, incident: Incident, now_m: float) -> int:
        window_s = self._timing.flap_window_s
        return sum(now_m - each < window_s for each in incident.transitions)

    def _forget(self, fingerprint: str) -> None:
        self._lately_ids.pop(self._lately.pop(fingerprint).alert.id, None)

    def _weigh(self, incident: Incident) -> None:
        """Count its context again, as that of the one that was raised last."""
        fingerprint = incident.alert.fingerprint
        self._all_context_bytes -= self._context_bytes.pop(fingerprint, 0)
        if incident.alert.context:
            size = len(msgspec.json.encode(incident.alert.context))
            self._context_bytes[fingerprint] = size
            self._all_context_bytes += size

    def _lighten(self, fingerprint: str) -> None:
        """Leave a context out of memory, as the oldest of too much; its file has it further."""
        size = self._context_bytes.pop(fingerprint)
        self._all_context_bytes -= size
        incident = self._open[fingerprint]
        why = f"it has {size} bytes, and too many large ones are open; it is in the alert's file"
        incident.alert = _replace(incident.alert, context=context_removed(why))

    def _fired(
        self, report: AlertInput, new_id: Callable[[], str], now_m: float, reopen_s: float
    ) -> tuple[Incident, Trigger]:
        before = self._lately.pop(report.fingerprint, None)
        if before is None:
            return begin(first(report, new_id()), now_m), Trigger.NEW
        self._lately_ids.pop(before.alert.id, None)
        before.transits(now_m)
        before.pending = True
        soon = now_m - (before.resolved_m or 0.0) < reopen_s
        if soon or self.flapping(before, now_m):
            is_flood = self._changes(before, now_m) >= _TRANSITIONS_KEPT
            own = report.type is AlertType.SERVER_DOWN and before.watched and not is_flood
            before.alert = first(report, new_id()) if own else again(before.alert, report)
            return before, Trigger.REFIRED
        fresh = begin(first(report, new_id()), now_m)
        fresh.transitions = before.transitions
        return fresh, Trigger.NEW

"""One shortage, one incident: what the monitor and the protector say about a resource, together.

    parts (the monitor's figures, what was done to a job, a cause that is left alone)
        →  one alert with one headline, one severity, one notification

The monitor's part stands while its threshold is passed, one of the protector's while what it tells
of is in force. The incident is over when no part stands any more. An end stays until the person
has seen it: an application that just disappears is what people complain of most.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from omnitray.alerts.model import NAMED, fingerprint
from omnitray.base.clock import SystemClock, timestamp
from omnitray.base.facts import AlertType, Severity
from omnitray.monitor.thresholds import Watched

SOURCE = "monitor"  # of every alert about a resource, whoever spoke first
MONITOR_PART = "monitor"
STAYS = "stays"  # in a context: open until somebody has seen it
_DONE_KEPT = 8  # what was done in this incident, the newest last
_SENTENCES = 4


def resource_labels(watched: Watched) -> dict[str, str]:
    """What makes everything about a resource, or about a disk, the same incident."""
    labels = {"resource": watched.resource.value}
    return labels | {"mount": watched.mount} if watched.mount else labels


def resource_fingerprint(watched: Watched) -> str:
    """The fingerprint of the incident of a resource, or of a disk."""
    return fingerprint(AlertType.RESOURCE_CRITICAL, SOURCE, resource_labels(watched))


class IncidentPart(msgspec.Struct, frozen=True, kw_only=True):
    """What one of the two has to say. Of several the one with the highest ``weight`` heads.

    ``others_wait``: it is a reason to notify. ``stays``: open until a person has seen it.
    ``with_monitor``: it ends with the monitor's part. ``done``: what was done, in a few words;
    ``by_person``: because a person asked for it.
    ``beside``: its one sentence where another part heads; it names what it speaks of.
    """

    key: str
    title: str
    message: str
    severity: Severity
    context: Mapping[str, Any]
    weight: int = 0
    others_wait: bool = True
    stays: bool = False
    with_monitor: bool = False
    done: str = ""
    by_person: bool = False
    beside: str = ""


class IncidentUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """The alert to raise (again); ``escalates``: it is new, however severe the rest was."""

    watched: Watched
    title: str
    message: str
    severity: Severity
    context: dict[str, Any]
    escalates: bool = False


class IncidentOver(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing stands any more."""

    watched: Watched


Change = IncidentUpdate | IncidentOver


class _OpenIncident:
    def __init__(self) -> None:
        self.parts: dict[str, IncidentPart] = {}  # the newest last
        self.done: list[dict[str, str]] = []


class ResourceIncidents:
    """What stands for each resource; one thread. ``wall`` says when something was done."""

    def __init__(self, wall: Callable[[], float] | None = None) -> None:
        self._wall = wall or SystemClock().wall
        self._open: dict[Watched, _OpenIncident] = {}

    def say(self, watched: Watched, part: IncidentPart) -> IncidentUpdate:
        """A part is new, or says something else now."""
        incident = self._open.setdefault(watched, _OpenIncident())
        is_new = incident.parts.pop(part.key, None) is None
        incident.parts[part.key] = part
        if part.done and part.done not in [each["what"] for each in incident.done[-1:]]:
            incident.done = [*incident.done, self._done(part)][-_DONE_KEPT:]
        return _update(watched, incident, escalates=part.stays and is_new)

    def _done(self, part: IncidentPart) -> dict[str, str]:
        """What was done, when, on whose word, and by what action the journal knows it."""
        entry = {"at": timestamp(self._wall()), "what": part.done}
        if part.by_person:
            entry["by"] = "you"
        if action_id := part.context.get("action_id"):
            entry["action_id"] = str(action_id)
        return entry

    def over(self, watched: Watched, key: str) -> Change | None:
        """A part stands no longer; None where it did not."""
        incident = self._open.get(watched)
        if incident is None or incident.parts.pop(key, None) is None:
            return None
        if key == MONITOR_PART:
            incident.parts = {
                k: each for k, each in incident.parts.items() if not each.with_monitor
            }
        return self._settled(watched, incident)

    def stands(self, watched: Watched, key: str) -> bool:
        """Whether this part stands."""
        incident = self._open.get(watched)
        return incident is not None and key in incident.parts

    def names(self, watched: Watched, job: str) -> bool:
        """Whether the incident is about this job: a culprit, or one that something was done to."""
        incident = self._open.get(watched)
        contexts = [part.context for part in incident.parts.values()] if incident else []
        culprits = [each for context in contexts for each in context.get("culprits", ())]
        return job in {
            *(context.get("job") for context in contexts),
            *(each["job"] for each in culprits),
        }

    def release(self) -> tuple[Change, ...]:
        """Nothing is held any more: what was said of holding is over, ends stay."""
        changes = []
        for watched, incident in list(self._open.items()):
            kept = {
                key: part
                for key, part in incident.parts.items()
                if part.stays or key == MONITOR_PART
            }
            if kept != incident.parts:
                incident.parts = kept
                changes.append(self._settled(watched, incident))
        return tuple(changes)

    def seen(self, watched: Watched) -> Change | None:
        """The person has seen it: an end needs no more. None where something else stands."""
        incident = self._open.get(watched)
        if incident is None:
            return IncidentOver(watched=watched)  # it was left open by an earlier run
        incident.parts = {key: part for key, part in incident.parts.items() if not part.stays}
        return self._settled(watched, incident) if not incident.parts else None

    def _settled(self, watched: Watched, incident: _OpenIncident) -> Change:
        if incident.parts:
            return _update(watched, incident, escalates=False)
        del self._open[watched]
        return IncidentOver(watched=watched)


def _update(watched: Watched, incident: _OpenIncident, *, escalates: bool) -> IncidentUpdate:
    parts = list(incident.parts.values())
    head = max(reversed(parts), key=lambda part: part.weight)  # the newest of the weightiest
    monitor = incident.parts.get(MONITOR_PART)
    context = {**(monitor.context if monitor else {}), **head.context}
    if monitor is not None and "culprits" in monitor.context:
        context["culprits"] = monitor.context["culprits"]  # they are of now
    if head is not monitor:
        context.pop(NAMED, None)  # another title heads
    context |= resource_labels(watched)
    context["others_wait"] = any(part.others_wait for part in parts)
    context["actions"] = list(incident.done)
    context[STAYS] = any(part.stays for part in parts)
    return IncidentUpdate(
        watched=watched,
        title=head.title,
        message=_message(head, parts),
        severity=max((part.severity for part in parts), key=lambda each: each.rank),
        context=context,
        escalates=escalates,
    )


def _message(head: IncidentPart, parts: list[IncidentPart]) -> str:
    """The head's sentences first, then what else stands, the newest first."""
    others = [part.beside or part.message for part in reversed(parts) if part is not head]
    said = [head.message, *others]
    return " ".join(list(dict.fromkeys(each for each in said if each))[:_SENTENCES])

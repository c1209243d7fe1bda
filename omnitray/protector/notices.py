"""What the protector's decisions become for the person: alerts to raise, and when they are over.

One incident for each job and resource, whatever rung it is on: told, slowed down, paused, ended
are the life of one incident. ``others_wait`` False keeps it out of sight, not out of the history.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from omnitray.base.amounts import percent, size
from omnitray.base.facts import AlertType, Culprit, Resource, Severity
from omnitray.base.readings import GuardReading
from omnitray.protector.explain import alarmed, headline, reasons, why
from omnitray.protector.model import (
    Action,
    ActionState,
    ActiveAction,
    Alarm,
    AlarmReason,
    Candidate,
)
from omnitray.protector.oom_events.parse import ForeignEnd, UnnamedEnd
from omnitray.protector.steps import EscalationStep

_NAMED = 3


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """An alert to raise; the labels make it one story."""

    type: AlertType
    title: str
    message: str
    severity: Severity
    labels: dict[str, str]
    context: dict[str, Any]


class NoticeOver(msgspec.Struct, frozen=True, kw_only=True):
    """This story is over."""

    labels: dict[str, str]


def labels_of(action: Action) -> dict[str, str]:
    """What makes notices about the same job and resource one story.

    An end is a story of its own: it stays open until somebody has seen it.
    """
    labels = {"resource": action.resource.value, "job": action.job_key or action.mount or ""}
    return {**labels, "rung": action.rung.value} if action.rung is EscalationStep.END else labels


def notice_of(action: Action, note: str = "", *, asked: bool = False) -> Notice:
    """The alert for an action that was taken (or, in a dry run, would have been).

    ``asked``: the person sees a question about it; the alert is for the history.
    """
    severity = Severity.CRITICAL if action.notify else Severity.WARNING
    if action.dry_run:
        severity = Severity.INFO
    said = reasons(action) if action.title or action.cleans else (why(action), *_takers(action))
    words = (*(_capital(reason) for reason in said), note)
    return Notice(
        type=AlertType.RESOURCE_CRITICAL,
        title=_capital(headline(action)),
        message=". ".join(word.rstrip(".") for word in words if word) + ".",
        severity=severity,
        labels=labels_of(action),
        context={
            "resource": action.resource.value,
            "job": action.title,
            "action_id": action.id,
            "rung": action.rung.value,
            "reason": action.reason.value,
            "others_wait": action.notify and not asked,
            "actions": [headline(action)],
            "culprits": [msgspec.to_builtins(each) for each in _culprits(action)],
        },
    )


def alarm_notice(alarm: Alarm) -> Notice:
    """The critical alert for what the protector cannot or will no longer do."""
    title, message = alarmed(alarm)
    if alarm.reason is AlarmReason.NOBODY_LEFT and alarm.title and alarm.cause is None:
        message = f"{message} Most is held by {alarm.title}."
    return Notice(
        type=AlertType.CRITICAL,
        title=title,
        message=message,
        severity=Severity.CRITICAL,
        labels={"alarm": alarm.reason.value},
        context={"reason": alarm.reason.value, **_cause_context(alarm)},
    )


def _cause_context(alarm: Alarm) -> dict[str, Any]:
    if alarm.cause is None:
        return {}
    cause = alarm.cause
    culprit = Culprit(job=cause.title, cpu=None, rss_bytes=int(cause.held_bytes), pid=cause.pid)
    return {"job": cause.title, "culprits": [msgspec.to_builtins(culprit)]}


def foreign_notice(end: ForeignEnd | UnnamedEnd) -> Notice:
    """Somebody else has ended a process: applications that just disappear are what people hate."""
    return Notice(
        type=AlertType.RESOURCE_CRITICAL,
        title=_capital(end.headline),
        message=f"{_capital(end.sentence)}.",
        severity=Severity.CRITICAL,
        labels={"ended_by": end.by, "name": end.name},
        context={"ended_by": end.by, "name": end.name, "pid": end.pid},
    )


def _takers(action: Action) -> tuple[str, ...]:
    """Who takes what is short, and why none of them may be touched."""
    excluded = [each for each in action.considered if each.excluded and each.pid is None]
    named = (
        f"{_taken(each, action.resource)}: {each.excluded.sentence}"
        for each in excluded
        if each.excluded
    )
    lines = list(dict.fromkeys(named))[:_NAMED]
    return ("Nothing was done. Most is taken by " + "; ".join(lines),) if lines else ()


def _taken(taker: Candidate, resource: Resource) -> str:
    if resource is Resource.CPU:
        return f"{taker.title} ({percent(taker.cpu_percent or 0.0)} of one core)"
    return f"{taker.title} ({size(taker.rss_bytes)})"


def _culprits(action: Action) -> list[Culprit]:
    return [
        Culprit(job=each.title, cpu=each.cpu_percent, rss_bytes=each.rss_bytes, pid=each.pid)
        for each in action.considered
        if each.excluded is None
    ]


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


IN_FORCE = {ActionState.HELD, ActionState.ENDING, ActionState.WATCHED}


class OpenNotices:
    """The open ones; belongs to one thread."""

    def __init__(self) -> None:
        self._done: dict[str, Action] = {}
        self._told: dict[str, Action] = {}

    def begin(self, action: Action) -> None:
        """Something is done or told; what only would be done is over already."""
        if action.dry_run or action.rung is EscalationStep.END:
            return
        (self._told if action.rung is EscalationStep.TELL else self._done)[action.id] = action

    def over(self, active: Iterable[ActiveAction], reading: GuardReading) -> list[NoticeOver]:
        """Those that are over now; two about the same job and resource are one story."""
        in_force = {each.action.id for each in active if each.state in IN_FORCE}
        past = {key for key in self._done if key not in in_force}
        past |= {key for key, action in self._told.items() if _is_relieved(action, reading)}
        ended = [labels_of(action) for key, action in self._open.items() if key in past]
        for key in past:
            self._done.pop(key, None)
            self._told.pop(key, None)
        going_on = [labels_of(action) for action in self._open.values()]
        return [NoticeOver(labels=labels) for labels in ended if labels not in going_on]

    @property
    def _open(self) -> dict[str, Action]:
        return self._done | self._told


def _is_relieved(action: Action, reading: GuardReading) -> bool:
    """Whether what was told about is under its limit again, or cannot be read any more."""
    value = reading.memory.used_percent
    if action.resource is Resource.CPU:
        value = reading.cpu_percent or 0.0
    return value < action.evidence.threshold

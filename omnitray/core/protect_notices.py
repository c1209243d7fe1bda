"""What the protector's decisions become for the person: alerts to raise, and when they are over.

One incident for each job and resource, whatever rung it is on: told, slowed down, paused, ended
are the life of one story. ``felt`` False keeps it out of sight, not out of the history.
"""

from typing import Any

import msgspec

from omnitray.core.facts import AlertType, Culprit, Resource, Severity
from omnitray.core.identity import Rung
from omnitray.core.protection import Action, Alarm, Signal

_DID = {Rung.SLOW_DOWN: "Slowed down", Rung.PAUSE: "Paused", Rung.END: "Ended"}
_SHORT = {Resource.CPU: "CPU", Resource.MEMORY: "Memory", Resource.DISK: "Disk"}
_WORDS = {
    Signal.CPU: "CPU {value:.0f} %, limit {threshold:.0f} %",
    Signal.MEMORY: "memory {value:.0f} % used, limit {threshold:.0f} %",
    Signal.MEMORY_LEFT: "{value:.1f} % of the memory left, floor {threshold:.0f} %",
    Signal.MEMORY_PRESSURE: "memory pressure {value:.0f} %, limit {threshold:.0f} %",
    Signal.DISK: "disk {value:.0f} % full, limit {threshold:.0f} %",
    Signal.FORECAST: "full in {value:.0f} s, too soon under {threshold:.0f} s",
}


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
    """What makes notices about the same job and resource one story."""
    return {"resource": action.resource.value, "job": action.job_key or action.mount or ""}


def notice_of(action: Action, note: str = "") -> Notice:
    """The alert for an action that was taken (or, in a dry run, would have been)."""
    severity = Severity.CRITICAL if action.notify else Severity.WARNING
    words = [figures(action), _sentence(action.reason.sentence), note]
    return Notice(
        type=AlertType.RESOURCE_CRITICAL,
        title=title_of(action),
        message=". ".join(word.rstrip(".") for word in words if word) + ".",
        severity=severity,
        labels=labels_of(action),
        context={
            "resource": action.resource.value,
            "job": action.title,
            "action_id": action.id,
            "rung": action.rung.value,
            "reason": action.reason.value,
            "others_wait": action.notify,
            "culprits": [msgspec.to_builtins(each) for each in _culprits(action)],
        },
    )


def title_of(action: Action) -> str:
    """``Paused pytest · ~/shop``; ``Would have paused …`` in a dry run."""
    whom = action.title or action.mount or "the machine"
    if action.rung is Rung.TELL:
        return f"{_SHORT[action.resource]} is short: {whom}"
    did = _DID[action.rung]
    return f"Would have {did.lower()} {whom}" if action.dry_run else f"{did} {whom}"


def figures(action: Action) -> str:
    """``CPU 96 %, limit 75 %, for 4 s``."""
    evidence = action.evidence
    text = _WORDS[evidence.signal].format(value=evidence.value, threshold=evidence.threshold)
    return f"{text}, for {evidence.held_s:.0f} s" if evidence.held_s >= 1 else text


def alarm_notice(alarm: Alarm) -> Notice:
    """The critical alert for what the protector cannot or will no longer do."""
    about = f" ({alarm.title})" if alarm.title else ""
    return Notice(
        type=AlertType.CRITICAL,
        title="Nothing more will be ended for now"
        if alarm.reason.value != "nobody_left"
        else "Memory is used up and nobody may be ended",
        message=f"{_sentence(alarm.reason.sentence)}{about}.",
        severity=Severity.CRITICAL,
        labels={"alarm": alarm.reason.value},
        context={"reason": alarm.reason.value},
    )


def _culprits(action: Action) -> list[Culprit]:
    return [
        Culprit(job=each.title, cpu=each.cpu_percent, rss_bytes=each.rss_bytes, pid=each.pid)
        for each in action.considered
        if each.spared is None
    ]


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]

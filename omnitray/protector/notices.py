"""What the protector's decisions become for the person: alerts to raise, and when they are over.

A notice about a resource becomes a part of the one incident of that resource, whatever step it is
on: reported, slowed down, paused, ended. ``others_wait`` False keeps it off the screen, but not out
of the history.
"""

from collections.abc import Collection, Iterable
from typing import Any

import msgspec

from omnitray.base.amounts import percent, size
from omnitray.base.facts import AlertType, Culprit, GuardReading, Job, Resource, Severity
from omnitray.base.policy import ModeLimits, clears_under
from omnitray.protector.explain import (
    NEEDS_FG,
    alarmed,
    headline,
    reasons,
    refused_headline,
    why,
    writing,
)
from omnitray.protector.model import (
    ABOUT_MEMORY,
    Action,
    ActionState,
    ActiveAction,
    Alarm,
    AlarmReason,
    Candidate,
    EscalationStep,
    ProtectReason,
)
from omnitray.protector.oom_events.parse import Because, ForeignEnd, UnnamedEnd

_NAMED = 3
_GOOD_PART = 0.1  # of what is in use, for one that is named as taking it
# Which of several things that stand heads the incident: what has been done, and how far it went.
MONITOR_WEIGHT = 10
_REFUSED_WEIGHT, _ALARM_WEIGHT = 25, 50
_WEIGHTS = {
    EscalationStep.TELL: 5,
    EscalationStep.SLOW_DOWN: 20,
    EscalationStep.PAUSE: 30,
    EscalationStep.END: 40,
}


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """An alert to raise; the labels make it one story. With a ``resource`` among them it is a part.

    ``weight``: what heads the incident; ``stays``: open until a person has seen it;
    ``with_monitor``: over with the shortage itself; ``only_of_culprit``: part of an incident that
    names its job, else it is no news: the person has done it by hand. ``done``: what was done, in
    a few words; ``beside``: its one sentence where something else heads the incident.
    """

    type: AlertType
    title: str
    message: str
    severity: Severity
    labels: dict[str, str]
    context: dict[str, Any]
    weight: int = 0
    stays: bool = False
    with_monitor: bool = False
    only_of_culprit: bool = False
    done: str = ""
    beside: str = ""


class NoticeOver(msgspec.Struct, frozen=True, kw_only=True):
    """This story is over."""

    labels: dict[str, str]


def labels_of(action: Action) -> dict[str, str]:
    """What makes notices about the same job and resource one story; an end is one of its own."""
    labels = {"resource": action.resource.value, "job": action.job_key}
    if action.reason is ProtectReason.ASKED:
        labels["by"] = "person"
    if action.mount:
        labels["mount"] = action.mount
    return {**labels, "rung": action.step.value} if action.step is EscalationStep.END else labels


def notice_of(action: Action, *, refused: str = "", asked: bool = False) -> Notice:
    """The alert for an action that was taken (or, in a dry run, would have been).

    ``refused``: nothing of it could be done, in a sentence. ``asked``: the person sees a question
    about it; the alert is for the history.
    """
    is_told = not (action.title or action.cleans)
    takers = _left_alone(action) if is_told else ()
    # Where no job can be named the monitor says all that is known, at its own threshold.
    is_critical = action.notify and (not is_told or bool(takers))
    severity = Severity.CRITICAL if is_critical else Severity.WARNING
    by_person = action.reason is ProtectReason.ASKED
    if action.dry_run or by_person:
        severity = Severity.INFO
    said = (why(action), *takers) if is_told else reasons(action)
    needs_fg = NEEDS_FG if action.hands_over and not (refused or action.dry_run) else ""
    words = (*(_capital(reason) for reason in said), refused, needs_fg)
    words = (*words, "Protection only watches: nothing is touched") if action.dry_run else words
    is_end = action.step is EscalationStep.END
    stays = is_end and not (by_person or refused or action.dry_run)
    title = refused_headline(action) if refused else headline(action)
    weight = _REFUSED_WEIGHT if refused else _WEIGHTS[action.step]
    return Notice(
        type=AlertType.RESOURCE_CRITICAL,
        title=_capital(title),
        message=". ".join(word.rstrip(".") for word in words if word) + ".",
        severity=severity,
        labels=labels_of(action),
        context={
            "resource": action.resource.value,
            "job": action.title,
            "action_id": action.id,
            "rung": action.step.value,
            "reason": action.reason.value,
            "others_wait": is_critical and not (asked or action.dry_run or by_person),
            "culprits": [msgspec.to_builtins(each) for each in _culprits(action)],
        },
        # What would have been done heads nothing, nor does what the person has done.
        weight=0 if action.dry_run or by_person else weight,
        stays=stays,
        with_monitor=action.dry_run or by_person or (is_end and not stays),
        only_of_culprit=by_person,
        done="" if is_told else title,
        beside="" if is_told else _beside(action, title),
    )


def alarm_notice(alarm: Alarm) -> Notice:
    """The critical alert for what the protector cannot or will no longer do."""
    title, message = alarmed(alarm)
    is_about_memory = alarm.reason in ABOUT_MEMORY
    if alarm.reason is AlarmReason.NOBODY_LEFT and alarm.title and alarm.cause is None:
        message = f"{message} Left alone: {alarm.title}."
    return Notice(
        type=AlertType.RESOURCE_CRITICAL if is_about_memory else AlertType.CRITICAL,
        title=title,
        message=message,
        severity=Severity.CRITICAL,
        labels=alarm_labels(alarm),
        context={"reason": alarm.reason.value, **_cause_context(alarm)},
        weight=_ALARM_WEIGHT,
        # It stays in the history when the cause has gone and other words head the alert.
        done=f"{title}; left alone: {alarm.cause.excluded.sentence}" if alarm.cause else "",
    )


def alarm_labels(alarm: Alarm) -> dict[str, str]:
    """What makes alarms one story: about memory, it is the job that is left alone."""
    if alarm.reason in ABOUT_MEMORY:
        job = alarm.cause.job_key if alarm.cause else ""
        return {"resource": Resource.MEMORY.value, "alarm": "left_alone", "job": job}
    return {"alarm": alarm.reason.value}


def _cause_context(alarm: Alarm) -> dict[str, Any]:
    if alarm.cause is None:
        return {}
    cause = alarm.cause
    culprit = Culprit(job=cause.title, cpu=None, rss_bytes=int(cause.held_bytes), pid=cause.pid)
    return {"job": cause.title, "culprits": [msgspec.to_builtins(culprit)]}


def foreign_notices(end: ForeignEnd | UnnamedEnd) -> tuple[Notice | NoticeOver, ...]:
    """Another program has ended a process: the person sees an application disappear.

    What no log names is a guess: it goes into the history, and is over at once. So is what reached
    the limit of its own group, a container for instance: the machine is short of nothing.
    """
    guessed = isinstance(end, ForeignEnd) and bool(end.unread)
    passing = guessed or end.because is Because.LIMIT
    notice = Notice(
        type=AlertType.RESOURCE_CRITICAL,
        title=_capital(end.headline),
        message=f"{_capital(end.sentence)}.",
        severity=Severity.INFO if passing else Severity.CRITICAL,
        labels={"ended_by": end.by, "name": end.name},
        context={
            "ended_by": end.by,
            "name": end.name,
            "pid": end.pid,
            "others_wait": not passing,
            "guessed": guessed,
        },
    )
    return (notice, NoticeOver(labels=notice.labels)) if passing else (notice,)


def _beside(action: Action, title: str) -> str:
    said = f"Protection only watches; it {title}" if action.dry_run else _capital(title)
    return f"{said}: {why(action).rstrip('.')}."


def _takers(action: Action) -> list[Candidate]:
    """Who takes a good part of what is short and may not be touched."""
    return [
        each
        for each in action.considered
        if each.excluded and each.pid is None and (each.share or 0.0) >= _GOOD_PART
    ]


def _left_alone(action: Action) -> tuple[str, ...]:
    named = (
        f"{_taken(each, action.resource)}: {each.excluded.sentence}"
        for each in _takers(action)
        if each.excluded
    )
    lines = list(dict.fromkeys(named))[:_NAMED]
    return ("Nothing was done. Left alone: " + "; ".join(lines),) if lines else ()


def _taken(taker: Candidate, resource: Resource) -> str:
    if resource is Resource.CPU:
        return f"{taker.title} ({percent(taker.cpu_percent or 0.0)} of one core)"
    if resource is Resource.DISK:
        return f"{taker.title} ({writing(taker)})"
    return f"{taker.title} ({size(taker.held_bytes or taker.rss_bytes)})"


def _culprits(action: Action) -> list[Culprit]:
    """What was chosen; where a disk is only reported, what writes to it."""
    is_disk = action.resource is Resource.DISK
    told_of_disk = is_disk and action.step is EscalationStep.TELL
    return [
        Culprit(
            job=each.title,
            cpu=each.cpu_percent,
            rss_bytes=each.rss_bytes,
            pid=each.pid,
            figure=writing(each) if is_disk and each.write_bps else "",
        )
        for each in action.considered
        if each.excluded is None or told_of_disk
    ]


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


IN_FORCE = {ActionState.HELD, ActionState.ENDING, ActionState.WATCHED}


class OpenNotices:
    """The open ones; belongs to one thread."""

    def __init__(self) -> None:
        self._done: dict[str, Action] = {}
        self._told: dict[str, Action] = {}
        self._alarms: dict[str, dict[str, str]] = {}

    def begin(self, action: Action) -> None:
        """Record an action or a report; a dry run and an end go with the shortage."""
        if action.dry_run or action.step is EscalationStep.END:
            return
        (self._told if action.step is EscalationStep.TELL else self._done)[action.id] = action

    def alarm(self, alarm: Alarm) -> None:
        """A cause that is left alone was named."""
        labels = alarm_labels(alarm)
        if "resource" in labels:
            self._alarms[repr(labels)] = labels

    def over(
        self,
        active: Iterable[ActiveAction],
        reading: GuardReading,
        limits: ModeLimits,
        disks_in_danger: frozenset[str] = frozenset(),
        jobs: Collection[Job] = (),
    ) -> list[NoticeOver]:
        """Those that are over now; two about the same job and resource are one story.

        ``jobs``: all that run, where there was a look. A report is over with those it names.
        """
        in_force = {each.action.id for each in active if each.state in IN_FORCE}
        past = {key for key in self._done if key not in in_force}
        past |= {
            key
            for key, action in self._told.items()
            if _is_relieved(action, reading, disks_in_danger) or _have_ended(action, jobs)
        }
        ended = [labels_of(action) for key, action in self._open.items() if key in past]
        for key in past:
            self._done.pop(key, None)
            self._told.pop(key, None)
        going_on = [labels_of(action) for action in self._open.values()]
        if self._alarms and reading.memory.used_percent < clears_under(limits.memory_percent):
            ended += self._alarms.values()
            self._alarms = {}
        return [NoticeOver(labels=labels) for labels in ended if labels not in going_on]

    @property
    def _open(self) -> dict[str, Action]:
        return self._done | self._told


def _have_ended(action: Action, jobs: Collection[Job]) -> bool:
    """Whether those that a report names run no more."""
    takers = {each.job_key for each in _takers(action)}
    return bool(jobs and takers) and takers.isdisjoint(job.key for job in jobs)


def _is_relieved(
    action: Action, reading: GuardReading, disks_in_danger: frozenset[str] = frozenset()
) -> bool:
    """Whether what was reported is under its limit again, or cannot be read any more."""
    if action.resource is Resource.DISK:
        return action.mount not in disks_in_danger
    value = reading.memory.used_percent
    if action.resource is Resource.CPU:
        value = reading.cpu_percent or 0.0
    return value < action.evidence.threshold

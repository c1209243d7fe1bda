"""Explanations in plain words and figures: for actions, questions and alarms.

What is so right now stands in ``right_now``.

The same sentences stand in the window, in alerts, in the journal and in ``omnitray explain``.
Names of jobs are text from outside: these sentences are shown as plain text.
"""

import msgspec

from omnitray.base.amounts import duration, percent, rate, size, span
from omnitray.base.facts import Resource
from omnitray.protector.circuit_breaker import OPEN_S
from omnitray.protector.model import (
    Action,
    Alarm,
    AlarmReason,
    Candidate,
    EscalationStep,
    Evidence,
    ExclusionReason,
    NamedCause,
    ProtectReason,
    Question,
    Signal,
)
from omnitray.protector.policies import constants
from omnitray.protector.view import Considered, Explanation

DONE = {
    EscalationStep.TELL: "told about",
    EscalationStep.SLOW_DOWN: "slowed down",
    EscalationStep.PAUSE: "paused",
    EscalationStep.END: "ended",
}
TO_DO = {
    EscalationStep.SLOW_DOWN: "slow down",
    EscalationStep.PAUSE: "pause",
    EscalationStep.END: "end",
}
_UNSEEN = (
    "{size} more than before is held by no process that can be seen: files in memory (to see which:"
    " df -h -t tmpfs), the kernel, or what runs outside of here. No job is paused or ended for it."
)
_UNANSWERED = {EscalationStep.PAUSE: "it is paused", EscalationStep.END: "it is ended"}
_STAYS = {Resource.CPU: "it stays slowed down", Resource.MEMORY: "it stays paused"}
_FORETOLD = {ProtectReason.MEMORY_RUNS_OUT, ProtectReason.DISK_RUNS_OUT}  # the figures say it
_WITHOUT_FIGURES = {ProtectReason.ASKED, ProtectReason.RULE_ALWAYS}
_LINES_OF_RULES = {ProtectReason.RULE_MEMORY, ProtectReason.RULE_CPU}
_WORTH_SAYING_BPS = 1 << 20
_LITTLE = {
    Resource.CPU: "takes little of the processors",
    Resource.MEMORY: "holds little memory",
    Resource.DISK: "writes little",
}
END_ANYWAY = "End this process anyway"
NEEDS_FG = "Its shell has the keyboard meanwhile; once it is resumed, type fg in its terminal."
_HANDS_OVER = (
    "A pause gives the keyboard of its terminal to the shell: what is typed there is a command"
    " then, and fg brings it back."
)


def why(action: Action) -> str:
    """The figures that spoke for an action; for one that was asked for there are none."""
    without = action.reason in _WITHOUT_FIGURES
    return action.reason.sentence if without else because(action.evidence)


def reasons(action: Action) -> tuple[str, ...]:
    """The figures, and the reason where it says more than they do."""
    if action.reason in _FORETOLD:
        return (why(action),)
    return tuple(dict.fromkeys((why(action), action.reason.sentence)))


def headline(action: Action) -> str:
    """``paused pytest · ~/shop``."""
    if action.cleans:
        return f"clean caches on {action.mount}" if action.preview else f"cleaned {action.mount}"
    if not action.title and action.mount:
        return f"{action.mount} fills up"
    if not action.title:
        return because(msgspec.structs.replace(action.evidence, held_s=0.0))
    done = DONE[action.step]
    return f"would have {done} {action.whom}" if action.dry_run else f"{done} {action.whom}"


def refused_headline(action: Action) -> str:
    """``could not pause pytest · ~/shop``: of what the system refused to have done."""
    return f"could not {TO_DO[action.step]} {action.whom}"


def because(evidence: Evidence) -> str:
    """``CPU 96 %, limit 75 %, for 4 s``: the figures that spoke for it, in one phrase."""
    value, line = evidence.value, percent(evidence.threshold)
    held = f", for {duration(evidence.held_s)}" if evidence.held_s >= 1.0 else ""
    forecast = evidence.forecast
    if evidence.signal is Signal.FORECAST and forecast is not None:
        what = f"{forecast.mount} full" if forecast.mount else "memory runs out"
        return f"{what} in {span(forecast.low_s, forecast.high_s)}, at {rate(forecast.slope_bps)}"
    return {
        Signal.CPU: f"CPU {percent(value)}, limit {line}{held}",
        Signal.MEMORY: f"memory {percent(value)} used, limit {line}{held}",
        Signal.MEMORY_LEFT: f"memory {percent(value)} left, floor {line}",
        Signal.MEMORY_PRESSURE: f"everything waits for memory {percent(value)} of the time",
        Signal.DISK: f"disk {percent(value)} full, limit {line}{held}",
        Signal.FORECAST: f"runs out within {duration(value)}",
        Signal.RULE_MEMORY: f"it holds {size(value)}, your rule allows {size(evidence.threshold)}",
        Signal.RULE_CPU: f"it takes {percent(value)} of one core, your rule allows {line}",
    }[evidence.signal]


def explanation(action: Action, *, in_force: bool = True) -> Explanation:
    """Why this was done to these, and why the others were excluded."""
    parts = [f"{capital(': '.join(reasons(action)))}."]
    chosen = [each for each in action.considered if each.excluded is None]
    if chosen:
        parts.append(_share_of(chosen, action.resource))
    parts.append(_way_back(action, in_force=in_force))
    return Explanation(
        action_id=action.id,
        title=action.whom or headline(action),
        text=" ".join(part for part in parts if part),
        considered=tuple(
            considered_as(each, _verdict(action), action.resource) for each in action.considered
        ),
    )


def asked(question: Question) -> str:
    """The question: how the job is held, and why."""
    if question.reason is ProtectReason.LAST_RESORT:
        figures = f"{because(question.evidence)}; {question.reason.sentence}"
        return f"End {question.title}, which is not the cause? {capital(figures)}."
    if question.cause is not None:
        return _cause_asked(question.cause)
    held = " is paused" if is_paused(question) else ""  # that it is slowed down says the reason
    words = (because(question.evidence), question.reason.sentence)
    said = words[:1] if question.reason in _FORETOLD else words
    text = f"{question.whom}{held}: {'; '.join(said)}."
    if question.is_first:
        return f"{text} {_HANDS_OVER}"
    return f"{text} {NEEDS_FG}" if question.hands_over else text


def is_paused(question: Question) -> bool:
    """Whether the job of a question is paused while it is asked; else it is slowed down."""
    is_resort = question.reason is ProtectReason.LAST_RESORT
    if question.is_first or is_resort or question.cause is not None:
        return False
    return question.resource is not Resource.CPU or question.unanswered is EscalationStep.END


def unanswered(question: Question) -> str:
    """What happens without an answer."""
    if question.reason is ProtectReason.LAST_RESORT or question.cause is not None:
        return "it is left alone"
    if question.is_first:
        return f"it is paused when memory lasts less than {duration(constants.ASKS_FIRST_S)}"
    if question.unanswered is not None:
        return _UNANSWERED[question.unanswered]
    return _STAYS.get(question.resource, "it stays paused")


def alarmed(alarm: Alarm) -> tuple[str, str]:
    """Title and message of a critical alert."""
    if alarm.cause is not None:
        return _named_cause(alarm.reason, alarm.cause)
    if alarm.reason is AlarmReason.NOBODY_LEFT:
        return "Memory is used up", f"{capital(alarm.reason.sentence)}."
    if alarm.reason is AlarmReason.UNSEEN:
        return "Memory is used up by what is no process", _UNSEEN.format(size=alarm.title)
    who = f" The last was {alarm.title}." if alarm.title else ""
    text = f"{capital(alarm.reason.sentence)}.{who} Nothing is ended for {duration(OPEN_S)} now."
    return "Protection stopped ending processes", text


def _named_cause(reason: AlarmReason, cause: NamedCause) -> tuple[str, str]:
    """Who uses memory up, how fast, why it is left alone, how long is left, what can be done."""
    used_up = reason is AlarmReason.NOBODY_LEFT
    title = f"{cause.title} has used memory up" if used_up else f"{cause.title} uses memory up"
    other = cause.excluded in {ExclusionReason.OTHER_USER, ExclusionReason.OTHERS_INSIDE}
    command = f"sudo kill {cause.pid}" if other else f"kill {cause.pid}"
    asked = f' choose "{END_ANYWAY}" in OmniTray\'s question,' if cause.process else ""
    return title, f"{_cause_figures(cause)} Close it yourself,{asked} or type: {command}"


def _cause_figures(cause: NamedCause) -> str:
    grows = (
        f" and grows by {rate(cause.growth_bps)}" if cause.growth_bps >= _WORTH_SAYING_BPS else ""
    )
    left = f" Memory lasts about {duration(cause.left_s)} more." if cause.left_s else ""
    return (
        f"It holds {size(int(cause.held_bytes))}{grows}. It is left alone:"
        f" {cause.excluded.sentence}.{left}"
    )


def _cause_asked(cause: NamedCause) -> str:
    """Who uses memory up, and what would be ended: its process that grows, not all of it."""
    more = ", with all that it has started" if cause.started else ""
    return (
        f"{cause.title} uses memory up. {_cause_figures(cause)}"
        f" End its process {cause.part} anyway{more}? What is not saved in it is lost."
    )


def writing(taker: Candidate) -> str:
    """``writes 120 MB/s into /home/anna/data``: what fills a disk, and where."""
    where = f" into {taker.writes_in}" if taker.writes_in else ""
    return f"writes {rate(taker.write_bps or 0.0)}{where}"


def _share_of(chosen: list[Candidate], resource: Resource) -> str:
    """``It holds 9.8 GB of the 14.2 GB of its job and grows by 290 MB/s.``."""
    job, *workers = chosen
    if resource is Resource.CPU:
        return f"It takes {percent(job.cpu_percent or 0.0)} of one core."
    if resource is Resource.DISK:
        return f"It {writing(job)}."
    first = workers[0] if workers else job
    holds = size(first.rss_bytes)
    of_job = f" of the {size(job.rss_bytes)} of its job" if workers else ""
    growth = first.growth_bps or 0.0
    grew = f" and grows by {rate(growth)}" if growth >= _WORTH_SAYING_BPS else ""
    return f"It holds {holds}{of_job}{grew}."


def _way_back(action: Action, *, in_force: bool) -> str:
    """How long it lasts; of what was not done, or is over, that and no more."""
    if action.dry_run:
        return "It was not touched: protection only watched."
    if action.step is EscalationStep.END:
        return "This cannot be taken back."
    if action.step is EscalationStep.TELL or action.cleans:
        return ""
    if not in_force:
        return "It is over: nothing of it is in force any more."
    if action.reason is ProtectReason.RULE_ALWAYS:
        return "It stays so while your rule stands; an undo gives it back for ten minutes."
    if action.reason in _LINES_OF_RULES:
        return "It is given back 10 % under the line of your rule."
    if action.restores_below is None:
        return "It stays so until you say otherwise."
    return f"It is given back under {percent(action.restores_below)}."


def _verdict(action: Action) -> str:
    return f"would be {DONE[action.step]}" if action.dry_run else DONE[action.step]


def considered_as(candidate: Candidate, chosen: str, resource: Resource) -> Considered:
    """A candidate in words: ``chosen``, or why it is not the one."""
    excluded = candidate.excluded
    why_not = why_not_in_words(excluded, resource) if excluded else ""
    return Considered(
        title=candidate.title,
        rss_bytes=candidate.rss_bytes,
        growth_bps=candidate.growth_bps,
        cpu_percent=candidate.cpu_percent,
        verdict=why_not or chosen,
        chosen=excluded is None,
    )


def why_not_in_words(excluded: ExclusionReason, resource: Resource) -> str:
    """Why a job is not the one, and of what it takes little."""
    return _LITTLE[resource] if excluded is ExclusionReason.LITTLE else excluded.sentence


def left_alone(why: ExclusionReason) -> str:
    """``left alone: an editor``, and what says so already as it is."""
    said = why.sentence
    return said if said.startswith("left alone") else f"left alone: {said}"


def capital(text: str) -> str:
    """The beginning of a sentence."""
    return text[:1].upper() + text[1:]

"""Explanations in plain words and figures: for actions, questions, alarms, and for right now.

The same sentences stand in the window, in alerts, in the journal and in ``omnitray explain``.
Names of jobs are text from outside: these sentences are shown as plain text.
"""

from collections.abc import Sequence

import msgspec

from omnitray.base.amounts import duration, percent, rate, size, span
from omnitray.base.conditions import is_cpu_over, is_memory_over
from omnitray.base.facts import Job, ProtectState, Resource
from omnitray.protector.circuit_breaker import OPEN_S
from omnitray.protector.context import DecisionContext
from omnitray.protector.job_workers import telling, workers
from omnitray.protector.model import (
    Action,
    ActionState,
    Alarm,
    AlarmReason,
    Candidate,
    Evidence,
    ExclusionReason,
    NamedCause,
    ProtectReason,
    Question,
    Signal,
)
from omnitray.protector.policies import constants
from omnitray.protector.policies.memory import urgent
from omnitray.protector.steps import EscalationStep
from omnitray.protector.victims import VictimChoice, choose, why_not
from omnitray.protector.view import Considered, Explanation

_DONE = {
    EscalationStep.TELL: "told about",
    EscalationStep.SLOW_DOWN: "slowed down",
    EscalationStep.PAUSE: "paused",
    EscalationStep.END: "ended",
}
_TO_DO = {
    EscalationStep.SLOW_DOWN: "slow down",
    EscalationStep.PAUSE: "pause",
    EscalationStep.END: "end",
}
_WOULD = {
    EscalationStep.SLOW_DOWN: "would be slowed down",
    EscalationStep.PAUSE: "would be paused",
    EscalationStep.END: "would be ended",
}
_STEPS = (
    (Resource.MEMORY, EscalationStep.PAUSE),
    (Resource.MEMORY, EscalationStep.END),
    (Resource.CPU, EscalationStep.SLOW_DOWN),
)
_POSTURES = {
    ProtectState.WATCH: ["Protection only watches: nobody is touched."],
    ProtectState.OFF: ["Protection is off: nothing of what follows would be done."],
}
_WAS = {ActionState.HELD: "was", ActionState.WATCHED: "would have been"}
_NOBODY_BUSY = "No job that may be touched takes a fifth of the processors: none is slowed down."
_UNSEEN_BUSY = (
    "Most of what takes the processors cannot be seen from here (it is outside of this container or"
    " virtual machine): no job is slowed down for it."
)
_UNSEEN = (
    "{size} more than before is held by no process that can be seen: files in memory (to see which:"
    " df -h -t tmpfs), the kernel, or what runs outside of here. No job is paused or ended for it."
)
_UNANSWERED = {EscalationStep.PAUSE: "it is paused", EscalationStep.END: "it is ended"}
_STAYS = {Resource.CPU: "it stays slowed down", Resource.MEMORY: "it stays paused"}
_FORETOLD = {ProtectReason.MEMORY_RUNS_OUT, ProtectReason.DISK_RUNS_OUT}  # the figures say it
_WITHOUT_FIGURES = {ProtectReason.ASKED, ProtectReason.RULE_ALWAYS}
_WORTH_SAYING_BPS = 1 << 20
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
    done = _DONE[action.step]
    return f"would have {done} {action.whom}" if action.dry_run else f"{done} {action.whom}"


def refused_headline(action: Action) -> str:
    """``could not pause pytest · ~/shop``: of what the system refused to have done."""
    return f"could not {_TO_DO[action.step]} {action.whom}"


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


def explanation(action: Action) -> Explanation:
    """Why this was done to these, and why the others were excluded."""
    parts = [f"{_capital(': '.join(reasons(action)))}."]
    chosen = [each for each in action.considered if each.excluded is None]
    if chosen:
        parts.append(_share_of(chosen, action.resource))
    parts.append(_way_back(action))
    return Explanation(
        action_id=action.id,
        title=action.whom or headline(action),
        text=" ".join(part for part in parts if part),
        considered=tuple(_considered(each, _verdict(action)) for each in action.considered),
    )


def asked(question: Question) -> str:
    """The question: how the job is held, and why."""
    if question.reason is ProtectReason.LAST_RESORT:
        figures = f"{because(question.evidence)}; {question.reason.sentence}"
        return f"End {question.title}, which is not the cause? {_capital(figures)}."
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
        return "Memory is used up", f"{_capital(alarm.reason.sentence)}."
    if alarm.reason is AlarmReason.UNSEEN:
        return "Memory is used up by what is no process", _UNSEEN.format(size=alarm.title)
    who = f" The last was {alarm.title}." if alarm.title else ""
    text = f"{_capital(alarm.reason.sentence)}.{who} Nothing is ended for {duration(OPEN_S)} now."
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


def now(context: DecisionContext) -> Explanation:
    """Who would be acted on at this moment, in which order and why; nothing is done."""
    choices = [
        (resource, step, choose(context, resource, step)) for resource, step in _steps(context)
    ]
    sees_users = context.sees_cpu_users or not _is_busy(context)
    lines = [
        f"{_if(context, resource, step)} {_whom(choice)} {_WOULD[step]}"
        f"{_then(context, resource, step)}."
        for resource, step, choice in choices
        if choice.job is not None and (sees_users or resource is not Resource.CPU)
    ]
    none = choices[0][2].job is None or not sees_users
    if _is_busy(context) and none and not _held(context):
        lines.insert(0, _none_slowed(choices[0][2], sees_users=sees_users))
    lines += _breaker(context)
    considered: dict[str, Considered] = {}
    # An end excludes for what a process is, the other steps for what it does: that says less.
    for _, step, choice in sorted(choices, key=lambda each: each[1] is not EscalationStep.END):
        for each in choice.considered:
            words = _now_considered(context, choices, each, _WOULD[step])
            if words.chosen or each.title not in considered:
                considered[each.title] = words
    return Explanation(
        action_id="",
        title="Right now",
        text=" ".join([_state(context), *_posture(context), *_held(context), *lines]),
        considered=tuple(sorted(considered.values(), key=lambda each: not each.chosen)),
    )


def _whom(choice: VictimChoice) -> str:
    """``pytest · ~/shop, worker 3``: not the whole job where a part of it is meant."""
    title = choice.job.title if choice.job else ""
    return f"{title}, {choice.part}" if choice.part else title


_Choices = Sequence[tuple[Resource, EscalationStep, VictimChoice]]


def _now_considered(
    context: DecisionContext, choices: _Choices, candidate: Candidate, chosen: str
) -> Considered:
    """A candidate with what is so of its job, or of the one process of it, at this moment."""
    words = _considered(candidate, chosen)
    job = next((each for each in context.facts.jobs if each.key == candidate.job_key), None)
    if job is None:
        return words
    may, left_alone = _may(context, job, candidate.pid)
    if left_alone is not None:
        words = msgspec.structs.replace(words, verdict=left_alone.sentence)
    if candidate.pid is not None:
        title = f"{job.title}, {candidate.title}"
        return msgspec.structs.replace(words, title=title, may=may)
    busy = _is_busy(context)
    taken = (job.cpu_percent or 0.0) / (100.0 * context.facts.cores)
    return msgspec.structs.replace(
        words,
        cause_share=round(taken if busy else context.memory_causes[job.key], 3),
        may=may,
        next_step="" if left_alone else _next_step(context, choices, job),
    )


def _may(context: DecisionContext, job: Job, pid: int | None) -> tuple[str, ExclusionReason | None]:
    """How far a job, or one process of it, may be touched, and why not further.

    The reason stands beside it where nothing at all may be done.
    """
    allowed, why = [], None
    for step in _TO_DO:
        verdicts = {
            each.process.pid: each.excluded
            for each in workers(context, job, step)
            if pid in {None, each.process.pid}
        }
        excluded = context.excluded_jobs.get(job.key) or telling(job, verdicts)
        if None in verdicts.values() and job.key not in context.excluded_jobs:
            allowed.append(_DONE[step])
        else:
            why = why or excluded
    if not allowed:
        return (f"left alone: {why.sentence}", why) if why else ("", None)
    *first, last = allowed
    said = f"may be {', '.join(first)} and {last}" if first else f"may be {last}"
    return (f"{said}, no more: {why.sentence}" if why else said), None


def _next_step(context: DecisionContext, choices: _Choices, job: Job) -> str:
    """What would be done to a job next and when, or why nothing would."""
    reason: ExclusionReason | None = None
    for resource, step, choice in choices:
        when = _if(context, resource, step).rstrip(",")
        if choice.job is not None and choice.job.key == job.key:
            return f"{when} it {_WOULD[step]}"
        found = why_not(context, job, resource, step)
        if found is None and choice.job is not None:
            return f"{when} it {_WOULD[step]}, after {choice.job.title}"
        reason = reason or found
    return f"nothing would be done to it: {reason.sentence}" if reason else ""


def _none_slowed(choice: VictimChoice, *, sees_users: bool) -> str:
    """Why no job is slowed down: the system refused, or none takes enough."""
    if not sees_users:
        return _UNSEEN_BUSY
    for each in choice.considered:
        if each.excluded is ExclusionReason.REFUSED:
            return (
                f"{each.title} takes {percent(each.cpu_percent or 0.0)} of one core; the system"
                " refused to slow it down (omnitray doctor says why). You are asked about pausing"
                " it while others have to wait."
            )
    return _NOBODY_BUSY


def _breaker(context: DecisionContext) -> list[str]:
    """Whether ends are stopped for now."""
    breaker = context.breaker
    if breaker is None or breaker.until_s is None or breaker.why is None:
        return []
    wait = duration(max(0.0, breaker.until_s - context.now_s))
    return [f"Nothing is ended for {wait}: {breaker.why.sentence}."]


def _state(context: DecisionContext) -> str:
    """Whether something is short, in a sentence."""
    why = urgent(context)
    if why is not None:
        return f"{_capital(because(why[1]))}."
    memory = context.facts.reading.memory.used_percent
    cpu = context.facts.reading.cpu_percent
    limits = context.limits
    figures = f"memory {percent(memory)} used, limit {percent(limits.memory_percent)}"
    if cpu is not None:
        figures = f"CPU {percent(cpu)}, limit {percent(limits.cpu_percent)}; {figures}"
    waits = " Others have to wait." if context.cpu_contention else ""
    short = is_memory_over(context.facts.reading.memory, limits) or is_cpu_over(cpu, limits)
    return f"{_capital(figures)}.{waits}" if short else f"Nothing is short: {figures}."


def _steps(context: DecisionContext) -> list[tuple[Resource, EscalationStep]]:
    """What could come next, what is short now first."""
    busy = _is_busy(context)
    return sorted(_STEPS, key=lambda step: (step[0] is Resource.CPU) is not busy)


def _is_busy(context: DecisionContext) -> bool:
    """Whether processors are what is short, before anything else."""
    over = is_cpu_over(context.facts.reading.cpu_percent, context.limits)
    return over and urgent(context) is None


def _posture(context: DecisionContext) -> list[str]:
    return _POSTURES.get(context.policy.state, [])


def _held(context: DecisionContext) -> list[str]:
    """What is under action already, and for how long."""
    return [
        f"{active.action.whom} {_WAS[active.state]} {_DONE[active.action.step]}"
        f" {duration(context.now_s - active.since_s)} ago."
        for active in context.facts.active
        if active.state in _WAS
    ]


def _then(context: DecisionContext, resource: Resource, step: EscalationStep) -> str:
    """What would come after that, and when."""
    limits = context.limits
    if step is EscalationStep.PAUSE:
        end_s = limits.memory_end_after_s
        ended = f"; without an answer it would be ended {duration(end_s)} later" if end_s else ""
        return f" and you would be asked{ended}"
    if resource is not Resource.CPU:
        return ""
    pause_s = limits.cpu_pause_after_s
    paused = f"; without an answer it would be paused {duration(pause_s)} later" if pause_s else ""
    slowed = duration(constants.SLOWED_FOR_S)
    return f", and if others still had to wait {slowed} later, you would be asked{paused}"


def _if(context: DecisionContext, resource: Resource, step: EscalationStep) -> str:
    if resource is Resource.CPU:
        return f"Over the processor limit for {duration(context.limits.hold_s)},"
    if step is EscalationStep.END:
        return "If memory and swap were used up,"
    return f"If memory were to run out in less than {duration(context.limits.memory_runs_out_s)},"


def _share_of(chosen: list[Candidate], resource: Resource) -> str:
    """``It holds 9.8 GB of the 14.2 GB of its job and grows by 290 MB/s.``."""
    job, *workers = chosen
    if resource is Resource.CPU:
        return f"It takes {percent(job.cpu_percent or 0.0)} of one core."
    if resource is Resource.DISK:
        return f"It writes {rate(job.write_bps or 0.0)}."
    first = workers[0] if workers else job
    holds = size(first.rss_bytes)
    of_job = f" of the {size(job.rss_bytes)} of its job" if workers else ""
    growth = first.growth_bps or 0.0
    grew = f" and grows by {rate(growth)}" if growth >= _WORTH_SAYING_BPS else ""
    return f"It holds {holds}{of_job}{grew}."


def _way_back(action: Action) -> str:
    if action.step is EscalationStep.END:
        return "This cannot be taken back."
    if action.step is EscalationStep.TELL or action.cleans:
        return ""
    if action.restores_below is None:
        return "It stays so until you say otherwise."
    return f"It is given back under {percent(action.restores_below)}."


def _verdict(action: Action) -> str:
    return f"would be {_DONE[action.step]}" if action.dry_run else _DONE[action.step]


def _considered(candidate: Candidate, chosen: str) -> Considered:
    excluded = candidate.excluded
    return Considered(
        title=candidate.title,
        rss_bytes=candidate.rss_bytes,
        growth_bps=candidate.growth_bps,
        cpu_percent=candidate.cpu_percent,
        verdict=chosen if excluded is None else excluded.sentence,
        chosen=excluded is None,
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]

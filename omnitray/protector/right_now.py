"""Who would be acted on at this moment, in which order and why: ``omnitray explain``.

Also what a mode does without an answer, in one line for the Protection page.
"""

from collections import Counter
from collections.abc import Sequence

import msgspec

from omnitray.base.amounts import duration, percent
from omnitray.base.conditions import is_cpu_over, is_memory_over
from omnitray.base.facts import Job, ProtectState, Resource
from omnitray.base.policy import JobRule, ModeLimits
from omnitray.protector.context import DecisionContext
from omnitray.protector.explain import (
    DONE,
    TO_DO,
    because,
    capital,
    considered_as,
    left_alone,
    why_not_in_words,
)
from omnitray.protector.job_workers import telling, workers
from omnitray.protector.model import (
    ActionState,
    ActiveAction,
    Candidate,
    EscalationStep,
    ExclusionReason,
)
from omnitray.protector.policies import constants
from omnitray.protector.policies.memory import urgent
from omnitray.protector.victims import VictimChoice, choose, choose_in, ranked, why_not
from omnitray.protector.view import Considered, Explanation, pid_words

_Choices = Sequence[tuple[Resource, EscalationStep, VictimChoice]]

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
_TAKEN_UNSEEN = "what takes the processors is mostly what cannot be seen from here"
# What is said of a job because of what it takes, and of no other reason.
_FOR_WHAT_IT_TAKES = {None, ExclusionReason.LITTLE, ExclusionReason.LIGHT, ExclusionReason.LESS}
_UNSEEN_BUSY = (
    "Most of what takes the processors cannot be seen from here (it is outside of this container or"
    " virtual machine): no job is slowed down for it."
)


def now(context: DecisionContext) -> Explanation:
    """Who would be acted on at this moment, in which order and why; nothing is done."""
    busy = _is_busy(context)
    choices = [
        (resource, step, choose(context, resource, step)) for resource, step in _steps(context)
    ]
    first, sees_users = choices[0][2], context.sees_cpu_users or not busy
    # For processors that others take, outside of what can be seen, nothing is done.
    acted = [each for each in choices if sees_users or each[0] is not Resource.CPU]
    lines = [
        f"{_if(context, resource, step)} {_whom(choice)} {_WOULD[step]}"
        f"{_then(context, resource, step)}."
        for resource, step, choice in acted
        if choice.job is not None
    ]
    if busy and (first.job is None or not sees_users) and not _held(context):
        lines.insert(0, _none_slowed(context, first, sees_users=sees_users))
    lines += _breaker(context)
    rows, left_out = _all_considered(context, choices, acted)
    if left_out:
        jobs = "1 more job comes" if left_out == 1 else f"{left_out} more jobs come"
        lines.append(f"{jobs} after those that are listed.")
    return Explanation(
        action_id="",
        title="Right now",
        text=" ".join(
            [_state(context), *_POSTURES.get(context.policy.state, []), *_held(context), *lines]
        ),
        considered=rows,
    )


def _all_considered(
    context: DecisionContext, choices: _Choices, acted: _Choices
) -> tuple[tuple[Considered, ...], int]:
    """Each candidate once, in the order in which they would be acted on; how many are left out.

    What is short says most. An end excludes for what a process is, the others for what it does.
    """
    jobs = {job.key: job for job in context.facts.jobs}
    ranks = {job.key: place for place, job in enumerate(ranked(context, acted[0][0]))}
    titles = Counter(job.title for job in jobs.values())
    busy = _is_busy(context)
    found: dict[tuple[str, int | None], tuple[tuple[float, ...], Considered]] = {}
    for resource, step, choice in sorted(
        choices,
        key=lambda each: (
            not (busy and each[0] is Resource.CPU),
            each[1] is not EscalationStep.END,
        ),
    ):
        is_acted = (resource, step, choice) in acted
        for each in choice.considered:
            if (job := jobs.get(each.job_key)) is None:
                continue
            told = _told(each, resource, step, is_acted=is_acted)
            turn, row = _now_considered(context, acted, job, each, told)
            if titles[job.title] > 1:
                row = msgspec.structs.replace(row, title=f"{row.title}{pid_words([_pid_of(job)])}")
            key = each.job_key, each.pid
            if key not in found or (row.chosen and not found[key][1].chosen):
                last = 0.0 if each.pid is None else 1.0 + (not row.chosen)
                found[key] = (turn, ranks[job.key], last), row
    rows = [row for _, row in sorted(found.values(), key=lambda each: each[0])]
    return tuple(rows), len(jobs) - len({key for key, _ in found})


def _pid_of(job: Job) -> int:
    return job.leader_pid or min(each.pid for each in job.processes)


def _told(
    candidate: Candidate, resource: Resource, step: EscalationStep, *, is_acted: bool
) -> Considered:
    """A candidate in words; where nothing is done for what is short, that says why."""
    words = considered_as(candidate, _WOULD[step], resource)
    if is_acted or candidate.excluded not in _FOR_WHAT_IT_TAKES:
        return words
    return msgspec.structs.replace(words, verdict=_TAKEN_UNSEEN, chosen=False)


def _whom(choice: VictimChoice) -> str:
    """``pytest · ~/shop, worker 3``: not the whole job where a part of it is meant."""
    title = choice.job.title if choice.job else ""
    return f"{title}, {choice.part}" if choice.part else title


def _now_considered(
    context: DecisionContext,
    choices: _Choices,
    job: Job,
    candidate: Candidate,
    words: Considered,
) -> tuple[int, Considered]:
    """A candidate with what is so of its job, or of the one process of it, and its turn."""
    if (held := _held_as(context, candidate.job_key)) and candidate.pid is None:
        is_so = candidate.excluded in {None, ExclusionReason.HELD}
        words = msgspec.structs.replace(words, verdict=held if is_so else words.verdict)
    may, alone = _may(context, job, candidate.pid)
    if alone is not None:
        words = msgspec.structs.replace(words, verdict=alone.sentence)
    turn, next_step = _next_step(context, choices, job)
    if candidate.pid is None and alone is not None:
        turn, next_step = 2 * len(choices) + 1, ""
    if candidate.pid is not None:
        title = f"{job.title}, {candidate.title}"
        return turn, msgspec.structs.replace(words, title=title, may=may)
    share = _share_of_shortage(context, job)
    row = msgspec.structs.replace(words, cause_share=share, may=may, next_step=next_step)
    return turn, row


def _share_of_shortage(context: DecisionContext, job: Job) -> float | None:
    """The part (0 to 1) of what is short that a job has; None where nothing is short."""
    if _is_busy(context):
        return round((job.cpu_percent or 0.0) / (100.0 * context.facts.cores), 3)
    memory = context.facts.reading.memory
    is_held = any(
        each.action.resource is Resource.MEMORY and each.state is ActionState.HELD
        for each in context.facts.active
    )
    is_short = is_held or is_memory_over(memory, context.limits) or urgent(context) is not None
    return round(context.memory_causes[job.key], 3) if is_short else None


def _held_as(context: DecisionContext, job_key: str) -> str:
    """``is paused already``: how tightly a job is held now; empty where it is not."""
    steps = [
        each.action.step
        for each in context.facts.active
        if each.action.job_key == job_key and each.state is ActionState.HELD
    ]
    return f"is {DONE[max(steps, key=list(EscalationStep).index)]} already" if steps else ""


def _may(context: DecisionContext, job: Job, pid: int | None) -> tuple[str, ExclusionReason | None]:
    """How far a job, or one process of it, may be touched, and why not further.

    The reason stands beside it where nothing at all may be done.
    """
    allowed, why = [], None
    for step in TO_DO:
        verdicts = {
            each.process.pid: each.excluded
            for each in workers(context, job, step)
            if pid in {None, each.process.pid}
        }
        excluded = context.excluded_jobs.get(job.key) or telling(job, verdicts)
        if None in verdicts.values() and job.key not in context.excluded_jobs:
            allowed.append(DONE[step])
        else:
            why = why or excluded
    if not allowed:
        return (left_alone(why), why) if why else ("", None)
    *first, last = allowed
    said = f"may be {', '.join(first)} and {last}" if first else f"may be {last}"
    return (f"{said}, no more: {why.sentence}" if why else said), None


def _next_step(context: DecisionContext, choices: _Choices, job: Job) -> tuple[int, str]:
    """What would be done to a job next and when, or why nothing would, and when its turn is.

    First come those that would be acted on, then what would follow them. The reason is that of
    what is short now, or would be first.
    """
    for turn, (resource, step, choice) in enumerate(choices):
        when = _if(context, resource, step).rstrip(",")
        if choice.job is not None and choice.job.key == job.key:
            return turn, f"{when} it {_WOULD[step]}"
        if choice.job is not None and why_not(context, job, resource, step) is None:
            return len(choices) + turn, f"{when} it {_WOULD[step]}, after {choice.job.title}"
    reason = _TAKEN_UNSEEN
    if context.sees_cpu_users or not _is_busy(context):
        resource, step, _ = choices[0]
        found = why_not(context, job, resource, step)
        reason = why_not_in_words(found, resource) if found else ""
    return 2 * len(choices), f"nothing would be done to it: {reason}" if reason else ""


_ASKED_WHILE_OTHERS_WAIT = "You are asked about pausing it while others have to wait."


def _none_slowed(context: DecisionContext, choice: VictimChoice, *, sees_users: bool) -> str:
    """Why no job is slowed down: the system refused, or none takes enough."""
    if not sees_users:
        return _UNSEEN_BUSY
    for each in choice.considered:
        if each.excluded is ExclusionReason.REFUSED:
            refused = (
                f"{each.title} takes {percent(each.cpu_percent or 0.0)} of one core; the system"
                " refused to slow it down (omnitray doctor says why)."
            )
            found = choose_in(context, each.job_key, Resource.CPU, EscalationStep.PAUSE)
            return refused if found.job is None else f"{refused} {_ASKED_WHILE_OTHERS_WAIT}"
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
        return f"{capital(because(why[1]))}."
    memory = context.facts.reading.memory.used_percent
    cpu = context.facts.reading.cpu_percent
    limits = context.limits
    figures = f"memory {percent(memory)} used, limit {percent(limits.memory_percent)}"
    if cpu is not None:
        figures = f"CPU {percent(cpu)}, limit {percent(limits.cpu_percent)}; {figures}"
    waits = " Others have to wait." if context.cpu_contention else ""
    short = is_memory_over(context.facts.reading.memory, limits) or is_cpu_over(cpu, limits)
    return f"{capital(figures)}.{waits}" if short else f"Nothing is short: {figures}."


def _steps(context: DecisionContext) -> list[tuple[Resource, EscalationStep]]:
    """What could come next, what is short now first."""
    busy = _is_busy(context)
    return sorted(_STEPS, key=lambda step: (step[0] is Resource.CPU) is not busy)


def _is_busy(context: DecisionContext) -> bool:
    """Whether processors are what is short, before anything else."""
    over = is_cpu_over(context.facts.reading.cpu_percent, context.limits)
    return over and urgent(context) is None


def _held(context: DecisionContext) -> list[str]:
    """What is under action already, and for how long."""
    jobs: dict[tuple[str, str], list[ActiveAction]] = {}
    for active in context.facts.active:
        if active.state in _WAS:
            jobs.setdefault((active.action.job_key, _WAS[active.state]), []).append(active)
    return [_held_since(context, was, hold) for (_, was), hold in jobs.items()]


def _held_since(context: DecisionContext, was: str, hold: list[ActiveAction]) -> str:
    """``pytest was slowed down 7 s ago, then paused 2 s ago.``: each step once."""
    steps: dict[str, float] = {}
    for each in sorted(hold, key=lambda each: each.since_s):
        steps.setdefault(DONE[each.action.step], each.since_s)
    said = [f"{done} {duration(context.now_s - since)} ago" for done, since in steps.items()]
    whom = min((each.action.whom for each in hold), key=len)
    return f"{whom} {was} {', then '.join(said)}."


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


def means_nothing(context: DecisionContext, word: str) -> bool:
    """Whether a word of the person's list means nothing that runs now."""
    rule = JobRule(match=word)
    return not any(
        context.is_meant(rule, each, job) for job in context.facts.jobs for each in job.processes
    )


def without_an_answer(limits: ModeLimits) -> str:
    """What a mode does by itself after a question, and what it does without one."""
    later = []
    if limits.memory_end_after_s:
        ended = duration(limits.memory_end_after_s)
        later.append(f"what uses memory up is ended after {ended}")
    if limits.cpu_pause_after_s:
        paused = f"what keeps processors busy is paused after {duration(limits.cpu_pause_after_s)}"
        ended = f", ended {duration(limits.cpu_end_after_s)} later"
        later.append(f"{paused}{ended if limits.cpu_end_after_s else ''}")
    said = f"asks; without an answer {', '.join(later) or 'nothing is ended'}"
    if not limits.memory_floor_percent:
        return said
    floor = f"with {limits.memory_floor_percent:g} % of memory left and no swap"
    unasked = f"{floor} the largest cause is ended unasked"
    return f"{said}; {unasked}" if later else f"{said}, except that {unasked}"

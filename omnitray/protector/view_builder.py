"""Fills the Protection page: what is held, why, what it did, the journal, the means.

Words and figures only; nothing is decided here.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence

import msgspec

from omnitray.base.amounts import count
from omnitray.base.clock import epoch
from omnitray.base.facts import ProtectState
from omnitray.base.policy import ProtectPolicy
from omnitray.protector import explain
from omnitray.protector.actuators.journal import Record
from omnitray.protector.actuators.priority import INSIDE_ITS_SESSION
from omnitray.protector.actuators.results import PIDS, ActiveActuation, ActuationOutcome, UndoResult
from omnitray.protector.actuators.self_test import ActuatorRow
from omnitray.protector.circuit_breaker import BreakerRecord as BreakerFacts
from omnitray.protector.context import DecisionContext
from omnitray.protector.engine import Protecting
from omnitray.protector.job_workers import workers
from omnitray.protector.model import (
    Action,
    ActionState,
    ActiveAction,
    ActuatorKind,
    EscalationStep,
    ExclusionReason,
    ProtectReason,
    Reply,
    action_of,
    hold_of,
    is_lever_of,
)
from omnitray.protector.model import Question as AskedQuestion
from omnitray.protector.notices import IN_FORCE
from omnitray.protector.right_now import without_an_answer
from omnitray.protector.victims import forbids
from omnitray.protector.view import (
    ActionFeedback,
    Answer,
    BreakerView,
    Explanation,
    HeldAction,
    HoldKind,
    JournalLine,
    Means,
    Protected,
    ProtectionView,
    QuestionView,
    WayBack,
    pid_words,
)
from omnitray.protector.view import ActionOutcome as Shown

JOURNAL_LINES = 100
_GRIPS = {
    EscalationStep.SLOW_DOWN: HoldKind.SLOWED,
    EscalationStep.PAUSE: HoldKind.PAUSED,
    EscalationStep.END: HoldKind.ENDING,
}
_TIGHTER = tuple(EscalationStep)
_DID = {"slow_down": "slowed down", "pause": "paused", "end": "ended", "tell": "told about"}
_SENTENCES = {each.value: each.sentence for each in ProtectReason}
_WOULD = {
    EscalationStep.SLOW_DOWN: "slow down",
    EscalationStep.PAUSE: "pause",
    EscalationStep.END: "end",
}
_LEVERS = {  # short: they stand in a column
    ActuatorKind.CPU_WEIGHT: "weight",
    ActuatorKind.MEMORY_HIGH: "memory limit",
    ActuatorKind.FREEZE: "frozen",
    ActuatorKind.AUTOGROUP: "autogroup",
    ActuatorKind.BACKGROUND: "background",
    ActuatorKind.NICE: "nice",
    ActuatorKind.IO_CLASS: "disk class idle",
    ActuatorKind.STOP: "stopped",
    ActuatorKind.END: "asked to end",
}
_WITH_FIGURES = {ActuatorKind.CPU_WEIGHT, ActuatorKind.AUTOGROUP, ActuatorKind.NICE}
# What is still held says how a hold stands; what is over says so only where nothing is left.
_FIRST_SHOWN = (
    *(Shown.REVERSIBLE, Shown.FINAL, Shown.ENDED, Shown.UNDONE),
    *(Shown.WOULD_HAVE, Shown.FAILED),
)
_FINAL = {ActuationOutcome.ENDED: Shown.ENDED, ActuationOutcome.WOULD_HAVE: Shown.WOULD_HAVE}


def page(
    protecting: Protecting,
    *,
    in_force: Iterable[ActiveActuation],
    records: Iterable[Record],
    means: Iterable[ActuatorRow],
    paused_until: float | None,
    wall_offset_s: float,
) -> ProtectionView:
    """The whole page. ``wall_offset_s`` turns monotonic seconds into wall-clock seconds."""
    policy = protecting.policy
    levers = tuple(in_force)
    holds: dict[str, list[ActiveAction]] = {}
    for each in protecting.active:
        if each.state is not ActionState.FAILED:
            holds.setdefault(hold_of(each.action.id), []).append(each)
    held = [_held(key, hold, levers, wall_offset_s) for key, hold in holds.items()]
    return ProtectionView(
        state=policy.state,
        mode=policy.mode,
        manner=without_an_answer(protecting.effective.limits),
        paused_until=paused_until,
        breaker=_breaker(protecting.protector.breaker, wall_offset_s),
        held=tuple(held),
        explanations=tuple(_explanations(protecting)),
        means=tuple(
            Means(name=row.name, works=row.works, why_not=row.why_not, note=row.note)
            for row in means
        ),
        journal=tuple(_lines(records)),
        protected=tuple(_protected(protecting)),
        neighbours=protecting.neighbours,
    )


def asked(question: AskedQuestion, wall_offset_s: float) -> QuestionView:
    """A question as the window and the notification show it."""
    deadline = None if question.deadline_s is None else question.deadline_s + wall_offset_s
    return QuestionView(
        id=question.id,
        job_key=question.job_key,
        title=question.title,
        text=explain.asked(question),
        answers=question.answers,
        deadline=deadline,
        unanswered=explain.unanswered(question),
        paused=explain.is_paused(question),
        anyway=question.cause is not None,
        resource=question.resource,
        mount=question.mount,
    )


def holding(held: Iterable[HeldAction]) -> tuple[str, ...]:
    """A phrase for each job under action: ``pytest · ~/shop slowed down``; watching is none."""
    return tuple(f"{each.title} {each.grip.value}" for each in held if each.grip != HoldKind.WOULD)


def _held(
    key: str,
    hold: Sequence[ActiveAction],
    in_force: tuple[ActiveActuation, ...],
    wall_offset_s: float,
) -> HeldAction:
    """One row for a job, whatever its hold is made of: slowed, paused, joined by new processes."""
    # What a hold shows as; of several as tight the first, whose reason began it.
    each = max(hold, key=lambda part: _TIGHTER.index(part.action.step))
    action = each.action
    watched = each.state is ActionState.WATCHED
    pids = dict.fromkeys(target.pid for part in hold for target in part.action.targets)
    means = dict.fromkeys(_means_now(part.action, in_force) for part in hold)
    return HeldAction(
        action_id=key,
        job_key=action.job_key,
        title=action.whom if len(pids) == len(action.targets) else action.title,
        grip=HoldKind.WOULD if watched else _GRIPS[action.step],
        since=min(part.since_s for part in hold) + wall_offset_s,
        means=_WOULD[action.step] if watched else ", ".join(part for part in means if part),
        why=explain.why(action),
        process_count=max(1, len(pids)),
        undoable=action.step is not EscalationStep.END and not watched,
        pids=tuple(pids),
    )


def _means_now(action: Action, in_force: Iterable[ActiveActuation]) -> str:
    """The levers; of a terminal's job that is stopped, how it comes back to the front."""
    means = means_of(action.id, in_force)
    return f"{means}; fg in its terminal after a resume" if action.hands_over else means


def means_of(action_id: str, in_force: Iterable[ActiveActuation]) -> str:
    """The actuators that an action has applied: ``weight 100 → 5``."""
    ours = (each.record for each in in_force if is_lever_of(action_id, each.action_id))
    return ", ".join(_means(record) for record in ours)


def _means(record: Record) -> str:
    kind = ActuatorKind(record.began.lever)
    words = _with_figures(kind, record) if kind in _WITH_FIGURES else _LEVERS[kind]
    limits = [each for each in record.began.notes if each == INSIDE_ITS_SESSION]
    return f"{words} ({'; '.join(limits)})" if limits else words


def _with_figures(kind: ActuatorKind, record: Record) -> str:
    name = _LEVERS[kind]
    olds = {change.old for change in record.changes}
    news = {change.new for change in record.changes}
    if len(news) != 1:
        return name
    (new,) = news
    return f"{name} {next(iter(olds))} → {new}" if len(olds) == 1 else f"{name} {new}"


def _protected(protecting: Protecting) -> Iterable[Protected]:
    """What the person has taken out by a click since the start; the rest needs a look."""
    for key, reason in protecting.excluded_jobs.items():
        yield Protected(job_key=key, why=reason.sentence, by_person=True)


def _breaker(facts: BreakerFacts, wall_offset_s: float) -> BreakerView:
    until = facts.until_s
    return BreakerView(
        state=facts.state,
        ends_left=facts.ends_left,
        until=None if until is None else until + wall_offset_s,
        why=facts.why.sentence if facts.why else "",
    )


def _explanations(protecting: Protecting) -> Iterable[Explanation]:
    active = {each.action.id for each in protecting.active}
    in_force = {each.action.id for each in protecting.active if each.state in IN_FORCE}
    refused = protecting.refusals
    newest = [each for each in reversed(protecting.taken.values()) if not refused.get(each.id)]
    first = [action for action in newest if action.id in active]
    rest = [action for action in newest if action.id not in active]
    shown: dict[str, Action] = {}  # by hold: what it was first taken for, of the tightest step
    for action in [*first, *rest]:
        known = shown.setdefault(hold_of(action.id), action)
        if _TIGHTER.index(action.step) >= _TIGHTER.index(known.step):
            shown[hold_of(action.id)] = action
    for key, action in list(shown.items())[:20]:
        yield _explained(key, action, protecting, in_force=action.id in in_force)


def _explained(key: str, action: Action, protecting: Protecting, *, in_force: bool) -> Explanation:
    effects = () if action.dry_run else protecting.effects.of(action.id)
    said = explain.explanation(action, in_force=in_force)
    return msgspec.structs.replace(said, action_id=key, effects=effects)


def _lines(records: Iterable[Record]) -> list[JournalLine]:
    """The newest holds and ends, each one line whatever it is made of."""
    holds: dict[str, list[Record]] = {}
    for record in records:
        holds.setdefault(hold_of(record.began.id), []).append(record)
    return [journal_line(*holds[key]) for key in list(holds)[-JOURNAL_LINES:]][::-1]


def journal_line(*hold: Record) -> JournalLine:
    """One hold of the journal in words: all its actions, and the actuators of each."""
    began = hold[0].began
    steps = dict.fromkeys(_DID.get(each.began.step, each.began.step) for each in hold)
    titles = dict.fromkeys(each.began.title for each in hold)
    title = next(iter(titles)) if len(titles) == 1 else min(titles, key=len).partition(", ")[0]
    outcomes = {_shown(each) for each in hold}
    if len(outcomes) > 1:
        outcomes.discard(Shown.FAILED)  # of a hold that is made of more
    pids = {pid for each in hold for pid in each.began.evidence.get(PIDS, ())}
    return JournalLine(
        action_id=hold_of(began.id),
        at=epoch(began.at),
        what=f"{', then '.join(steps)} {title}{pid_words(pids)}",
        why="; ".join(dict.fromkeys(_why(each.began.reason) for each in hold)),
        outcome=next(each for each in _FIRST_SHOWN if each in outcomes),
        steps=tuple({action_of(each.began.id): each.began.step for each in hold}.values()),
        undone_at=max(_given_back_at(hold), default=None),
    )


def _given_back_at(hold: Iterable[Record]) -> Iterator[float]:
    """When each part of a hold was given back; what had ended by then was not."""
    not_back = {ActuationOutcome.FAILED, ActuationOutcome.GONE, ActuationOutcome.ONE_WAY}
    for each in hold:
        if each.undone is not None and each.undone.outcome not in not_back:
            yield epoch(each.undone.at)


def _why(reason: str) -> str:
    """The reason's sentence; an earlier version may have written one that is not known."""
    return _SENTENCES.get(reason, reason)


def _shown(record: Record) -> Shown:
    if record.undone is not None and record.undone.outcome != ActuationOutcome.FAILED:
        return Shown.FINAL if record.undone.outcome == ActuationOutcome.ONE_WAY else Shown.UNDONE
    outcome = record.result.outcome if record.result else ""
    if outcome in _FINAL:
        return _FINAL[ActuationOutcome(outcome)]
    if outcome in {ActuationOutcome.FAILED, ActuationOutcome.SURVIVED}:
        return Shown.FAILED
    return Shown.REVERSIBLE if record.began.reversible else Shown.FINAL


def empty_page(policy: ProtectPolicy) -> ProtectionView:
    """Before the protector has started."""
    manner = without_an_answer(policy.limits)
    return ProtectionView(state=policy.state, mode=policy.mode, manner=manner)


_REPLY_STEPS = {
    Answer.SLOW_DOWN: EscalationStep.SLOW_DOWN,
    Answer.PAUSE: EscalationStep.PAUSE,
    Answer.END: EscalationStep.END,
}
_DONE = {
    EscalationStep.SLOW_DOWN: "slowed down",
    EscalationStep.PAUSE: "paused",
    EscalationStep.END: "ended",
}
_BACK = {
    ActuationOutcome.RESTORED: "runs as before",
    ActuationOutcome.PARTLY: "was taken back in part: somebody else has changed the rest since",
    ActuationOutcome.CHANGED: "was left as it is: somebody else has changed it since",
    ActuationOutcome.GONE: "has ended meanwhile",
    ActuationOutcome.ONE_WAY: "cannot be taken back without privilege",
    ActuationOutcome.WAITS: "was continued, and does not run yet",
    ActuationOutcome.FAILED: "could not be taken back",
}
_ALREADY = {
    EscalationStep.SLOW_DOWN: "is slowed down already",
    EscalationStep.PAUSE: "stays paused until you say otherwise",
    EscalationStep.END: "is being ended already",
}
NOT_RUNNING = "The protector does not run, so nothing was done."
NOTHING_HELD = "Nothing was held any more."
SWITCHED_OFF = "Protection is off, so nothing was done. It is switched on the Protection page."


def is_paused(protecting: Protecting, job_key: str) -> bool:
    """Whether a job stands still by a pause of ours."""
    return any(
        (each.action.job_key, each.action.step) == (job_key, EscalationStep.PAUSE)
        and each.state is ActionState.HELD
        for each in protecting.active
    )


def told_of(
    protecting: Protecting,
    in_force: Iterable[ActiveActuation],
    known: Collection[str],
    reply: Reply,
    title: str,
) -> ActionFeedback:
    """What came of a reply; ``known`` are the ids of the actions before it."""
    step = _REPLY_STEPS.get(reply.answer)
    if step is None:
        return _told_of_sparing(reply, title)
    if protecting.policy.state is ProtectState.OFF:
        return ActionFeedback(sentence=SWITCHED_OFF, done=False, job_key=reply.job_key)
    new = (
        each
        for each in protecting.active
        if each.action.job_key == reply.job_key
        and each.action.step is step
        and each.action.id not in known
    )
    done = next(new, None)
    if done is None:
        return _not_begun(protecting, reply, step, title)
    return _told_of_action(done, means_of(done.action.id, in_force), protecting.refusals)


def told_back(taken: Sequence[UndoResult]) -> ActionFeedback:
    """What became of what was undone."""
    if not taken:
        return ActionFeedback(sentence=NOTHING_HELD)
    return ActionFeedback(sentence=" ".join(dict.fromkeys(_sentences(taken))))


def _sentences(taken: Iterable[UndoResult]) -> Iterator[str]:
    for each in taken:
        notes = f" ({'; '.join(each.notes)})" if each.notes else ""
        yield f"{each.title} {_BACK.get(each.outcome, 'was let go')}{notes}."


def _told_of_sparing(reply: Reply, title: str) -> ActionFeedback:
    if reply.answer is Answer.LEAVE_ALONE:
        words = f"{title} is left alone for 1 h."
    else:
        words = f"{title} is never touched from now on."
    return ActionFeedback(sentence=words, job_key=reply.job_key, way_back=WayBack.UNPROTECT)


def _told_of_action(done: ActiveAction, means: str, refusals: dict[str, str]) -> ActionFeedback:
    action, word = done.action, _DONE[done.action.step]
    whom = f"{action.title} ({count(len(action.targets), 'process')})"
    match done.state:
        case ActionState.WATCHED:
            words = f"Only watching, so nothing was touched: {whom} would have been {word}."
        case ActionState.FAILED:
            why = refusals.get(action.id) or done.note
            words = f"{action.title} could not be {word}: {why or 'the system refused'}."
        case ActionState.ENDING:
            words = f"{whom} was asked to stop; what has not in 10 s is ended."
        case ActionState.HELD:
            notes = (each for each in done.note.split("; ") if each not in means)
            said = "; ".join(part for part in (means, *notes) if part)
            words = f"{whom} is {word}{f': {said}' if said else ''}."
    held = done.state is ActionState.HELD
    return ActionFeedback(
        sentence=words,
        done=done.state not in {ActionState.FAILED, ActionState.WATCHED},
        job_key=action.job_key,
        action_id=action.id,
        way_back=WayBack.UNDO if held else WayBack.NONE,
    )


def _not_begun(
    protecting: Protecting, reply: Reply, step: EscalationStep, title: str
) -> ActionFeedback:
    """Why nothing was decided: it is so already, which is what was asked for, or it cannot be."""
    context = protecting.context()
    if context is not None and context.active(reply.job_key, step):
        watches = protecting.policy.state is ProtectState.WATCH
        words = _NOTED if watches else f"{title} {_ALREADY[step]}."
        return ActionFeedback(sentence=words, done=not watches, job_key=reply.job_key)
    words = _why_not(context, reply, step, title)
    return ActionFeedback(sentence=words, done=False, job_key=reply.job_key)


def _why_not(
    context: DecisionContext | None, reply: Reply, step: EscalationStep, title: str
) -> str:
    """Why it cannot be done: it is gone, or all of it is excluded."""
    if context is None:
        return "The machine cannot be read just now; it is done when it can."
    job = next((each for each in context.all_jobs if each.key == reply.job_key), None)
    if job is None:
        return f"{title} has ended already, so nothing was done."
    asked = EscalationStep.SLOW_DOWN if step is EscalationStep.END else step
    reasons = [
        ExclusionReason.RULE
        if each.excluded is None and forbids(context, job, each.process, step)
        else each.excluded
        for each in workers(context, job, asked)
    ]
    said = dict.fromkeys(each.sentence for each in reasons if each is not None)
    if None in reasons or not said:
        return f"{title} was not {_DONE[step]}: it changed at that very moment. Try again."
    return f"{title} was left alone: {'; '.join(said)}."


_NOTED = "Only watching, so nothing was touched: it is noted already what would have been done."

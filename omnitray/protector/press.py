"""What came of something that the person asked for, in one sentence with its way back.

Nothing is decided here: it is read off what is in force after the step that heard it.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence

from omnitray.base.facts import ProtectState
from omnitray.protector.actuators.results import Active, Outcome, TakenBack
from omnitray.protector.engine import Protecting
from omnitray.protector.identity import Rung
from omnitray.protector.job_workers import workers
from omnitray.protector.model import ActionState, ActiveAction, Reply
from omnitray.protector.view import Answer, Told, WayBack
from omnitray.protector.view_builder import means_of

_RUNGS = {Answer.SLOW_DOWN: Rung.SLOW_DOWN, Answer.PAUSE: Rung.PAUSE, Answer.END: Rung.END}
_DONE = {Rung.SLOW_DOWN: "slowed down", Rung.PAUSE: "paused", Rung.END: "ended"}
_BACK = {
    Outcome.RESTORED: "runs as before",
    Outcome.PARTLY: "was taken back in part: somebody else has changed the rest since",
    Outcome.CHANGED: "was left as it is: somebody else has changed it since",
    Outcome.GONE: "has ended meanwhile",
    Outcome.ONE_WAY: "cannot be taken back without privilege",
    Outcome.FAILED: "could not be taken back",
}
_ALREADY = {
    Rung.SLOW_DOWN: "is slowed down already",
    Rung.PAUSE: "stays paused until you say otherwise",
    Rung.END: "is being ended already",
}
NOT_RUNNING = "The protector does not run, so nothing was done."
NOTHING_HELD = "Nothing was held any more."
SWITCHED_OFF = "Protection is off, so nothing was done. It is switched on the Protection page."


def told_of(
    protecting: Protecting,
    in_force: Iterable[Active],
    known: Collection[str],
    reply: Reply,
    title: str,
) -> Told:
    """What came of a reply; ``known`` are the ids of the actions before it was heard."""
    rung = _RUNGS.get(reply.answer)
    if rung is None:
        return _told_of_sparing(reply, title)
    if protecting.policy.state is ProtectState.OFF:
        return Told(sentence=SWITCHED_OFF, job_key=reply.job_key)
    new = (
        each
        for each in protecting.active
        if each.action.job_key == reply.job_key
        and each.action.rung is rung
        and each.action.id not in known
    )
    done = next(new, None)
    if done is None:
        return Told(sentence=_why_not(protecting, reply, rung, title), job_key=reply.job_key)
    return _told_of_action(done, means_of(done.action.id, in_force), protecting.refusals)


def told_back(taken: Sequence[TakenBack]) -> Told:
    """What became of what was undone."""
    if not taken:
        return Told(sentence=NOTHING_HELD)
    return Told(sentence=" ".join(dict.fromkeys(_sentences(taken))))


def _sentences(taken: Iterable[TakenBack]) -> Iterator[str]:
    for each in taken:
        notes = f" ({'; '.join(each.notes)})" if each.notes else ""
        yield f"{each.title} {_BACK.get(each.outcome, 'was let go')}{notes}."


def _told_of_sparing(reply: Reply, title: str) -> Told:
    if reply.answer is Answer.LEAVE_ALONE:
        words = f"{title} is left alone for 1 h."
    else:
        words = f"{title} is never touched from now on."
    return Told(sentence=words, job_key=reply.job_key, way_back=WayBack.UNPROTECT)


def _told_of_action(done: ActiveAction, means: str, refusals: dict[str, str]) -> Told:
    action, word = done.action, _DONE[done.action.rung]
    whom = f"{action.title} ({_processes(len(action.targets))})"
    match done.state:
        case ActionState.WATCHED:
            words = f"Only watching, so nothing was touched: {whom} would have been {word}."
        case ActionState.FAILED:
            why = refusals.get(action.id, "").removeprefix("It could not be done: ") or done.note
            words = f"{action.title} could not be {word}: {why or 'the system refused'}."
        case ActionState.ENDING:
            words = f"{whom} was asked to stop; what has not in 10 s is ended."
        case ActionState.HELD:
            said = "; ".join(part for part in (means, done.note) if part)
            words = f"{whom} is {word}{f': {said}' if said else ''}."
    held = done.state is ActionState.HELD
    return Told(
        sentence=words,
        job_key=action.job_key,
        action_id=action.id,
        way_back=WayBack.UNDO if held else WayBack.NONE,
    )


def _why_not(protecting: Protecting, reply: Reply, rung: Rung, title: str) -> str:
    """Why nothing was decided: it is gone, it is so already, or all of it is spared."""
    scene = protecting.scene()
    if scene is None:
        return "The machine cannot be read just now; it is done when it can."
    if scene.active(reply.job_key, rung):
        return f"{title} {_ALREADY[rung]}." if not _watches(protecting) else _NOTED
    job = next((each for each in scene.facts.jobs if each.key == reply.job_key), None)
    if job is None:
        return f"{title} has ended already, so nothing was done."
    asked = Rung.SLOW_DOWN if rung is Rung.END else rung
    reasons = [each.spared for each in workers(scene, job, asked)]
    said = dict.fromkeys(each.sentence for each in reasons if each is not None)
    if None in reasons or not said:
        return f"{title} was not {_DONE[rung]}: it changed at that very moment. Try again."
    return f"{title} was left alone: {'; '.join(said)}."


_NOTED = "Only watching, so nothing was touched: it is noted already what would have been done."


def _watches(protecting: Protecting) -> bool:
    return protecting.policy.state is ProtectState.WATCH


def _processes(number: int) -> str:
    return "1 process" if number == 1 else f"{number} processes"

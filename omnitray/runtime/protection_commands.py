"""What the API asks of the protector: a future that is done when it has happened.

The words of the protector's notifications and notices stand here as well.
"""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol

import msgspec

from omnitray.alerts.channels.notification import DETAILS_ACTION
from omnitray.alerts.resource_incidents import resource_fingerprint
from omnitray.alerts.system import Prompt
from omnitray.api import facade, wire
from omnitray.base.amounts import size
from omnitray.base.facts import AlertType, Job, Severity
from omnitray.monitor.thresholds import Watched
from omnitray.protector.actuators.results import (
    ActuationOutcome,
    Initiator,
    UndoResult,
    sentences_of,
)
from omnitray.protector.exclusions.rules import near_names
from omnitray.protector.explain import END_ANYWAY
from omnitray.protector.model import hold_of
from omnitray.protector.notices import Notice
from omnitray.protector.right_now import means_nothing
from omnitray.protector.view import ActionFeedback, Answer, QuestionView
from omnitray.runtime.cleaning import Cleaned
from omnitray.runtime.protection_worker import Engine
from omnitray.runtime.workers import ASKED, file_name


def protected_word(job: Job | None) -> str:
    """What stands for a job on the list: its project, or its name."""
    if job is None:
        return ""
    return job.project or job.name


# In the order in which they are offered: what can be taken back first. GNOME draws three buttons
# of a notification, so two answers and "More…" stand there; the window shows all.
_OFFERED = (Answer.SLOW_DOWN, Answer.PAUSE, Answer.LEAVE_ALONE, Answer.NEVER, Answer.END)
_OFFERED_PAUSED = (Answer.PAUSE, Answer.SLOW_DOWN, Answer.LEAVE_ALONE, Answer.NEVER, Answer.END)
_OFFERED_ANYWAY = (Answer.END, Answer.LEAVE_ALONE, Answer.NEVER)
_REVERSIBLE = (Answer.SLOW_DOWN, Answer.PAUSE, Answer.LEAVE_ALONE)
_ON_A_NOTIFICATION = 2
ALWAYS_SLOW_DOWN = "always_slow_down"  # no answer: it writes a rule, and slows down
ALWAYS_WORDS = "Always slow this down"
_WORDS = {
    Answer.SLOW_DOWN: "Slow down",
    Answer.PAUSE: "Pause",
    Answer.END: "End",
    Answer.LEAVE_ALONE: "Leave it alone for 1 h",
    Answer.NEVER: "Never touch this",
}
_WORDS_PAUSED = {
    **_WORDS,
    Answer.SLOW_DOWN: "Let it run, slowed",
    Answer.PAUSE: "Keep paused",
}


_WORDS_ANYWAY = {**_WORDS, Answer.END: END_ANYWAY}


def answer_words(question: QuestionView) -> tuple[tuple[Answer, str], ...]:
    """The answers that are possible in the order in which they are offered, each in words."""
    words = _WORDS_PAUSED if question.paused else _WORDS
    order: tuple[Answer, ...] = _OFFERED_PAUSED if question.paused else _OFFERED
    if question.anyway:
        words, order = _WORDS_ANYWAY, _OFFERED_ANYWAY
    return tuple((answer, words[answer]) for answer in order if answer in question.answers)


def prompt(question: QuestionView) -> Prompt:
    """A question as a notification: the first answers, and the way to all of them.

    Some services hide the buttons or draw none, and do not say so: the text says where to answer.
    """
    text = question.text
    if question.unanswered:
        text = f"{text} Without an answer {question.unanswered}."
    # An end is a click away only where nothing else helps: the cause that is left alone.
    shown = [each for each in answer_words(question) if question.anyway or each[0] in _REVERSIBLE]
    buttons = [(key.value, words) for key, words in shown[:_ON_A_NOTIFICATION]]
    return Prompt(
        id=question.id,
        title=f"{question.title}: what shall be done?",
        body=f"{text} Answer here or in OmniTray's window.",
        buttons=(*buttons, (DETAILS_ACTION, "More…")),
        about=resource_fingerprint(Watched(question.resource, question.mount)),
    )


def cleaning_done(done: Cleaned) -> wire.Done:
    """What was cleaned, or would be, as a reply to the request."""
    if done.result is None:
        would = tuple(f"{each.name}: {size(each.size_bytes or 0)}" for each in done.plan.candidates)
        return wire.Done(done=would, freed_bytes=done.plan.size_bytes, dry_run=True)
    outcomes = done.result.outcomes
    return wire.Done(
        done=tuple(f"{each.name}: {each.reason.sentence}" for each in outcomes),
        freed_bytes=sum(each.freed_bytes for each in outcomes),
    )


def cleaned_notice(done: Cleaned) -> Notice:
    """What was cleaned, or could be: a part of the disk's incident, no warning of its own."""
    if done.result is None:
        title = f"Caches on {done.mount} could give {size(done.plan.size_bytes)}"
        names = ", ".join(each.name for each in done.plan.candidates[:8])
        message = f"{names or 'Nothing was found'}. Clean them with: omnitray clean"
    else:
        freed = sum(each.freed_bytes for each in done.result.outcomes)
        title = f"Cleaned {size(freed)} of caches on {done.mount}"
        if not freed:
            title = f"Cleaning caches on {done.mount} freed nothing"
        message = (
            f"{title}: it is {done.result.after_percent:.0f} % full, "
            f"{done.result.before_percent:.0f} % before."
        )
    return Notice(
        type=AlertType.RESOURCE_CRITICAL,
        title=title,
        message=message,
        severity=Severity.INFO,
        labels={"resource": "disk", "mount": done.mount, "cleaning": "caches"},
        context={"resource": "disk", "mount": done.mount, "others_wait": False},
        with_monitor=True,
        done=title,
    )


_ASKED = "you asked for it"
# What was to be undone stands further. A value that somebody else has changed since is theirs: to
# leave it alone is what undoing means there.
_NOT_UNDONE = frozenset({ActuationOutcome.FAILED, ActuationOutcome.ONE_WAY})


class Cleans(Protocol):
    """What cleans the person's disk, or looks what that would free."""

    def __call__(self, *, dry_run: bool) -> "Future[Cleaned]":
        """Start; the future holds RuntimeError while something else is cleaned."""
        ...


class ProtectCommands:
    """Carries them out: ``ask`` runs something on the protector's thread.

    ``expect`` gets the file of each recording that is begun, on that thread.
    """

    def __init__(
        self,
        ask: Callable[[Callable[[Engine], Any]], "Future[Any]"],
        clean: Cleans,
        expect: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._ask = ask
        self._expect = expect
        self._clean = clean

    def carry_out(self, command: facade.Command[Any]) -> "Future[wire.Done]":
        """Start it; what is not known here is refused."""
        if isinstance(command, facade.Undo):
            return self._undone(
                lambda engine: engine.protecting.undo(command.action_id, _ASKED, Initiator.API),
                command.action_id,
            )
        if isinstance(command, facade.UndoAll):
            return self._undone(
                lambda engine: engine.protecting.undo_all(_ASKED, Initiator.API), ""
            )
        if isinstance(command, facade.Clean):
            return self._cleaned(dry_run=command.dry_run)
        if isinstance(command, facade.StartRecording):
            return self._recorded(command.for_s)
        raise facade.CommandRefused(
            facade.Refusal.NOT_NOW, f"{type(command).__name__} is not known here"
        )

    def with_near(
        self, settings: wire.ProtectionSettings, word: str
    ) -> "Future[wire.ProtectionSettings]":
        """The settings, and whether a word of the list means nothing that runs now."""
        answer: Future[wire.ProtectionSettings] = Future()

        def looked(engine: Engine) -> wire.ProtectionSettings:
            context = engine.protecting.context()
            if context is None or not means_nothing(context, word):
                return settings
            near = near_names(word, context.facts.jobs)
            return msgspec.structs.replace(settings, unmatched=word, near=near)

        def on_done(future: "Future[wire.ProtectionSettings]") -> None:
            failed = future.exception() is not None  # it is kept all the same
            answer.set_result(settings if failed else future.result())

        self._ask(looked).add_done_callback(on_done)
        return answer

    def replied(self, reply: Callable[[Engine], ActionFeedback]) -> "Future[wire.Done]":
        """Carry a person's answer out; refused where it is not so then, with the reason."""
        result: Future[wire.Done] = Future()

        def on_done(future: "Future[ActionFeedback]") -> None:
            if (error := future.exception()) is not None:
                result.set_exception(facade.CommandRefused(facade.Refusal.NOT_NOW, str(error)))
                return
            feedback = future.result()
            if not feedback.done:
                refused = facade.CommandRefused(facade.Refusal.NOT_NOW, feedback.sentence)
                result.set_exception(refused)
            else:
                hold = hold_of(feedback.action_id)
                result.set_result(wire.Done(done=(feedback.sentence,), action_id=hold))

        self._ask(reply).add_done_callback(on_done)
        return result

    def take_back(self, action_ids: tuple[str, ...]) -> "Future[wire.Done]":
        """Undo these actions."""
        return self._undone(
            lambda engine: tuple(
                each
                for action_id in action_ids
                for each in engine.protecting.undo(action_id, _ASKED, Initiator.API)
            ),
            action_ids[0],
        )

    def _undone(
        self, undo: Callable[[Engine], tuple[UndoResult, ...]], action_id: str
    ) -> "Future[wire.Done]":
        answer: Future[wire.Done] = Future()

        def on_done(future: "Future[tuple[UndoResult, ...]]") -> None:
            if (error := future.exception()) is not None:
                answer.set_exception(facade.CommandRefused(facade.Refusal.NOT_NOW, str(error)))
            elif action_id and not future.result():
                detail = f"No action {action_id} is in force."
                answer.set_exception(facade.CommandRefused(facade.Refusal.NOT_FOUND, detail))
            elif any(each.outcome in _NOT_UNDONE for each in future.result()):
                detail = "; ".join(sentences_of(future.result()))
                answer.set_exception(facade.CommandRefused(facade.Refusal.NOT_NOW, detail))
            else:
                answer.set_result(wire.Done(done=sentences_of(future.result())))

        self._ask(undo).add_done_callback(on_done)
        return answer

    def _recorded(self, for_s: float) -> "Future[wire.Done]":
        """Begin; the answer names the file that will be there when it is over."""
        answer: Future[wire.Done] = Future()

        def on_begun(future: "Future[str]") -> None:
            if (error := future.exception()) is not None:
                answer.set_exception(facade.CommandRefused(facade.Refusal.NOT_NOW, str(error)))
                return
            name = file_name(ASKED, future.result())
            self._expect(name)
            answer.set_result(wire.Done(done=(name,)))

        self._ask(lambda engine: engine.protecting.record(for_s)).add_done_callback(on_begun)
        return answer

    def _cleaned(self, *, dry_run: bool) -> "Future[wire.Done]":
        answer: Future[wire.Done] = Future()

        def on_done(future: "Future[Cleaned]") -> None:
            if (error := future.exception()) is not None:
                answer.set_exception(facade.CommandRefused(facade.Refusal.NOT_NOW, str(error)))
            else:
                answer.set_result(cleaning_done(future.result()))

        self._clean(dry_run=dry_run).add_done_callback(on_done)
        return answer

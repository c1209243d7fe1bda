"""The notifications and notices of the protector, in words; and what the person's list gets."""

from omnitray.alerts.channels.notification import DETAILS_ACTION
from omnitray.alerts.prompts import Prompt
from omnitray.alerts.resource_incidents import resource_fingerprint
from omnitray.api import wire
from omnitray.base.amounts import size
from omnitray.base.facts import AlertType, Job, Severity
from omnitray.monitor.thresholds import Watched
from omnitray.protector.explain import END_ANYWAY
from omnitray.protector.notices import Notice
from omnitray.protector.view import Answer, QuestionView
from omnitray.runtime.cleaning import Cleaned


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

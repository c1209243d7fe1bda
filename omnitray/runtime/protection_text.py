"""The notifications and notices of the protector, in words; and what the person's list gets."""

from omnitray.alerts.channels.notification import Button, Notification, Urgency
from omnitray.api import facade
from omnitray.base.amounts import size
from omnitray.base.facts import AlertType, Job, Severity
from omnitray.protector.notices import Notice
from omnitray.protector.view import QuestionView
from omnitray.runtime.answer_text import answer_words
from omnitray.runtime.cleaning import Cleaned


def protected_word(job: Job | None) -> str:
    """What stands for a job on the list: its project, or its name."""
    if job is None:
        return ""
    return job.project or job.name


def notification(question: QuestionView) -> Notification:
    """A question as a notification with buttons."""
    text = question.text
    if question.unanswered:
        text = f"{text} Without an answer {question.unanswered}."
    return Notification(
        alert_id=question.id,
        title=f"{question.title}: what shall be done?",
        body=text,
        urgency=Urgency.CRITICAL,
        buttons=tuple(Button(key=key.value, label=words) for key, words in answer_words(question)),
        slot=question.id,
    )


def cleaning_done(done: Cleaned) -> facade.Done:
    """What was cleaned, or would be, for whoever asked."""
    if done.result is None:
        would = tuple(f"{each.name}: {size(each.size_bytes or 0)}" for each in done.plan.candidates)
        return facade.Done(done=would, freed_bytes=done.plan.size_bytes, dry_run=True)
    outcomes = done.result.outcomes
    return facade.Done(
        done=tuple(f"{each.name}: {each.reason.sentence}" for each in outcomes),
        freed_bytes=sum(each.freed_bytes for each in outcomes),
    )


def cleaned_notice(done: Cleaned) -> Notice:
    """What was cleaned, or could be, as an alert."""
    if done.result is None:
        title = f"Caches on {done.mount} could give {size(done.plan.size_bytes)}"
        names = ", ".join(each.name for each in done.plan.candidates[:8])
        message = f"{names or 'Nothing was found'}. Clean them with: omnitray clean"
    else:
        freed = sum(each.freed_bytes for each in done.result.outcomes)
        title = f"Cleaned {size(freed)} of caches on {done.mount}"
        message = (
            f"{done.mount} is {done.result.after_percent:.0f} % full, "
            f"{done.result.before_percent:.0f} % before."
        )
    return Notice(
        type=AlertType.RESOURCE_CRITICAL,
        title=title,
        message=message,
        severity=Severity.WARNING,
        labels={"resource": "disk", "cleaning": done.mount},
        context={"resource": "disk", "mount": done.mount},
    )

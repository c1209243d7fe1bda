"""What is said about an alert in list, detail panel and clipboard. Pure."""

import enum
from collections.abc import Iterable

from omnitray.alerts.model import Alert, kind
from omnitray.base.clock import epoch
from omnitray.base.facts import AlertType
from omnitray.protector.model import AlarmReason, EscalationStep, ProtectReason, hold_of
from omnitray.protector.view import ActionOutcome, JournalLine
from omnitray.ui import formats
from omnitray.ui.pages.servers.text import PILLS

TYPE_WORDS = {
    AlertType.PERMISSION_ERROR: "permission error",
    AlertType.SERVER_DOWN: "server down",
    AlertType.SERVER_SLOW: "server slow",
    AlertType.RESOURCE_CRITICAL: "resource",
    AlertType.TEST_TIMEOUT: "test timeout",
    AlertType.TEST_FAILED: "test failed",
    AlertType.CRITICAL: "critical",
}
_FIGURES = (("cpu", "CPU"), ("memory", "Memory"), ("disk", "Disk"))
_WORDS = (("level", "Monitor level"), ("mode", "Mode"))
_TOLD = {"cpu", "memory", "disk", "level", "mode", "culprits", "actions", "stays"}
_MOST_REST = 12
_MOST_LINES = 20  # of a list: an end of a log has 50, and "Open file" shows all of it
_NAMES = {
    "action_id": "Action",
    "rung": "Step",
    "others_wait": "Somebody feels it",
}
_CODES: dict[str, dict[str, str]] = {
    "rung": {
        EscalationStep.TELL: "told you",
        EscalationStep.SLOW_DOWN: "slowed down",
        EscalationStep.PAUSE: "paused",
        EscalationStep.END: "ended",
    },
    "state": {each.value: pill.word for each, pill in PILLS.items()},
    "reason": {each.value: each.sentence for each in (*ProtectReason, *AlarmReason)},
}


_BECAME = {
    ActionOutcome.REVERSIBLE: "in force",
    ActionOutcome.FAILED: "it failed",
    ActionOutcome.FINAL: "cannot be given back",
}


class AlertColumn(enum.IntEnum):
    """The columns of the list."""

    SEVERITY = 0
    WHEN = 1
    ALERT = 2
    STATE = 3


TITLES = {
    AlertColumn.SEVERITY: "",
    AlertColumn.WHEN: "When",
    AlertColumn.ALERT: "Alert",
    AlertColumn.STATE: "State",
}


def seen(alert: Alert, now_s: float) -> str:
    """When it was last seen."""
    return formats.when(epoch(alert.last_seen), now_s)


def seen_briefly(alert: Alert, now_s: float) -> str:
    """The same for a narrow column: the day stands for the time once it is over."""
    return formats.when(epoch(alert.last_seen), now_s, brief=True)


def times(alert: Alert) -> str:
    """``4 times``, or ``for 12 min`` of a state that lasts; nothing for a single one.

    The monitor says a state that has not ended again and again: it is one, and no count of it.
    """
    if alert.count <= 1:
        return ""
    if alert.source == "monitor":
        lasted_s = epoch(alert.last_seen) - epoch(alert.first_seen)
        hours_s = lasted_s - lasted_s % formats.HOUR_S  # whole ones: a narrow column has room
        return f"for {formats.duration(hours_s or lasted_s)}"
    return f"{alert.count} times"


def origin(alert: Alert, now_s: float) -> str:
    """``SERVER_DOWN · server:api · first 13:58:40, last 14:01:52, 4 times``."""
    first = formats.when(epoch(alert.first_seen), now_s)
    last = seen(alert, now_s)
    when = f"first {first}, last {last}, {times(alert)}" if alert.count > 1 else first
    parts = [kind(alert), formats.one_line(alert.source), when]
    if alert.resolved_at:
        parts.append(f"resolved {formats.when(epoch(alert.resolved_at), now_s)}")
    return " · ".join(parts)


def culprits(alert: Alert) -> list[tuple[str, str, str]]:
    """Job, quiet words, figures; whatever shape the context has."""
    found = alert.context.get("culprits")
    return [_culprit(each) for each in _dicts(found)]


def measured(alert: Alert) -> list[tuple[str, str]]:
    """The figures of the moment, then whatever else the context holds."""
    rows = [
        (name, formats.percent(float(value), 1))
        for key, name in _FIGURES
        if isinstance(value := alert.context.get(key), int | float)
    ]
    rows += [
        (name, formats.one_line(str(alert.context[key])))
        for key, name in _WORDS
        if key in alert.context
    ]
    others = [key for key in alert.context if key not in _TOLD][:_MOST_REST]
    rows += [_in_words(key, alert.context[key]) for key in others]
    return [(name, words) for name, words in rows if words]


def _in_words(key: str, value: object) -> tuple[str, str]:
    """What the protector says of itself in its own words; of others, what they wrote."""
    words = _CODES.get(key, {}).get(str(value)) or _short(value)
    return _NAMES.get(key) or _title(key), words


def done(alert: Alert, now_s: float, journal: Iterable[JournalLine] = ()) -> list[str]:
    """What was done about it, one sentence each: the context's ``actions``.

    ``13:58:44 paused make · you · given back 14:01:10``; what became of it is in the journal.
    """
    found = alert.context.get("actions")
    if not isinstance(found, list | tuple):
        return []
    known = {line.action_id: line for line in journal}
    return [
        _done(each, now_s, known) if isinstance(each, dict) else formats.one_line(str(each))
        for each in found
    ]


def _done(entry: dict[str, object], now_s: float, known: dict[str, JournalLine]) -> str:
    what = formats.one_line(str(entry.get("what", "")))
    at = entry.get("at")
    if isinstance(at, str) and (moment := _moment(at, now_s)):
        what = f"{moment} {what}"
    line = known.get(hold_of(str(entry.get("action_id", ""))))
    became = _became(line, now_s) if line is not None else ""
    return formats.dotted(what, formats.one_line(str(entry.get("by", ""))), became)


def _moment(at: str, now_s: float) -> str:
    """Empty for what is no time: a context may have been written by anyone."""
    try:
        return formats.when(epoch(at), now_s)
    except (OverflowError, ValueError):  # also where the local time falls out of the calendar
        return ""


def _became(line: JournalLine, now_s: float) -> str:
    if line.outcome != ActionOutcome.UNDONE:
        return _BECAME.get(line.outcome, "")
    if line.undone_at is None:
        return "ended meanwhile"
    return f"given back {formats.when(line.undone_at, now_s)}"


def as_text(alert: Alert, now_s: float, journal: Iterable[JournalLine] = ()) -> str:
    """Everything, for the clipboard."""
    lines = [formats.one_line(alert.title), origin(alert, now_s)]
    if alert.message:
        lines += ["", formats.block(alert.message)]
    named = [f"  {job} {quiet} {figures}".rstrip() for job, quiet, figures in culprits(alert)]
    if named:
        lines += ["", "Culprits:", *named]
    rows = [_indented(f"{name}: {value}") for name, value in measured(alert)]
    if rows:
        lines += ["", "Measured:", *rows]
    acted = [f"  {each}" for each in done(alert, now_s, journal)]
    return "\n".join([*lines, "", "Done:", *acted] if acted else lines)


def _indented(words: str) -> str:
    """A row of the clipboard; a value of several lines stands below its name."""
    if "\n" in words:
        words = words.replace(": ", ":\n", 1).replace("\n", "\n  ")
    return f"  {words}".replace("\n", "\n  ")


def _culprit(found: dict[str, object]) -> tuple[str, str, str]:
    cpu, rss, pid = found.get("cpu"), found.get("rss_bytes"), found.get("pid")
    figures = [
        formats.percent(float(cpu)) if isinstance(cpu, int | float) else "",
        formats.size(float(rss)) if isinstance(rss, int | float) and rss else "",
    ]
    quiet = f"pid {pid}" if isinstance(pid, int) else ""
    said = found.get("figure")
    shown = " · ".join(each for each in figures if each)
    if said:
        shown = formats.one_line(str(said), 120)
    return formats.one_line(str(found.get("job", "?")), 80), quiet, shown


def _dicts(found: object) -> Iterable[dict[str, object]]:
    if not isinstance(found, list | tuple):
        return []
    return [each for each in found if isinstance(each, dict)]


def _title(key: str) -> str:
    return formats.one_line(key.replace("_", " "), 40).capitalize()


def _short(value: object) -> str:
    """A value of a context as a person reads it; nothing where there is none."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return formats.number(value)
        case dict():
            named = {_title(str(key)): _short(each) for key, each in value.items()}
            return _lines(f"{name}: {words}" for name, words in named.items() if words)
        case list() | tuple():
            return _lines(map(_short, value))
    return formats.one_line(str(value), 120)


def _lines(found: Iterable[str]) -> str:
    """Each on a line of its own, the last ones where there are many."""
    lines = [each for each in found if each]
    over = len(lines) - _MOST_LINES
    left_out = [f"… {over} more above"] if over > 0 else []
    return "\n".join([*left_out, *lines[-_MOST_LINES:]])

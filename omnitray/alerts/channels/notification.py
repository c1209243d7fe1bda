"""What a desktop notification says, and what anything that can show one looks like.

:func:`notification_for` turns an alert and what was decided about it into a
:class:`Notification` (pure); text from outside is made harmless by :func:`printable` and
:func:`isolated`. A :class:`DesktopNotifier` shows it, replaces it when the same incident has
something new to say, and takes it away when it is over. What the person does with it comes back
as :class:`Response`.
"""

import enum
import unicodedata
from collections.abc import Collection
from typing import Any, Protocol

import msgspec

from omnitray.alerts.decision import Decision
from omnitray.alerts.model import Alert
from omnitray.base.facts import Severity

TITLE_LIMIT = 120
BODY_LIMIT = 600
LABEL_LIMIT = 40
_CULPRITS_SHOWN = 3
_GROUP = 2  # alerts that share a notification; their culprits would not fit
_JOB_LIMIT = 60

DEFAULT_ACTION = "default"
DETAILS_ACTION = "details"
SNOOZE_ACTION = "snooze"
RESTART_ACTION = "restart-server"

# Explicit bidirectional formatting (UAX #9): text from outside must not reorder what follows it.
_BIDI_CONTROLS = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
_FIRST_STRONG_ISOLATE, _POP_ISOLATE = "\u2068", "\u2069"


class Urgency(enum.IntEnum):
    """The three urgencies of the Desktop Notifications Specification."""

    LOW = 0
    NORMAL = 1
    CRITICAL = 2


class CloseReason(enum.Enum):
    """Why a notification is no longer on the screen; the values are the specification's."""

    EXPIRED = 1, "its time was over"
    DISMISSED = 2, "the person closed it"
    WITHDRAWN = 3, "we took it back"
    UNDEFINED = 4, "the notification service did not say why"

    def __init__(self, number: int, sentence: str) -> None:
        self.number = number
        self.sentence = sentence

    @classmethod
    def of(cls, number: int) -> "CloseReason":
        """The reason behind a number; what is not specified is UNDEFINED."""
        return next((each for each in cls if each.number == number), cls.UNDEFINED)


class Button(msgspec.Struct, frozen=True, kw_only=True):
    """A button: ``key`` comes back when it is pressed."""

    key: str
    label: str


ALERT_BUTTONS = (
    Button(key=DETAILS_ACTION, label="Show details"),
    Button(key=SNOOZE_ACTION, label="Snooze 1 h"),
)


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """One notification of one incident; what is shown with the same ``slot`` is replaced.

    ``title`` is one line and ``body`` plain text. The slot is the alert itself where none is
    given; several alerts may share one (a burst that became a group). One that ``asks`` has
    answers for buttons. ``sound`` and ``passes_dnd`` are what the person allows it.
    """

    alert_id: str
    title: str
    body: str = ""
    urgency: Urgency = Urgency.NORMAL
    buttons: tuple[Button, ...] = ALERT_BUTTONS
    slot: str = ""
    members: tuple[str, ...] = ()  # ids of the alerts that it speaks of; empty: of the one
    asks: bool = False
    sound: bool = False
    passes_dnd: bool = False

    @property
    def place(self) -> str:
        """The slot, the alert's own where none is given."""
        return self.slot or self.alert_id


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """What the person chose; ``activation_token`` lets a Wayland window come to the front."""

    alert_id: str
    action: str
    activation_token: str | None = None

    @property
    def is_click(self) -> bool:
        """True when it asks for the alert itself: the notification or its details button."""
        return self.action in (DEFAULT_ACTION, DETAILS_ACTION)


class DesktopNotifier(Protocol):
    """Shows notifications. Nothing here raises or waits."""

    @property
    def name(self) -> str:
        """What it is, for doctor and the log."""
        ...

    @property
    def answers_later(self) -> bool:
        """Whether it is known only after :meth:`show` if the notification is on the screen."""
        ...

    @property
    def trouble(self) -> str:
        """Why it could not show the last one; empty when it could."""
        ...

    def why_not(self) -> str:
        """Why it could show nothing now, as far as that is known; empty when it can."""
        ...

    def show(self, notification: Notification) -> bool:
        """Show or replace it; False when this notifier cannot, so that the next one is asked."""
        ...

    def close(self, slot: str) -> None:
        """Take away what is shown in this slot, if it is there."""
        ...


def notification_for(alert: Alert, decision: Decision) -> Notification:
    """The notification that was decided on, with the culprits of a single alert named."""
    lines = [printable(decision.body, BODY_LIMIT, keep_lines=True)]
    if len(decision.members) < _GROUP:
        lines.append(_culprits(alert.context))
    return Notification(
        alert_id=alert.id,
        title=printable(decision.title or alert.title, TITLE_LIMIT),
        body=presentable("\n".join(lines), BODY_LIMIT),
        urgency=_URGENCIES[alert.severity],
        buttons=tuple(Button(key=key, label=label) for key, label in decision.buttons)
        or _buttons_of(alert),
        slot=decision.slot,
        members=decision.members,
        asks=bool(decision.buttons),
    )


def _buttons_of(alert: Alert) -> tuple[Button, ...]:
    """An alert's own buttons; a server that is left stopped can be started from here."""
    if not alert.context.get("restart") or alert.state == "resolved":
        return ALERT_BUTTONS
    return (Button(key=RESTART_ACTION, label="Restart"), *ALERT_BUTTONS)


_URGENCIES = {
    Severity.INFO: Urgency.LOW,
    Severity.WARNING: Urgency.NORMAL,
    Severity.CRITICAL: Urgency.CRITICAL,
}


def printable(text: str, limit: int, *, keep_lines: bool = False) -> str:
    """Text without control and bidirectional formatting characters, at most ``limit`` long.

    Line breaks survive where ``keep_lines`` says so and become spaces elsewhere.
    """
    return _plain(text, limit, _BIDI_CONTROLS, keep_lines=keep_lines)


def presentable(text: str, limit: int) -> str:
    """A body as it goes out: like :func:`printable`, with lines and what :func:`isolated` added."""
    allowed = (_FIRST_STRONG_ISOLATE, _POP_ISOLATE)
    return _plain(text, limit, _BIDI_CONTROLS.difference(allowed), keep_lines=True)


def isolated(text: str) -> str:
    """Text that cannot reorder its surroundings: right-to-left runs stand in an isolate."""
    if any(unicodedata.bidirectional(each) in ("R", "AL") for each in text):
        return f"{_FIRST_STRONG_ISOLATE}{text}{_POP_ISOLATE}"
    return text


def _plain(text: str, limit: int, unwanted: Collection[str], *, keep_lines: bool) -> str:
    # Only so much is looked at: a title of ten megabytes costs no more than one of a thousand.
    cleaned = "".join(_plain_character(each, unwanted) for each in text[: 4 * limit])
    lines = [" ".join(line.split()) for line in cleaned.splitlines()]
    joined = "\n".join(lines).strip("\n") if keep_lines else " ".join(filter(None, lines))
    return joined if len(joined) <= limit else joined[: limit - 1].rstrip() + "…"


def _plain_character(character: str, unwanted: Collection[str]) -> str:
    if character in "\n\r\u2028\u2029":
        return "\n"
    if character == "\t":
        return " "
    # Control characters, lone surrogates (D-Bus refuses them), private use.
    hostile = character in unwanted or unicodedata.category(character) in ("Cc", "Cs", "Co")
    return "" if hostile else character


def _culprits(context: dict[str, Any]) -> str:
    culprits = context.get("culprits")
    if not isinstance(culprits, list | tuple):
        return ""
    named = [_culprit(each) for each in culprits[:_CULPRITS_SHOWN] if isinstance(each, dict)]
    return "\n".join(each for each in named if each)


def _culprit(facts: dict[str, Any]) -> str:
    job = printable(str(facts.get("job") or ""), _JOB_LIMIT)
    if not job:
        return ""
    if figure := printable(str(facts.get("figure") or ""), _JOB_LIMIT):
        return f"{isolated(job)}: {figure}"
    parts = [isolated(job)]
    if isinstance(cpu := facts.get("cpu"), int | float):
        parts.append(f"{cpu:.0f} % CPU")
    if isinstance(rss := facts.get("rss_bytes"), int) and rss > 0:
        parts.append(_size(rss))
    return ", ".join(parts)


def _size(size_bytes: int) -> str:
    if size_bytes >= 10**9:
        return f"{size_bytes / 10**9:.1f} GB"
    return f"{max(1, round(size_bytes / 10**6))} MB"

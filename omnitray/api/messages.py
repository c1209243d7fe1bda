"""What travels over the WebSocket, in both directions. Golden files hold it."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from omnitray.alerts.model import Alert, State
from omnitray.api import bodies
from omnitray.api.facade import (
    Acted,
    AlertChanged,
    Event,
    LevelChanged,
    ModeChanged,
    QuestionChanged,
    ServerChanged,
    SnapshotTaken,
)
from omnitray.api.wire import (
    ActionBody,
    AnswerName,
    ClientName,
    LevelName,
    QuestionBody,
    ServerBody,
    SnapshotBody,
    Topic,
)
from omnitray.base.facts import AlertType, Mode, MonitorLevel, Severity
from omnitray.base.leases import AUTOMATIC

MAX_LEASES = 16
MAX_HOLDER = 120  # characters: a name and a project's folder


class Hello(msgspec.Struct, frozen=True, kw_only=True):
    """The first message."""

    event: Literal["hello"] = "hello"
    type: Literal["hello"] = "hello"
    version: str
    pid: int
    mode: Mode
    level: MonitorLevel
    chosen_level: LevelName
    events: tuple[Topic, ...]
    client: str = ""


class AlertMessage(msgspec.Struct, frozen=True, kw_only=True):
    """An alert as it stands on disk; its own type is called ``alert_type`` here."""

    event: Literal["alert"] = "alert"
    type: Literal["alert"] = "alert"
    alert_type: AlertType
    schema: int
    id: str
    severity: Severity
    state: State
    title: str
    message: str
    source: str
    fingerprint: str
    count: int
    first_seen: str
    last_seen: str
    resolved_at: str | None
    context: dict[str, Any]
    channels: tuple[str, ...]
    suppressed: int


class SnapshotMessage(SnapshotBody, frozen=True, kw_only=True):
    """One reading."""

    event: Literal["snapshot"] = "snapshot"
    type: Literal["snapshot"] = "snapshot"


class ActionMessage(ActionBody, frozen=True, kw_only=True):
    """Something the protector did."""

    event: Literal["action"] = "action"
    type: Literal["action"] = "action"


class ModeMessage(msgspec.Struct, frozen=True, kw_only=True):
    """The mode changed."""

    event: Literal["mode"] = "mode"
    type: Literal["mode"] = "mode"
    mode: Mode


class LevelMessage(msgspec.Struct, frozen=True, kw_only=True):
    """The monitor looks at another pace."""

    event: Literal["level"] = "level"
    type: Literal["level"] = "level"
    level: MonitorLevel
    chosen_level: LevelName
    interval_s: float
    level_reason: str = AUTOMATIC


class ServerMessage(ServerBody, frozen=True, kw_only=True):
    """A server whose state changed, over the WebSocket."""

    event: str = "server"
    type: str = "server"


class QuestionMessage(QuestionBody, frozen=True, kw_only=True):
    """A question is asked, or (``state`` closed) answered, withdrawn or over."""

    event: Literal["question"] = "question"
    type: Literal["question"] = "question"
    state: Literal["open", "closed"]


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to ``answer``: what it did."""

    event: Literal["answered"] = "answered"
    question: str
    done: tuple[str, ...]


class Subscribed(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to ``subscribe``."""

    event: Literal["subscribed"] = "subscribed"
    events: tuple[Topic, ...]
    snapshot_interval_s: float
    client: str = ""


class Leased(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to ``lease`` and ``release``: what counts now."""

    event: Literal["leased", "released"]
    id: str
    mode: Mode
    level: MonitorLevel
    chosen_level: LevelName


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """A message that could not be taken; the connection stays open."""

    event: Literal["error"] = "error"
    error: str
    detail: str


LeaseId = Annotated[str, Meta(min_length=1, max_length=64)]
Rate = Annotated[float, Meta(ge=0, le=3600)]


class Subscribe(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="command",
    tag="subscribe",
    forbid_unknown_fields=True,
):
    """Send these kinds only, and snapshots no more often than this; ``client`` says who asks.

    What is left out stays as it was.
    """

    events: tuple[Topic, ...] | None = None
    snapshot_interval_s: Rate | None = None
    client: ClientName = ""


class TakeLease(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="command",
    tag="lease",
    forbid_unknown_fields=True,
):
    """Borrow a level or a mode until released or disconnected, or for ``lasts_s``.

    ``by`` names who asks; without it that is the ``client`` of the connection.
    """

    id: LeaseId
    level: MonitorLevel | None = None
    mode: Mode | None = None
    by: Annotated[str, Meta(max_length=MAX_HOLDER)] = ""
    lasts_s: Annotated[float, Meta(gt=0, le=86_400)] | None = None


class Release(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="command",
    tag="release",
    forbid_unknown_fields=True,
):
    """Release a lease."""

    id: LeaseId


class AnswerCommand(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="command",
    tag="answer",
    forbid_unknown_fields=True,
):
    """Answer a question of the protector."""

    question: Annotated[str, Meta(min_length=1, max_length=200)]
    answer: AnswerName


FromClient = Subscribe | TakeLease | Release | AnswerCommand
EventMessage = (
    AlertMessage
    | SnapshotMessage
    | ActionMessage
    | ModeMessage
    | LevelMessage
    | QuestionMessage
    | ServerMessage
)


def message_of(event: Event) -> tuple[Topic, EventMessage]:
    """What is sent for an event, and who wants it."""
    match event:
        case AlertChanged(alert):
            return Topic.ALERT, alert_message(alert)
        case SnapshotTaken(snapshot):
            return Topic.SNAPSHOT, bodies.body_of(SnapshotMessage, bodies.snapshot_body(snapshot))
        case Acted(line):
            return Topic.ACTION, bodies.body_of(ActionMessage, bodies.action_body(line))
        case ServerChanged(view):
            return Topic.SERVER, bodies.body_of(ServerMessage, bodies.server_body(view))
        case ModeChanged(mode):
            return Topic.MODE, ModeMessage(mode=mode)
        case QuestionChanged(question, is_open):
            state = "open" if is_open else "closed"
            body = bodies.question_body(question)
            return Topic.QUESTION, bodies.body_of(QuestionMessage, body, state=state)
        case LevelChanged():
            chosen = bodies.level_name(event.chosen)
            return Topic.LEVEL, bodies.body_of(LevelMessage, event, chosen_level=chosen)


def alert_of(message: AlertMessage) -> Alert:
    """The alert that a message carries."""
    return bodies.body_of(Alert, message, type=message.alert_type)


def alert_message(alert: Alert) -> AlertMessage:
    """An alert on the WebSocket."""
    return bodies.body_of(AlertMessage, alert, alert_type=alert.type, type="alert")

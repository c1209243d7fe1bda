"""What travels over the WebSocket, in both directions. Golden files hold it."""

import enum
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
    SnapshotTaken,
)
from omnitray.api.wire import ActionBody, AnswerName, LevelName, QuestionBody, SnapshotBody
from omnitray.base.facts import AlertType, Mode, MonitorLevel, Severity

MAX_LEASES = 16


class Topic(enum.StrEnum):
    """What a client can ask for."""

    ALERT = "alert"
    SNAPSHOT = "snapshot"
    ACTION = "action"
    MODE = "mode"
    LEVEL = "level"
    QUESTION = "question"


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
    """Another policy counts."""

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
    """Send these kinds only, and snapshots no more often than this."""

    events: tuple[Topic, ...] = tuple(Topic)
    snapshot_interval_s: Rate = 0.0


class TakeLease(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="command",
    tag="lease",
    forbid_unknown_fields=True,
):
    """Borrow a level or a mode until released or disconnected."""

    id: LeaseId
    level: MonitorLevel | None = None
    mode: Mode | None = None


class Release(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="command",
    tag="release",
    forbid_unknown_fields=True,
):
    """Give it back."""

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
    AlertMessage | SnapshotMessage | ActionMessage | ModeMessage | LevelMessage | QuestionMessage
)


def message_of(event: Event) -> tuple[Topic, EventMessage]:
    """What is sent for an event, and who wants it."""
    match event:
        case AlertChanged(alert):
            return Topic.ALERT, alert_message(alert)
        case SnapshotTaken(snapshot):
            fields = msgspec.structs.asdict(bodies.snapshot_body(snapshot))
            return Topic.SNAPSHOT, SnapshotMessage(**fields)
        case Acted(line):
            fields = msgspec.structs.asdict(bodies.action_body(line))
            return Topic.ACTION, ActionMessage(**fields)
        case ModeChanged(mode):
            return Topic.MODE, ModeMessage(mode=mode)
        case QuestionChanged(question, is_open):
            fields = msgspec.structs.asdict(bodies.question_body(question))
            state: Literal["open", "closed"] = "open" if is_open else "closed"
            return Topic.QUESTION, QuestionMessage(state=state, **fields)
        case LevelChanged():
            return Topic.LEVEL, LevelMessage(
                level=event.level,
                chosen_level=bodies.level_name(event.chosen),
                interval_s=event.interval_s,
            )


def alert_of(message: AlertMessage) -> Alert:
    """The alert that a message carries."""
    fields = msgspec.structs.asdict(message)
    del fields["event"], fields["type"]
    return Alert(type=fields.pop("alert_type"), **fields)


def alert_message(alert: Alert) -> AlertMessage:
    """An alert on the WebSocket."""
    fields = msgspec.structs.asdict(alert)
    return AlertMessage(alert_type=fields.pop("type"), **fields)

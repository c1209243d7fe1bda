"""The bodies that the local API takes. Unknown fields are refused: a typing error is one."""

import datetime as dt
import re
from typing import Annotated, Any, Literal, TypeVar, get_type_hints
from urllib.parse import parse_qsl

import msgspec
from msgspec import Meta

from omnitray.alerts.model import State
from omnitray.alerts.storage.query import AlertQuery
from omnitray.api.wire import AnswerName, ClientName, LevelName, Topic
from omnitray.base.facts import AlertType, Mode, ProtectState, Severity
from omnitray.servers.model import Owner
from omnitray.settings.faults import words_of_type

Title = Annotated[str, Meta(min_length=1, max_length=16_384, pattern=r"\S")]
Text = Annotated[str, Meta(max_length=20_000)]
Source = Annotated[str, Meta(min_length=1, max_length=200)]


class NewAlert(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An alert to raise."""

    type: AlertType
    title: Title
    message: Text = ""
    severity: Severity | None = None
    source: Source = "api"
    context: dict[str, Any] = {}


class NewMode(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mode to set."""

    mode: Mode


class NewLevel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A level to set; ``auto`` lets the monitor choose."""

    level: LevelName


class NewSnooze(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long to hold notifications back; 0 ends it, a week is the most."""

    duration_s: Annotated[float, Meta(ge=0, le=604_800)]


class NewClean(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Clean caches, or only say what that would free."""

    dry_run: bool = False


class NewRecording(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long to record; an hour is the most."""

    for_s: Annotated[float, Meta(gt=0, le=3600)] = 60.0


class NewAnswer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The answer to a question."""

    answer: AnswerName


class NewJobAction(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to do to a job: its key, its leader's pid, or a part of its title."""

    job: Annotated[str, Meta(min_length=1, max_length=1000)]
    action: Literal["slow_down", "pause", "resume", "end", "leave_alone", "never_touch"]


class NewProtection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A state to set, and a name, path or glob to add to or take off the protected ones."""

    state: ProtectState | None = None
    add: Annotated[str, Meta(max_length=1000)] = ""
    remove: Annotated[str, Meta(max_length=1000)] = ""


class Nothing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An empty object, or no body at all."""


MAX_FIELDS = 20
EARLIEST, LATEST = dt.datetime(1969, 12, 31), dt.datetime(9999, 1, 1)  # noqa: DTZ001 - any zone
T = TypeVar("T")
Moment = Annotated[dt.datetime, Meta(tz=True)]
ACTIVE: frozenset[State] = frozenset({"firing", "acknowledged"})
Limit = Annotated[int, Meta(ge=1, le=5000)]


class NoQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A query without parameters."""


class SnapshotsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many minutes back."""

    minutes: Annotated[int, Meta(ge=1, le=1440, description="How far back.")] = 10


class RunsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many runs."""

    limit: Annotated[int, Meta(ge=1, le=1000, description="The newest of them.")] = 50


def refuse_odd_times(since: dt.datetime | None, until: dt.datetime | None) -> None:
    """Refuse a time that another zone would lead out of the calendar; raises ValueError."""
    for name, moment in (("since", since), ("until", until)):
        if moment is not None and not EARLIEST <= moment.replace(tzinfo=None) < LATEST:
            raise ValueError(f"{name} must be from 1970 to 9998")


class AlertsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which alerts; what is left out does not matter."""

    type: AlertType | None = None
    severity: Severity | None = None
    state: State | None = None
    active: Annotated[bool, Meta(description="Only those that are not resolved.")] = False
    text: Annotated[str, Meta(max_length=200, description="In title or message.")] = ""
    since: Moment | None = None
    until: Moment | None = None
    limit: Limit = 100

    def __post_init__(self) -> None:
        """Raises ValueError, as below."""
        refuse_odd_times(self.since, self.until)

    def as_query(self) -> AlertQuery:
        """In the words of the store."""
        states = {self.state} if self.state else ACTIVE if self.active else set()
        return AlertQuery(
            types=frozenset({self.type} if self.type else ()),
            severities=frozenset({self.severity} if self.severity else ()),
            states=frozenset(states),
            text=self.text,
            since=self.since.timestamp() if self.since else None,
            until=self.until.timestamp() if self.until else None,
            limit=self.limit,
        )


class SocketQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a WebSocket asks for in its address."""

    auth_token: str = ""
    events: str = ",".join(Topic)
    snapshot_interval_s: Annotated[float, Meta(ge=0, le=3600)] = 0.0
    client: ClientName = ""

    def topics(self) -> frozenset[Topic]:
        """The kinds it wants; raises ValueError for one that there is not."""
        return frozenset(Topic(name) for name in self.events.split(",") if name)


_ENUM = re.compile(r"Invalid enum value (.+) - at `\$\.(\w+)`")


def refusal(error: msgspec.ValidationError, shape: type[msgspec.Struct] | None) -> str:
    """What is wrong with a query or body; of a word that there is not, those that there are."""
    found = _ENUM.fullmatch(str(error))
    if found is None or shape is None:
        return f"{error}."
    value, field = found.groups()
    allowed = ", ".join(words_of_type(get_type_hints(shape, include_extras=True).get(field)))
    return f"{field}: {value} is not allowed; allowed: {allowed}." if allowed else f"{error}."


def read_query(text: bytes, shape: type[T]) -> T:
    """The fields of a query string; raises :class:`msgspec.ValidationError`."""
    try:
        pairs = parse_qsl(text.decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise msgspec.ValidationError(str(error)) from error
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise msgspec.ValidationError("A query field stands there twice")
    return msgspec.convert(fields, shape, strict=False)


class LogQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much of the log."""

    lines: Annotated[int, Meta(ge=1, le=1000, description="How many of the last lines.")] = 100


class NewServer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A server to watch although no settings declare it; the fields of ``[[server]]``.

    It is started at once, so ``autostart`` has nothing to say; a command in one text is split like
    a shell would.
    """

    name: str
    command: tuple[str, ...] | str = ()
    cwd: str = "~"
    env: dict[str, str] = {}
    health: str | dict[str, tuple[str, ...] | str] = ""
    watch_only: bool = False
    restart: str = "on-failure"
    start_limit_s: float = 90.0
    owner: Owner = "serve"

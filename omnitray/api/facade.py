"""What the local API needs from the program, and what it asks of it.

Reads are answered from the latest frozen facts, by whatever thread asks. Writes are commands:
:meth:`AppFacade.submit` hands one to the main thread and gives a future that is done when it has
happened. Events come on the main thread; the receiver takes them elsewhere itself.
"""

import enum
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar

import msgspec

from omnitray.alerts.channels.base import Listeners
from omnitray.alerts.channels.deliveries import ChannelView, Delivery
from omnitray.alerts.channels.webhooks.standing import WebhookTest, WebhookView
from omnitray.alerts.model import Alert
from omnitray.alerts.storage.query import AlertQuery
from omnitray.api.status import Status
from omnitray.api.wire import Done, ProtectionSettings, RecordingState, SettingsBody
from omnitray.base.facts import AlertType, Job, Mode, MonitorLevel, ProtectState, Severity, Snapshot
from omnitray.base.leases import AUTOMATIC, Lease
from omnitray.base.policy import ProtectPolicy, Thresholds
from omnitray.metrics.exposition import MetricTotals
from omnitray.protector.view import Answer, Explanation, JournalLine, ProtectionView, QuestionView
from omnitray.runs.model import RunRecord
from omnitray.servers.model import Owner, ServerView
from omnitray.settings.servers import ServerSettings

R_co = TypeVar("R_co", covariant=True)
R = TypeVar("R")
ServerVerb = Literal["start", "stop", "restart", "remove"]
WebhookVerb = Literal["pause", "resume", "retry", "keyring", "file"]


class Refusal(enum.StrEnum):
    """Why a command was not carried out; the value is the error's short code."""

    NOT_FOUND = "not_found"
    NOT_NOW = "not_now"
    NOT_STORED = "not_stored"


class CommandRefused(Exception):  # noqa: N818 - a refusal is an answer, not a fault
    """A command that the program did not carry out; ``detail`` is one sentence."""

    def __init__(self, refusal: Refusal, detail: str) -> None:
        super().__init__(detail)
        self.refusal = refusal
        self.detail = detail


class Command(msgspec.Struct, Generic[R_co], frozen=True, kw_only=True):
    """Something to be done on the main thread; the parameter is what it answers."""


class SetMode(Command[Status], frozen=True, kw_only=True):
    """The person's word on the mode."""

    mode: Mode


class SetLevel(Command[Status], frozen=True, kw_only=True):
    """The person's word on the level; None means automatic."""

    level: MonitorLevel | None


class BorrowLease(Command[Status], frozen=True, kw_only=True):
    """Borrow a level or a mode."""

    lease: Lease


class ReleaseLease(Command[Status], frozen=True, kw_only=True):
    """Give it back; an unknown id changes nothing. ``lost``: its holder's connection has ended."""

    lease_id: str
    lost: bool = False


class RaiseAlert(Command[Alert], frozen=True, kw_only=True):
    """Raise an alert; answers when it is durable. Severity None: what the type says."""

    type: AlertType
    title: str
    message: str = ""
    severity: Severity | None = None
    source: str = "api"
    context: dict[str, Any] = {}


class Acknowledge(Command[Alert], frozen=True, kw_only=True):
    """Acknowledge an alert."""

    alert_id: str


class Resolve(Command[Alert], frozen=True, kw_only=True):
    """Resolve an alert."""

    alert_id: str


class Snooze(Command[Status], frozen=True, kw_only=True):
    """No notifications for so long; 0 ends it."""

    duration_s: float


class Undo(Command[Done], frozen=True, kw_only=True):
    """Take one action back."""

    action_id: str


class UndoAll(Command[Done], frozen=True, kw_only=True):
    """Take everything back that can be."""


class Clean(Command[Done], frozen=True, kw_only=True):
    """Clean regenerable caches, or only say what that would free."""

    dry_run: bool = False


class StartRecording(Command[Done], frozen=True, kw_only=True):
    """Record what the protector decides from; ``Done.done`` names the file in ``recordings``."""

    for_s: float


class FindRecording(Command[RecordingState], frozen=True, kw_only=True):
    """What became of a recording, by the name that :class:`StartRecording` answered."""

    name: str


class AnswerQuestion(Command[Done], frozen=True, kw_only=True):
    """The person's answer to a question of the protector."""

    question_id: str
    answer: Answer


class ActOnJob(Command[Done], frozen=True, kw_only=True):
    """Slow down, pause, end or protect a job; answer None resumes what is held.

    ``job`` is its key, the pid of its leader, or a part of its title that no other job has.
    """

    job: str
    answer: Answer | None


class SetProtection(Command[ProtectionSettings], frozen=True, kw_only=True):
    """Change the protector's state and the person's list; None and empty change nothing."""

    state: ProtectState | None = None
    add: str = ""
    remove: str = ""


class Quit(Command[Done], frozen=True, kw_only=True):
    """End the program, as its menu does."""


class OrderServer(Command[ServerView], frozen=True, kw_only=True):
    """Start, stop, restart or remove a watched server."""

    name: str
    verb: ServerVerb


class WatchServer(Command[ServerView], frozen=True, kw_only=True):
    """Watch and start a server that no settings declare."""

    spec: ServerSettings
    owner: Owner = "serve"


class TestWebhook(Command[WebhookTest], frozen=True, kw_only=True):
    """Send a test to a receiver; answers with what it answered."""

    name: str


class ChangeWebhook(Command[Done], frozen=True, kw_only=True):
    """Pause a receiver, let it go on, try at once what waits, or keep its secrets elsewhere."""

    name: str
    verb: WebhookVerb


class AlertChanged(msgspec.Struct, frozen=True):
    """An alert was raised, counted, acknowledged or resolved."""

    alert: Alert


class SnapshotTaken(msgspec.Struct, frozen=True):
    """The monitor has looked."""

    snapshot: Snapshot


class Acted(msgspec.Struct, frozen=True):
    """The protector did something, or something was taken back."""

    line: JournalLine


class ModeChanged(msgspec.Struct, frozen=True):
    """The mode changed."""

    mode: Mode


class LevelChanged(msgspec.Struct, frozen=True):
    """The monitor looks at another pace; ``chosen`` None means automatic."""

    level: MonitorLevel
    chosen: MonitorLevel | None
    interval_s: float
    level_reason: str = AUTOMATIC


class QuestionChanged(msgspec.Struct, frozen=True):
    """A question is asked, or (``open`` false) answered, withdrawn or over."""

    question: QuestionView
    open: bool


class ServerChanged(msgspec.Struct, frozen=True):
    """A watched server stands differently."""

    view: ServerView


Event = (
    AlertChanged
    | SnapshotTaken
    | Acted
    | ModeChanged
    | LevelChanged
    | QuestionChanged
    | ServerChanged
)
Receiver = Callable[[Event], None]


class AppFacade(Protocol):
    """The running program, as the API sees it."""

    def status(self) -> Status:
        """Everything that is known now."""
        ...

    def thresholds(self) -> Thresholds:
        """The monitor's thresholds in force."""
        ...

    def protect_policy(self) -> ProtectPolicy:
        """The protector's policy in force."""
        ...

    def snapshots(self, since: float) -> list[Snapshot]:
        """Snapshots taken at or after a moment (wall clock), the oldest first."""
        ...

    def alerts(self, query: AlertQuery) -> list[Alert]:
        """Alerts of the live history and the archive, the newest first."""
        ...

    def alert(self, alert_id: str) -> Alert | None:
        """One alert by its id; it may be read from a disk."""
        ...

    def jobs(self) -> tuple[Job, ...]:
        """The jobs of the last scan, the heaviest first."""
        ...

    def settings_in_force(self) -> SettingsBody:
        """The settings that count now, and why one differs from the file."""
        ...

    def protection(self) -> ProtectionView:
        """What the protector holds, did and can."""
        ...

    def questions(self) -> tuple[QuestionView, ...]:
        """What the protector asks now, the oldest question first."""
        ...

    def explain(self) -> Explanation:
        """Who would be acted on now, in what order, and why. Changes nothing."""
        ...

    def runs(self) -> tuple[RunRecord, ...]:
        """The remembered runs, the newest first; reads their files, so not on a loop's thread."""
        ...

    def channels(self) -> tuple[ChannelView, ...]:
        """How each channel stands."""
        ...

    def totals(self) -> MetricTotals:
        """What was counted since the start."""
        ...

    @property
    def metrics_file(self) -> Path:
        """The database of the long-term metrics."""
        ...

    def metrics_token(self) -> str:
        """What opens ``/metrics``; empty where it could not be written."""
        ...

    def webhooks(self) -> tuple[WebhookView, ...]:
        """How each receiver stands."""
        ...

    def deliveries(self, alert_id: str) -> tuple[Delivery, ...]:
        """What became of an alert on each channel."""
        ...

    @property
    def listeners(self) -> Listeners:
        """Who listens; the API reports to it who comes, goes and took an alert."""
        ...

    def servers(self) -> tuple[ServerView, ...]:
        """The watched servers, in order of declaration."""
        ...

    def server_log(self, name: str, lines: int) -> tuple[str, ...]:
        """The last lines of a server's log; reads a file. Empty for an unknown name."""
        ...

    def submit(self, command: Command[R]) -> Future[R]:
        """Carry a command out on the main thread; the future may hold :class:`CommandRefused`.

        The client may have stopped waiting: call ``set_running_or_notify_cancel()`` first.
        """
        ...

    def subscribe(self, receiver: Receiver) -> Callable[[], None]:
        """Call the receiver for each event, until the returned function is called."""
        ...

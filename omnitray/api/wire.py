"""The bodies that the local API answers with.

These types are the contract: handlers fill them, ``openapi.json`` is generated from them, golden
files hold them. Times are RFC 3339 in UTC, ``_percent`` is 0 to 100, a figure that could not be
read is null. An alert travels as :class:`omnitray.alerts.model.Alert` itself.
"""

import enum
from typing import Annotated, Any, Literal

import msgspec

from omnitray.alerts.model import Alert
from omnitray.api.status import Mood
from omnitray.base.facts import (
    BatteryFacts,
    DiskFacts,
    JobKind,
    Mode,
    MonitorLevel,
    OwnCost,
    PressureFacts,
    ProtectState,
    TemperatureFacts,
)
from omnitray.base.leases import AUTOMATIC
from omnitray.base.policy import ModeLimits
from omnitray.protector.view import ActionOutcome, BreakerState, Considered, Explanation, HoldKind
from omnitray.runs.model import RunVerdict
from omnitray.servers.model import Owner, ServerState

ClientName = Annotated[str, msgspec.Meta(pattern="^[a-z0-9_-]{0,40}$")]
LevelName = Literal["auto", "idle", "normal", "intensive", "critical"]


class Error(msgspec.Struct, frozen=True):
    """What went wrong: a short code and one sentence."""

    error: str
    detail: str


class Liveness(msgspec.Struct, frozen=True, kw_only=True):
    """The bare answer that needs no token."""

    status: Literal["ok"] = "ok"


class Gauge(msgspec.Struct, frozen=True, kw_only=True):
    """One resource with its limits."""

    percent: float | None
    warning: float
    critical: float
    limit: float | None = None  # of the protector's mode
    state: Literal["ok", "warning", "critical", "unknown"] = "unknown"


class MemoryGauge(Gauge, frozen=True, kw_only=True):
    """Memory with its limits."""

    total_bytes: int | None = None
    available_bytes: int | None = None


class DiskGauge(Gauge, frozen=True, kw_only=True):
    """The fullest file system with its limits."""

    mount: str | None = None
    free_bytes: int | None = None


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """CPU, memory and disk with their limits."""

    status: Literal["ok", "warning", "critical", "unknown"]
    mode: Mode
    level: MonitorLevel
    taken_at: str | None
    cpu: Gauge
    memory: MemoryGauge
    disk: DiskGauge


class MemoryBody(msgspec.Struct, frozen=True, kw_only=True):
    """Memory of the machine, or of our cgroup where that is smaller (``limited``)."""

    total_bytes: int
    available_bytes: int
    used_bytes: int
    used_percent: float
    swap_total_bytes: int
    swap_free_bytes: int
    limited: bool


class SnapshotBody(msgspec.Struct, frozen=True, kw_only=True):
    """One reading of the whole machine."""

    taken_at: str
    level: MonitorLevel
    interval_s: float | None
    cpu_percent: float | None
    memory_percent: float | None
    disk_percent: float | None
    cpu_per_core_percent: tuple[float, ...]
    load: tuple[float, float, float] | None
    memory: MemoryBody | None
    disks: tuple[DiskFacts, ...]
    disk_read_bps: float | None
    disk_write_bps: float | None
    net_recv_bps: float | None
    net_sent_bps: float | None
    connections: int | None
    processes: int | None
    temperatures: tuple[TemperatureFacts, ...]
    battery: BatteryFacts | None
    gpu_percent: float | None
    pressure: PressureFacts | None
    cost_s: float


class Snapshots(msgspec.Struct, frozen=True, kw_only=True):
    """The recent readings, the oldest first."""

    minutes: int
    count: int
    snapshots: list[SnapshotBody]


class Alerts(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts that a query found, the newest first."""

    count: int
    alerts: list[Alert]


class ActiveAlerts(msgspec.Struct, frozen=True, kw_only=True):
    """The critical ones that are open, and the 20 latest whatever they are."""

    count: int  # open ones of any severity
    critical: list[Alert]
    latest: list[Alert]


class LevelState(msgspec.Struct, frozen=True, kw_only=True):
    """How often the monitor looks."""

    level: MonitorLevel
    chosen_level: LevelName
    interval_s: float
    level_reason: str = AUTOMATIC


class ModeState(msgspec.Struct, frozen=True, kw_only=True):
    """The protector's policy; ``mode_asked_by`` who has borrowed it, empty where it is yours."""

    mode: Mode
    limits: ModeLimits
    mode_asked_by: str = ""


class MonitorPart(msgspec.Struct, frozen=True, kw_only=True):
    """The monitor in the status."""

    level: MonitorLevel
    chosen_level: LevelName
    interval_s: float
    snapshot: SnapshotBody | None
    level_reason: str = AUTOMATIC


class BreakerBody(msgspec.Struct, frozen=True, kw_only=True):
    """How many ends are left, and when an open breaker lets one through again (``until``)."""

    state: BreakerState
    ends_left: int
    ends_allowed: int
    window_s: float
    until: str | None
    why: str


class ProtectorPart(msgspec.Struct, frozen=True, kw_only=True):
    """The protector in the status."""

    mode: Mode
    state: ProtectState
    limits: ModeLimits
    holding: tuple[str, ...]
    breaker: BreakerBody


class AlertsPart(msgspec.Struct, frozen=True, kw_only=True):
    """The alerts in the status."""

    open: int
    critical: int
    notifications_paused_until: str | None
    latest: list[Alert]


class StatusBody(msgspec.Struct, frozen=True, kw_only=True):
    """Monitor, protector and alerts together, and the state in a sentence."""

    version: str
    pid: int
    started: str
    mode: Mode
    level: MonitorLevel
    mood: Mood
    headline: str
    detail: str
    figures: str
    monitor: MonitorPart
    protector: ProtectorPart
    alerts: AlertsPart
    own: OwnCost | None
    problems: tuple[str, ...]
    settings_problems: tuple[str, ...] = ()
    mode_asked_by: str = ""


class ActionBody(msgspec.Struct, frozen=True, kw_only=True):
    """One thing the protector did."""

    id: str
    at: str
    what: str
    why: str
    outcome: ActionOutcome


class HeldBody(msgspec.Struct, frozen=True, kw_only=True):
    """A job under action, ``since`` when."""

    action_id: str
    job_key: str
    title: str
    grip: HoldKind
    since: str
    means: str
    why: str
    process_count: int
    undoable: bool
    pids: tuple[int, ...] = ()


class Actions(msgspec.Struct, frozen=True, kw_only=True):
    """What is held now, what was done (the newest first), and the circuit breaker.

    ``explanations`` are of the newest actions of this run: reasons, excluded jobs, effect.
    """

    held: list[HeldBody]
    actions: list[ActionBody]
    breaker: BreakerBody
    explanations: tuple[Explanation, ...] = ()


class ExplanationBody(msgspec.Struct, frozen=True, kw_only=True):
    """Who would be acted on now, in what order, and why."""

    title: str
    text: str
    considered: tuple[Considered, ...]


class JobBody(msgspec.Struct, frozen=True, kw_only=True):
    """Processes that belong together; ``cpu_percent`` is of one core."""

    key: str
    title: str
    name: str
    project: str | None
    kind: JobKind
    leader_pid: int
    process_count: int
    cpu_percent: float | None
    rss_bytes: int
    pss_bytes: int | None
    growth_bps: float | None
    cgroup: str | None
    pids: list[int]


class Jobs(msgspec.Struct, frozen=True, kw_only=True):
    """The jobs of the last scan, the heaviest first."""

    count: int
    jobs: list[JobBody]


class SnoozeState(msgspec.Struct, frozen=True, kw_only=True):
    """Until when notifications are held back."""

    until: str | None


class TokenBody(msgspec.Struct, frozen=True, kw_only=True):
    """A new token stands in ``api.json``; it is not sent."""

    rotated: bool = True


AnswerName = Literal["slow_down", "pause", "end", "leave_alone", "never_touch"]


class QuestionBody(msgspec.Struct, frozen=True, kw_only=True):
    """Something the protector asks; ``deadline`` None means that it waits.

    ``unanswered`` says what happens without an answer.
    """

    id: str
    job: str
    title: str
    text: str
    answers: tuple[AnswerName, ...]
    deadline: str | None
    unanswered: str
    paused: bool


class Questions(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked now, the oldest question first."""

    questions: tuple[QuestionBody, ...]


class ExitBody(msgspec.Struct, frozen=True, kw_only=True):
    """How a server ended last."""

    code: int | None
    signal: str | None
    at: str
    reason: str


class RunBody(msgspec.Struct, frozen=True, kw_only=True):
    """A run of `omnitray run`; ``state`` is the verdict in one word, ``verdict`` says more.

    ``tests`` is what the pytest plugin found in it: ``failed``, ``total``, ``names``.
    """

    id: str
    name: str
    command: str
    project: str | None
    folder: str
    state: RunVerdict
    verdict: str
    started_at: str
    took_s: float
    exit_code: int | None
    signal: str | None
    peak_bytes: int  # 0: it ended before it was looked at
    last_peak_bytes: int | None
    cpu_s: float
    memory_budget_bytes: int | None
    cpu_budget_percent: float | None
    slowed_s: float
    paused_s: float
    tests: dict[str, Any]


class Runs(msgspec.Struct, frozen=True, kw_only=True):
    """Runs, the newest first."""

    count: int
    runs: tuple[RunBody, ...]


class ServerBody(msgspec.Struct, frozen=True, kw_only=True):
    """A server on the wire. ``given_up``: it is not started again until a start is requested."""

    name: str
    state: ServerState
    pid: int | None
    health: str | None
    url: str | None
    up_since: str | None
    started_in_s: float | None
    start_limit_s: float
    restarts: int
    last_exit: ExitBody | None
    log_file: str
    command: tuple[str, ...]
    cwd: str
    owner: Owner
    detail: str = ""
    given_up: bool = False


class Servers(msgspec.Struct, frozen=True, kw_only=True):
    """All watched servers, in order of declaration."""

    count: int
    servers: tuple[ServerBody, ...]


class ServerLogBody(msgspec.Struct, frozen=True, kw_only=True):
    """The last lines of a server's log; lines of OmniTray begin with ``[omnitray]``."""

    name: str
    log_file: str
    lines: tuple[str, ...]


class RecordingState(msgspec.Struct, frozen=True, kw_only=True):
    """A recording that was asked for; ``why`` where it could not be written."""

    name: str
    state: Literal["recording", "written", "failed"]
    why: str = ""


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What a command on the protector did: one phrase for each thing, and bytes freed.

    ``action_id`` names what was done to a job, as in ``/actions``. An end has only begun then.
    """

    done: tuple[str, ...] = ()
    freed_bytes: int = 0
    dry_run: bool = False
    action_id: str = ""


class ProtectionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the protector may do, and what it never touches, as the settings say.

    ``unmatched`` is what was added just now and means nothing that runs; ``near`` are names of jobs
    that it may have been meant for.
    """

    state: ProtectState
    protected: tuple[str, ...]
    unmatched: str = ""
    near: tuple[str, ...] = ()


class SettingsBody(msgspec.Struct, frozen=True, kw_only=True):
    """The settings in force by their keys; ``why`` says why one is not what the file says."""

    values: dict[str, Any]
    why: dict[str, str]


class Topic(enum.StrEnum):
    """What a client can ask for."""

    ALERT = "alert"
    SNAPSHOT = "snapshot"
    ACTION = "action"
    MODE = "mode"
    LEVEL = "level"
    QUESTION = "question"
    SERVER = "server"

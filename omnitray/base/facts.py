"""Frozen facts that cross threads, files and the wire, and the readings behind decisions.

Units stand in the field names: ``_percent`` is 0 to 100 (of the whole machine unless it says
otherwise), ``_bytes``, ``_bps`` (bytes a second), ``_s`` (seconds). ``taken_at`` and friends are
wall-clock seconds since the epoch, for display and file names only; ``monotonic_s`` is what
durations are computed from. A figure that could not be read is ``None``, never 0.
"""

import enum
from typing import Self

import msgspec

WORTH_WRITING_BPS = 1 << 20  # slower than this fills less than 4 GB in an hour


class MonitorLevel(enum.StrEnum):
    """How often the monitor looks."""

    IDLE = "idle"
    NORMAL = "normal"
    INTENSIVE = "intensive"
    CRITICAL = "critical"


class Mode(enum.StrEnum):
    """The protector's policy."""

    DEV = "dev"
    TEST = "test"
    PROD = "prod"


class ProtectState(enum.StrEnum):
    """Whether the protector acts, only says what it would do, or sleeps."""

    ON = "on"
    WATCH = "watch"
    OFF = "off"


class LastResort(enum.StrEnum):
    """What happens to jobs that are not the cause when the cause may not be touched."""

    ASK = "ask"
    END = "end"
    NEVER = "never"


class Severity(enum.StrEnum):
    """How bad it is; comparable by :attr:`rank`."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for info, 1 for warning, 2 for critical."""
        return (Severity.INFO, Severity.WARNING, Severity.CRITICAL).index(self)


class AlertType(enum.StrEnum):
    """The seven kinds of alert."""

    PERMISSION_ERROR = "PERMISSION_ERROR"
    SERVER_DOWN = "SERVER_DOWN"
    SERVER_SLOW = "SERVER_SLOW"
    RESOURCE_CRITICAL = "RESOURCE_CRITICAL"
    TEST_TIMEOUT = "TEST_TIMEOUT"
    TEST_FAILED = "TEST_FAILED"
    CRITICAL = "CRITICAL"


class AlertMove(enum.StrEnum):
    """What a person or a program may say of an open alert; the value is the API's verb."""

    ACKNOWLEDGE = "ack"
    RESOLVE = "resolve"


class AlertChannel(enum.StrEnum):
    """Where an alert can go."""

    DESKTOP = "desktop"
    FILE = "file"
    SYSLOG = "syslog"
    WEBSOCKET = "websocket"
    VSCODE = "vscode"
    WEBHOOK = "webhook"


class Resource(enum.StrEnum):
    """What can run short."""

    CPU = "cpu"
    MEMORY = "memory"
    DISK = "disk"


class MemoryFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Memory of the machine, or of our cgroup where that is smaller (then ``limited`` is true)."""

    total_bytes: int
    available_bytes: int
    swap_total_bytes: int = 0
    swap_free_bytes: int = 0
    limited: bool = False

    @property
    def used_bytes(self) -> int:
        """Total minus available: the figure that says how close the end is."""
        return self.total_bytes - self.available_bytes

    @property
    def used_percent(self) -> float:
        """Used share of the total."""
        return 100.0 * self.used_bytes / self.total_bytes if self.total_bytes else 0.0

    @property
    def swap_used_bytes(self) -> int:
        """Swap in use."""
        return self.swap_total_bytes - self.swap_free_bytes


class DiskFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Use of one mounted file system; free is what an ordinary user may still write."""

    mount: str
    filesystem: str
    total_bytes: int
    free_bytes: int
    used_percent: float


class TemperatureFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One temperature sensor."""

    label: str
    celsius: float


class BatteryFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The battery, where there is one."""

    percent: float
    discharging: bool
    left_s: float | None = None


class PressurePair(msgspec.Struct, frozen=True, kw_only=True):
    """PSI averages over 10 s: share of time some or all tasks waited."""

    some_avg10: float
    full_avg10: float | None = None


class PressureFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Pressure stall information, where the kernel has it."""

    cpu: PressurePair | None = None
    memory: PressurePair | None = None
    io: PressurePair | None = None


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One reading of the whole machine.

    Rates are computed from the time measured since the previous reading; after a break (first
    sample, change of level, resume, clock jump) they and ``interval_s`` are ``None``.
    """

    taken_at: float
    monotonic_s: float
    level: MonitorLevel
    interval_s: float | None = None
    cpu_percent: float | None = None
    cpu_per_core_percent: tuple[float, ...] = ()
    load: tuple[float, float, float] | None = None
    memory: MemoryFacts | None = None
    disks: tuple[DiskFacts, ...] = ()  # the fullest first
    disk_read_bps: float | None = None
    disk_write_bps: float | None = None
    net_recv_bps: float | None = None
    net_sent_bps: float | None = None
    connections: int | None = None
    temperatures: tuple[TemperatureFacts, ...] = ()
    battery: BatteryFacts | None = None
    gpu_percent: float | None = None  # the busiest one; None where none says how busy it is
    pressure: PressureFacts | None = None
    processes: int | None = None
    cost_s: float = 0.0

    @property
    def memory_percent(self) -> float | None:
        """Used share of memory, or None."""
        return self.memory.used_percent if self.memory else None

    @property
    def swap_percent(self) -> float | None:
        """Used share of swap, or None where there is none."""
        memory = self.memory
        if memory is None or not memory.swap_total_bytes:
            return None
        return 100.0 * memory.swap_used_bytes / memory.swap_total_bytes

    @property
    def disk_percent(self) -> float | None:
        """Use of the fullest file system, or None."""
        return self.disks[0].used_percent if self.disks else None


class ProcessFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One process in a scan. Identity is ``(pid, start_ticks)``, never the pid alone.

    ``cpu_percent`` is of one core (480 means 4.8 cores busy), None on a first sight.
    ``name`` is what the kernel calls it, made printable; it is text, never markup or shell.
    """

    pid: int
    ppid: int
    start_ticks: int
    name: str
    state: str  # R, S, D, T, Z, ... as in /proc/PID/stat
    uid: int | None = None
    session: int = 0
    group: int = 0  # process group: what a shell moves to the background as one
    tty: int = 0
    threads: int = 1
    nice: int = 0
    cpu_percent: float | None = None
    rss_bytes: int = 0


class ProcessReport(msgspec.Struct, frozen=True, kw_only=True):
    """What the system tells of one process when a person asks; empty where it may not be read.

    ``environment`` is None unless it was asked for: it may hold secrets.
    """

    pid: int
    start_ticks: int
    command: tuple[str, ...] = ()
    folder: str = ""
    started_at: float = 0.0
    user: str = ""
    limits: tuple[tuple[str, str], ...] = ()
    files: tuple[str, ...] = ()
    more_files: int = 0
    environment: tuple[tuple[str, str], ...] | None = None


class JobKind(enum.StrEnum):
    """What a job is, as far as its leader shows it."""

    APP = "app"  # a desktop application (cgroup app scope, or a process with a window)
    COMMAND = "command"  # something typed into a terminal
    TEST_RUN = "test_run"
    BUILD = "build"
    AGENT = "agent"
    SERVICE = "service"
    SYSTEM = "system"


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Processes that belong together, under a name that a person recognises.

    ``cpu_percent`` is of one core. ``growth_bps`` is the change of RSS a second, None until it
    is known. ``key`` is stable for the life of the job. ``is_own_command``: it is a command of
    OmniTray's and no other's, which is never named as a cause.
    """

    key: str
    name: str  # "pytest"
    project: str | None  # "~/shop"
    kind: JobKind
    leader_pid: int
    processes: tuple[ProcessFacts, ...]
    cpu_percent: float | None
    rss_bytes: int
    pss_bytes: int | None = None
    growth_bps: float | None = None
    cgroup: str | None = None
    is_own_command: bool = False

    @property
    def title(self) -> str:
        """``pytest · ~/shop``; the name alone where no project is known."""
        return f"{self.name} · {self.project}" if self.project else self.name

    @property
    def process_count(self) -> int:
        """How many processes it holds."""
        return len(self.processes)


class Culprit(msgspec.Struct, frozen=True, kw_only=True):
    """A job named in an alert's context.

    ``share`` (0 to 1) is its part of what is in use, ``figure`` says in words what it takes.
    """

    job: str
    cpu: float | None
    rss_bytes: int
    pid: int | None = None
    share: float | None = None
    figure: str = ""


class ReasonEnum(enum.StrEnum):
    """The code travels and is stored; :attr:`sentence` is what a person reads."""

    sentence: str

    def __new__(cls, code: str, sentence: str) -> Self:
        """``NAME = "code", "The sentence."``."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.sentence = sentence
        return member


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """When something runs out: between ``low_s`` and ``high_s`` from now, at ``slope_bps``.

    ``job_key`` is the job that grows most and ``share`` (0 to 1) its part of all growth.
    """

    resource: Resource
    low_s: float
    high_s: float
    slope_bps: float
    left_bytes: int
    job_key: str | None = None
    share: float | None = None
    mount: str | None = None


class ProcessDetail(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one process beyond the scan; of that very one, or it is not given.

    ``exe`` is the program's path, None where the system hides it (then it is excluded).
    ``writes_to`` are the mounts that it has files open for writing on, of those that fill;
    ``writes_in`` is the folder of the file that it has written most of. None where not known.
    """

    start_ticks: int
    exe: str | None = None
    arguments: tuple[str, ...] = ()
    cwd: str | None = None
    write_bps: float | None = None
    writes_to: frozenset[str] | None = None
    writes_in: str | None = None


class OwnFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Our own pids, those we were started by, and our user (None: users are not compared)."""

    pids: frozenset[int] = frozenset()
    ancestors: frozenset[int] = frozenset()
    uid: int | None = None


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """How long something small takes that a person would wait for, now and on a quiet machine.

    ``measured_mono_s`` is when; None, as in early recordings, is at the moment it is asked for.
    """

    now_ms: float
    quiet_ms: float
    measured_mono_s: float | None = None


class GuardReading(msgspec.Struct, frozen=True, kw_only=True):
    """What the guard reads each time, for next to nothing.

    ``cpu_percent`` is of the machine, or of the quota of ``quota_cores`` where one is set.
    """

    monotonic_s: float
    memory: MemoryFacts
    pressure: PressureFacts | None = None
    zram_bytes: int = 0
    cpu_percent: float | None = None
    quota_cores: float | None = None


class ProcessIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """One very process: its pid may be given to another, pid and start time together are not.

    ``start_ticks`` is field 22 of ``/proc/PID/stat`` on Linux and whatever else tells the start
    elsewhere. ``exe`` is the executable's path, None where it cannot be read.
    """

    pid: int
    start_ticks: int
    exe: str | None = None


class OwnCost(msgspec.Struct, frozen=True, kw_only=True):
    """What OmniTray itself takes: ``cpu_percent`` of one core since the last look."""

    cpu_percent: float
    rss_bytes: int

"""The facts of deciding: what ``ResourceProtector.decide`` sees and what it answers.

Seen: :class:`Facts`. Answered: a list of :class:`Action`, :class:`Restore`, :class:`Question`,
:class:`Withdrawn` and :class:`Alarm`. The executor reports back through
``Facts.active`` (what is in force), ``Facts.ended`` (ends that are over), ``Facts.replies`` (what
the person said) and ``Facts.taken_back`` (what the person has undone). Times ending in ``at_s``
and ``deadline_s`` are monotonic seconds.

Decisions and actuators share the words for how far (:class:`EscalationStep`) and by which means
(:class:`ActuatorKind`), and the names of holds, actions and their parts.
"""

import enum

import msgspec

from omnitray.base.facts import (
    DiskFacts,
    Forecast,
    GuardReading,
    Job,
    JobKind,
    OwnFacts,
    Probe,
    ProcessDetail,
    ProcessFacts,
    ProcessIdentity,
    ReasonEnum,
    Resource,
)
from omnitray.processes.process_roles import Tie
from omnitray.protector.view import Answer


class EscalationStep(enum.StrEnum):
    """One step of the escalation, from a notice to the end of a process."""

    TELL = "tell"
    SLOW_DOWN = "slow_down"
    PAUSE = "pause"
    END = "end"


_JOINS = ".h"


def joined_id(hold: str, number: str) -> str:
    """A name for a further action of a hold: ``t-1.h7``; the first one's name is the hold's."""
    return f"{hold}{_JOINS}{number.rpartition('-')[2]}"


def hold_of(action_id: str) -> str:
    """The hold that an action, or one of its levers, belongs to: ``t-1`` of ``t-1.h7.2``."""
    return action_id.partition(".")[0]


def action_of(lever: str) -> str:
    """The action that one of its levers belongs to: ``t-1.h7`` of ``t-1.h7.2``."""
    action, _, place = lever.rpartition(".")
    return action if place.isdigit() and action else lever


def is_lever_of(action_id: str, lever: str) -> bool:
    """Whether the journal's name is that of one of the action's actuators, and of no other's."""
    rest = lever.removeprefix(action_id) if lever.startswith(action_id) else lever
    return not rest or (rest[0] == "." and rest[1:].isdigit())


class ActuatorKind(enum.StrEnum):
    """A means of acting on a job; the value stands in the journal."""

    CPU_WEIGHT = "cpu_weight"
    MEMORY_HIGH = "memory_high"
    FREEZE = "freeze"
    AUTOGROUP = "autogroup"
    BACKGROUND = "background"  # macOS and Windows: the system's own class for what can wait
    NICE = "nice"
    IO_CLASS = "io_class"
    STOP = "stop"
    END = "end"


class ProtectReason(ReasonEnum):
    """Why something is done to a job."""

    CPU_OVER = "cpu_over", "processors are over the limit, and it takes a good part of them"
    CPU_STARVES = "cpu_starves", "slowed down, it still makes others wait"
    CPU_UNANSWERED = "cpu_unanswered", "it was paused for making others wait, and nobody objected"
    MEMORY_OVER = "memory_over", "memory is over the limit, and it is a good part of the cause"
    MEMORY_RUNS_OUT = "memory_runs_out", "at its rate of growth memory runs out"
    MEMORY_NEAR_FLOOR = "memory_near_floor", "the floor is near and it still grows"
    MEMORY_GROWS_ON = "memory_grows_on", "it is paused, and what it started meanwhile grows on"
    MEMORY_THRASHES = "memory_thrashes", "memory is gone and the machine is busy swapping for it"
    MEMORY_UNANSWERED = "memory_unanswered", "it was paused before memory ran out; nobody objected"
    MEMORY_FLOOR = "memory_floor", "memory and swap are used up; without an end everything stops"
    DISK_OVER = "disk_over", "the disk is over the limit; caches can be made again"
    DISK_RUNS_OUT = "disk_runs_out", "at its rate of writing the disk is full soon"
    DISK_NEARLY_FULL = "disk_nearly_full", "the disk is nearly full, and it writes to it"
    LAST_RESORT = "last_resort", "memory is used up, and what takes it may not be touched"
    CAUSE_LEFT_ALONE = "cause_left_alone", "it uses memory up, and is left alone"
    RULE_ALWAYS = "rule_always", "a rule of yours has it slowed down always"
    RULE_MEMORY = "rule_memory", "it holds more than a rule of yours allows"
    RULE_CPU = "rule_cpu", "it takes more of the processors than a rule of yours allows"
    ASKED = "asked", "you asked for it"


class RestoreReason(ReasonEnum):
    """Why an action is undone."""

    RELIEVED = "relieved", "there is enough again"
    PERSON = "person", "you asked for it"
    LEFT_ALONE = "left_alone", "you want it left alone"
    SWITCHED_OFF = "switched_off", "protection was switched off"
    WATCHES = "watches", "protection only watches now"
    ARMED = "armed", "protection acts again"
    MODE = "mode", "in this mode it is not paused without your word"
    NO_EFFECT = "no_effect", "slowing it down did not help"
    PROTECTED_NOW = "protected_now", "it is protected now"
    RULE_GONE = "rule_gone", "no rule of yours asks for it any more"


class ExclusionReason(ReasonEnum):
    """Why a job or a process is not the one."""

    OURSELVES = "ourselves", "OmniTray itself"
    ANCESTOR = "ancestor", "OmniTray was started by it"
    OTHER_USER = "other_user", "belongs to another user"
    OTHERS_INSIDE = "others_inside", "is yours, but what takes most in it belongs to another user"
    KERNEL = "kernel", "part of the kernel"
    PERSON = "person", "protected by you"
    LEFT_ALONE = "left_alone", "left alone, as you asked"
    RULE = "rule", "a rule of yours forbids it"
    SESSION = "session", "part of the session or the desktop"
    BUS = "bus", "messages between programs go through it"
    SOUND = "sound", "sound goes through it"
    INPUT = "input", "input goes through it"
    FILES = "files", "files are read and written through it"
    SHELL = "shell", "a shell"
    TERMINAL = "terminal", "a terminal"
    EDITOR = "editor", "an editor"
    AGENT = "agent", "an agent; what it starts is not protected"
    PACKAGES = "packages", "a package manager at work"
    DATABASE = "database", "a database"
    DOCUMENT = "document", "has documents open"
    CHANGES_DATA = "changes_data", "is changing data; a stop would leave it half done"
    VPN = "vpn", "a network connection depends on it"
    BACKUP = "backup", "a backup at work"
    GUARDIAN = "guardian", "guards this machine too"
    LEADER = "leader", "leads a login session"
    FOREGROUND = "foreground", "you are working with it"
    TIED = "tied", "has a window, plays sound or serves others; a pause would freeze them"
    TYPED_INTO = "typed_into", "is being typed into"
    MACHINE = "machine", "runs a virtual machine"
    UNSEEN = "unseen", "cannot be looked into, and may have a window"
    UNKNOWN = "unknown", "its program cannot be looked up"
    DYING = "dying", "is ending already"
    PARENT = "parent", "parent of the run"
    SMALL = "small", "frees too little"
    STEADY = "steady", "does not grow"
    HELD = "held", "is held already"
    REFUSED = "refused", "the system refused, a moment ago"
    TAKEN_BACK = "taken_back", "you took that back a moment ago, for it or for its like"
    LITTLE = "little", "takes little of what is short"
    LESS = "less", "takes less of it than what was chosen"
    MISSED_MORE = "missed_more", "would be missed more than what was chosen"
    NOT_CAUSE = "not_cause", "is not what used the memory up"
    SERVER = "server", "is a watched server; a test run or build is ended first"
    LIGHT = "light", "takes much less than what makes others wait"


# What a person's own process is left alone for, and may be ended for all that where they say so:
# never what the session or OmniTray lives on, other users' or what a rule or list of theirs names.
ENDED_IF_ASKED = frozenset(
    (
        *(ExclusionReason.TIED, ExclusionReason.FOREGROUND, ExclusionReason.EDITOR),
        *(ExclusionReason.AGENT, ExclusionReason.DATABASE, ExclusionReason.DOCUMENT),
        *(ExclusionReason.TERMINAL, ExclusionReason.PACKAGES, ExclusionReason.BACKUP),
        *(ExclusionReason.CHANGES_DATA, ExclusionReason.UNKNOWN, ExclusionReason.UNSEEN),
        *(ExclusionReason.TYPED_INTO, ExclusionReason.MACHINE),
    )
)


class AlarmReason(ReasonEnum):
    """What the protector says aloud without doing anything."""

    THREE_ENDS = "three_ends", "three processes were ended within ten minutes"
    FREED_NOTHING = "freed_nothing", "an end freed almost nothing"
    RESPAWNED = "respawned", "what was ended came back and grew again at once"
    CAUSE_UNTOUCHABLE = "cause_untouchable", "memory runs out, and what takes it is left alone"
    UNSEEN = "unseen", "memory runs out, and what takes it is no process that can be seen"
    NOBODY_LEFT = "nobody_left", "memory is used up and everything that could be ended is protected"


ABOUT_MEMORY = frozenset(
    {AlarmReason.CAUSE_UNTOUCHABLE, AlarmReason.UNSEEN, AlarmReason.NOBODY_LEFT}
)


class Signal(enum.StrEnum):
    """What a figure of :class:`Evidence` is a figure of; per cent where nothing else is said."""

    CPU = "cpu"
    MEMORY = "memory"  # used
    MEMORY_LEFT = "memory_left"  # available
    MEMORY_PRESSURE = "memory_pressure"
    DISK = "disk"
    FORECAST = "forecast"  # seconds until nothing is left
    RULE_MEMORY = "rule_memory"  # bytes that the job holds
    RULE_CPU = "rule_cpu"  # of one core, the job's


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """The figure that spoke for an action: over (under, for what is left) its threshold so long."""

    signal: Signal
    value: float
    threshold: float
    held_s: float = 0.0
    forecast: Forecast | None = None


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A job, or one process of it, that was weighed; ``excluded`` None means that it was chosen.

    ``cpu_percent`` is of one core.
    """

    job_key: str
    title: str
    kind: JobKind
    rss_bytes: int
    growth_bps: float | None = None
    cpu_percent: float | None = None
    write_bps: float | None = None
    writes_in: str | None = None  # the folder
    pid: int | None = None
    excluded: ExclusionReason | None = None
    share: float | None = None  # 0 to 1, of what is short
    held_bytes: int | None = None  # shared pages divided among those that share them


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done. ``TELL`` touches no process; with ``cleans`` caches are cleaned.

    ``restores_below`` is the per cent of ``resource`` under which it is undone (None: not by
    itself). ``notify`` is for a desktop notification: it is never set for what costs nothing.
    ``preview`` asks to show what cleaning would free before it is done. ``dry_run``
    means that nothing may be touched. ``expected_bytes`` is what an end should bring back.
    """

    id: str
    step: EscalationStep = msgspec.field(name="rung")  # the word of recordings
    resource: Resource
    reason: ProtectReason
    evidence: Evidence
    job_key: str = ""
    title: str = ""
    targets: tuple[ProcessIdentity, ...] = ()
    considered: tuple[Candidate, ...] = ()
    restores_below: float | None = None
    mount: str | None = None
    notify: bool = False
    cleans: bool = False
    preview: bool = False
    dry_run: bool = False
    expected_bytes: int = 0
    part: str = ""  # of the job: "worker 3", "2 of 9 processes"; empty: all of it
    hands_over: bool = False  # its stop gives the keyboard of its terminal to a shell

    @property
    def whom(self) -> str:
        """``pytest · ~/shop, worker 3``."""
        return f"{self.title}, {self.part}" if self.part and self.title else self.title


class Restore(msgspec.Struct, frozen=True, kw_only=True):
    """Take an action back."""

    action_id: str
    reason: RestoreReason


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What the person is asked about a job that is held.

    Without an answer, ``unanswered`` happens at ``deadline_s``; None for either: it stays as is.
    """

    id: str
    job_key: str
    title: str
    resource: Resource
    reason: ProtectReason
    evidence: Evidence
    targets: tuple[ProcessIdentity, ...] = ()  # what End would end
    answers: tuple[Answer, ...] = tuple(Answer)
    unanswered: EscalationStep | None = None
    deadline_s: float | None = None
    part: str = ""  # of the job, as in the action
    mount: str = ""  # of a disk
    hands_over: bool = False  # as in the action
    is_first: bool = False  # asked before anything is done, because of that
    cause: "NamedCause | None" = None  # that is left alone, and may be ended all the same

    @property
    def whom(self) -> str:
        """``pytest · ~/shop, worker 3``."""
        return f"{self.title}, {self.part}" if self.part else self.title

    def asks_same_as(self, other: "Question") -> bool:
        """Whether an answer means the same for both; the figures and what is short may differ."""
        mine, others = (
            (
                *(each.job_key, each.resource, each.targets, each.mount, each.unanswered),
                *(each.is_first, each.cause is None, each.reason is ProtectReason.LAST_RESORT),
            )
            for each in (self, other)
        )
        return mine == others


class Withdrawn(msgspec.Struct, frozen=True, kw_only=True):
    """A question that is void: answered, out of time, or its job has gone."""

    question_id: str


class NamedCause(msgspec.Struct, frozen=True, kw_only=True):
    """The job that uses memory up and is left alone; ``left_s``: until nothing is left.

    ``pid`` and ``name`` are of its process that grows. ``process`` is the same one where it is the
    person's own and may be ended if they say so; ``started`` counts what would end with it.
    """

    job_key: str
    title: str
    excluded: ExclusionReason
    share: float
    held_bytes: float
    growth_bps: float
    pid: int
    left_s: float | None = None
    name: str = ""
    process: ProcessIdentity | None = None
    started: int = 0

    @property
    def part(self) -> str:
        """``chromium 4711``: the process that grows."""
        return f"{self.name} {self.pid}".strip()


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """A critical alert: something that the protector cannot or will no longer do."""

    reason: AlarmReason
    title: str = ""
    cause: "NamedCause | None" = None


Decision = Action | Restore | Question | Withdrawn | Alarm


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What the person said about a job, to a question or of their own accord."""

    job_key: str
    answer: Answer
    question_id: str | None = None


class UndoneByUser(msgspec.Struct, frozen=True, kw_only=True):
    """The person has undone this: it is not to be done again at once, to it or to its likes."""

    job_key: str
    step: EscalationStep = msgspec.field(name="rung")  # the word of recordings
    title: str = ""  # jobs of this title are its likes: the same command in the same project


class ActionState(enum.StrEnum):
    """What became of an action that was handed out."""

    HELD = "held"
    ENDING = "ending"
    WATCHED = "watched"  # dry run: it would have been done
    FAILED = "failed"  # nothing was changed


class ActiveAction(msgspec.Struct, frozen=True, kw_only=True):
    """An action in force. A failed one is reported for a while too, so that it is not repeated."""

    action: Action
    state: ActionState
    since_s: float
    note: str = ""


class EndOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """An end that is over: gone at ``at_s``, or survived because it hangs in the kernel."""

    action_id: str
    at_s: float
    survived: bool = False


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is decided from.

    ``jobs`` empty means that no scan was made: then only times and readings are judged.
    ``details`` and ``ties`` are by pid, ``pss_bytes`` is known of the few on top. Disks come with
    the snapshot.
    """

    reading: GuardReading
    jobs: tuple[Job, ...] = ()
    details: dict[int, ProcessDetail] = {}
    ties: dict[int, frozenset[Tie]] = {}
    pss_bytes: dict[int, int] = {}  # of the few on top, by pid
    foreground_pids: frozenset[int] = frozenset()
    server_pids: frozenset[int] = frozenset()  # of watched servers
    hands_over: frozenset[int] = frozenset()  # pids whose stop gives the keyboard to a shell
    own: OwnFacts = OwnFacts()
    cores: float = 1.0
    memory_forecast: Forecast | None = None
    disks: tuple[DiskFacts, ...] = ()
    disk_forecasts: tuple[Forecast, ...] = ()
    probe: Probe | None = None
    active: tuple[ActiveAction, ...] = ()
    ended: tuple[EndOutcome, ...] = ()
    replies: tuple[Reply, ...] = ()
    taken_back: tuple[UndoneByUser, ...] = ()
    neighbours: tuple[str, ...] = ()  # OOM daemons that run here, for people

    @property
    def ending(self) -> dict[str, frozenset[tuple[int, int]]]:
        """The processes that are being ended, by job."""
        ending: dict[str, frozenset[tuple[int, int]]] = {}
        for active in self.active:
            if active.state is ActionState.ENDING:
                key, targets = active.action.job_key, active.action.targets
                known = ending.get(key, frozenset())
                ending[key] = known | {(each.pid, each.start_ticks) for each in targets}
        return ending

    def without_own_commands(self) -> "Facts":
        """The same without the jobs that are commands of OmniTray's."""
        others = tuple([job for job in self.jobs if not job.is_own_command])
        if len(others) == len(self.jobs):
            return self
        return msgspec.structs.replace(self, jobs=others)


class SubtreeTotals(msgspec.Struct, frozen=True):
    """All descendants of a process together; ``protected``: one of them is."""

    count: int = 0
    rss_bytes: int = 0
    protected: bool = False
    grown_bytes: float = 0.0
    growth_bps: float = 0.0
    forbidden: frozenset[str] = frozenset()  # steps that rules forbid for one of them


HORIZON_S = 30.0  # what grows counts as if it had grown for so long already


class WeighedProcess(msgspec.Struct, frozen=True, kw_only=True):
    """A process of a job, weighed."""

    process: ProcessFacts
    identity: ProcessIdentity
    growth_bps: float
    write_bps: float
    grown_bytes: float = 0.0  # since memory was clear
    excluded: ExclusionReason | None

    @property
    def future_bytes(self) -> float:
        """What it holds, and will at its growth."""
        return self.process.rss_bytes + max(0.0, self.growth_bps) * HORIZON_S

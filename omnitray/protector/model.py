"""The facts of deciding: what ``ResourceProtector.decide`` sees and what it answers.

Seen: :class:`Facts`. Answered: a list of :class:`Action`, :class:`Restore`, :class:`Question`,
:class:`Withdrawn` and :class:`Alarm`. Whoever carries them out reports back through
``Facts.active`` (what is in force), ``Facts.ended`` (ends that are over), ``Facts.replies`` (what
the person said) and ``Facts.taken_back`` (what the person has undone). Times ending in ``at_s``
and ``deadline_s`` are monotonic seconds.
"""

import enum

import msgspec

from omnitray.base.facts import DiskFacts, Job, JobKind, MemoryFacts, PressureFacts, Resource
from omnitray.processes.ties import Tie
from omnitray.protector.identity import Identity, Rung
from omnitray.protector.protect_reasons import (
    AlarmReason,
    ProtectReason,
    RestoreReason,
    SparedReason,
)
from omnitray.protector.view import Answer


class Signal(enum.StrEnum):
    """What a figure of :class:`Evidence` is a figure of; per cent but for the last."""

    CPU = "cpu"
    MEMORY = "memory"  # used
    MEMORY_LEFT = "memory_left"  # available
    MEMORY_PRESSURE = "memory_pressure"
    DISK = "disk"
    FORECAST = "forecast"  # seconds until nothing is left


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


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """The figure that spoke for an action: over (under, for what is left) its threshold so long."""

    signal: Signal
    value: float
    threshold: float
    held_s: float = 0.0
    forecast: Forecast | None = None


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A job, or one process of it, that was weighed; ``spared`` None means that it was chosen.

    ``cpu_percent`` is of one core.
    """

    job_key: str
    title: str
    kind: JobKind
    rss_bytes: int
    growth_bps: float | None = None
    cpu_percent: float | None = None
    write_bps: float | None = None
    pid: int | None = None
    spared: SparedReason | None = None


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done. ``TELL`` touches nobody; with ``cleans`` caches are cleaned.

    ``restores_below`` is the per cent of ``resource`` under which it is given back (None: not by
    itself). ``notify`` is for a desktop notification: it is never set for what costs nobody
    anything. ``preview`` asks to show what cleaning would free before it is done. ``dry_run``
    means that nothing may be touched. ``expected_bytes`` is what an end should bring back.
    """

    id: str
    rung: Rung
    resource: Resource
    reason: ProtectReason
    evidence: Evidence
    job_key: str = ""
    title: str = ""
    targets: tuple[Identity, ...] = ()
    considered: tuple[Candidate, ...] = ()
    restores_below: float | None = None
    mount: str | None = None
    notify: bool = False
    cleans: bool = False
    preview: bool = False
    dry_run: bool = False
    expected_bytes: int = 0


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
    targets: tuple[Identity, ...] = ()  # what End would end
    answers: tuple[Answer, ...] = tuple(Answer)
    unanswered: Rung | None = None
    deadline_s: float | None = None


class Withdrawn(msgspec.Struct, frozen=True, kw_only=True):
    """A question that is void: answered, out of time, or its job has gone."""

    question_id: str


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """A critical alert: something that the protector cannot or will no longer do."""

    reason: AlarmReason
    title: str = ""


Decision = Action | Restore | Question | Withdrawn | Alarm


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What the person said about a job, to a question or of their own accord."""

    job_key: str
    answer: Answer
    question_id: str | None = None


class TakenBack(msgspec.Struct, frozen=True, kw_only=True):
    """The person has undone this: it is not to be done again at once."""

    job_key: str
    rung: Rung


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


class ProcessDetail(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one process beyond the scan; of that very one, or it is not given.

    ``exe`` is the program's path, None where the system does not tell (then it is spared).
    ``writes_to`` are the mounts that it has files open for writing on, of those that fill; None
    where that is not known.
    """

    start_ticks: int
    exe: str | None = None
    arguments: tuple[str, ...] = ()
    cwd: str | None = None
    write_bps: float | None = None
    writes_to: frozenset[str] | None = None


class OwnFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Who we are: all our pids, those we were started by, and our user (None: not told apart)."""

    pids: frozenset[int] = frozenset()
    ancestors: frozenset[int] = frozenset()
    uid: int | None = None


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """How long something small takes that a person would wait for, now and on a quiet machine."""

    now_ms: float
    quiet_ms: float


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


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is decided from.

    ``jobs`` empty means that nobody was looked at: then only times and readings are judged.
    ``details`` and ``ties`` are by pid. Disks come with the snapshot.
    """

    reading: GuardReading
    jobs: tuple[Job, ...] = ()
    details: dict[int, ProcessDetail] = {}
    ties: dict[int, frozenset[Tie]] = {}
    foreground_pids: frozenset[int] = frozenset()
    own: OwnFacts = OwnFacts()
    cores: float = 1.0
    memory_forecast: Forecast | None = None
    disks: tuple[DiskFacts, ...] = ()
    disk_forecasts: tuple[Forecast, ...] = ()
    probe: Probe | None = None
    active: tuple[ActiveAction, ...] = ()
    ended: tuple[EndOutcome, ...] = ()
    replies: tuple[Reply, ...] = ()
    taken_back: tuple[TakenBack, ...] = ()
    neighbours: tuple[str, ...] = ()  # other guardians that run here, for people

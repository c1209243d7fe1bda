"""From the program's facts to the bodies of the wire. Pure."""

from typing import Any, Literal, TypeVar

import msgspec

from omnitray.alerts.model import Alert
from omnitray.api.facade import AppFacade
from omnitray.api.status import Status, figures, sentence
from omnitray.api.wire import (
    ActionBody,
    Actions,
    ActiveAlerts,
    AlertsPart,
    AnswerName,
    BreakerBody,
    DiskGauge,
    ExitBody,
    Gauge,
    Health,
    HeldBody,
    JobBody,
    LevelName,
    LevelState,
    MemoryBody,
    MemoryGauge,
    ModeState,
    MonitorPart,
    ProtectorPart,
    QuestionBody,
    RunBody,
    ServerBody,
    SnapshotBody,
    StatusBody,
)
from omnitray.base.clock import timestamp
from omnitray.base.facts import Job, MonitorLevel, Severity, Snapshot
from omnitray.base.policy import Band, ProtectPolicy
from omnitray.protector.view import (
    Answer,
    BreakerView,
    HeldAction,
    JournalLine,
    ProtectionView,
    QuestionView,
)
from omnitray.runs.model import RunRecord
from omnitray.servers.model import ServerView

MOST_ACTIVE = 500  # with contexts of 2 kB a megabyte; more is asked for by `alerts`
T = TypeVar("T", bound=msgspec.Struct)
G = TypeVar("G", bound=Gauge)
LATEST = 20
State = Literal["ok", "warning", "critical", "unknown"]
_WORST_FIRST: tuple[State, ...] = ("critical", "warning", "unknown", "ok")


class InstanceIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """Version, process and start of the program that answers."""

    version: str
    pid: int
    started: float  # wall clock


def health_body(door: AppFacade) -> Health:
    """CPU, memory and disk with their limits."""
    status, bands, policy = door.status(), door.thresholds(), door.protect_policy()
    limits = policy.limits
    shot = status.snapshot
    memory = shot.memory if shot else None
    disk = shot.disks[0] if shot and shot.disks else None
    cpu_gauge = _gauge(
        Gauge, shot, shot.cpu_percent if shot else None, bands.cpu, limits.cpu_percent
    )
    percent = memory.used_percent if memory else None
    memory_gauge = _gauge(MemoryGauge, memory, percent, bands.memory, limits.memory_percent)
    percent = disk.used_percent if disk else None
    disk_gauge = _gauge(DiskGauge, disk, percent, bands.disk, policy.disk_clean_percent)
    states = (cpu_gauge.state, memory_gauge.state, disk_gauge.state)
    return Health(
        status=min(states, key=_WORST_FIRST.index),
        mode=status.mode,
        level=status.level,
        taken_at=timestamp(shot.taken_at) if shot else None,
        cpu=cpu_gauge,
        memory=memory_gauge,
        disk=disk_gauge,
    )


def status_body(door: AppFacade, identity: InstanceIdentity) -> StatusBody:
    """Monitor, protector and alerts together."""
    status = door.status()
    said = sentence(status)
    return StatusBody(
        version=identity.version,
        pid=identity.pid,
        started=timestamp(identity.started),
        mode=status.mode,
        level=status.level,
        mood=said.mood,
        headline=said.headline,
        detail=said.detail,
        figures=figures(status),
        monitor=_monitor_part(status),
        protector=_protector_part(status, door.protect_policy(), door.protection()),
        alerts=_alerts_part(status),
        own=status.own,
        problems=status.problems,
        settings_problems=status.settings_problems,
        mode_asked_by=status.mode_asked_by,
    )


def body_of(shape: type[T], fact: object, **other: Any) -> T:
    """A body with the fields and properties of a fact that have its names.

    ``other`` is what the wire says otherwise than the fact, or what the fact does not say.
    """
    names = [each for each in shape.__struct_fields__ if each not in other and hasattr(fact, each)]
    return shape(**{name: getattr(fact, name) for name in names}, **other)


def snapshot_body(shot: Snapshot) -> SnapshotBody:
    """One reading, with the figures spelt out that the fact computes."""
    memory = body_of(MemoryBody, shot.memory) if shot.memory else None
    return body_of(SnapshotBody, shot, taken_at=timestamp(shot.taken_at), memory=memory)


def active_body(open_alerts: tuple[Alert, ...], latest: list[Alert]) -> ActiveAlerts:
    """The critical ones that are open, the newest of them, and the latest; ``count`` has all."""
    newest = sorted(open_alerts, key=lambda alert: alert.last_seen, reverse=True)
    critical = [alert for alert in newest if alert.severity is Severity.CRITICAL]
    return ActiveAlerts(count=len(open_alerts), critical=critical[:MOST_ACTIVE], latest=latest)


def actions_body(view: ProtectionView) -> Actions:
    """What is held, what was done, and the breaker."""
    lines = [action_body(line) for line in view.journal]
    held = [held_body(each) for each in view.held]
    return Actions(
        held=held,
        actions=lines,
        breaker=breaker_body(view.breaker),
        explanations=view.explanations,
    )


def held_body(held: HeldAction) -> HeldBody:
    """One job under action."""
    return body_of(HeldBody, held, since=timestamp(held.since))


def breaker_body(breaker: BreakerView) -> BreakerBody:
    """The circuit breaker."""
    return body_of(BreakerBody, breaker, until=moment(breaker.until))


def action_body(line: JournalLine) -> ActionBody:
    """One line of the journal."""
    return body_of(ActionBody, line, id=line.action_id, at=timestamp(line.at))


def job_body(job: Job) -> JobBody:
    """One job; its processes by their ids alone."""
    return body_of(JobBody, job, pids=[process.pid for process in job.processes])


def level_name(chosen: MonitorLevel | None) -> LevelName:
    """The chosen level as a person writes it."""
    return "auto" if chosen is None else chosen.value


def level_state(status: Status) -> LevelState:
    """How often the monitor looks."""
    return body_of(LevelState, status, chosen_level=level_name(status.chosen_level))


def mode_state(status: Status, policy: ProtectPolicy) -> ModeState:
    """The mode, with its limits."""
    return ModeState(
        mode=status.mode,
        limits=msgspec.structs.replace(policy, mode=status.mode).limits,
        mode_asked_by=status.mode_asked_by,
    )


def moment(wall_s: float | None) -> str | None:
    """A moment on the wire."""
    return None if wall_s is None else timestamp(wall_s)


def _state(percent: float | None, band: Band) -> State:
    if percent is None:
        return "unknown"
    if percent >= band.critical:
        return "critical"
    return "warning" if percent >= band.warning else "ok"


def _gauge(shape: type[G], fact: object, percent: float | None, band: Band, limit: float) -> G:
    return body_of(
        shape,
        fact,
        percent=percent,
        warning=band.warning,
        critical=band.critical,
        limit=limit,
        state=_state(percent, band),
    )


def _monitor_part(status: Status) -> MonitorPart:
    shot = snapshot_body(status.snapshot) if status.snapshot else None
    chosen = level_name(status.chosen_level)
    return body_of(MonitorPart, status, chosen_level=chosen, snapshot=shot)


def _protector_part(status: Status, policy: ProtectPolicy, view: ProtectionView) -> ProtectorPart:
    return ProtectorPart(
        mode=status.mode,
        state=status.protect,
        limits=mode_state(status, policy).limits,
        holding=status.holding,
        breaker=breaker_body(view.breaker),
    )


def _alerts_part(status: Status) -> AlertsPart:
    newest = sorted(status.open_alerts, key=lambda alert: alert.last_seen, reverse=True)
    return AlertsPart(
        open=len(status.open_alerts),
        critical=sum(alert.severity is Severity.CRITICAL for alert in status.open_alerts),
        notifications_paused_until=moment(status.notifications_paused_until),
        latest=newest[:LATEST],
    )


_NEVER_TOUCH = "never_touch"  # the wire's word for Answer.NEVER, whose value stands in journals


def answer_of(name: str) -> Answer:
    """The answer that a word of the wire means."""
    return Answer.NEVER if name == _NEVER_TOUCH else Answer(name)


def question_body(question: QuestionView) -> QuestionBody:
    """A question on the wire."""
    names = tuple(_NEVER_TOUCH if each is Answer.NEVER else each.value for each in question.answers)
    return body_of(
        QuestionBody,
        question,
        job=question.job_key,
        answers=msgspec.convert(names, tuple[AnswerName, ...]),
        deadline=moment(question.deadline),
    )


def server_body(view: ServerView) -> ServerBody:
    """A watched server on the wire."""
    ended = view.last_exit
    return body_of(
        ServerBody,
        view,
        up_since=moment(view.up_since_at),
        started_in_s=None if view.started_in_s is None else round(view.started_in_s, 3),
        last_exit=body_of(ExitBody, ended, at=timestamp(ended.at)) if ended else None,
        command=view.spec.command,
        cwd=view.spec.cwd,
    )


def run_body(record: RunRecord) -> RunBody:
    """A run on the wire."""
    return body_of(
        RunBody,
        record,
        name=record.title,
        project=record.project or None,
        state=record.kind,
        started_at=timestamp(record.started_at),
        last_peak_bytes=record.last_peak_bytes or None,
    )

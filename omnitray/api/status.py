"""What is shown everywhere in the same words: tray, window, command line and API."""

import enum

import msgspec

from omnitray.alerts.model import Alert
from omnitray.base.facts import Mode, MonitorLevel, ProtectState, Severity, Snapshot
from omnitray.base.readings import OwnCost


class Mood(enum.StrEnum):
    """The state that the icon shows by shape as well as colour."""

    GOOD = "good"
    WARNING = "warning"
    CRITICAL = "critical"
    HOLDING = "holding"  # something is slowed down or paused
    BLIND = "blind"  # no reading


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is known now; ``chosen_level`` None means automatic."""

    mode: Mode = Mode.DEV
    level: MonitorLevel = MonitorLevel.NORMAL
    chosen_level: MonitorLevel | None = None
    interval_s: float = 5.0
    snapshot: Snapshot | None = None
    open_alerts: tuple[Alert, ...] = ()
    protect: ProtectState = ProtectState.ON
    protect_paused_until: float | None = None  # wall clock, while it only watches for a time
    holding: tuple[str, ...] = ()  # one phrase for each job under action: "pytest · ~/shop slowed"
    notifications_paused_until: float | None = None  # wall clock
    own: OwnCost | None = None
    servers: tuple[str, ...] = ()  # one phrase for each watched server that is not as it should
    problems: tuple[str, ...] = ()  # settings problems, storage problems: sentences


class Sentence(msgspec.Struct, frozen=True, kw_only=True):
    """The state in words: a headline and one quieter line."""

    mood: Mood
    headline: str
    detail: str


def sentence(status: Status) -> Sentence:
    """The state in a sentence."""
    firing = [alert for alert in status.open_alerts if alert.state == "firing"]
    return Sentence(
        mood=_mood(status, firing), headline=_headline(status, firing), detail=_detail(status)
    )


def figures(status: Status) -> str:
    """``CPU 34 % · RAM 61 % · Disk 48 % · dev · normal``; a dash for what cannot be read."""
    shot = status.snapshot
    named = (
        ("CPU", shot.cpu_percent if shot else None),
        ("RAM", shot.memory_percent if shot else None),
        ("Disk", shot.disk_percent if shot else None),
    )
    parts = [f"{name} –" if value is None else f"{name} {value:.0f} %" for name, value in named]
    return " · ".join([*parts, str(status.mode), str(status.level)])


def _mood(status: Status, firing: list[Alert]) -> Mood:
    if status.snapshot is None:
        return Mood.BLIND
    worst = max((alert.severity.rank for alert in firing), default=0)
    if worst == Severity.CRITICAL.rank:
        return Mood.CRITICAL
    if status.holding:
        return Mood.HOLDING
    return Mood.WARNING if worst == Severity.WARNING.rank or status.problems else Mood.GOOD


def _headline(status: Status, firing: list[Alert]) -> str:
    if status.snapshot is None:
        return "Taking the first reading"
    if firing:
        worst = max(firing, key=lambda alert: (alert.severity.rank, alert.last_seen))
        more = f" and {len(firing) - 1} more" if len(firing) > 1 else ""
        return f"{worst.title}{more}"
    if status.holding:
        return status.holding[0] if len(status.holding) == 1 else f"{len(status.holding)} jobs held"
    return status.problems[0] if status.problems else "All good"


def _restraint(status: Status) -> tuple[str, ...]:
    """That nobody is touched, where that is so."""
    if status.protect is ProtectState.OFF:
        return ("protection off",)
    watches = status.protect is ProtectState.WATCH or status.protect_paused_until is not None
    return ("only watching",) if watches else ()


def _detail(status: Status) -> str:
    parts = [f"{status.mode} mode", *_restraint(status)]
    parts.append(f"looking every {status.interval_s:g} s")
    if status.own is not None:
        parts.append(f"costing {status.own.cpu_percent:.1f} % of one core")
    waiting = sum(alert.state == "firing" for alert in status.open_alerts)
    if waiting:
        parts.append(f"{waiting} alert{'s' if waiting > 1 else ''} not yet acknowledged")
    if status.notifications_paused_until is not None:
        parts.append("notifications paused")
    return " · ".join(parts)

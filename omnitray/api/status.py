"""What is shown everywhere in the same words: tray, window, command line and API."""

import enum

import msgspec

from omnitray.alerts.model import Alert, title_now
from omnitray.base.amounts import count, duration, percent, size
from omnitray.base.facts import Mode, MonitorLevel, OwnCost, ProtectState, Severity, Snapshot
from omnitray.base.leases import AUTOMATIC
from omnitray.base.policy import Band, Thresholds


class Mood(enum.StrEnum):
    """The state that the icon shows by shape as well as colour."""

    GOOD = "good"
    WARNING = "warning"
    CRITICAL = "critical"
    HOLDING = "holding"  # something is slowed down or paused
    BLIND = "blind"  # no reading


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is known now; a level None means automatic.

    ``asked_level`` is the person's or, while a lease stands, that of its holder;
    ``level_reason`` why the level in force is that one, and ``mode_asked_by`` who has borrowed the
    mode, empty where it is the person's.
    """

    mode: Mode = Mode.DEV
    level: MonitorLevel = MonitorLevel.NORMAL
    chosen_level: MonitorLevel | None = None
    asked_level: MonitorLevel | None = None
    level_reason: str = AUTOMATIC
    mode_asked_by: str = ""
    interval_s: float = 5.0
    snapshot: Snapshot | None = None
    overdue_s: float = 0.0  # so long no reading came that should have
    thresholds: Thresholds = Thresholds()
    others_wait: bool | None = None  # for a processor; None: not known
    open_alerts: tuple[Alert, ...] = ()
    protect: ProtectState = ProtectState.ON
    protect_paused_until: float | None = None  # wall clock, while it only watches for a time
    holding: tuple[str, ...] = ()  # one phrase for each job under action: "pytest · ~/shop slowed"
    notifications_paused_until: float | None = None  # wall clock
    own: OwnCost | None = None
    servers: tuple[str, ...] = ()  # one phrase for each watched server that is not as it should
    problems: tuple[str, ...] = ()  # settings problems, storage problems: sentences
    settings_problems: tuple[str, ...] = ()  # all of these alone


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
    """``CPU 34 % · RAM 61 % · Disk 48 % · dev mode``; a dash for what cannot be read."""
    shot = status.snapshot
    named = (
        ("CPU", shot.cpu_percent if shot else None),
        ("RAM", shot.memory_percent if shot else None),
        ("Disk", shot.disk_percent if shot else None),
    )
    parts = [f"{name} –" if value is None else f"{name} {value:.0f} %" for name, value in named]
    return " · ".join([*parts, f"{status.mode} mode", *restraint(status)])


class _Shortage(msgspec.Struct, frozen=True):
    """Something that the newest reading itself shows to be short."""

    severity: Severity
    words: str


def _shortages(status: Status) -> list[_Shortage]:
    """Whatever was alerted or acknowledged: what the machine shows now, the worst first."""
    shot, bands = status.snapshot, status.thresholds
    if shot is None:
        return []
    found: list[_Shortage] = []
    if shot.memory is not None and (severity := _over(shot.memory.used_percent, bands.memory)):
        left = size(shot.memory.available_bytes)
        words = f"Memory {percent(shot.memory.used_percent)} used, {left} left"
        found.append(_Shortage(severity, words))
    for disk in shot.disks:
        if severity := _over(disk.used_percent, bands.disk):
            words = f"{disk.mount} {percent(disk.used_percent)} full, {size(disk.free_bytes)} left"
            found.append(_Shortage(severity, words))
    if shot.cpu_percent is not None and _over(shot.cpu_percent, bands.cpu):
        severity, words = _CPU_WORDS[status.others_wait]
        found.append(_Shortage(severity, f"CPU {percent(shot.cpu_percent)}, {words}"))
    return sorted(found, key=lambda each: -each.severity.rank)


# Busy processors are what they are for: short they are where something waits for them. Over the
# threshold they are named all the same, so that the sentence agrees with the figures beside it.
_CPU_WORDS = {
    True: (Severity.WARNING, "others have to wait"),
    False: (Severity.INFO, "nothing else has to wait"),
    None: (Severity.WARNING, "over its threshold"),
}


def _over(value: float, band: Band) -> Severity | None:
    if value >= band.critical:
        return Severity.CRITICAL
    return Severity.WARNING if value >= band.warning else None


def _mood(status: Status, firing: list[Alert]) -> Mood:
    if status.snapshot is None or status.overdue_s:
        return Mood.BLIND
    ranks = [alert.severity.rank for alert in firing]
    ranks += [each.severity.rank for each in _shortages(status)]
    worst = max(ranks, default=0)
    if worst == Severity.CRITICAL.rank:
        return Mood.CRITICAL
    if status.holding:
        return Mood.HOLDING
    return Mood.WARNING if worst == Severity.WARNING.rank or status.problems else Mood.GOOD


def _headline(status: Status, firing: list[Alert]) -> str:
    if status.snapshot is None:
        return "Taking the first reading"
    if status.overdue_s:
        return f"No reading for {duration(status.overdue_s)}"
    worst = max(firing, key=lambda alert: (alert.severity.rank, alert.last_seen), default=None)
    # What is held now comes before what is only a warning, which may be long over.
    if status.holding and (worst is None or worst.severity is not Severity.CRITICAL):
        return status.holding[0] if len(status.holding) == 1 else f"{len(status.holding)} jobs held"
    if worst is not None:
        more = f" and {len(firing) - 1} more" if len(firing) > 1 else ""
        return f"{title_now(worst, status.snapshot)}{more}"
    shortages = _shortages(status)
    problems = [_Shortage(Severity.WARNING, each) for each in status.problems]
    named = sorted([*shortages, *problems], key=lambda each: -each.severity.rank)
    return named[0].words if named else "All good"


def restraint(status: Status) -> tuple[str, ...]:
    """That nothing is touched, where that is so."""
    if status.protect is ProtectState.OFF:
        return ("protection off",)
    watches = status.protect is ProtectState.WATCH or status.protect_paused_until is not None
    return ("only watching",) if watches else ()


def _detail(status: Status) -> str:
    """What matters most first: where there is little room the end goes."""
    asked = f" (asked for by {status.mode_asked_by})" if status.mode_asked_by else ""
    parts = [*restraint(status), f"{status.mode} mode{asked}"]
    waiting = sum(alert.state == "firing" for alert in status.open_alerts)
    if waiting:
        parts.append(f"{count(waiting, 'alert')} not yet acknowledged")
    if status.notifications_paused_until is not None:
        parts.append("notifications paused")
    parts.append(f"looking every {status.interval_s:g} s")
    if status.own is not None:
        parts.append(f"costing {status.own.cpu_percent:.1f} % of one core")
    return " · ".join(parts)

"""What a person may set, declared once: type, default, title, help, unit and range of each value.

The settings file is composed of these structs (``settings/model.py``); file, window, command line
and guide read the same declarations (``settings/model.py``). Nothing here knows about files.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from omnitray.base.amounts import bytes_of
from omnitray.base.facts import LastResort, Mode, MonitorLevel, ProtectState, Severity

_DAY_S = 86400.0
_HOUR_S = 3600.0
Percent = Annotated[float, Meta(ge=1, le=100, extra={"unit": "%"})]
Wait = Annotated[float, Meta(ge=0, le=_HOUR_S, extra={"unit": "s"})]
CLEAR_POINTS = 10.0  # under a limit, where it counts as clear; the default of ``clear_below``


def clears_under(limit: float, points: float = CLEAR_POINTS) -> float:
    """The per cent under which a passed limit counts as clear; the half of a very low limit."""
    return max(limit - points, limit / 2)


class Band(msgspec.Struct, frozen=True, kw_only=True):
    """Thresholds of one resource, in per cent of the machine, with hysteresis.

    It fires when the value has been at or over ``warning`` (``critical``) for ``hold_s`` and
    clears when it has been under the threshold minus ``clear_below`` for ``hold_s``; a threshold
    so low that this would never be clears under its half.
    """

    warning: Annotated[
        Percent,
        Meta(
            title="warning from",
            description="A warning is raised when its use stays at or above this.",
        ),
    ]
    critical: Annotated[
        Percent,
        Meta(
            title="critical from",
            description="A critical alert is raised when its use stays at or above this.",
        ),
    ]
    clear_below: Annotated[
        float,
        Meta(
            title="ends when lower by",
            description="An alert ends when the use stays this far below its threshold.",
            ge=0,
            le=50,
            extra={"unit": "points"},
        ),
    ] = CLEAR_POINTS
    hold_s: Annotated[
        Wait,
        Meta(
            title="for at least",
            description="How long it must stay above a threshold to raise an alert, and below to"
            " end it.",
        ),
    ] = 5.0

    def clears_under(self, threshold: float) -> float:
        """The value (per cent) under which a passed ``threshold`` counts as cleared."""
        return clears_under(threshold, self.clear_below)


class Thresholds(msgspec.Struct, frozen=True, kw_only=True):
    """``[thresholds]``: a band for each resource. ``…`` stands for the title within the band."""

    cpu: Annotated[Band, Meta(title="CPU: …")] = Band(warning=70.0, critical=85.0)
    memory: Annotated[Band, Meta(title="Memory: …")] = Band(warning=75.0, critical=90.0)
    disk: Annotated[Band, Meta(title="Disk: …")] = Band(warning=80.0, critical=95.0)


class MonitorSettings(msgspec.Struct, frozen=True, kw_only=True):
    """``[monitor]``."""

    save_on_battery: Annotated[
        bool,
        Meta(
            title="Save battery",
            description="Looks less often while the computer runs on its battery.",
        ),
    ] = False
    grace_s: Annotated[
        Wait,
        Meta(
            title="Quiet after start",
            description="For this long after start or sleep, only critical alerts about this"
            " machine are raised.",
        ),
    ] = 60.0
    calm_s: Annotated[
        Wait,
        Meta(
            title="Calm down after",
            description="How long all must be well before it looks less often again.",
        ),
    ] = 30.0


class MonitorPolicy(MonitorSettings, frozen=True, kw_only=True):
    """What steers the monitor. ``level`` None means automatic: NORMAL, escalating by itself."""

    level: MonitorLevel | None = None
    thresholds: Thresholds = Thresholds()


class AlertPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """``[notifications]``; the history gets every alert whatever stands here."""

    enabled: Annotated[
        bool, Meta(title="Notifications", description="Shows alerts on the desktop.")
    ] = True
    notify_from: Annotated[
        Severity,
        Meta(
            title="Notify from",
            description="Alerts of this severity and above pop up; the others are only listed.",
        ),
    ] = msgspec.field(default=Severity.CRITICAL, name="from")
    repeat_floor_s: Annotated[
        float,
        Meta(
            title="At most every",
            description="The same alert pops up no more often than this.",
            ge=1,
            le=_DAY_S,
            extra={"unit": "s"},
        ),
    ] = 60.0
    repeat_s: Annotated[
        float,
        Meta(
            title="Remind every",
            description="How often you are reminded of an alert that is still open.",
            ge=60,
            le=7 * _DAY_S,
            extra={"unit": "s"},
        ),
    ] = 4 * _HOUR_S
    repeat_critical_s: Annotated[
        float,
        Meta(
            title="Remind of critical every",
            description="How often you are reminded of a critical alert that is still open.",
            ge=60,
            le=7 * _DAY_S,
            extra={"unit": "s"},
        ),
    ] = _HOUR_S

    sound: Annotated[
        bool,
        Meta(
            title="Sound",
            description="Lets the desktop play its sound with a notification.",
        ),
    ] = False
    critical_passes_dnd: Annotated[
        bool,
        Meta(
            title="Critical ones despite Do Not Disturb",
            description="Shows critical alerts and questions while the desktop is told not to"
            " disturb.",
        ),
    ] = False


class ModeLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits in one mode, and the last escalation step without an answer.

    The times after which a job is paused or ended run from the question; 0 is for never without
    an answer.
    """

    cpu_percent: Annotated[
        Percent,
        Meta(
            title="CPU limit",
            description="With CPU use over this, the job that takes most is slowed down.",
        ),
    ]
    memory_percent: Annotated[
        Percent,
        Meta(
            title="Memory limit",
            description="With memory use over this, the job that takes most is slowed down.",
        ),
    ]
    hold_s: Annotated[
        float,
        Meta(
            title="Act after",
            description="How long a limit must be exceeded before something is done.",
            ge=0,
            le=600,
            extra={"unit": "s"},
        ),
    ]
    memory_floor_percent: Annotated[
        float,
        Meta(
            title="Memory floor",
            description="With less than this available and no swap left, the worker that grows is"
            " ended.",
            ge=0,
            le=99,
            extra={"unit": "%"},
        ),
    ] = 5.0
    swap_floor_percent: Annotated[
        float,
        Meta(
            title="Swap floor",
            description="With less free swap than this, swap counts as used up.",
            ge=0,
            le=100,
            extra={"unit": "%"},
        ),
    ] = 10.0
    memory_runs_out_s: Annotated[
        Wait,
        Meta(
            title="Memory forecast",
            description="When memory will run out within this time, the job that grows is paused.",
        ),
    ] = 30.0
    memory_end_after_s: Annotated[
        Wait,
        Meta(
            title="Memory: end after",
            description="A job paused for lack of memory is ended after this time, unless you have"
            " answered; 0 means never.",
        ),
    ] = 0.0
    cpu_pause_after_s: Annotated[
        Wait,
        Meta(
            title="CPU: pause after",
            description="A slowed down job that still makes others wait is paused after this time,"
            " unless you have answered; 0 means never.",
        ),
    ] = 0.0
    cpu_end_after_s: Annotated[
        Wait,
        Meta(
            title="CPU: end after",
            description="A job paused for that is ended after this time, unless you have answered;"
            " 0 means never.",
        ),
    ] = 0.0
    clean_asks_first: Annotated[
        bool,
        Meta(
            title="Ask before cleaning",
            description="Shows what cleaning caches would free, and cleans nothing until you say"
            " so.",
        ),
    ] = False


RuleStep = Literal["slow_down", "pause", "end"]  # the values of ``protector.model``
MOST_CPU_MAX = 100_000.0  # a thousand cores


class JobRule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One ``[[rule]]``: what holds for the jobs that its words mean, in one mode or in all.

    The words of ``match`` are those of ``protect.protected``. ``memory_max`` is a size as the
    person wrote it, ``cpu_max`` per cent of one core.
    """

    match: str | tuple[str, ...]
    always: Literal["slow_down"] | None = None
    never: tuple[RuleStep, ...] = ()
    memory_max: str = ""
    cpu_max: Annotated[float, Meta(ge=1, le=MOST_CPU_MAX)] | None = None
    mode: Mode | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """Who is meant."""
        return (self.match,) if isinstance(self.match, str) else self.match

    @property
    def memory_max_bytes(self) -> int | None:
        """How much a job may hold; None for as much as it likes."""
        return bytes_of(self.memory_max)

    def counts_in(self, mode: Mode) -> bool:
        """Whether it holds in this mode."""
        return self.mode in {None, mode}


class ProtectSettings(msgspec.Struct, frozen=True, kw_only=True):
    """``[protect]`` and the limits of each mode under it."""

    state: Annotated[
        ProtectState,
        Meta(
            title="Protector",
            description="on acts; watch only says what it would do; off does nothing.",
        ),
    ] = ProtectState.ON
    protected: Annotated[
        tuple[str, ...],
        Meta(
            title="Never touch",
            description="Names, paths of programs (also with * in them) or project folders that"
            " are left alone.",
        ),
    ] = ()
    last_resort: Annotated[
        LastResort,
        Meta(
            title="Last resort",
            description="When memory is used up and what takes it may not be touched: ask whether"
            " another job is to be ended, end it, or never end it.",
        ),
    ] = LastResort.ASK
    disk_clean_percent: Annotated[
        Percent,
        Meta(
            title="Clean caches from",
            description="When a disk is this full, caches on it are cleaned.",
        ),
    ] = 80.0
    disk_target_percent: Annotated[
        Percent,
        Meta(
            title="Clean caches to",
            description="When a disk is no fuller than this, cleaning stops.",
        ),
    ] = 75.0
    disk_danger_percent: Annotated[
        Percent,
        Meta(
            title="Hold writers from",
            description="When a disk is this full and still fills, the job that writes most is"
            " held.",
        ),
    ] = 95.0
    disk_runs_out_s: Annotated[
        Wait,
        Meta(
            title="Disk forecast",
            description="When a disk will be full within this time, the job that writes most is"
            " held.",
        ),
    ] = 120.0
    dev: Annotated[ModeLimits, Meta(title="… in dev mode")] = ModeLimits(
        cpu_percent=75.0, memory_percent=80.0, hold_s=3.0, clean_asks_first=True
    )
    test: Annotated[ModeLimits, Meta(title="… in test mode")] = ModeLimits(
        cpu_percent=85.0,
        memory_percent=85.0,
        hold_s=5.0,
        cpu_pause_after_s=60.0,
        cpu_end_after_s=600.0,
    )
    prod: Annotated[ModeLimits, Meta(title="… in prod mode")] = ModeLimits(
        cpu_percent=90.0,
        memory_percent=90.0,
        hold_s=10.0,
        memory_end_after_s=30.0,
        cpu_pause_after_s=30.0,
        cpu_end_after_s=300.0,
    )


class ProtectPolicy(ProtectSettings, frozen=True, kw_only=True):
    """What steers the protector. ``rules`` are all of the person's, of every mode."""

    mode: Mode = Mode.DEV
    rules: tuple[JobRule, ...] = ()

    @property
    def limits(self) -> ModeLimits:
        """The limits of the mode in force."""
        return {Mode.DEV: self.dev, Mode.TEST: self.test, Mode.PROD: self.prod}[self.mode]

    @property
    def rules_in_force(self) -> tuple[JobRule, ...]:
        """The rules that hold in this mode."""
        return tuple(rule for rule in self.rules if rule.counts_in(self.mode))

    @property
    def looks_for_jobs(self) -> bool:
        """Whether a rule wants something done while nothing is short."""
        return any(each.always or each.memory_max or each.cpu_max for each in self.rules_in_force)

    @property
    def pauses_by_rule(self) -> bool:
        """Whether a rule may pause a job that is small beside others."""
        return any(each.memory_max for each in self.rules_in_force)

    @property
    def never_ended(self) -> tuple[str, ...]:
        """The words for what is never ended, in whatever mode."""
        rules = (rule for rule in self.rules if "end" in rule.never)
        return (*self.protected, *(word for rule in rules for word in rule.words))

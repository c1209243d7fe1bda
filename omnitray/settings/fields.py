"""The one table that feeds settings file, window, command line and validation.

:data:`FIELDS` says for each dotted key what it is called, what it means, its unit and range.
:data:`RULES` says what must hold between keys.
"""

import enum
from collections.abc import Callable
from typing import Any

import msgspec

from omnitray.base.facts import Mode, MonitorLevel, ProtectState, Resource, Severity
from omnitray.base.policy import Band
from omnitray.settings.model import AUTO, Settings

DAY_S = 86400.0
MAX_PORT = 65535


class ValueKind(enum.StrEnum):
    """How a value is written and edited."""

    BOOL = "true or false"
    INT = "a whole number"
    NUMBER = "a number"
    CHOICE = "one of a list"
    TEXT = "text"
    LIST = "a list of texts"


class Field(msgspec.Struct, frozen=True):
    """One setting; ``key`` is dotted as in the file, bounds are inclusive and in ``unit``."""

    key: str
    title: str
    help: str
    unit: str = ""
    kind: ValueKind = ValueKind.NUMBER
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()

    @property
    def section(self) -> str:
        """The table of the file that holds it; empty at the top."""
        return self.key.rpartition(".")[0]

    @property
    def allowed(self) -> str:
        """What may stand there, in words."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        if self.minimum is None or self.maximum is None:
            return self.kind.value
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.kind.value} from {self.minimum:g} to {self.maximum:g}{unit}"


class Rule(msgspec.Struct, frozen=True):
    """What must hold between keys; if it does not, their defaults are used instead."""

    keys: tuple[str, ...]
    holds: Callable[[Settings], bool]
    allowed: str


def value_of(settings: Settings, key: str) -> Any:
    """The value under a dotted key, as the file writes it."""
    value = msgspec.to_builtins(settings)
    for part in key.split("."):
        value = value[part]
    return list(value) if isinstance(value, tuple) else value


def default_of(key: str) -> Any:
    """The default under a dotted key, as the file writes it."""
    return value_of(Settings(), key)


def _choice(key: str, title: str, text: str, choices: tuple[str, ...]) -> Field:
    return Field(key, title, text, "", ValueKind.CHOICE, None, None, choices)


def _switch(key: str, title: str, text: str) -> Field:
    return Field(key, title, text, "", ValueKind.BOOL)


def _text(key: str, title: str, text: str) -> Field:
    return Field(key, title, text, "", ValueKind.TEXT)


def _seconds(key: str, title: str, text: str, low: float = 0, high: float = 3600) -> Field:
    return Field(key, title, text, "s", ValueKind.NUMBER, low, high)


def _percent(key: str, title: str, text: str, low: float = 1, high: float = 100) -> Field:
    return Field(key, title, text, "%", ValueKind.NUMBER, low, high)


def _band(resource: Resource, name: str, use: str) -> tuple[Field, ...]:
    stem = f"thresholds.{resource}."
    warned = f"A warning is raised when {use} stays at or above this."
    alarmed = f"A critical alert is raised when {use} stays at or above this."
    over = f"An alert ends when {use} stays this far below its threshold."
    held = "How long it must stay above a threshold to raise an alert, and below to end it."
    return (
        _percent(stem + "warning", f"{name}: warning from", warned),
        _percent(stem + "critical", f"{name}: critical from", alarmed),
        Field(
            stem + "clear_below",
            f"{name}: ends when lower by",
            over,
            "points",
            ValueKind.NUMBER,
            0,
            50,
        ),
        _seconds(stem + "hold_s", f"{name}: for at least", held),
    )


def _limits(mode: Mode) -> tuple[Field, ...]:
    stem, tail = f"protect.{mode}.", f"in {mode} mode"
    slowed = "use over this, the job that takes most is slowed down."
    floor = "With less than this available and no swap left, the worker that grows is ended."
    asked = "unless you have answered; 0 means never."
    return (
        _percent(stem + "cpu_percent", f"CPU limit {tail}", f"With CPU {slowed}"),
        _percent(stem + "memory_percent", f"Memory limit {tail}", f"With memory {slowed}"),
        _seconds(
            stem + "hold_s",
            f"Act after {tail}",
            "How long a limit must be exceeded before something is done.",
            0,
            600,
        ),
        _percent(stem + "memory_floor_percent", f"Memory floor {tail}", floor, 0, 99),
        _percent(
            stem + "swap_floor_percent",
            f"Swap floor {tail}",
            "With less free swap than this, swap counts as used up.",
            0,
        ),
        _seconds(
            stem + "memory_runs_out_s",
            f"Memory forecast {tail}",
            "When memory will run out within this time, the job that grows is paused.",
        ),
        _seconds(
            stem + "memory_end_after_s",
            f"Memory: end after {tail}",
            f"A job paused for lack of memory is ended after this time, {asked}",
        ),
        _seconds(
            stem + "cpu_pause_after_s",
            f"CPU: pause after {tail}",
            f"A slowed down job that still makes others wait is paused after this time, {asked}",
        ),
        _seconds(
            stem + "cpu_end_after_s",
            f"CPU: end after {tail}",
            f"A job paused for that is ended after this time, {asked}",
        ),
        _switch(
            stem + "clean_asks_first",
            f"Ask before cleaning {tail}",
            "Shows what cleaning caches would free, and cleans nothing until you say so.",
        ),
    )


FIELDS: tuple[Field, ...] = (
    _choice(
        "mode",
        "Mode",
        "How much the protector allows before it acts: dev least, prod most.",
        tuple(Mode),
    ),
    _choice(
        "level",
        "Level",
        "How often OmniTray looks; auto looks closer by itself when something is wrong.",
        (AUTO, *MonitorLevel),
    ),
    _switch(
        "monitor.save_on_battery",
        "Save battery",
        "Looks less often while the computer runs on its battery.",
    ),
    _seconds(
        "monitor.grace_s",
        "Quiet after start",
        "For this long after start or sleep, only critical alerts about this machine are raised.",
    ),
    _seconds(
        "monitor.calm_s",
        "Calm down after",
        "How long all must be well before it looks less often again.",
    ),
    *_band(Resource.CPU, "CPU", "CPU use"),
    *_band(Resource.MEMORY, "Memory", "memory use"),
    *_band(Resource.DISK, "Disk", "the use of a disk"),
    _choice(
        "protect.state",
        "Protector",
        "on acts; watch only says what it would do; off does nothing.",
        tuple(ProtectState),
    ),
    Field(
        "protect.protected",
        "Never touch",
        "Names, paths of programs (also with * in them) or project folders that are left alone.",
        kind=ValueKind.LIST,
    ),
    _percent(
        "protect.disk_clean_percent",
        "Clean caches from",
        "When a disk is this full, caches on it are cleaned.",
    ),
    _percent(
        "protect.disk_target_percent",
        "Clean caches to",
        "When a disk is no fuller than this, cleaning stops.",
    ),
    _percent(
        "protect.disk_danger_percent",
        "Hold writers from",
        "When a disk is this full and still fills, the job that writes most is held.",
    ),
    _seconds(
        "protect.disk_runs_out_s",
        "Disk forecast",
        "When a disk will be full within this time, the job that writes most is held.",
    ),
    *(field for mode in Mode for field in _limits(mode)),
    _switch(
        "api.enabled",
        "Local API",
        "Lets the command line, tests and editors talk to OmniTray. Counts from its next start.",
    ),
    Field(
        "api.port",
        "Port",
        "If it is taken, the next free one is used. Counts from the next start.",
        "",
        ValueKind.INT,
        0,
        MAX_PORT,
    ),
    _text(
        "api.listen",
        "Address",
        "Other machines can ask when it is not 127.0.0.1; that needs a certificate and its key.",
    ),
    _text("api.certificate", "Certificate", "The path of a PEM file, for TLS."),
    _text("api.key", "Private key", "The path of a PEM file, for TLS."),
    _switch("notifications.enabled", "Notifications", "Shows alerts on the desktop."),
    _choice(
        "notifications.from",
        "Notify from",
        "Alerts of this severity and above pop up; the others are only listed.",
        tuple(Severity),
    ),
    _seconds(
        "notifications.repeat_floor_s",
        "At most every",
        "The same alert pops up no more often than this.",
        1,
        DAY_S,
    ),
    _seconds(
        "notifications.repeat_s",
        "Remind every",
        "How often you are reminded of an alert that is still open.",
        60,
        7 * DAY_S,
    ),
    _seconds(
        "notifications.repeat_critical_s",
        "Remind of critical every",
        "How often you are reminded of a critical alert that is still open.",
        60,
        7 * DAY_S,
    ),
)

BY_KEY: dict[str, Field] = {field.key: field for field in FIELDS}


def _band_rules(resource: Resource) -> tuple[Rule, ...]:
    stem = f"thresholds.{resource}."

    def band(settings: Settings) -> Band:
        found: Band = getattr(settings.thresholds, resource.value)
        return found

    def ordered(settings: Settings) -> bool:
        return band(settings).warning < band(settings).critical

    return (Rule((stem + "warning", stem + "critical"), ordered, "warning lower than critical"),)


RULES: tuple[Rule, ...] = (
    *(rule for resource in Resource for rule in _band_rules(resource)),
    Rule(
        ("protect.disk_clean_percent", "protect.disk_target_percent"),
        lambda settings: settings.protect.disk_target_percent < settings.protect.disk_clean_percent,
        "disk_target_percent lower than disk_clean_percent",
    ),
    Rule(
        ("api.listen",),
        lambda settings: (
            not settings.api.open_to_others or bool(settings.api.certificate and settings.api.key)
        ),
        "a loopback address, or api.certificate and api.key beside it",
    ),
)

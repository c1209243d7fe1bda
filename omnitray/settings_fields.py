"""The one table that feeds settings file, window, command line and validation.

:data:`FIELDS` says for each dotted key what it is called, what it means, its unit and range.
:data:`RULES` says what must hold between keys.
"""

import enum
from collections.abc import Callable
from typing import Any

import msgspec

from omnitray.core.facts import Mode, MonitorLevel, ProtectState, Resource, Severity
from omnitray.core.policy import Band
from omnitray.settings_model import AUTO, Settings

DAY_S = 86400.0
MAX_PORT = 65535


class Kind(enum.StrEnum):
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
    kind: Kind = Kind.NUMBER
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
    return Field(key, title, text, "", Kind.CHOICE, None, None, choices)


def _switch(key: str, title: str, text: str) -> Field:
    return Field(key, title, text, "", Kind.BOOL)


def _text(key: str, title: str, text: str) -> Field:
    return Field(key, title, text, "", Kind.TEXT)


def _seconds(key: str, title: str, text: str, low: float = 0, high: float = 3600) -> Field:
    return Field(key, title, text, "s", Kind.NUMBER, low, high)


def _percent(key: str, title: str, text: str, low: float = 1, high: float = 100) -> Field:
    return Field(key, title, text, "%", Kind.NUMBER, low, high)


def _band(resource: Resource, name: str) -> tuple[Field, ...]:
    stem = f"thresholds.{resource}."
    return (
        _percent(stem + "warning", f"{name} warning", f"A warning when {name} use reaches it."),
        _percent(stem + "critical", f"{name} critical", f"Critical when {name} use reaches it."),
        Field(
            stem + "clear_below",
            f"{name} clears",
            "So far under the threshold it counts as over.",
            "points",
            Kind.NUMBER,
            0,
            50,
        ),
        _seconds(stem + "hold_s", f"{name} holds for", "Over or under for so long to count."),
    )


_UNANSWERED = (
    ("memory_end_after_s", "RAM: end after", "A job paused before memory ended is ended,"),
    ("cpu_pause_after_s", "CPU: pause after", "A job that still makes others wait is paused,"),
    ("cpu_end_after_s", "CPU: end after", "A job paused for that is ended,"),
)


def _limits(mode: Mode) -> tuple[Field, ...]:
    stem = f"protect.{mode}."
    floor = "Available memory; under it, with no swap left, a victim is ended."
    return (
        _percent(stem + "cpu_percent", f"CPU limit ({mode})", "CPU use the protector allows."),
        _percent(stem + "memory_percent", f"RAM limit ({mode})", "Used memory it allows."),
        _seconds(stem + "hold_s", f"Acts after ({mode})", "Over a limit for so long.", 0, 600),
        _percent(stem + "memory_floor_percent", f"RAM floor ({mode})", floor, 0, 99),
        _percent(stem + "swap_floor_percent", f"Swap floor ({mode})", "Free swap.", 0),
        _seconds(
            stem + "memory_runs_out_s",
            f"RAM forecast ({mode})",
            "Memory foretold to end within this: what grows is paused.",
        ),
        *(
            _seconds(stem + name, f"{title} ({mode})", f"{text} so long unanswered. 0: never.")
            for name, title, text in _UNANSWERED
        ),
        _switch(
            stem + "clean_asks_first",
            f"Show first ({mode})",
            "Show what cleaning caches would free, and clean nothing unasked.",
        ),
    )


FIELDS: tuple[Field, ...] = (
    _choice("mode", "Mode", "The policy of the protector.", tuple(Mode)),
    _choice("level", "Level", "How often the monitor looks.", (AUTO, *MonitorLevel)),
    _switch("monitor.save_on_battery", "Save battery", "Look less often while it discharges."),
    _seconds("monitor.grace_s", "Quiet after start", "Only critical resource alerts so long."),
    _seconds("monitor.calm_s", "Calm down after", "Clear for so long before looking less."),
    *_band(Resource.CPU, "CPU"),
    *_band(Resource.MEMORY, "Memory"),
    *_band(Resource.DISK, "Disk"),
    _choice(
        "protect.state",
        "Protector",
        "on acts, watch only says what it would do, off sleeps.",
        tuple(ProtectState),
    ),
    Field(
        "protect.protected",
        "Never touch",
        "Names, executable paths, globs and project folders.",
        kind=Kind.LIST,
    ),
    _percent("protect.disk_clean_percent", "Clean caches from", "Disk use that starts it."),
    _percent("protect.disk_target_percent", "Clean caches to", "Disk use that ends it."),
    _percent("protect.disk_danger_percent", "Hold writers from", "Disk use, while it still fills."),
    _seconds("protect.disk_runs_out_s", "Disk forecast", "Full within this: its writer is held."),
    *(field for mode in Mode for field in _limits(mode)),
    _switch("api.enabled", "Local API", "Serves the command line, tests and editors."),
    Field("api.port", "Port", "The next free one if it is taken.", "", Kind.INT, 0, MAX_PORT),
    _text("api.listen", "Address", "Anything but loopback needs certificate and key."),
    _text("api.certificate", "Certificate", "A PEM file, for TLS."),
    _text("api.key", "Private key", "A PEM file, for TLS."),
    _switch("notifications.enabled", "Notifications", "Show them on the desktop."),
    _choice(
        "notifications.from",
        "Notify from",
        "The least severity that pops up.",
        tuple(Severity),
    ),
    _seconds("notifications.repeat_floor_s", "At most every", "For the same alert.", 1, DAY_S),
    _seconds("notifications.repeat_s", "Remind every", "While it is open.", 60, 7 * DAY_S),
    _seconds(
        "notifications.repeat_critical_s",
        "Remind of critical every",
        "While it is open.",
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

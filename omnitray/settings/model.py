"""The shape of the settings: frozen, with the names of ``config.toml`` to the letter.

Sections that steer the core are declared in ``base/policy.py``; here they are composed into one
file, with what only the program itself needs.

One table feeds settings file, window, command line and validation: :data:`FIELDS` says for each
dotted key what it is called, what it means, its unit and range, read from the declarations.
:data:`RULES` says what must hold between keys.
"""

import enum
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, Final, Literal, get_args, get_origin

import msgspec
from msgspec import Meta

from omnitray.base.facts import Mode, MonitorLevel, Resource
from omnitray.base.policy import (
    AlertPolicy,
    Band,
    JobRule,
    MonitorPolicy,
    MonitorSettings,
    ProtectPolicy,
    ProtectSettings,
    Thresholds,
)

AUTO: Final = "auto"
LevelChoice = Literal["auto", "idle", "normal", "intensive", "critical"]
Shade = Literal["auto", "light", "dark"]
TrayShow = Literal["bars", "figure", "graph", "glyph"]
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class ApiSettings(msgspec.Struct, frozen=True, kw_only=True):
    """``[api]``."""

    enabled: Annotated[
        bool,
        Meta(
            title="Local API",
            description="Lets the command line, tests and editors talk to OmniTray. Counts from"
            " its next start.",
        ),
    ] = True
    port: Annotated[
        int,
        Meta(
            title="Port",
            description="If it is taken, the next free one is used. Counts from the next start.",
            ge=0,
            le=65535,
        ),
    ] = 8137
    listen: Annotated[
        str,
        Meta(
            title="Address",
            description="Other machines can ask when it is not 127.0.0.1; that needs a certificate"
            " and its key.",
        ),
    ] = "127.0.0.1"
    certificate: Annotated[
        str, Meta(title="Certificate", description="The path of a PEM file, for TLS.")
    ] = ""
    key: Annotated[
        str, Meta(title="Private key", description="The path of a PEM file, for TLS.")
    ] = ""

    @property
    def open_to_others(self) -> bool:
        """Whether it listens on more than the loopback interface."""
        return self.listen not in LOOPBACK


class TraySettings(msgspec.Struct, frozen=True, kw_only=True):
    """``[tray]``."""

    panel: Annotated[
        Shade,
        Meta(
            title="Panel",
            description="What the icon stands on, so that its lines stand out; auto looks at the"
            " panel where it can, else goes by the desktop.",
        ),
    ] = AUTO
    show: Annotated[
        TrayShow,
        Meta(
            title="Icon",
            description="bars for CPU and memory, the figure of CPU in per cent, a graph of CPU"
            " over the last minute, or a plain glyph that only changes when something is up.",
        ),
    ] = "bars"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a person can set, always complete and valid."""

    mode: Annotated[
        Mode,
        Meta(
            title="Mode",
            description="How much the protector allows before it acts: dev least, prod most.",
        ),
    ] = Mode.DEV
    level: Annotated[
        LevelChoice,
        Meta(
            title="Level",
            description="How often OmniTray looks; auto looks closer by itself when something is"
            " wrong.",
        ),
    ] = AUTO
    look: Annotated[
        Shade,
        Meta(
            title="Look",
            description="Light or dark; auto follows the desktop, also when it changes.",
        ),
    ] = AUTO
    tray: TraySettings = TraySettings()
    monitor: MonitorSettings = MonitorSettings()
    thresholds: Thresholds = Thresholds()
    protect: ProtectSettings = ProtectSettings()
    rules: Annotated[
        tuple[JobRule, ...],
        Meta(
            title="Rules of your own",
            description="For jobs of your choice: always slow down, never pause or end, limits of"
            " memory and processors.",
        ),
    ] = msgspec.field(default=(), name="rule")
    api: ApiSettings = ApiSettings()
    notifications: AlertPolicy = AlertPolicy()

    @property
    def chosen_level(self) -> MonitorLevel | None:
        """The person's level; None means automatic."""
        return None if self.level == AUTO else MonitorLevel(self.level)

    def monitor_policy(self) -> MonitorPolicy:
        """What steers the monitor."""
        monitor = msgspec.structs.asdict(self.monitor)
        return MonitorPolicy(**monitor, level=self.chosen_level, thresholds=self.thresholds)

    def alert_policy(self) -> AlertPolicy:
        """What steers notifications."""
        return self.notifications

    def protect_policy(self) -> ProtectPolicy:
        """What steers the protector."""
        protect = msgspec.structs.asdict(self.protect)
        return ProtectPolicy(**protect, mode=self.mode, rules=self.rules)


class ValueKind(enum.StrEnum):
    """How a value is written and edited."""

    BOOL = "true or false"
    INT = "a whole number"
    NUMBER = "a number"
    CHOICE = "one of a list"
    TEXT = "text"
    LIST = "a list of texts"
    RULES = "[[rule]] tables"


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
    return _as_written(value)


def _as_written(value: Any) -> Any:
    """Lists where there are tuples, at whatever depth."""
    if isinstance(value, dict):
        return {key: _as_written(each) for key, each in value.items()}
    return [_as_written(each) for each in value] if isinstance(value, list | tuple) else value


def default_of(key: str) -> Any:
    """The default under a dotted key, as the file writes it."""
    return value_of(Settings(), key)


def _fields_of(section: type[msgspec.Struct], stem: str = "", titles: str = "…") -> Iterator[Field]:
    """The declared values of a struct and of those within it, in the order of declaration."""
    for info in msgspec.structs.fields(section):
        declared, metas = _unwrapped(info.type)
        key = f"{stem}{info.encode_name}"
        title = next((meta.title for meta in metas if meta.title), "…")
        if isinstance(declared, type) and issubclass(declared, msgspec.Struct):
            yield from _fields_of(declared, f"{key}.", titles.replace("…", title))
        else:
            yield _field(key, declared, metas, titles.replace("…", title))


def _unwrapped(declared: Any) -> tuple[Any, tuple[msgspec.Meta, ...]]:
    """A type, and what its declaration says of it, the nearest last."""
    if get_origin(declared) is not Annotated:
        return declared, ()
    plain, *metas = get_args(declared)
    return plain, tuple(metas)


def _field(key: str, declared: Any, metas: Sequence[msgspec.Meta], title: str) -> Field:
    extra = {name: value for meta in metas for name, value in (meta.extra or {}).items()}
    choices = _choices(declared)
    return Field(
        key=key,
        title=title,
        help=next((meta.description for meta in metas if meta.description), ""),
        unit=extra.get("unit", ""),
        kind=ValueKind.CHOICE if choices else _KINDS[declared],
        minimum=next((meta.ge for meta in metas if meta.ge is not None), None),
        maximum=next((meta.le for meta in metas if meta.le is not None), None),
        choices=choices,
    )


def _choices(declared: Any) -> tuple[str, ...]:
    if get_origin(declared) is Literal:
        return get_args(declared)
    if isinstance(declared, type) and issubclass(declared, enum.Enum):
        return tuple(each.value for each in declared)
    return ()


_KINDS: dict[Any, ValueKind] = {
    bool: ValueKind.BOOL,
    int: ValueKind.INT,
    float: ValueKind.NUMBER,
    str: ValueKind.TEXT,
    tuple[str, ...]: ValueKind.LIST,
    tuple[JobRule, ...]: ValueKind.RULES,
}
FIELDS: tuple[Field, ...] = tuple(_fields_of(Settings))
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

"""Is a value allowed? Pure: from values to :class:`Settings` and to what is wrong with them."""

import enum
import math
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from omnitray.settings.fields import (
    BY_KEY,
    FIELDS,
    RULES,
    Field,
    Rule,
    ValueKind,
    default_of,
    value_of,
)
from omnitray.settings.model import Settings

LONGEST_SHOWN = 60


class Fault(enum.StrEnum):
    """Why a setting is not taken."""

    BROKEN = "the file is not valid TOML"
    UNREADABLE = "the file cannot be read"
    GONE = "the file is gone"
    EMPTY = "there is nothing left in the file"
    VANISHED = "it is no longer in the file"
    UNKNOWN = "there is no such setting"
    NOT_ALLOWED = "the value is not allowed"
    CONFLICT = "the values do not go together"
    UNSAVED = "it could not be saved"
    LATER = "it counts when OmniTray is started again"


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing wrong with the settings; ``line`` is 0 where it does not come from a file.

    ``hint`` is what more is known of the fault, or what may have been meant.
    """

    fault: Fault
    key: str
    line: int = 0
    found: str = ""
    allowed: str = ""
    hint: str = ""
    used: str = ""

    @property
    def sentence(self) -> str:
        """All of it in one line for window, log and doctor."""
        where = f"line {self.line}: " if self.line else ""
        found = f"{self.key} = {self.found}" if self.found else self.key
        needs = f"; allowed: {self.allowed}" if self.allowed else ""
        hint = f"; {self.hint}" if self.hint else ""
        used = f"; using {self.used}" if self.used else ""
        return f"{where}{found}: {self.fault.value}{hint}{needs}{used}"

    def told(self, file: str = "config.toml") -> str:
        """The same with the file's name before it, once."""
        return self.sentence if self.key == file else f"{file}, {self.sentence}"


def check(field: Field, value: object) -> Problem | None:
    """What is wrong with a value as the file writes it; None when it may stand."""
    if CHECKS[field.kind](field, value):
        return None
    return Problem(
        fault=Fault.NOT_ALLOWED,
        key=field.key,
        found=shown(value),
        allowed=field.allowed,
        used=shown(default_of(field.key)),
    )


def unknown(key: str, value: object) -> Problem:
    """A key that nobody reads, with the nearest one that somebody does."""
    import difflib  # noqa: PLC0415 - 6 ms that only a mistake needs

    near = difflib.get_close_matches(key, BY_KEY, n=1)
    meant = f"did you mean {near[0]}?" if near else ""
    return Problem(fault=Fault.UNKNOWN, key=key, found=shown(value), hint=meant)


def settle(values: Mapping[str, Any]) -> tuple[Settings, tuple[Problem, ...]]:
    """Settings from checked values; what breaks a rule falls back to its defaults."""
    kept = dict(values)
    problems = []
    for rule in RULES:
        if not rule.holds(_build(kept)):
            problems.append(_conflict(rule, _build(kept)))
            for key in rule.keys:
                kept.pop(key, None)
    return _build(kept), tuple(problems)


def set_value(settings: Settings, key: str, value: object) -> Settings | Problem:
    """The settings with one value changed, or why not. Changes no file."""
    field = BY_KEY.get(key)
    if field is None:
        return unknown(key, value)
    if problem := check(field, value):
        return msgspec.structs.replace(problem, used=shown(value_of(settings, key)))
    values = {each.key: value_of(settings, each.key) for each in FIELDS}
    changed = _build({**values, key: value})
    broken = next((rule for rule in RULES if not rule.holds(changed)), None)
    return changed if broken is None else _conflict(broken, changed, settings)


def parse_text(key: str, text: str) -> object:
    """What a person typed for a key, as the file would hold it; checks nothing else."""
    kind = BY_KEY[key].kind if key in BY_KEY else ValueKind.TEXT
    if kind is ValueKind.LIST:
        return [part.strip() for part in text.split(",") if part.strip()]
    if kind in (ValueKind.INT, ValueKind.NUMBER):
        return _number(text)
    if kind is ValueKind.BOOL:
        return {
            "true": True,
            "on": True,
            "yes": True,
            "false": False,
            "off": False,
            "no": False,
        }.get(text.lower(), text)
    return text


def shown(value: object) -> str:
    """A value in one short printable line, as TOML would write it."""
    if isinstance(value, bool):
        return str(value).lower()
    text = f"{value:g}" if isinstance(value, int | float) else _quoted(value)
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"


def _quoted(value: object) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(shown(each) for each in value) + "]"
    if isinstance(value, Mapping):
        return "{…}"
    return '"' + "".join(mark if mark.isprintable() else "?" for mark in str(value)) + '"'


def _number(text: str) -> object:
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    return text


def _build(values: Mapping[str, Any]) -> Settings:
    tree: dict[str, Any] = {}
    for key, value in values.items():
        *tables, name = key.split(".")
        table = tree
        for part in tables:
            table = table.setdefault(part, {})
        table[name] = value
    return msgspec.convert(_over_defaults(tree), Settings)


def _over_defaults(tree: Mapping[str, Any]) -> dict[str, Any]:
    """A band given in part keeps the other defaults of *its* resource, not of the struct."""
    return _merge(msgspec.to_builtins(Settings()), tree)


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for name, value in over.items():
        merged[name] = _merge(merged[name], value) if isinstance(value, dict) else value
    return merged


def _conflict(rule: Rule, found: Settings, before: Settings | None = None) -> Problem:
    return Problem(
        fault=Fault.CONFLICT,
        key=" and ".join(rule.keys),
        found=" and ".join(shown(value_of(found, key)) for key in rule.keys),
        allowed=rule.allowed,
        used=" and ".join(shown(value_of(before or Settings(), key)) for key in rule.keys),
    )


def _is_number(field: Field, value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return False
    low, high = field.minimum, field.maximum
    return (low is None or value >= low) and (high is None or value <= high)


def _is_text(_: Field, value: object) -> bool:
    return isinstance(value, str) and "\0" not in value


CHECKS: dict[ValueKind, Callable[[Field, object], bool]] = {
    ValueKind.BOOL: lambda _, value: isinstance(value, bool),
    ValueKind.INT: lambda field, value: isinstance(value, int) and _is_number(field, value),
    ValueKind.NUMBER: _is_number,
    ValueKind.CHOICE: lambda field, value: isinstance(value, str) and value in field.choices,
    ValueKind.TEXT: _is_text,
    ValueKind.LIST: lambda field, value: (
        isinstance(value, list) and all(_is_text(field, each) for each in value)
    ),
}

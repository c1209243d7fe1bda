"""Is a value allowed? Pure: from values to :class:`Settings` and to what is wrong with them.

A ``[[rule]]`` says what a person wants done, or never done, with jobs of their own choice. One that
cannot be used is left out and named with what is wrong; the others stand.
"""

import math
import re
import tomllib
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from omnitray.base.amounts import bytes_of
from omnitray.base.policy import JobRule
from omnitray.settings.faults import Fault, Problem, TableFault, shown, table_problem
from omnitray.settings.model import (
    BY_KEY,
    FIELDS,
    RULES,
    Field,
    Rule,
    Settings,
    ValueKind,
    default_of,
    value_of,
)

FIELDS_OF_A_RULE = tuple(JobRule.__struct_fields__)
# What a rule of each field must hold, in words; the types themselves stand in ``JobRule``.
_ALLOWED = {
    "match": "a name, the path of a program, a project folder or a glob, or a list of these",
    "always": '"slow_down"',
    "never": 'a list of "slow_down", "pause" and "end"',
    "memory_max": 'a size as "2G" or "500M"',
    "cpu_max": "per cent of one core, from 1 to 100000",
    "mode": "dev, test or prod",
}


class RuleFault(TableFault):
    """A rule that cannot be used."""


def rule_of_table(table: Any) -> JobRule:
    """The rule that a table declares; raises :class:`RuleFault`."""
    if not isinstance(table, Mapping):
        raise RuleFault("rule", table, "[[rule]] tables")
    for key, value in table.items():
        if key not in FIELDS_OF_A_RULE:
            raise RuleFault(key, value, "one of " + ", ".join(FIELDS_OF_A_RULE))
    try:
        rule = msgspec.convert(dict(table), JobRule)
    except msgspec.ValidationError as error:
        place = re.search(r"`\$\.(\w+)", str(error))
        key = place[1] if place else "match"
        raise RuleFault(key, table.get(key, ""), _ALLOWED[key]) from error
    return _whole(rule)


def rule_text(rule: JobRule | Mapping[str, Any]) -> str:
    """A rule in one line: ``match = "ffmpeg", always = "slow_down"``."""
    fields = msgspec.to_builtins(rule)
    return ", ".join(f"{key} = {_toml(value)}" for key, value in fields.items())


def rules_of_text(text: str) -> object:
    """Rules as a person types them, one a line or as the file holds them; checks nothing else.

    What is no TOML stays the text that it is, so that a check says what is allowed.
    """
    stripped = text.strip()
    lines = [line for line in stripped.splitlines() if line.strip()]
    listed = stripped.startswith("[")
    rows = stripped if listed else "[" + ", ".join(f"{{ {line} }}" for line in lines) + "]"
    try:
        return tomllib.loads(f"rules = {rows}")["rules"]
    except tomllib.TOMLDecodeError:
        return text


def _toml(value: object) -> str:
    """Texts, numbers and lists of texts: JSON writes them as TOML does."""
    return msgspec.json.encode(value).decode().replace(",", ", ")


def _whole(rule: JobRule) -> JobRule:
    """What must hold within and between the fields."""
    words = rule.words
    if not words or not all(word.strip() and "\0" not in word for word in words):
        raise RuleFault("match", list(words), _ALLOWED["match"])
    if rule.memory_max and bytes_of(rule.memory_max) is None:
        raise RuleFault("memory_max", rule.memory_max, _ALLOWED["memory_max"])
    if rule.always and rule.always in rule.never:
        raise RuleFault("never", list(rule.never), "not what stands in always")
    if not (rule.always or rule.never or rule.memory_max or rule.cpu_max):
        raise RuleFault("match", list(words), "always, never, memory_max or cpu_max beside it")
    return rule


def check(field: Field, value: object) -> Problem | None:
    """What is wrong with a value as the file writes it; None when it may stand."""
    if field.kind is ValueKind.RULES:
        return _rules_problem(field, value)
    if CHECKS[field.kind](field, value):
        return None
    return _not_allowed(field, value)


def _rules_problem(field: Field, value: object) -> Problem | None:
    """What is wrong with the first rule that cannot be used."""
    if not isinstance(value, list | tuple):
        return _not_allowed(field, value)
    for table in value:
        try:
            rule_of_table(table)
        except TableFault as fault:
            return table_problem(field.key, fault)
    return None


def _not_allowed(field: Field, value: object) -> Problem:
    return Problem(
        fault=Fault.NOT_ALLOWED,
        key=field.key,
        found=shown(value),
        allowed=field.allowed,
        used=shown(default_of(field.key)),
    )


def unknown(key: str, value: object) -> Problem:
    """The problem of an unknown key, with the nearest known one; a text there may be a secret."""
    import difflib  # noqa: PLC0415 - 6 ms that only a mistake needs

    near = difflib.get_close_matches(key, BY_KEY, n=1)
    meant = f"did you mean {near[0]}?" if near else ""
    found = shown(value) if isinstance(value, int | float) else "…"
    return Problem(fault=Fault.UNKNOWN, key=key, found=found, hint=meant)


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
    if kind is ValueKind.RULES:
        return rules_of_text(text)
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
    # A band given in part keeps the other defaults of *its* resource, not of the struct.
    return msgspec.convert(_merge(msgspec.to_builtins(Settings()), tree), Settings)


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

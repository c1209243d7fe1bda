"""``[[rule]]``: what a person wants done, or never done, with jobs of their own choice.

A rule that cannot be used is left out and named with what is wrong; the others stand.
"""

import re
import tomllib
from collections.abc import Mapping
from typing import Any

import msgspec

from omnitray.base.amounts import bytes_of
from omnitray.base.policy import JobRule
from omnitray.settings.faults import TableFault

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

"""What is wrong with the settings: one fault, the sentence about it, and how values are shown.

Tables that a person writes in any number (``[[server]]``, ``[[rule]]``) are read one by one. One
that cannot be used is left out and named with what is wrong; the others stand.
"""

import enum
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar, get_args, get_origin

import msgspec

LONGEST_SHOWN = 60
_PLACE = re.compile(r"`\$\.(\w+)")


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


class TableFault(ValueError):  # noqa: N818 - the settings' word for what is wrong
    """A table that cannot be used: ``key`` is the field, the text what is allowed."""

    def __init__(self, key: str, found: object, allowed: str) -> None:
        super().__init__(f"{key}: {allowed}")
        self.key = key
        self.found = found
        self.allowed = allowed


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing wrong with the settings; ``line`` is 0 where it does not come from a file.

    ``hint`` is what more is known of the fault, or what may have been meant. ``table`` is the name
    that a ``[[server]]`` or ``[[webhook]]`` with a fault gives itself.
    """

    fault: Fault
    key: str
    line: int = 0
    found: str = ""
    allowed: str = ""
    hint: str = ""
    used: str = ""
    table: str = ""

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


def table_problem(name: str, fault: TableFault, line: int = 0, table: str = "") -> Problem:
    """What is wrong with one table of that name, which calls itself ``table``."""
    return Problem(
        fault=Fault.NOT_ALLOWED,
        key=f"{name}.{fault.key}",
        line=line,
        found=shown(fault.found),
        allowed=fault.allowed,
        used=f"without this {name}",
        table=table,
    )


def words_of_type(kind: Any) -> list[str]:
    """The words that a field of this type takes."""
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return [str(each.value) for each in kind]
    if get_origin(kind) is Literal:
        return [str(each) for each in get_args(kind)]
    return [word for part in get_args(kind) for word in words_of_type(part)]


def what_is_allowed(error: msgspec.ValidationError, shape: type[msgspec.Struct]) -> tuple[str, str]:
    """The field that the library found fault with ("" where it names none), and what it takes.

    The library quotes the value of a word that there is not: a value may be a secret.
    """
    text, found = str(error), _PLACE.search(str(error))
    key = found[1] if found else ""
    if "enum value" in text:
        kinds = {each.encode_name: each.type for each in msgspec.structs.fields(shape)}
        return key, "one of " + ", ".join(words_of_type(kinds.get(key)))
    return key, text.partition(" - at")[0]


def shown(value: object) -> str:
    """A value in one short printable line, as TOML would write it."""
    if isinstance(value, bool):
        return str(value).lower()
    text = f"{value:.15g}" if isinstance(value, int | float) else _quoted(value)
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"


def _quoted(value: object) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(shown(each) for each in value) + "]"
    if isinstance(value, Mapping):
        return "{…}"
    return '"' + "".join(mark if mark.isprintable() else "?" for mark in str(value)) + '"'


Table = TypeVar("Table")


def lines_of_tables(name: str, text: str) -> list[int]:
    """The line of each ``[[name]]``."""
    header = re.compile(rf"\s*\[\[\s*[\"']?{name}[\"']?\s*\]\]")
    return [number for number, line in enumerate(text.splitlines(), 1) if header.match(line)]


def _line_of(key: str, lines: list[str], header: int) -> int:
    """The line of a field of the table whose header has that number; its own where there is none.

    Numbers begin at 1.
    """
    field = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]")
    for number, line in enumerate(lines[header:], header + 1):
        if line.lstrip().startswith("["):
            break
        if field.match(line):
            return number
    return header


def tables_of(
    name: str, found: Any, text: str, read: Callable[[Any, list[Table]], Table]
) -> tuple[list[Table], list[Problem]]:
    """The tables that can be used, and what is wrong with the others.

    ``read`` makes one of them, given those before it, or raises :class:`TableFault`.
    """
    headers, lines = lines_of_tables(name, text), text.splitlines()
    good: list[Table] = []
    problems = []
    for index, table in enumerate(found if isinstance(found, list) else [found]):
        try:
            good.append(read(table, good))
        except TableFault as fault:
            line = _line_of(fault.key, lines, headers[index]) if index < len(headers) else 0
            called = table.get("name", "") if isinstance(table, Mapping) else ""
            problems.append(table_problem(name, fault, line, str(called)))
    return good, problems

"""The settings file: read, watched, and changed without losing what else stands in it.

Reading never fails: what cannot be used is a :class:`Problem` with its line, and the default is
used. Saving touches only the given keys, keeps comments and unknown content, replaces the file
at once, and refuses a file that cannot be read.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from omnitray.base.bounded import read_bounded
from omnitray.base.durable import StorageError, followed, write_atomic
from omnitray.base.facts import ProtectState
from omnitray.base.paths import private_folder, why_not_made
from omnitray.settings.check import check, rule_of_table, settle, unknown
from omnitray.settings.faults import (
    Fault,
    Problem,
    lines_of_tables,
    shown,
    table_problem,
    tables_of,
)
from omnitray.settings.model import BY_KEY, Settings, value_of
from omnitray.settings.servers import ServerFault, ServerSettings, server_of_table
from omnitray.settings.webhooks import WebhookFault, WebhookSettings, webhook_of_table

PART = r"""(?:"[^"\n]*"|'[^'\n]*'|[A-Za-z0-9_-]+)"""
NAME = rf"{PART}(?:\s*\.\s*{PART})*"
HEADER = re.compile(rf"\s*\[\[?\s*({NAME})\s*\]\]?")
ASSIGNMENT = re.compile(rf"\s*({NAME})\s*=")
FENCE = re.compile(r'"""|' + r"'''")


def lines_of(text: str) -> dict[str, int]:
    """Line numbers from 1 for every dotted key and table header."""
    found: dict[str, int] = {}
    stem = ""
    inside = False
    for number, line in enumerate(text.splitlines(), start=1):
        fences = len(FENCE.findall(line))
        if not inside:
            if header := HEADER.match(line):
                stem = _dotted(header[1])
                found.setdefault(stem, number)
            elif assignment := ASSIGNMENT.match(line):
                found.setdefault(f"{stem}.{_dotted(assignment[1])}".strip("."), number)
        inside ^= fences % 2 == 1
    return found


def line_of(key: str, lines: Mapping[str, int]) -> int:
    """The line of a key, or of the nearest table around it; 0 when it is not in the file."""
    while key:
        if key in lines:
            return lines[key]
        key = key.rpartition(".")[0]
    return 0


def _dotted(name: str) -> str:
    return ".".join(part.strip("\"'") for part in re.findall(PART, name))


if TYPE_CHECKING:
    from tomlkit import TOMLDocument
    from tomlkit.items import AoT

SERVER, RULE, WEBHOOK = "server", "rule", "webhook"
_ARMED = "protect.state"
CAREFUL = "the defaults, but protection only watches"
MAX_BYTES = 1_000_000
TRIES = 5
Stamp = tuple[int, int, int]  # modification time in ns, inode, size: all zero for no file
NO_FILE: Stamp = (0, 0, 0)


class Loaded(msgspec.Struct, frozen=True):
    """What a file holds: always complete settings, what is wrong with it, and its stamp.

    ``given`` are the keys whose values are taken from the file, ``kept`` those whose values are in
    force although the file gives them no longer (see ``continuity``); ``kept_tables`` names the
    tables (``server``, ``webhook``) of which the same is true.
    """

    settings: Settings = Settings()
    problems: tuple[Problem, ...] = ()
    stamp: Stamp = NO_FILE
    given: frozenset[str] = frozenset()
    kept: frozenset[str] = frozenset()
    kept_tables: frozenset[str] = frozenset()
    servers: tuple[ServerSettings, ...] = ()
    webhooks: tuple[WebhookSettings, ...] = ()

    @property
    def readable(self) -> bool:
        """Whether the file may be written: one that could not be read is never replaced."""
        return not any(each.fault in (Fault.BROKEN, Fault.UNREADABLE) for each in self.problems)


def load(path: Path) -> Loaded:
    """Read the file; a missing one holds the defaults."""
    before = stamp_of(path)
    try:
        text = _read(path)
    except FileNotFoundError:
        return Loaded()
    except (OSError, UnicodeDecodeError, ValueError) as error:
        return Loaded(_careful(), (_unreadable(path, error),), before)
    return msgspec.structs.replace(parse(text, path.name), stamp=before)


def parse(text: str, name: str = "config.toml") -> Loaded:
    """Settings from TOML text."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return Loaded(_careful(), (_broken(name, text, error),))
    good: dict[str, Any] = {}
    servers, problems = tables_of(SERVER, tree.pop(SERVER, []), text, _server)
    webhooks, faults = tables_of(WEBHOOK, tree.pop(WEBHOOK, []), text, _webhook)
    problems += faults
    if RULE in tree:
        rules, faults = tables_of(RULE, tree.pop(RULE), text, lambda table, _: rule_of_table(table))
        good[RULE] = [msgspec.to_builtins(rule) for rule in rules]
        problems += faults
    for key, value in _leaves(tree):
        problem = check(BY_KEY[key], value) if key in BY_KEY else unknown(key, value)
        if problem is None:
            good[key] = value
        elif key == _ARMED:
            good[key] = ProtectState.WATCH.value
            problems.append(msgspec.structs.replace(problem, used=ProtectState.WATCH.value))
        else:
            problems.append(problem)
    settings, conflicts = settle(good)
    lines = lines_of(text)
    located = [each if each.line else _located(each, lines) for each in (*problems, *conflicts)]
    fallen = {key for each in conflicts for key in each.key.split(" and ")}
    return Loaded(
        settings,
        tuple(sorted(located, key=lambda each: each.line)),
        given=frozenset(good) - fallen,
        servers=tuple(servers),
        webhooks=tuple(webhooks),
    )


def _server(table: Any, known: Sequence[ServerSettings]) -> ServerSettings:
    if not isinstance(table, Mapping):
        raise ServerFault("server", table, "[[server]] tables")
    server = server_of_table(table)
    if server.name in {each.name for each in known}:
        raise ServerFault("name", server.name, "a name that no other server has")
    return server


def _webhook(table: Any, known: Sequence[WebhookSettings]) -> WebhookSettings:
    if not isinstance(table, Mapping):
        raise WebhookFault("webhook", "", "[[webhook]] tables")
    webhook = webhook_of_table(table)
    if webhook.name in {each.name for each in known}:
        raise WebhookFault("name", webhook.name, "a name that no other webhook has")
    return webhook


def _careful() -> Settings:
    """The defaults, but for what may touch others: a slip of the pen must not arm it."""
    settings = Settings()
    watching = msgspec.structs.replace(settings.protect, state=ProtectState.WATCH)
    return msgspec.structs.replace(settings, protect=watching)


def stamp_of(path: Path) -> Stamp:
    """What tells one state of the file from another, for the cost of one stat."""
    try:
        found = path.stat()
    except OSError:
        return NO_FILE
    return (found.st_mtime_ns, found.st_ino, found.st_size)


def changed(path: Path, stamp: Stamp) -> bool:
    """Whether the file is another than the one that was loaded."""
    return stamp_of(path) != stamp


def save(path: Path, changes: Mapping[str, Any]) -> Loaded | Problem:
    """Write the given keys (None: back to the default) and nothing else; the new state.

    Starts from what is on disk at this moment, so that changes made there since stay.
    Raises StorageError, FolderError when the disk refuses.
    """
    path = followed(path)  # a link into a person's dotfiles stays a link
    for _ in range(TRIES):
        found = load(path)
        if not found.readable:
            return found.problems[0]
        if refusal := _refusal(changes):
            return refusal
        text = _edited(path, changes)
        if refusal := _conflict_after(text, found.settings, changes):
            return refusal
        if not changed(path, found.stamp):
            break
    private_folder(path.parent)
    write_atomic(path, text.encode())
    return load(path)


def save_server(path: Path, server: Mapping[str, Any]) -> Loaded | Problem:
    """Write a ``[[server]]``, or the given fields of the one of that name; the new state.

    Raises StorageError, FolderError when the disk refuses.
    """
    return _save_table(path, SERVER, server)


def save_webhook(path: Path, webhook: Mapping[str, Any]) -> Loaded | Problem:
    """The same for a ``[[webhook]]``; None takes a field out."""
    return _save_table(path, WEBHOOK, webhook)


def remove_table(path: Path, kind: str, name: str) -> Loaded | Problem:
    """Take the ``[[server]]`` or ``[[webhook]]`` of that name out of the file; the new state."""
    path = followed(path)
    found = load(path)
    if not found.readable:
        return found.problems[0]
    import tomlkit  # noqa: PLC0415 - 30 ms that only saving needs

    document = tomlkit.parse(_current(path))
    tables = document.get(kind, [])
    for index in reversed(range(len(tables))):
        if tables[index].get("name") == name:
            del tables[index]
    if not tables:
        document.pop(kind, None)
    write_atomic(path, tomlkit.dumps(document).encode())
    return load(path)


def restore_tables(path: Path, in_force: Loaded) -> None:
    """Write servers and webhooks that are in force, and that the file has lost, back into it.

    Raises StorageError, FolderError when the disk refuses.
    """
    if not in_force.kept_tables or not (there := load(path)).readable:
        return
    names = {SERVER: {s.name for s in there.servers}, WEBHOOK: {w.name for w in there.webhooks}}
    for kind, tables in ((SERVER, in_force.servers), (WEBHOOK, in_force.webhooks)):
        for each in tables if kind in in_force.kept_tables else ():
            if each.name not in names[kind]:
                _save_table(path, kind, fields_to_write(each))


def fields_to_write(table: ServerSettings | WebhookSettings) -> dict[str, Any]:
    """The fields of a ``[[server]]`` or ``[[webhook]]`` that are not as by default."""
    values: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(table))
    defaults = {
        each.encode_name: msgspec.to_builtins(each.default)
        for each in msgspec.structs.fields(table)
        if each.default is not msgspec.NODEFAULT
    }
    return {
        key: value
        for key, value in values.items()
        if value not in (None, "", {}, []) and value != defaults.get(key)
    }


def line_of_table(path: Path, kind: str, name: str) -> int:
    """The line of the ``[[server]]`` or ``[[webhook]]`` of that name; 0 where it is not found."""
    try:
        text = _read(path)
        tables = tomllib.loads(text).get(kind, [])
    except (OSError, ValueError):
        return 0
    lines = lines_of_tables(kind, text)
    names = [each.get("name") for each in tables if isinstance(each, Mapping)]
    index = names.index(name) if name in names else len(lines)
    return lines[index] if index < len(lines) else 0


def _save_table(path: Path, kind: str, fields: Mapping[str, Any]) -> Loaded | Problem:
    path = followed(path)
    found = load(path)
    if not found.readable:
        return found.problems[0]
    import tomlkit  # noqa: PLC0415 - 30 ms that only saving needs

    document = tomlkit.parse(_current(path))
    tables = document.setdefault(kind, tomlkit.aot())
    known = next((each for each in tables if each.get("name") == fields["name"]), None)
    if known is None:
        known = tomlkit.table()
        tables.append(known)
    for key, value in fields.items():
        if value is None:
            known.pop(key, None)
        else:
            known[key] = value
    try:
        (server_of_table if kind == SERVER else webhook_of_table)(known.unwrap())
    except (ServerFault, WebhookFault) as fault:
        return table_problem(kind, fault)
    private_folder(path.parent)
    write_atomic(path, tomlkit.dumps(document).encode())
    return load(path)


def _refusal(changes: Mapping[str, Any]) -> Problem | None:
    for key, value in changes.items():
        if key not in BY_KEY:
            return unknown(key, value)
        if value is not None and (problem := check(BY_KEY[key], value)):
            return problem
    return None


def _conflict_after(text: str, before: Settings, changes: Mapping[str, Any]) -> Problem | None:
    """What would be in force with this text, judged as it is when it is read.

    All changes count together: warning and critical may both move past the old values. What is not
    saved leaves in force what was so before.
    """
    conflicts = (each for each in parse(text).problems if each.fault is Fault.CONFLICT)
    broken = next((each for each in conflicts if {*each.key.split(" and ")} & {*changes}), None)
    if broken is None:
        return None
    values = (shown(value_of(before, key)) for key in broken.key.split(" and "))
    return msgspec.structs.replace(broken, line=0, used=" and ".join(values))


def _edited(path: Path, changes: Mapping[str, Any]) -> str:
    import tomlkit  # noqa: PLC0415 - 30 ms that only saving needs

    document = tomlkit.parse(_current(path))
    for key, value in changes.items():
        _put(document, key, value)
    return tomlkit.dumps(document)


def _put(document: "TOMLDocument", key: str, value: object) -> None:
    import tomlkit  # noqa: PLC0415 - as above

    *tables, name = key.split(".")
    table: Any = document
    for part in tables:
        if part not in table:
            if value is None:
                return
            table[part] = tomlkit.table(is_super_table=part != tables[-1])
        table = table[part]
    if value is None:
        table.pop(name, None)
    elif key == RULE and value:
        table[name] = _array_of_tables(value)
    else:
        table[name] = value


def _array_of_tables(rows: Any) -> "AoT":
    import tomlkit  # noqa: PLC0415 - as above

    made = tomlkit.aot()
    for row in rows:
        made.append(tomlkit.item(row))
    return made


def _read(path: Path) -> str:
    return read_bounded(path, MAX_BYTES).decode("utf-8-sig")


def _current(path: Path) -> str:
    """What is to be edited; raises StorageError where it cannot be read just now."""
    try:
        return _read(path)
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise StorageError(path, error) from error


def _leaves(tree: Mapping[str, Any], stem: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        key = f"{stem}{name}"
        if isinstance(value, dict) and value and key not in BY_KEY:
            yield from _leaves(value, f"{key}.")
        elif value != {}:
            yield key, value


def _located(problem: Problem, lines: Mapping[str, int]) -> Problem:
    line = max(line_of(key, lines) for key in problem.key.split(" and "))
    return msgspec.structs.replace(problem, line=line)


def _broken(name: str, text: str, error: tomllib.TOMLDecodeError) -> Problem:
    from omnitray.settings.toml_faults import explained  # noqa: PLC0415 - only for a mistake

    line, hint = explained(text, error)
    return Problem(fault=Fault.BROKEN, key=name, line=line, hint=hint, used=CAREFUL)


def _unreadable(path: Path, error: Exception) -> Problem:
    return Problem(fault=Fault.UNREADABLE, key=path.name, hint=_why(path, error), used=CAREFUL)


def _why(path: Path, error: Exception) -> str:
    match error:
        case UnicodeDecodeError():
            return "it is not UTF-8 text"
        case IsADirectoryError():
            return "it is a folder"
        case PermissionError():
            return "its permissions do not let you"
        case NotADirectoryError():
            return why_not_made(path.parent)
        case OSError(strerror=str() as why):
            return why
        case _:
            return str(error)

"""``settings``: the table of the settings, read from the file and changed in it.

Needs no running instance; one that runs takes the change up from the file.

The settings in force: the instance that runs knows them, else the file says it.
"""

import argparse
import time
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from omnitray.api.wire import SettingsBody, StatusBody
from omnitray.base.paths import Paths, typed
from omnitray.cli.dispatch import CommandContext, CommandFailed
from omnitray.cli.terminal import meant
from omnitray.client.http import NotRunning, RequestFailed, find_remote, is_running
from omnitray.settings.check import parse_text, rule_text
from omnitray.settings.continuity import AS_BEFORE, GUARDED
from omnitray.settings.faults import Fault, shown
from omnitray.settings.file import CAREFUL, Loaded, load, save
from omnitray.settings.model import BY_KEY, FIELDS, Field, Settings, ValueKind, default_of, value_of


def settings_problems(paths: Paths) -> tuple[str, ...]:
    """Sentences; an instance may go on with what was in force before the file became what it is."""
    try:
        return find_remote(paths).get("/status", StatusBody).settings_problems
    except (NotRunning, RequestFailed):
        name = paths.config_file.name
        return tuple(each.told(name) for each in load(paths.config_file).problems)


class InForce(msgspec.Struct, frozen=True):
    """A setting that is in force with another value than the file's, and why."""

    value: Any
    why: str


# What the file declares beside the settings proper, and what else tells of it.
TABLES = {
    "server": f"how they are: {typed('servers')}",
    "webhook": f"how they are: {typed('webhook', 'list')}",
}
# A program takes the file up 0.4 s after its last change, or at its next look, within 5 s.
_TAKEN_UP_WITHIN_S, _LOOK_S = 6.0, 0.1
NOT_YET = "OmniTray has not taken up the file yet"


def other_than(loaded: Loaded, values: Mapping[str, Any], paths: Paths) -> dict[str, InForce]:
    """Which of the file's values are not in force; none where no instance runs."""
    why = NOT_YET if loaded.readable else loaded.problems[0].fault.value
    try:
        body = find_remote(paths).get("/settings", SettingsBody)
    except (NotRunning, RequestFailed):
        return {}
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(values))
    return {
        key: InForce(body.values[key], body.why.get(key, why))
        for key, value in found.items()
        if body.values.get(key, value) != value
    }


def settings(args: argparse.Namespace, context: CommandContext) -> int:
    """Show all settings, one of them, or change one in the file."""
    return _show(args, context) if args.value is None else _change(args, context)


def _show(args: argparse.Namespace, context: CommandContext) -> int:
    """All of them, or one with what it means."""
    loaded = load(context.paths.config_file)
    if args.key in TABLES:
        return _show_tables(args.key, loaded, args, context)
    fields = _fields(args.key)
    values = {field.key: value_of(loaded.settings, field.key) for field in fields}
    others = other_than(loaded, values, context.paths)
    if args.json:
        more = {"in_force": others} if others else {}
        context.terminal.json(msgspec.json.encode({**values, **more}))
    elif args.key in BY_KEY:
        _show_one(fields[0], loaded.settings, context)
    else:
        rows = [_row(field, loaded.settings, others) for field in fields]
        context.terminal.table([*rows, *([] if args.key else _rows_of_tables(loaded))])
    for key, other in others.items():
        context.terminal.problem(f"{key}: in force is {_in_force(other)}: {other.why}")
    for problem in settings_problems(context.paths):
        context.terminal.problem(problem)
    return 0


def _fields(key: str | None) -> list[Field]:
    """The setting of this key, or all whose keys begin with it: ``thresholds.cpu``."""
    found = [each for each in FIELDS if not key or f"{each.key}.".startswith(f"{key}.")]
    if not found:
        raise _unknown(key or "")
    return found


def _lines(kind: str, loaded: Loaded) -> dict[str, dict[str, Any]]:
    """What the file declares of a kind, by name; nothing in it that may be a secret."""
    if kind == "server":
        specs = {each.name: msgspec.to_builtins(each) for each in loaded.servers}
        return {name: {**spec, "env": sorted(spec["env"])} for name, spec in specs.items()}
    return {
        each.name: {
            "name": each.name,
            "kind": each.kind,
            "from": each.severity,
            "types": each.types,
            "resolved": each.resolved,
            "quiet": each.quiet,
            "quiet_critical": each.quiet_critical,
            "paused": each.paused,
            "kept_in": each.kept_in,
        }
        for each in loaded.webhooks
    }


def _rows_of_tables(loaded: Loaded) -> list[tuple[str, str, str]]:
    return [
        (kind, f"{len(found)} of them", f"({typed('settings', kind)} shows them)")
        for kind in TABLES
        if (found := _lines(kind, loaded))
    ]


def _show_tables(
    kind: str, loaded: Loaded, args: argparse.Namespace, context: CommandContext
) -> int:
    """The tables of this name in the file, one a line."""
    terminal, found = context.terminal, _lines(kind, loaded)
    if args.json:
        terminal.json(msgspec.json.encode({kind: list(found.values())}))
        return 0
    for fields in found.values():
        terminal.line(f"{kind}: {rule_text(fields)}")
    count_of = "" if found else f"no [[{kind}]] in {context.paths.config_file}; "
    terminal.line(f"{count_of}{TABLES[kind]}", "dim")
    for problem in settings_problems(context.paths):
        terminal.problem(problem)
    return 0


def _change(args: argparse.Namespace, context: CommandContext) -> int:
    """Write one or several of them to the file: all, or none where one is not allowed."""
    changes = _changes([args.key, args.value, *args.more], context)
    file = context.paths.config_file
    back = [key for key, value in changes.items() if value is None and key in GUARDED]
    if any(_is_in_force_otherwise(key, file) for key in back) and is_running(context.paths):
        _saved({**changes, **{key: default_of(key) for key in back}}, context)
        _wait_until_in_force(back, context.paths)
    settings = _saved(changes, context).settings
    now = {key: value_of(settings, key) for key in changes}
    if args.json:
        context.terminal.json(msgspec.json.encode(now))
    for key, value in now.items():
        if not args.json:
            context.terminal.line(f"{key} = {shown(value)}")
        if key.startswith("api.") and is_running(context.paths):
            context.terminal.problem(f"{key}: {Fault.LATER.value}")
    return 0


def _changes(words: list[str], context: CommandContext) -> dict[str, object]:
    """By key the value; None takes the line out of the file."""
    if len(words) % 2:
        raise ValueError(f"a value is missing behind {words[-1]}")
    changes: dict[str, object] = {}
    for key, value in zip(words[::2], words[1::2], strict=True):
        if key in TABLES:
            detail = f"a [[{key}]] has several fields: edit {context.paths.config_file}"
            raise CommandFailed("invalid", f"{detail}, or declare it in the window")
        if key not in BY_KEY:
            raise _unknown(key)
        changes[key] = None if value == "default" else _typed(key, value)
    return changes


def _saved(changes: Mapping[str, object], context: CommandContext) -> Loaded:
    """The new state of the file; raises CommandFailed with what is in force instead."""
    outcome = save(context.paths.config_file, changes)
    if isinstance(outcome, Loaded):
        return outcome
    if outcome.fault in (Fault.BROKEN, Fault.UNREADABLE):
        used = _used_instead(context.paths)
        changed = msgspec.structs.replace(outcome, used=used).sentence
        raise CommandFailed("invalid", f"{changed}; nothing was changed")
    keys = [each for each in outcome.key.split() if each in BY_KEY]
    if outcome.fault is Fault.CONFLICT and len(keys) > 1:
        words = [word for key in keys for word in (key, "VALUE")]
        hint = f"both can be set at once: {typed('settings', *words)}"
        raise CommandFailed("invalid", f"{outcome.sentence}; {hint}")
    raise CommandFailed("invalid", outcome.sentence)


def _used_instead(paths: Paths) -> str:
    """What is in force while the file cannot be read: a program that runs knows it alone."""
    try:
        said = find_remote(paths).get("/status", StatusBody).settings_problems
    except (NotRunning, RequestFailed):
        return CAREFUL
    return CAREFUL if any(each.endswith(CAREFUL) for each in said) else AS_BEFORE


def _is_in_force_otherwise(key: str, file: Path) -> bool:
    """Whether the file gives it another value than the default."""
    return bool(value_of(load(file).settings, key) != default_of(key))


def _wait_until_in_force(keys: list[str], paths: Paths) -> None:
    """Until the program that runs has taken up the defaults of keys that steer the protector.

    It does not take the absence of such a line for the person's wish, so the line stands for a
    moment. Where the program is too slow it says in the settings that it keeps what was.
    """
    until_mono_s = time.monotonic() + _TAKEN_UP_WITHIN_S
    while time.monotonic() < until_mono_s:
        try:
            values = find_remote(paths).get("/settings", SettingsBody).values
        except (NotRunning, RequestFailed):
            return
        defaults = msgspec.json.decode(msgspec.json.encode({key: default_of(key) for key in keys}))
        if all(values.get(key) == defaults[key] for key in keys):
            return
        time.sleep(_LOOK_S)


def _typed(key: str, text: str) -> object:
    """A list may also be typed as the file holds it."""
    if BY_KEY[key].kind is not ValueKind.LIST or not text.lstrip().startswith("["):
        return parse_text(key, text)
    try:
        return tomllib.loads(f"list = {text}")["list"]
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{text} is no list; try 'a, b' or '[\"a\", \"b\"]'") from error


def _in_force(other: InForce) -> str:
    """A list of rules is too long for a line."""
    is_rules = isinstance(other.value, list) and any(isinstance(each, dict) for each in other.value)
    return f"{len(other.value)} rules" if is_rules else shown(other.value)


def _row(field: Field, settings: Settings, others: Mapping[str, InForce]) -> tuple[str, str, str]:
    value, default = value_of(settings, field.key), default_of(field.key)
    if field.kind is ValueKind.RULES and value:
        return (field.key, f"{len(value)} of them", f"({typed('settings', field.key)} shows them)")
    changed = f"(default {shown(default)})" if value != default else ""
    if (other := others.get(field.key)) is not None:
        changed = f"{changed} in force: {_in_force(other)}".strip()
    return (field.key, f"{shown(value)} {field.unit}".strip(), changed)


def _show_one(field: Field, settings: Settings, context: CommandContext) -> None:
    terminal, value = context.terminal, value_of(settings, field.key)
    if field.kind is ValueKind.RULES and value:
        for rule in value:
            terminal.line(f"{field.key}: {rule_text(rule)}")
    else:
        terminal.line(f"{field.key} = {shown(value)}")
    terminal.line(f"{field.title}. {field.help}")
    terminal.line(f"allowed: {field.allowed}; default: {shown(default_of(field.key))}")


def _unknown(key: str) -> CommandFailed:
    hint = meant(key, [*BY_KEY, *TABLES], f"{typed('settings')} lists them all")
    return CommandFailed("not_found", f"there is no setting {key}; {hint}")

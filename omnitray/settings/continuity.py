"""What stays in force when the file changes while the program runs. Pure.

A file that is removed, emptied or half written by another program does not say what the person
wants: what was in force stays. A key that vanishes never widens what the protector may do: the
values of ``mode`` and ``[protect]`` stay until they are written again, and so does what a
``[[rule]]`` forbids. A slip of the pen in a ``[[server]]`` or ``[[webhook]]`` ends neither: the one
that was in force stays until its table is mended, or taken out.
"""

from collections.abc import Collection, Sequence
from typing import Any, TypeVar

import msgspec

from omnitray.base.policy import JobRule
from omnitray.settings.check import rule_text, settle
from omnitray.settings.faults import Fault, Problem, shown
from omnitray.settings.file import NO_FILE, RULE, SERVER, WEBHOOK, Loaded
from omnitray.settings.model import FIELDS, Settings, value_of
from omnitray.settings.servers import ServerSettings
from omnitray.settings.webhooks import WebhookSettings

AS_BEFORE = "what was in force before"
_AGAIN = "until it is written again"
_TAKEN_OUT = "until OmniTray starts again, or you take it out in its settings"
GUARDED = tuple(
    field.key for field in FIELDS if field.key in {"mode", RULE} or field.key.startswith("protect.")
)
replace = msgspec.structs.replace
Declared = TypeVar("Declared", ServerSettings, WebhookSettings)


def carry_over(found: Loaded, before: Loaded, chosen: Collection[str] = ()) -> Loaded:
    """What is in force after the file was read again.

    ``chosen`` are the keys that the person has just changed through us: they count as found.
    """
    had = before.given | before.kept
    if not found.readable:
        problems = tuple(replace(each, used=AS_BEFORE) for each in found.problems)
        return replace(before, problems=problems, stamp=found.stamp)
    found = _with_faulty_tables(found, before)
    tables = bool(before.servers or before.webhooks)
    says_nothing = not (found.servers or found.webhooks or found.problems)
    if not found.given and not chosen and (had or (tables and says_nothing)):
        fault = Fault.GONE if found.stamp == NO_FILE else Fault.EMPTY
        said = Problem(fault=fault, key="config.toml", used=AS_BEFORE)
        # It stops no server and no webhook either.
        tables_lost = {SERVER: not found.servers, WEBHOOK: not found.webhooks}
        return Loaded(
            before.settings,
            (said, *found.problems),
            found.stamp,
            kept=had,
            kept_tables=frozenset(kind for kind, is_lost in tables_lost.items() if is_lost),
            servers=found.servers or before.servers,
            webhooks=found.webhooks or before.webhooks,
        )
    lost = {
        key: value_of(before.settings, key)
        for key in GUARDED
        if key in had
        and key not in found.given
        and key not in {RULE, *chosen}
        and value_of(found.settings, key) != value_of(before.settings, key)
    }
    forbidding = () if RULE in chosen else _vanished_rules(found.settings, before.settings)
    if forbidding:
        kept = [msgspec.to_builtins(each) for each in forbidding]
        lost[RULE] = [*value_of(found.settings, RULE), *kept]
    return _with_kept(found, before, lost, forbidding) if lost else found


def without_table(loaded: Loaded, kind: str, name: str) -> Loaded:
    """The same, but for the ``[[server]]`` or ``[[webhook]]`` of that name."""
    if kind == SERVER:
        return replace(loaded, servers=tuple(each for each in loaded.servers if each.name != name))
    return replace(loaded, webhooks=tuple(each for each in loaded.webhooks if each.name != name))


def _with_faulty_tables(found: Loaded, before: Loaded) -> Loaded:
    """What was in force of a table that has a fault now, and has not been taken out."""
    servers, problems = _mended(SERVER, found.servers, before.servers, found.problems)
    webhooks, problems = _mended(WEBHOOK, found.webhooks, before.webhooks, problems)
    return replace(found, servers=servers, webhooks=webhooks, problems=problems)


def _mended(
    kind: str,
    found: tuple[Declared, ...],
    before: Sequence[Declared],
    problems: tuple[Problem, ...],
) -> tuple[tuple[Declared, ...], tuple[Problem, ...]]:
    """The tables of one kind, with those of before in the place of faulty ones; the problems."""
    there = {each.name for each in found}
    lost = [each for each in before if each.name not in there]
    told = []
    for problem in problems:
        stays: list[Declared] = []
        if problem.key.startswith(f"{kind}."):
            no_name = problem.key == f"{kind}.name" and problem.table not in there
            is_any = no_name or not problem.table  # it does not say which it is
            stays = [each for each in lost if is_any or problem.table == each.name]
        found += tuple(each for each in stays if each not in found)
        told.append(replace(problem, used=AS_BEFORE) if stays else problem)
    return found, tuple(told)


def _vanished_rules(found: Settings, before: Settings) -> tuple[JobRule, ...]:
    """What rules have forbidden and none does any more."""
    forbidding = (
        JobRule(match=each.match, never=each.never, mode=each.mode)
        for each in before.rules
        if each.never
    )
    return tuple(
        each for each in forbidding if not any(_covers(rule, each) for rule in found.rules)
    )


def _covers(rule: JobRule, other: JobRule) -> bool:
    """Whether all that the other forbids is forbidden."""
    return (
        set(rule.words) >= set(other.words)
        and set(rule.never) >= set(other.never)
        and rule.mode in {None, other.mode}
    )


def _with_kept(
    found: Loaded, before: Loaded, kept: dict[str, Any], rules: tuple[JobRule, ...]
) -> Loaded:
    values = {field.key: value_of(found.settings, field.key) for field in FIELDS}
    settings, conflicts = settle({**values, **kept})
    if conflicts:  # the rest of the section does not go with what stays: all of it stays
        settings = replace(settings, mode=before.settings.mode, protect=before.settings.protect)
    problems = [
        replace(each, used=AS_BEFORE) if set(each.key.split(" and ")) & set(kept) else each
        for each in found.problems
    ]
    named = {key for each in problems for key in each.key.split(" and ")}
    problems += [
        Problem(fault=Fault.VANISHED, key=key, used=f"{shown(kept[key])} {_AGAIN}")
        for key in kept
        if key not in {RULE, *named}
    ]
    problems += [
        Problem(fault=Fault.VANISHED, key=RULE, found=rule_text(each), used=f"it {_TAKEN_OUT}")
        for each in rules
    ]
    return replace(found, settings=settings, problems=tuple(problems), kept=frozenset(kept))

"""What stays in force when the file changes while the program runs. Pure.

A file that is removed, emptied or half written by somebody else says nothing about what the person
wants: what was in force stays. A key that vanishes never widens what the protector may do: the
values of ``mode`` and ``[protect]`` stay until they are written again.
"""

from collections.abc import Collection

import msgspec

from omnitray.settings.check import Fault, Problem, settle, shown
from omnitray.settings.fields import FIELDS, value_of
from omnitray.settings.file import NO_FILE, Loaded
from omnitray.settings.model import Settings

AS_BEFORE = "what was in force before"
_AGAIN = "until it is written again"
GUARDED = tuple(
    field.key for field in FIELDS if field.key == "mode" or field.key.startswith("protect.")
)
replace = msgspec.structs.replace


def carry_over(found: Loaded, before: Loaded, chosen: Collection[str] = ()) -> Loaded:
    """What is in force after the file was read again.

    ``chosen`` are the keys that the person has just changed through us: they count as found.
    """
    had = before.given | before.kept
    if found.stamp == NO_FILE and before.servers:  # a file that vanished stops no server
        found = replace(found, servers=before.servers)
    if not found.readable:
        problems = tuple(replace(each, used=AS_BEFORE) for each in found.problems)
        return replace(before, problems=problems, stamp=found.stamp)
    if had and not found.given and not chosen:
        fault = Fault.GONE if found.stamp == NO_FILE else Fault.EMPTY
        said = Problem(fault=fault, key="config.toml", used=AS_BEFORE)
        problems = (said, *found.problems)
        servers = found.servers or before.servers
        return Loaded(before.settings, problems, found.stamp, kept=had, servers=servers)
    lost = [
        key
        for key in GUARDED
        if key in had
        and key not in found.given
        and key not in chosen
        and value_of(found.settings, key) != value_of(before.settings, key)
    ]
    return _with_kept(found, before, lost) if lost else found


def _with_kept(found: Loaded, before: Loaded, lost: list[str]) -> Loaded:
    kept = {key: value_of(before.settings, key) for key in lost}
    values = {field.key: value_of(found.settings, field.key) for field in FIELDS}
    settings, conflicts = settle({**values, **kept})
    if conflicts:  # the rest of the section does not go with what stays: all of it stays
        settings = _protecting_as(found.settings, before.settings)
    problems = [
        replace(each, used=AS_BEFORE) if set(each.key.split(" and ")) & set(lost) else each
        for each in found.problems
    ]
    named = {key for each in problems for key in each.key.split(" and ")}
    problems += [
        Problem(fault=Fault.VANISHED, key=key, used=f"{shown(kept[key])} {_AGAIN}")
        for key in lost
        if key not in named
    ]
    return replace(found, settings=settings, problems=tuple(problems), kept=frozenset(lost))


def _protecting_as(found: Settings, before: Settings) -> Settings:
    return replace(found, mode=before.mode, protect=before.protect)

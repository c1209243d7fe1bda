"""What an error of a test says in one line, and what was not permitted."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest

ERROR_LIMIT = 300


def first_line(error: BaseException) -> str:
    """``AssertionError: assert 1 == 2``: the error in one line, bounded."""
    text = said_by(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0] if text else ''}".rstrip(": ")[:ERROR_LIMIT]


def said_by(error: BaseException) -> str:
    """Its text; empty where it fails in saying it."""
    try:
        return f"{error}"
    except Exception:  # noqa: BLE001 - an error of the project under test, of whatever kind
        return ""


def place_of(report: pytest.TestReport) -> dict[str, Any]:
    """``file`` (as in the node id) and ``line`` where a test fails; ``{}`` where that is not known.

    The last line of the traceback that lies in the test's own file; without one, the test's own.
    """
    file, line, _ = report.location
    name = Path(file).name
    entries = getattr(getattr(report.longrepr, "reprtraceback", None), "reprentries", ())
    places = (getattr(each, "reprfileloc", None) for each in entries)
    lines = [each.lineno for each in places if each is not None and Path(each.path).name == name]
    if line is not None:
        lines.insert(0, line + 1)
    return {"file": file, "line": lines[-1]} if lines else {}


def permission_facts(error: BaseException) -> dict[str, Any] | None:
    """Path, mode and owner where a test failed because something is not permitted."""
    each: BaseException | None = error
    seen = 0
    while each is not None and not isinstance(each, PermissionError) and seen < 10:  # noqa: PLR2004
        each, seen = each.__cause__ or each.__context__, seen + 1
    if not isinstance(each, PermissionError):
        return None
    found: dict[str, Any] = {"errno": f"{each.strerror or 'not permitted'}", "path": None}
    if isinstance(each.filename, str | bytes | os.PathLike):
        try:
            found["path"] = os.fsdecode(each.filename)
        except Exception:  # noqa: BLE001 - a path of the project's own making
            return found
        found |= mode_and_owner(Path(found["path"]))
    return found


def mode_and_owner(path: Path) -> dict[str, Any]:
    """Of the path, or of the nearest folder above it that can be seen."""
    import pwd  # noqa: PLC0415 - only where something is not permitted

    for place in (path, *path.parents):
        try:
            facts = place.stat()
        except (OSError, ValueError):  # a name with a zero byte
            continue
        try:
            owner = pwd.getpwuid(facts.st_uid).pw_name
        except KeyError:
            owner = str(facts.st_uid)
        return {"seen": str(place), "mode": stat.filemode(facts.st_mode), "owner": owner}
    return {}

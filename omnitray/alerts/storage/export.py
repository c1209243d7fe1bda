"""The history as a file for other programs: CSV, a JSON array, or JSON lines, by its ending."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path

import msgspec

from omnitray.alerts.model import Alert
from omnitray.base.durable import StorageError, StorageFault, write_atomic

_COLUMNS = (
    "id",
    "type",
    "severity",
    "state",
    "title",
    "message",
    "source",
    "count",
    "first_seen",
    "last_seen",
    "resolved_at",
    "culprits",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would take for a formula


class NotExported(OSError):  # noqa: N818 - the sentence is what matters
    """The file cannot be written; the sentence says why and what to do."""


def export_alerts(alerts: Iterable[Alert], path: Path) -> int:
    """Write the alerts to ``path``; how many. Raises NotExported: the old file is untouched."""
    refuse_place(path)
    chosen = list(alerts)
    try:
        write_atomic(path, render(chosen, path.suffix.lower()))
    except StorageError as error:
        if error.fault is StorageFault.GONE:
            why = f"{path.parent} takes no files; choose another folder"
            raise NotExported(f"cannot write {path}: {why}") from error
        raise NotExported(f"{error}; choose another place") from error
    return len(chosen)


def refuse_place(path: Path) -> None:
    """Where no file can be; raises NotExported."""
    if path.is_dir():
        raise NotExported(f"cannot write {path}: it is a folder; name a file in it")
    if not path.parent.is_dir():
        why = f"there is no folder {path.parent}; make it first"
        raise NotExported(f"cannot write {path}: {why}")


def render(alerts: Iterable[Alert], ending: str) -> bytes:
    """The file's content: ``.csv``, ``.json`` (an array), anything else JSON lines."""
    if ending == ".csv":
        return _csv(alerts).encode()
    if ending == ".json":
        return msgspec.json.format(msgspec.json.encode(list(alerts)), indent=2) + b"\n"
    return b"".join(msgspec.json.encode(alert) + b"\n" for alert in alerts)


def _csv(alerts: Iterable[Alert]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_COLUMNS)
    for alert in alerts:
        fields = {**msgspec.structs.asdict(alert), "culprits": _culprits(alert)}
        writer.writerow([_harmless(fields[name]) for name in _COLUMNS])
    return out.getvalue()


def _culprits(alert: Alert) -> str:
    found = alert.context.get("culprits")
    jobs = found if isinstance(found, list) else []
    return ", ".join(str(each.get("job", "")) for each in jobs if isinstance(each, dict))


def _harmless(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text

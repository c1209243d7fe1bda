"""The history as a file for other programs: CSV, a JSON array, or JSON lines, by its ending.

Nothing here holds the history in memory: versions go through a temporary database on disk, rows
are written one by one.
"""

import csv
import io
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Self

import msgspec

from omnitray.alerts.model import Alert
from omnitray.base.csv_text import cell
from omnitray.base.durable import StorageError, StorageFault, replacing
from omnitray.base.paths import why_no_place

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
_PORTION = 1000  # rows between two calls of ``progress``
_CREATE = "CREATE TABLE alerts (id TEXT PRIMARY KEY, seen TEXT, body BLOB) WITHOUT ROWID"
_PUT = """INSERT INTO alerts VALUES (?, ?, ?) ON CONFLICT (id)
DO UPDATE SET seen = excluded.seen, body = excluded.body WHERE excluded.seen >= seen"""


class NotExported(OSError):  # noqa: N818 - the sentence is what matters
    """The file cannot be written; the sentence says why and what to do."""


class AlertSpool:
    """Each alert once, in its latest version, the newest first: SQLite's own temporary file.

    It is in the system's temporary folder and gone when closed, also after ``kill -9``.
    """

    def __init__(self) -> None:
        self._database = sqlite3.connect("")  # https://sqlite.org/inmemorydb.html#temp_db
        self._database.execute(_CREATE)

    def __enter__(self) -> Self:
        """Close it at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """The file is gone."""
        self._database.close()

    def __len__(self) -> int:
        """How many alerts."""
        (count,) = self._database.execute("SELECT count(*) FROM alerts").fetchone()
        return int(count)

    def add(self, alerts: Iterable[Alert]) -> int:
        """Take in versions; how many alerts were not known. Raises NotExported."""
        before = len(self)
        rows = ((each.id, each.last_seen, msgspec.json.encode(each)) for each in alerts)
        try:
            self._database.executemany(_PUT, rows)
        except sqlite3.Error as error:
            raise NotExported(f"no room for a temporary file ({error}); set TMPDIR") from error
        return len(self) - before

    def __iter__(self) -> Iterator[Alert]:
        """The newest first."""
        decoder = msgspec.json.Decoder(Alert)
        try:
            rows = self._database.execute("SELECT body FROM alerts ORDER BY seen DESC, id DESC")
            for (body,) in rows:
                yield decoder.decode(body)
        except sqlite3.Error as error:
            raise NotExported(f"no room for a temporary file ({error}); set TMPDIR") from error


def export_alerts(
    alerts: Iterable[Alert], path: Path, progress: Callable[[int], None] = lambda _: None
) -> int:
    """Write the alerts to ``path``; how many. Raises NotExported: the old file is untouched."""
    refuse_place(path)
    counted = _Counted(alerts, progress)
    try:
        with replacing(path, follow=True) as file:
            for piece in render(counted, path.suffix.lower()):
                file.write(piece)
    except StorageError as error:
        if error.fault is StorageFault.GONE:
            why = f"{path.parent} takes no files; choose another folder"
            raise NotExported(f"cannot write {path}: {why}") from error
        raise NotExported(f"{error}; choose another place") from error
    return counted.count


def refuse_place(path: Path) -> None:
    """Where no file can be; raises NotExported."""
    if why := why_no_place(path):
        raise NotExported(why)


def render(alerts: Iterable[Alert], ending: str) -> Iterator[bytes]:
    """The file's content in pieces: ``.csv``, ``.json`` (an array), anything else JSON lines."""
    if ending == ".csv":
        return _csv(alerts)
    if ending == ".json":
        return _array(alerts)
    return (msgspec.json.encode(alert) + b"\n" for alert in alerts)


class _Counted:
    def __init__(self, alerts: Iterable[Alert], progress: Callable[[int], None]) -> None:
        self.count = 0
        self._alerts = alerts
        self._progress = progress

    def __iter__(self) -> Iterator[Alert]:
        for alert in self._alerts:
            self.count += 1
            if self.count % _PORTION == 0:
                self._progress(self.count)
            yield alert


def _array(alerts: Iterable[Alert]) -> Iterator[bytes]:
    start = b"[\n  "
    for alert in alerts:
        yield start + msgspec.json.format(msgspec.json.encode(alert), indent=2).replace(
            b"\n", b"\n  "
        )
        start = b",\n  "
    yield b"[]\n" if start[:1] == b"[" else b"\n]\n"


def _csv(alerts: Iterable[Alert]) -> Iterator[bytes]:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_COLUMNS)
    for alert in alerts:
        fields = {**msgspec.structs.asdict(alert), "culprits": _culprits(alert)}
        writer.writerow([cell(fields[name]) for name in _COLUMNS])
        yield _taken(out)
    yield _taken(out)


def _taken(out: io.StringIO) -> bytes:
    text = out.getvalue()
    out.seek(0)
    out.truncate()
    return text.encode()


def _culprits(alert: Alert) -> str:
    found = alert.context.get("culprits")
    jobs = found if isinstance(found, list) else []
    return ", ".join(str(each.get("job", "")) for each in jobs if isinstance(each, dict))

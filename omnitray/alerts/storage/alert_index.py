"""``index.json``: what the folder holds, so that opening it parses nothing.

A cache and never a truth: an entry counts only while name, size, time and inode of its file agree,
the whole only while its own checksum does. Whatever disagrees is read from the files again.
"""

import os
import zlib
from pathlib import Path

import msgspec

from omnitray.alerts.model import SCHEMA, Alert, State
from omnitray.base.facts import AlertType, Severity

INDEX_NAME = "index.json"


class FileMark(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What tells one state of a file from another without reading it."""

    size_bytes: int
    mtime_ns: int
    inode: int


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One live alert: its file, and what filters and order need to know."""

    id: str
    file: str
    type: AlertType
    severity: Severity
    state: State
    first_seen: str
    last_seen: str
    mark: FileMark


class MonthMark(msgspec.Struct, frozen=True, kw_only=True):
    """One archive file: how many alerts, the newest of them, and the file's mark."""

    file: str
    count: int
    newest: str
    mark: FileMark


class Index(msgspec.Struct, frozen=True, kw_only=True):
    """The whole cache."""

    schema: int = SCHEMA
    crc32: int = 0
    alerts: tuple[Entry, ...] = ()
    archive: tuple[MonthMark, ...] = ()


def mark_of(stat: os.stat_result) -> FileMark:
    """The mark of a file in this state."""
    return FileMark(stat.st_size, stat.st_mtime_ns, stat.st_ino)


def entry_of(alert: Alert, file: str, mark: FileMark) -> Entry:
    """The entry of an alert in a file."""
    return Entry(
        id=alert.id,
        file=file,
        type=alert.type,
        severity=alert.severity,
        state=alert.state,
        first_seen=alert.first_seen,
        last_seen=alert.last_seen,
        mark=mark,
    )


def encode_index(alerts: tuple[Entry, ...], archive: tuple[MonthMark, ...]) -> bytes:
    """The bytes of the index."""
    index = Index(crc32=_crc(alerts, archive), alerts=alerts, archive=archive)
    return msgspec.json.encode(index) + b"\n"


def read_index(folder: Path) -> Index | None:
    """What the cache says; None where it is missing, damaged or of another version."""
    try:
        index = msgspec.json.decode((folder / INDEX_NAME).read_bytes(), type=Index)
    except (OSError, msgspec.MsgspecError, ValueError, RecursionError):
        return None
    sound = index.schema == SCHEMA and index.crc32 == _crc(index.alerts, index.archive)
    return index if sound else None


def _crc(alerts: tuple[Entry, ...], archive: tuple[MonthMark, ...]) -> int:
    return zlib.crc32(msgspec.json.encode((alerts, archive)))

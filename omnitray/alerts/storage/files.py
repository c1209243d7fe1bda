"""Alert files: their names, their bytes, and what can be wrong with them."""

import enum
import os
import re
import zlib
from pathlib import Path

import msgspec

from omnitray.alerts.model import SCHEMA, Alert, State
from omnitray.base.bounded import TooLargeError, read_bounded
from omnitray.base.clock import epoch
from omnitray.base.facts import AlertType, Severity

_NAME = re.compile(r"alert_-?\d+_[A-Z_]+?(?:_\d+)?\.json")
_MOST_BYTES = 16_000_000  # no alert of ours is larger; no file may fill our memory
_INDEX_BYTES = 64_000_000  # an entry has 300; with 500 live alerts it is 0.2 MB
_decoder = msgspec.json.Decoder(Alert)


class Damage(enum.Enum):
    """What is wrong with a file that has the name of an alert."""

    EMPTY = "it is empty"
    NOT_JSON = "it is cut off or not JSON"
    WRONG_FIELDS = "its fields are not those of an alert"
    TOO_LARGE = "it is too large"


class DamagedError(Exception):
    """The file cannot be read as an alert and never will be."""

    def __init__(self, damage: Damage) -> None:
        self.damage = damage
        super().__init__(damage.value)


class FutureSchemaError(Exception):
    """A newer version has written this; it is sound, and not for us."""

    def __init__(self, schema: int) -> None:
        self.schema = schema
        super().__init__(f"it has schema {schema}, and this version knows {SCHEMA}")


class _Versioned(msgspec.Struct):
    schema: int


_schema_decoder = msgspec.json.Decoder(_Versioned)


def file_name(alert: Alert) -> str:
    """``alert_<epoch>_<type>.json``; where it is taken, ``durable.numbered`` goes on from it."""
    return f"alert_{int(epoch(alert.first_seen))}_{alert.type}.json"


def is_alert_name(name: str) -> bool:
    """Whether a file of this name claims to be an alert."""
    return _NAME.fullmatch(name) is not None


def encode(alert: Alert) -> bytes:
    """The bytes of an alert file: people open these, so it is indented."""
    return msgspec.json.format(msgspec.json.encode(alert), indent=2) + b"\n"


def encode_line(alert: Alert) -> bytes:
    """One line of an archive."""
    return msgspec.json.encode(alert) + b"\n"


def decode(data: bytes) -> Alert:
    """The alert in these bytes.

    Raises:
        DamagedError: they hold none.
        FutureSchemaError: a newer version wrote them.
    """
    if not data.strip(b"\0 \t\r\n"):
        raise DamagedError(Damage.EMPTY)
    try:
        alert = _decoder.decode(data)
        epoch(alert.first_seen), epoch(alert.last_seen)
    except (msgspec.ValidationError, ValueError, RecursionError) as error:
        raise _complaint(data, error) from error
    if alert.schema != SCHEMA:
        raise _complaint(data, None)
    return alert


def read(path: Path) -> Alert:
    """The alert in a file; raises OSError too."""
    try:
        data = read_bounded(path, _MOST_BYTES, follow=False)
    except TooLargeError as error:
        raise DamagedError(Damage.TOO_LARGE) from error
    return decode(data)


def _complaint(data: bytes, error: Exception | None) -> DamagedError | FutureSchemaError:
    try:
        schema = _schema_decoder.decode(data).schema
    except (msgspec.ValidationError, ValueError, RecursionError):
        schema = 0
    if schema > SCHEMA:
        return FutureSchemaError(schema)
    readable = error is None or isinstance(error, msgspec.ValidationError)
    return DamagedError(Damage.WRONG_FIELDS if readable else Damage.NOT_JSON)


INDEX_NAME = "index.json"


class FileMark(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What tells one state of a file from another without reading it."""

    size_bytes: int
    mtime_ns: int
    inode: int


class IndexEntry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
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
    alerts: tuple[IndexEntry, ...] = ()
    archive: tuple[MonthMark, ...] = ()


def mark_of(stat: os.stat_result) -> FileMark:
    """The mark of a file in this state."""
    return FileMark(stat.st_size, stat.st_mtime_ns, stat.st_ino)


def entry_of(alert: Alert, file: str, mark: FileMark) -> IndexEntry:
    """The entry of an alert in a file."""
    return IndexEntry(
        id=alert.id,
        file=file,
        type=alert.type,
        severity=alert.severity,
        state=alert.state,
        first_seen=alert.first_seen,
        last_seen=alert.last_seen,
        mark=mark,
    )


def encode_index(alerts: tuple[IndexEntry, ...], archive: tuple[MonthMark, ...]) -> bytes:
    """The bytes of the index."""
    index = Index(crc32=_crc(alerts, archive), alerts=alerts, archive=archive)
    return msgspec.json.encode(index) + b"\n"


def read_index(folder: Path) -> Index | None:
    """What the cache says; None where it is missing, damaged or of another version."""
    try:
        index = msgspec.json.decode(read_bounded(folder / INDEX_NAME, _INDEX_BYTES), type=Index)
    except (OSError, msgspec.MsgspecError, ValueError, RecursionError):
        return None
    sound = index.schema == SCHEMA and index.crc32 == _crc(index.alerts, index.archive)
    return index if sound else None


def _crc(alerts: tuple[IndexEntry, ...], archive: tuple[MonthMark, ...]) -> int:
    return zlib.crc32(msgspec.json.encode((alerts, archive)))

"""Alert files: their names, their bytes, and what can be wrong with them."""

import enum
import os
import re
from pathlib import Path

import msgspec

from omnitray.alerts.model import SCHEMA, Alert, epoch

_NAME = re.compile(r"alert_-?\d+_[A-Z_]+?(?:_\d+)?\.json")
_MOST_BYTES = 16_000_000  # no alert of ours is larger; nobody's file fills our memory
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
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
    handle = os.open(path, os.O_RDONLY | _NO_FOLLOW)
    with os.fdopen(handle, "rb") as file:
        data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise DamagedError(Damage.TOO_LARGE)
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

"""An alert, on disk and on the wire: schema 1.

Field names, their order and their spelling are a contract; golden tests hold them.
"""

import datetime as dt
from typing import Any, Literal

import msgspec

from omnitray.base.facts import AlertType, Severity

SCHEMA = 1
State = Literal["firing", "acknowledged", "resolved"]


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One incident: the life of a fingerprint from firing to resolved.

    Times are UTC, RFC 3339 with milliseconds and ``Z``. ``count`` is how often it was raised,
    ``suppressed`` how many of these produced no notification of their own since the last one.
    ``context`` holds JSON values only.
    """

    schema: int = SCHEMA
    id: str
    type: AlertType
    severity: Severity
    state: State
    title: str
    message: str
    source: str
    fingerprint: str
    count: int = 1
    first_seen: str
    last_seen: str
    resolved_at: str | None = None
    context: dict[str, Any] = {}
    channels: tuple[str, ...] = ()
    suppressed: int = 0


def timestamp(wall_s: float) -> str:
    """``2026-11-22T13:21:27.123Z`` for seconds since the epoch."""
    moment = dt.datetime.fromtimestamp(wall_s, dt.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def epoch(text: str) -> float:
    """The inverse of :func:`timestamp`; raises ValueError on anything else."""
    return dt.datetime.fromisoformat(text).timestamp()

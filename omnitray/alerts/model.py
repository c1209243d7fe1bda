"""An alert, on disk and on the wire: schema 1.

Field names, their order and their spelling are a contract; golden tests hold them.
"""

import os
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from omnitray.base.clock import Clock
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


def id_maker(clock: Clock) -> Callable[[], str]:
    """Ids of 22 hexadecimal digits: 12 of milliseconds since the epoch, 10 of chance."""
    return lambda: f"{int(clock.wall() * 1000):012x}{os.urandom(5).hex()}"

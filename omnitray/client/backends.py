"""The ways to reach OmniTray behind one interface: in this process, and over its API.

A third, for when none runs, stands in ``offline``.
"""

import threading
import time
from concurrent.futures import Future
from typing import Protocol, TypeVar

import msgspec

from omnitray.alerts.model import Alert
from omnitray.alerts.storage.query import AlertQuery, fits
from omnitray.api import facade as d
from omnitray.api.bodies import InstanceIdentity, level_name, snapshot_body, status_body
from omnitray.api.requests import NewAlert
from omnitray.api.wire import (
    Alerts,
    LevelState,
    ModeState,
    SnapshotBody,
    Snapshots,
    StatusBody,
)
from omnitray.base.clock import timestamp
from omnitray.base.facts import AlertMove, Mode, MonitorLevel
from omnitray.base.leases import Lease
from omnitray.client.http import Release, Remote, quoted
from omnitray.client.websocket import hold

ANSWER_S = 15.0
PAGE = 5000
R = TypeVar("R")
_MOVES = {AlertMove.ACKNOWLEDGE: d.Acknowledge, AlertMove.RESOLVE: d.Resolve}


class Backend(Protocol):
    """What the Python API asks for; None where it is not known."""

    def status(self) -> StatusBody | None:
        """Monitor, protector and alerts together."""
        ...

    def snapshots(self, minutes: int) -> list[SnapshotBody]:
        """The readings of the last minutes, the oldest first."""
        ...

    def alerts(self, query: AlertQuery) -> list[Alert]:
        """Alerts, the newest first."""
        ...

    def raise_alert(self, new: NewAlert) -> Alert:
        """Raise an alert; durable on return."""
        ...

    def move_alert(self, alert_id: str, move: AlertMove) -> Alert | None:
        """Acknowledge or resolve an alert."""
        ...

    def set_level(self, level: MonitorLevel | None) -> None:
        """The person's word on the level."""
        ...

    def set_mode(self, mode: Mode) -> None:
        """The person's word on the mode."""
        ...

    def lease(self, lease: Lease) -> Release:
        """Borrow a level or a mode until the returned function is called."""
        ...


class InProcess:
    """The program that runs in this very process."""

    def __init__(self, program: d.AppFacade, identity: InstanceIdentity) -> None:
        self._program = program
        self._identity = identity

    def status(self) -> StatusBody | None:
        """From the latest facts."""
        return status_body(self._program, self._identity)

    def snapshots(self, minutes: int) -> list[SnapshotBody]:
        """Read from the monitor's history."""
        return [snapshot_body(shot) for shot in self._program.snapshots(time.time() - 60 * minutes)]

    def alerts(self, query: AlertQuery) -> list[Alert]:
        """Read from the alert store."""
        return self._program.alerts(query)

    def raise_alert(self, new: NewAlert) -> Alert:
        """Through the alert system."""
        fields = msgspec.structs.asdict(new)
        return self._settled(self._program.submit(d.RaiseAlert(**fields)))

    def move_alert(self, alert_id: str, move: AlertMove) -> Alert | None:
        """Through the alert system."""
        return self._settled(self._program.submit(_MOVES[move](alert_id=alert_id)))

    def set_level(self, level: MonitorLevel | None) -> None:
        """Without waiting: this may be the very thread that carries it out."""
        self._program.submit(d.SetLevel(level=level))

    def set_mode(self, mode: Mode) -> None:
        """Submitted without waiting."""
        self._program.submit(d.SetMode(mode=mode))

    def lease(self, lease: Lease) -> Release:
        """Submitted without waiting."""
        self._program.submit(d.BorrowLease(lease=lease))

        def release() -> None:
            self._program.submit(d.ReleaseLease(lease_id=lease.id))

        return release

    def _settled(self, future: Future[R]) -> R:
        if threading.current_thread() is threading.main_thread() and not future.done():
            raise RuntimeError("the main thread cannot wait for itself; use raise_soon()")
        return future.result(ANSWER_S)


class OverApi:
    """The program of another process, over its local API."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def status(self) -> StatusBody | None:
        """Asked."""
        return self._remote.get("/status", StatusBody)

    def snapshots(self, minutes: int) -> list[SnapshotBody]:
        """Asked."""
        return self._remote.get("/snapshots/recent", Snapshots, minutes=minutes).snapshots

    def alerts(self, query: AlertQuery) -> list[Alert]:
        """Asked for a superset, and cut: the API takes one of each, a query any number."""
        limit = query.limit if query.limit is not None and _is_plain(query) else PAGE
        found = self._remote.get(
            "/alerts",
            Alerts,
            type=_only(query.types),
            severity=_only(query.severities),
            state=_only(query.states),
            text=query.text or None,
            since=timestamp(query.since) if query.since is not None else None,
            until=timestamp(query.until) if query.until is not None else None,
            limit=min(limit + query.offset, PAGE),
        ).alerts
        fitting = [alert for alert in found if fits(alert, query)][query.offset :]
        return fitting if query.limit is None else fitting[: query.limit]

    def raise_alert(self, new: NewAlert) -> Alert:
        """Sent."""
        return self._remote.post("/alerts", new, Alert)

    def move_alert(self, alert_id: str, move: AlertMove) -> Alert | None:
        """Sent."""
        return self._remote.post(f"/alerts/{quoted(alert_id)}/{move}", None, Alert)

    def set_level(self, level: MonitorLevel | None) -> None:
        """Sent."""
        self._remote.post("/level", {"level": level_name(level)}, LevelState)

    def set_mode(self, mode: Mode) -> None:
        """Sent."""
        self._remote.post("/mode", {"mode": mode}, ModeState)

    def lease(self, lease: Lease) -> Release:
        """Held by a connection of its own, so that it ends with this process."""
        return hold(self._remote.address, lease)


def _is_plain(query: AlertQuery) -> bool:
    """Whether the API can say it whole, so that its limit is the query's."""
    return max(len(query.types), len(query.severities), len(query.states)) <= 1


def _only(values: frozenset[R]) -> R | None:
    return next(iter(values)) if len(values) == 1 else None

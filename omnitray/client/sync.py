"""The Python API: raise alerts, follow them, set and borrow levels and modes.

It finds OmniTray at each call: in this very process, else over the local API, else
by its files alone (then alerts are stored, and the rest has no effect). This is the synchronous
side; ``aio`` has the one for tasks::

    with omnitray.level(omnitray.MonitorLevel.INTENSIVE):
        heavy_work()

    alerts = await omnitray.get_alert_system()
    alerts.raise_(omnitray.AlertType.SERVER_DOWN, "shop is down", context={"port": 8000})
    async for alert in alerts.events():
        print(alert.severity, alert.title)

The ways to reach OmniTray stand behind one interface, :class:`Backend`: in this process, and over
its API; a third, for when none runs, stands in ``offline``.
"""

import datetime as dt
import os
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec

from omnitray.alerts.model import Alert, State
from omnitray.alerts.storage.query import AlertQuery, fits
from omnitray.api import facade as d
from omnitray.api.bodies import InstanceIdentity, level_name, snapshot_body, status_body
from omnitray.api.requests import NewAlert
from omnitray.api.wire import Alerts, LevelState, ModeState, SnapshotBody, Snapshots, StatusBody
from omnitray.base.clock import Clock, timestamp
from omnitray.base.facts import AlertMove, AlertType, Mode, MonitorLevel, Severity
from omnitray.base.leases import Lease
from omnitray.base.paths import Paths, find_paths
from omnitray.client import discovery
from omnitray.client.http import (
    NotRunning,
    Release,
    Remote,
    RequestFailed,
    find_remote,
    is_running,
    lost,
    quoted,
)
from omnitray.client.offline import Files
from omnitray.client.websocket import Borrowed, follow, hold

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


def _this_program() -> str:
    """Its name for a person: ``build.py (process 812)``."""
    name = Path(sys.argv[0] if sys.argv else "").name or "a Python program"
    return f"{name} (process {os.getpid()})"


def _is_plain(query: AlertQuery) -> bool:
    """Whether the API can say it whole, so that its limit is the query's."""
    return max(len(query.types), len(query.severities), len(query.states)) <= 1


def _only(values: frozenset[R]) -> R | None:
    return next(iter(values)) if len(values) == 1 else None


T = TypeVar("T")
When = dt.datetime | float


class Client:
    """The synchronous face. Threads may share it; it holds no connection."""

    def __init__(
        self, *, required: bool = False, paths: Paths | None = None, clock: Clock | None = None
    ) -> None:
        self._required = required
        self._clock = clock
        self.paths = paths or find_paths()

    @property
    def running(self) -> bool:
        """Whether an OmniTray can be reached now."""
        return discovery.served() is not None or is_running(self.paths)

    def status(self) -> StatusBody | None:
        """Monitor, protector and alerts together; None when none runs."""
        return self._ask(lambda backend: backend.status())

    def snapshots(self, minutes: int = 10) -> list[SnapshotBody]:
        """The readings of the last minutes, the oldest first."""
        return self._ask(lambda backend: backend.snapshots(minutes))

    def alerts(
        self,
        *,
        types: Iterable[AlertType] = (),
        severities: Iterable[Severity] = (),
        states: Iterable[State] = (),
        text: str = "",
        since: When | None = None,
        until: When | None = None,
        limit: int | None = 100,
    ) -> list[Alert]:
        """Past and open alerts, the newest first; what is left out does not matter."""
        query = AlertQuery(
            types=frozenset(types),
            severities=frozenset(severities),
            states=frozenset(states),
            text=text,
            since=_epoch(since),
            until=_epoch(until),
            limit=limit,
        )
        return self._ask(lambda backend: backend.alerts(query))

    def raise_(
        self,
        type_: AlertType | str,
        title: str,
        message: str = "",
        *,
        severity: Severity | str | None = None,
        source: str = "api",
        context: Mapping[str, Any] | None = None,
    ) -> Alert:
        """Raise an alert; durable on return, also when none runs or the one that runs refuses.

        One that hangs has it, and stores it when it goes on: :class:`NotAnswering` says so.
        ``severity`` None takes what the type usually is; ``context`` holds JSON values.
        """
        new = NewAlert(
            type=AlertType(type_),
            title=title,
            message=message,
            severity=None if severity is None else Severity(severity),
            source=source,
            context=dict(context or {}),
        )
        try:
            return self._backend().raise_alert(new)
        except (NotRunning, RequestFailed) as error:
            if not lost(error):
                raise
            return self._instead(lambda files: files.raise_alert(new), error)

    def acknowledge(self, alert_id: str) -> Alert | None:
        """Acknowledge an alert."""
        return self._ask(lambda backend: backend.move_alert(alert_id, AlertMove.ACKNOWLEDGE))

    def resolve(self, alert_id: str) -> Alert | None:
        """Say that it is over."""
        return self._ask(lambda backend: backend.move_alert(alert_id, AlertMove.RESOLVE))

    def set_level(self, level: MonitorLevel | str | None) -> None:
        """Set the level for good; None and "auto" let the monitor choose."""
        chosen = None if level in (None, "auto") else MonitorLevel(level or "")
        self._ask(lambda backend: backend.set_level(chosen))

    def set_mode(self, mode: Mode | str) -> None:
        """Set the mode for good."""
        self._ask(lambda backend: backend.set_mode(Mode(mode)))

    def level(self, level: MonitorLevel | str) -> Borrowed:
        """Borrow a level for a ``with`` block."""
        return self.borrow(level=MonitorLevel(level))

    def mode(self, mode: Mode | str) -> Borrowed:
        """Borrow a mode for a ``with`` block."""
        return self.borrow(mode=Mode(mode))

    def borrow(
        self,
        level: MonitorLevel | None = None,
        mode: Mode | None = None,
        *,
        by: str = "",
        lasts_s: float | None = None,
    ) -> Borrowed:
        """Borrow a level, a mode or both: put back at the end, however it comes.

        ``by`` says who asks, this program where it is empty; after ``lasts_s`` it is put back
        although the block goes on.
        """
        lease = Lease(
            id=f"python:{secrets.token_hex(6)}",
            level=level,
            mode=mode,
            by=by or _this_program(),
            lasts_s=lasts_s,
        )
        return Borrowed(lambda: self._ask(lambda backend: backend.lease(lease)))

    def events(self) -> Iterator[Alert]:
        """Alerts as they are raised and change, until OmniTray ends."""
        return follow(self._require)

    def _require(self) -> Remote:
        return find_remote(self.paths)

    def _backend(self) -> Backend:
        here = discovery.served()
        if here is not None:
            return InProcess(*here)
        try:
            return OverApi(self._require())
        except NotRunning:
            if self._required:
                raise
            return Files(self.paths, self._clock)

    def _ask(self, question: Callable[[Backend], T]) -> T:
        """It may end between being found and being asked: then the files answer."""
        backend = self._backend()
        try:
            return question(backend)
        except NotRunning as error:
            return self._instead(question, error)

    def _instead(self, question: Callable[[Backend], T], error: NotRunning | RequestFailed) -> T:
        """The files answer, unless one that runs is required."""
        if self._required:
            raise error
        return question(Files(self.paths, self._clock))


def connect(*, required: bool = False) -> Client:
    """The synchronous client; with ``required`` it raises :class:`NotRunning` when none runs."""
    client = Client(required=required)
    if required and not client.running:
        raise NotRunning
    return client


def level(level: MonitorLevel | str) -> Borrowed:
    """Borrow a level for a ``with`` or ``async with`` block."""
    return Client().level(level)


def mode(mode: Mode | str) -> Borrowed:
    """Borrow a mode for a ``with`` or ``async with`` block."""
    return Client().mode(mode)


def _epoch(when: When | None) -> float | None:
    return when.timestamp() if isinstance(when, dt.datetime) else when

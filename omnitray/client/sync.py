"""The Python API: raise alerts, follow them, set and borrow levels and modes.

It finds OmniTray at each call: in this very process, else over the local API, else
by its files alone (then alerts are stored, and the rest has no effect). This is the synchronous
side; ``faces`` has the one for tasks::

    with omnitray.level(omnitray.MonitorLevel.INTENSIVE):
        heavy_work()

    alerts = await omnitray.get_alert_system()
    alerts.raise_(omnitray.AlertType.SERVER_DOWN, "shop is down", context={"port": 8000})
    async for alert in alerts.events():
        print(alert.severity, alert.title)
"""

import datetime as dt
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from omnitray.alerts.model import Alert, State
from omnitray.alerts.storage.query import AlertQuery
from omnitray.api.requests import NewAlert
from omnitray.api.wire import SnapshotBody, StatusBody
from omnitray.base.facts import AlertMove, AlertType, Mode, MonitorLevel, Severity
from omnitray.base.leases import Lease
from omnitray.base.paths import Paths, find_paths
from omnitray.client import inprocess
from omnitray.client.backends import Backend, InProcess, OverApi
from omnitray.client.http import (
    NotRunning,
    Remote,
    RequestFailed,
    find_remote,
    is_running,
    lost,
)
from omnitray.client.offline import Files
from omnitray.client.subscription import follow
from omnitray.client.websocket import Borrowed

T = TypeVar("T")
When = dt.datetime | float


class Client:
    """The synchronous face. Threads may share it; it holds no connection."""

    def __init__(self, *, required: bool = False, paths: Paths | None = None) -> None:
        self._required = required
        self.paths = paths or find_paths()

    @property
    def running(self) -> bool:
        """Whether an OmniTray can be reached now."""
        return inprocess.served() is not None or is_running(self.paths)

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

    def borrow(self, level: MonitorLevel | None = None, mode: Mode | None = None) -> Borrowed:
        """Borrow a level, a mode or both: put back at the end, however it comes."""
        lease = Lease(id=f"python:{secrets.token_hex(6)}", level=level, mode=mode)
        return Borrowed(lambda: self._ask(lambda backend: backend.lease(lease)))

    def events(self) -> Iterator[Alert]:
        """Alerts as they are raised and change, until OmniTray ends."""
        return follow(self._require)

    def _require(self) -> Remote:
        return find_remote(self.paths)

    def _backend(self) -> Backend:
        here = inprocess.served()
        if here is not None:
            return InProcess(*here)
        try:
            return OverApi(self._require())
        except NotRunning:
            if self._required:
                raise
            return Files(self.paths)

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
        return question(Files(self.paths))


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

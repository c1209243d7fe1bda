"""Monitor, protector and alert system as a task sees them: the asynchronous Python API."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from omnitray.alerts.model import Alert
from omnitray.api.wire import SnapshotBody, StatusBody
from omnitray.base.facts import AlertType, Mode, MonitorLevel, Severity
from omnitray.client.sync import Client
from omnitray.client.websocket import Borrowed, Callback, Subscription, follow_async


class Monitor:
    """The monitor, from a task."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def set_level(self, level: MonitorLevel | str | None) -> None:
        """Set the level for good; None and "auto" let the monitor choose."""
        self._client.set_level(level)

    def level(self, level: MonitorLevel | str) -> Borrowed:
        """Borrow a level: ``async with monitor.level(MonitorLevel.INTENSIVE):``."""
        return self._client.level(level)

    async def status(self) -> StatusBody | None:
        """Monitor, protector and alerts together; None when none runs."""
        return await asyncio.to_thread(self._client.status)

    async def snapshots(self, minutes: int = 10) -> list[SnapshotBody]:
        """The readings of the last minutes, the oldest first."""
        return await asyncio.to_thread(self._client.snapshots, minutes)

    def add_callback(self, callback: Callback[SnapshotBody]) -> Subscription:
        """Call a plain or an asynchronous function with each reading."""
        return Subscription("snapshot", self._client.paths, callback)


class Protector:
    """The protector, from a task."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def set_mode(self, mode: Mode | str) -> None:
        """Set the mode for good."""
        self._client.set_mode(mode)

    def mode(self, mode: Mode | str) -> Borrowed:
        """Borrow a mode: ``async with protector.mode("test"):``."""
        return self._client.mode(mode)

    async def status(self) -> StatusBody | None:
        """Monitor, protector and alerts together; None when none runs."""
        return await asyncio.to_thread(self._client.status)


class AsyncAlertSystem:
    """The alert system, from a task."""

    def __init__(self, client: Client) -> None:
        self._client = client

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
        """Raise an alert; durable on return, also when none runs."""
        return self._client.raise_(
            type_, title, message, severity=severity, source=source, context=context
        )

    async def query(self, **wanted: Any) -> list[Alert]:
        """Past and open alerts: the arguments of :meth:`Client.alerts`."""
        return await asyncio.to_thread(lambda: self._client.alerts(**wanted))

    async def acknowledge(self, alert_id: str) -> Alert | None:
        """Acknowledge an alert."""
        return await asyncio.to_thread(self._client.acknowledge, alert_id)

    async def resolve(self, alert_id: str) -> Alert | None:
        """Say that it is over."""
        return await asyncio.to_thread(self._client.resolve, alert_id)

    def events(self) -> AsyncGenerator[Alert, None]:
        """Alerts as they are raised and change; waits for OmniTray, also when it restarts."""
        return follow_async("alert", self._client.paths)

    def add_callback(self, callback: Callback[Alert]) -> Subscription:
        """Call a plain or an asynchronous function with each alert."""
        return Subscription("alert", self._client.paths, callback)


async def get_progressive_monitor() -> Monitor:
    """The progressive monitor of the running instance."""
    return Monitor(Client())


async def get_resource_protector() -> Protector:
    """The resource protector of the running instance."""
    return Protector(Client())


async def get_alert_system() -> AsyncAlertSystem:
    """The alert system of the running instance."""
    return AsyncAlertSystem(Client())

"""Delivers the plugin's alerts: to OmniTray where it runs, else into the files of its history.

Nothing here raises: a report that cannot be delivered is one line in the terminal summary, and
the tests go on.
"""

import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from omnitray.alerts import (
    model,  # noqa: F401 - not first when time is short
    rules,  # noqa: F401 - not first when time is short
)
from omnitray.alerts.model import Alert
from omnitray.alerts.storage.history import History
from omnitray.base.clock import SystemClock, timestamp
from omnitray.base.durable import StorageError
from omnitray.base.facts import AlertType, Severity
from omnitray.base.paths import find_paths
from omnitray.client.http import NotRunning, RequestFailed
from omnitray.client.sync import Client

T = TypeVar("T")
SOURCE = "pytest"
FAULTS = (OSError, NotRunning, RequestFailed, StorageError, ValueError, msgspec.MsgspecError)
QUIET_S = 1.0  # a grouped report is sent again at most this often: one request a second is nothing


class Reporter:
    """Raises, updates and resolves alerts; counts what was raised and keeps what went wrong."""

    def __init__(self) -> None:
        self.paths = find_paths()
        self.client = Client(paths=self.paths)
        self.raised = 0
        self.problem = ""
        self._lock = threading.Lock()
        self._stored: dict[str, Alert] = {}  # by key: alerts written to files by this run

    def report(
        self,
        key: str,
        type_: AlertType,
        title: str,
        message: str,
        context: Mapping[str, Any],
        severity: Severity | None = None,
    ) -> Alert | None:
        """Raise an alert; with the same ``key`` again it is the same record, brought up to date.

        Each context has nodeid, phase and error: what is not given is null, or the message.
        """
        context = {"nodeid": None, "phase": None, "error": message, **context}
        with self._lock:
            first = key not in self._stored
            alert = self._attempt(
                lambda: self._deliver(key, type_, title, message, context, severity)
            )
            if alert is not None:
                self._stored[key] = alert
                self.raised += first
            return alert

    def resolve(self, key: str) -> None:
        """End the alert that was raised with ``key``, if one was."""
        with self._lock:
            alert = self._stored.pop(key, None)
            if alert is not None:
                self._attempt(lambda: self._end(alert))

    def open_of(self, project: str) -> list[Alert]:
        """The plugin's open alerts about a project."""
        found = self._attempt(self._open) or ()
        return [alert for alert in found if alert.context.get("project") == project]

    def end(self, alert: Alert) -> None:
        """It is over, whichever run has raised it."""
        self._attempt(lambda: self._end(alert))

    def update(self, alert: Alert, message: str, context: Mapping[str, Any]) -> None:
        """It says this from now on."""
        self._attempt(lambda: self._deliver_again(alert, message, context))

    def has_open(self, type_: AlertType, run: str, nodeid: str) -> bool:
        """Whether a process of this run has raised an alert about the test."""
        return any(
            alert.type is type_
            and alert.context.get("run") == run
            and alert.context.get("nodeid") == nodeid
            for alert in self._attempt(self._open) or ()
        )

    def _open(self) -> list[Alert]:
        found = self.client.alerts(states=("firing", "acknowledged"), limit=500)
        return [alert for alert in found if alert.source == SOURCE]

    def _deliver(
        self,
        key: str,
        type_: AlertType,
        title: str,
        message: str,
        context: Mapping[str, Any],
        severity: Severity | None,
    ) -> Alert:
        if not self.client.running:
            before = self._stored.get(key)
            if before is not None:
                return self._rewrite(before, message, context)
            before = self._standing(type_, title, context)
            if before is not None:
                return self._rewrite(before, message, context, again=True)
        return self.client.raise_(
            type_, title, message, severity=severity, source=SOURCE, context=context
        )

    def _deliver_again(self, alert: Alert, message: str, context: Mapping[str, Any]) -> Alert:
        """With the same type, title and project it is the same incident."""
        if not self.client.running:
            return self._rewrite(alert, message, context)
        return self.client.raise_(
            alert.type,
            alert.title,
            message,
            severity=alert.severity,
            source=SOURCE,
            context=context,
        )

    def _standing(self, type_: AlertType, title: str, context: Mapping[str, Any]) -> Alert | None:
        """The open alert of an earlier run that says the same, where no OmniTray looks for it."""
        project = context.get("project")
        return next(
            (
                alert
                for alert in self._open()
                if (alert.type, alert.title, alert.context.get("project"))
                == (type_, title, project)
            ),
            None,
        )

    def _rewrite(
        self, before: Alert, message: str, context: Mapping[str, Any], *, again: bool = False
    ) -> Alert:
        """``again``: it has happened once more, and not only said more."""
        alert = msgspec.structs.replace(
            before,
            message=message,
            context=dict(context),
            last_seen=timestamp(SystemClock().wall()),
            count=before.count + again,
        )
        self._history().store(alert)
        return alert

    def _end(self, alert: Alert) -> None:
        if self.client.running:
            self.client.resolve(alert.id)
            return
        now = timestamp(SystemClock().wall())
        self._history().store(msgspec.structs.replace(alert, state="resolved", resolved_at=now))

    def _history(self) -> History:
        return History(self.paths.alerts, SystemClock(), keep=False)

    def _attempt(self, what: Callable[[], T]) -> T | None:
        try:
            return what()
        except FAULTS as error:
            self.problem = self.problem or f"{error}" or type(error).__name__
            return None


class GroupedReport:
    """One alert that grows: sent at once, then at most once in :data:`QUIET_S`, and at the end."""

    def __init__(self, send: Callable[[], None]) -> None:
        self._send = send
        self._condition = threading.Condition()
        self._new = False
        self._closing = False
        self._thread: threading.Thread | None = None

    def change(self) -> None:
        """Say that there is something new to send; returns at once."""
        with self._condition:
            self._new = True
            self._condition.notify()
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="omnitray-report", daemon=True
                )
                self._thread.start()

    def close(self) -> None:
        """Send what is left and end the thread."""
        with self._condition:
            self._closing = True
            self._condition.notify()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        """Until nothing is new: a thread that only waits would be seen in the stacks of a hang."""
        while True:
            with self._condition:
                if not self._new:
                    self._thread = None
                    return
                self._new = False
            self._send()
            with self._condition:
                self._condition.wait_for(lambda: self._closing, QUIET_S)

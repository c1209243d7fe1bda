"""Delivers the plugin's alerts: to OmniTray where it runs, else into the files of its history.

Nothing here raises: a report that cannot be delivered is tried again, at last it is one line in
the terminal summary, and the tests go on. A test may freeze the time, replace ``open``, forbid
sockets or use up all descriptors of the process that it shares with us: that passes with it.
"""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from types import TracebackType
from typing import Any, TypeVar

import msgspec

from omnitray.alerts import (
    model,  # noqa: F401 - not first when time is short
    rules,  # noqa: F401 - not first when time is short
)
from omnitray.alerts.model import Alert, fingerprint, stable_labels
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


class SessionClock(SystemClock):
    """The wall clock as it was when the run began: time-machine moves that of the whole process."""

    def __init__(self) -> None:
        boot = getattr(time, "CLOCK_BOOTTIME", None)  # it goes on while the machine is suspended
        self._elapsed = self.monotonic if boot is None else partial(time.clock_gettime, boot)
        self._began_wall_s = super().wall() - self._elapsed()

    def wall(self) -> float:
        """Seconds since the epoch."""
        return self._began_wall_s + self._elapsed()


class Reporter:
    """Raises, updates and resolves alerts; counts what was raised and keeps what went wrong.

    ``with reporter.guard:`` keeps a fault of ours out of the tests and the session.
    """

    def __init__(self) -> None:
        self.clock = SessionClock()
        self.paths = find_paths()
        self.client = Client(paths=self.paths, clock=self.clock)
        self.raised = 0
        self.guard = FaultBarrier()
        self._problem = self._refusal = ""
        self._lock = threading.Lock()
        self._stored: dict[str, Alert] = {}  # by key: alerts written to files by this run
        self._owed: dict[str, Callable[[], Alert]] = {}  # by key, what could not be delivered
        self._owed_due_mono_s = 0.0

    @property
    def problem(self) -> str:
        """What went wrong and still is; empty where nothing is."""
        return self._problem or (self._refusal if self._owed else "")

    @problem.setter
    def problem(self, why: str) -> None:
        self._problem = self._problem or why

    @property
    def wrong(self) -> str:
        """One line about what could not be done; empty where nothing is wrong."""
        if self.problem:
            return f"an alert could not be delivered: {self.problem}"
        return f"not all could be followed: {self.guard.fault}" if self.guard.fault else ""

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
        context = encodable({"nodeid": None, "phase": None, "error": message, **context})
        title, message = encodable(title), encodable(message)
        with self._lock:
            self._owed[key] = lambda: self._deliver(key, type_, title, message, context, severity)
            return self._deliver_owed(key)

    def deliver_owed(self, *, at_once: bool = False) -> None:
        """Try again what could not be delivered; else once in :data:`QUIET_S`."""
        if not self._owed or (not at_once and self.clock.monotonic() < self._owed_due_mono_s):
            return
        with self._lock:
            for key in list(self._owed):
                self._deliver_owed(key)

    def _deliver_owed(self, key: str) -> Alert | None:
        if files_are_fake():
            self._refusal = "the files of this process are those of pyfakefs"
            return None
        try:
            alert = self._owed[key]()
        except Exception as error:  # noqa: BLE001 - of whatever a test has replaced in this process
            self._refusal = f"{error}" or type(error).__name__
            self._owed_due_mono_s = self.clock.monotonic() + QUIET_S
            return None
        del self._owed[key]
        self.raised += key not in self._stored
        self._stored[key] = alert
        return alert

    def resolve(self, key: str) -> None:
        """End the alert that was raised with ``key``, if one was."""
        with self._lock:
            self._owed.pop(key, None)
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

    def update(self, alert: Alert, title: str, message: str, context: Mapping[str, Any]) -> None:
        """It says this from now on."""
        title, message, context = encodable(title), encodable(message), encodable(context)
        self._attempt(lambda: self._deliver_again(alert, title, message, context))

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
                return self._rewrite(before, title, message, context)
            before = self._standing(type_, title, context)
            if before is not None:
                return self._rewrite(before, title, message, context, again=True)
        return self.client.raise_(
            type_, title, message, severity=severity, source=SOURCE, context=context
        )

    def _deliver_again(
        self, alert: Alert, title: str, message: str, context: Mapping[str, Any]
    ) -> Alert:
        """With the same type, stable labels and source it is the same incident."""
        if not self.client.running:
            return self._rewrite(alert, title, message, context)
        return self.client.raise_(
            alert.type,
            title,
            message,
            severity=alert.severity,
            source=SOURCE,
            context=context,
        )

    def _standing(self, type_: AlertType, title: str, context: Mapping[str, Any]) -> Alert | None:
        """The open alert of an earlier run that says the same, where no OmniTray looks for it."""
        same = fingerprint(type_, SOURCE, stable_labels(title, context))
        return next((alert for alert in self._open() if alert.fingerprint == same), None)

    def _rewrite(
        self,
        before: Alert,
        title: str,
        message: str,
        context: Mapping[str, Any],
        *,
        again: bool = False,
    ) -> Alert:
        """``again``: it has happened once more, and not only said more."""
        alert = msgspec.structs.replace(
            before,
            title=title,
            message=message,
            context=dict(context),
            last_seen=timestamp(self.clock.wall()),
            count=before.count + again,
        )
        self._history().store(alert)
        return alert

    def _end(self, alert: Alert) -> None:
        if self.client.running:
            self.client.resolve(alert.id)
            return
        now = timestamp(self.clock.wall())
        self._history().store(msgspec.structs.replace(alert, state="resolved", resolved_at=now))

    def _history(self) -> History:
        return History(self.paths.alerts, self.clock, keep=False)

    def _attempt(self, what: Callable[[], T]) -> T | None:
        try:
            return what()
        except Exception as error:  # noqa: BLE001 - as above
            self.problem = f"{error}" or type(error).__name__
            return None


class FaultBarrier(contextlib.AbstractContextManager["FaultBarrier", bool]):
    """Ends an exception of ours and keeps the first; what pytest raises is no Exception."""

    def __init__(self) -> None:
        self.fault = ""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        """Whether the exception ends here."""
        if not isinstance(error, Exception):
            return False
        self.fault = self.fault or f"{type(error).__name__}: {error}"
        return True


def files_are_fake() -> bool:
    """Whether pyfakefs stands between this process and its files: all that is written is lost."""
    patcher = getattr(sys.modules.get("pyfakefs.fake_filesystem_unittest"), "Patcher", None)
    return getattr(patcher, "PATCHER", None) is not None


def encodable(value: Any) -> Any:
    """JSON values whose texts can be written: names of files may hold half characters."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {key: encodable(each) for key, each in value.items()}
    return [encodable(each) for each in value] if isinstance(value, list) else value


class GroupedReport:
    """One alert that grows: sent at once, then at most once in :data:`QUIET_S`, and at the end."""

    def __init__(self, send: Callable[[], None], guard: FaultBarrier) -> None:
        self._send = send
        self._guard = guard
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
                thread = threading.Thread(target=self._run, name="omnitray-report", daemon=True)
                thread.start()
                self._thread = thread

    def close(self) -> None:
        """Send what is left and end the thread."""
        with self._condition:
            self._closing = True
            self._condition.notify()
            thread = self._thread
        if thread is not None:
            thread.join()
        if self._new:  # no thread could be started
            self._send()

    def _run(self) -> None:
        """Until nothing is new: a thread that only waits would be seen in the stacks of a hang."""
        while True:
            with self._condition:
                if not self._new:
                    self._thread = None
                    return
                self._new = False
            with self._guard:
                self._send()
            with self._condition:
                self._condition.wait_for(lambda: self._closing, QUIET_S)

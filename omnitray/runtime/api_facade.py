"""The API's facade: reads from frozen facts on any thread, commands on the main thread.

``run/metrics.token`` opens ``/metrics`` and nothing else, and stays the same over restarts. The run
folder may go with the session; so that token is kept in the data folder as well.
"""

import base64
import logging
import os
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec
from PySide6.QtCore import QObject, Qt, QTimer, Signal, SignalInstance, Slot

from omnitray.alerts.channels.deliveries import ChannelView, Delivery
from omnitray.alerts.channels.webhooks.standing import WebhookTest, WebhookView
from omnitray.alerts.decision import Outgoing
from omnitray.alerts.model import Alert
from omnitray.alerts.storage.query import AlertQuery
from omnitray.api import facade, wire
from omnitray.api.status import Status
from omnitray.base.bounded import CheckedFiles, read_bounded
from omnitray.base.durable import StorageError, write_atomic
from omnitray.base.facts import AlertMove, Job, Mode, Snapshot
from omnitray.base.leases import asked_by
from omnitray.base.paths import Paths
from omnitray.base.policy import ProtectPolicy, Thresholds
from omnitray.base.subscribers import Subscribers
from omnitray.metrics.exposition import MetricTotals
from omnitray.protector.view import Explanation, JournalLine, ProtectionView, QuestionView
from omnitray.runs.model import RunRecord
from omnitray.runtime.app_context import AppContext
from omnitray.runtime.webhooks import Webhooks
from omnitray.servers.model import ServerView
from omnitray.settings.faults import Problem
from omnitray.settings.model import AUTO

_FILE_NAME = "metrics.token"
_TOKEN_BYTES = 32
_MOST_TOKEN_BYTES = 200


class MetricsToken:
    """The token, made at the first time; its files are written where they are gone or wrong."""

    def __init__(self, paths: Paths) -> None:
        self._places = (paths.run / _FILE_NAME, paths.data / _FILE_NAME)
        self._files = CheckedFiles(*self._places)
        self._token = self._fault = ""

    def kept(self) -> str:
        """What opens ``/metrics``, also where no file takes it."""
        if self._token and self._files.untouched():
            return self._token
        self._token = self._token or next(filter(None, map(_read, self._places)), "") or _made()
        fault = ""
        try:
            for place in self._places:
                if _read(place) != self._token:
                    write_atomic(place, f"{self._token}\n".encode())
            self._files.checked(time.time_ns())
        except (OSError, StorageError) as error:
            fault = f"the token of /metrics cannot be written: {error}"
        if fault and fault != self._fault:  # it is tried every few seconds, and said once
            log.warning("%s", fault)
        self._fault = fault
        return self._token


def _made() -> str:
    return base64.urlsafe_b64encode(os.urandom(_TOKEN_BYTES)).rstrip(b"=").decode()


def _read(path: Path) -> str:
    try:
        return read_bounded(path, _MOST_TOKEN_BYTES, follow=False).decode("ascii").strip()
    except (OSError, ValueError):
        return ""


log = logging.getLogger(__name__)

R = TypeVar("R")
QUIT_DELAY_MS = 100  # the answer is on its way before the server ends


class Protects(Protocol):
    """What the API asks of protection (``runtime.protection.ProtectionFacade``)."""

    view: ProtectionView

    @property
    def view_changed(self) -> SignalInstance:
        """Says each new view."""
        ...

    @property
    def questions(self) -> tuple[QuestionView, ...]:
        """What the protector asks now."""
        ...

    @property
    def questions_changed(self) -> SignalInstance:
        """Says all open questions at each change."""
        ...

    def explain(self) -> Explanation:
        """Who would be acted on now; waits, so not on the main thread."""
        ...

    def carry_out(self, command: facade.Command[Any]) -> Any:
        """Carry out a command; the answer, or a future of it; raises Refused."""
        ...


class ProgramFacade(QObject):
    """What the API sees of the program: an ``api.facade.AppFacade``."""

    quit_asked = Signal()
    _arrived = Signal(object, object)  # command, its future

    def __init__(self, parts: AppContext[Protects]) -> None:
        hub = parts.hub
        super().__init__(hub)
        self._hub = hub
        self._settings = parts.settings
        self._ring = parts.ring
        self._store = parts.store
        self._protection = parts.protection
        self._servers = parts.servers
        self._channels = parts.channels
        self._webhooks = parts.webhooks
        self._runs = parts.runs
        self._metrics = parts.metrics
        self._metrics_token = MetricsToken(parts.paths) if parts.paths is not None else None
        self.listeners = parts.channels.listeners
        self._events: Subscribers[facade.Event] = Subscribers()
        self._arrived.connect(self._on_arrived, Qt.ConnectionType.QueuedConnection)
        hub.snapshot_taken.connect(self._on_snapshot)
        hub.mode_changed.connect(self._on_mode)
        hub.status_changed.connect(self._on_status)
        self._protection.questions_changed.connect(self._on_questions)
        self._asked: tuple[QuestionView, ...] = ()
        self._pace = _pace(hub.status)
        self._protection.view_changed.connect(self._on_view)
        self._journal: dict[str, JournalLine] | None = None  # by action, once a view has come
        hub.alerts.subscribe(self._on_alert)
        self._servers.changed.connect(self._on_server)
        self._commands: dict[type, Callable[[Any], Any]] = {
            facade.SetMode: lambda it: self._saved("the mode", hub.set_mode(it.mode)),
            facade.SetLevel: lambda it: self._saved("the level", hub.set_level(it.level)),
            facade.BorrowLease: self._take_lease,
            facade.ReleaseLease: self._release_lease,
            facade.Snooze: self._snooze,
            facade.RaiseAlert: self._raise,
            facade.OrderServer: lambda it: self._servers.order(it.name, it.verb),
            facade.WatchServer: self._servers.watch,
            facade.Acknowledge: lambda it: self._move(it.alert_id, AlertMove.ACKNOWLEDGE),
            facade.Quit: self._quit,
            facade.TestWebhook: self._test_webhook,
            facade.ChangeWebhook: self._change_webhook,
            facade.Resolve: lambda it: self._move(it.alert_id, AlertMove.RESOLVE),
        }

    # Reads, on any thread

    def status(self) -> Status:
        """Everything that is known now."""
        return self._hub.status

    def thresholds(self) -> Thresholds:
        """The monitor's thresholds in force."""
        return self._settings.loaded.settings.thresholds

    def protect_policy(self) -> ProtectPolicy:
        """The protector's policy in force."""
        return msgspec.structs.replace(
            self._settings.loaded.settings.protect_policy(), mode=self._hub.mode
        )

    def settings_in_force(self) -> wire.SettingsBody:
        """The settings that count now, and why one differs from the file."""
        values, why = self._settings.in_force()
        values = {key: msgspec.to_builtins(value) for key, value in values.items()}
        status = self._hub.status
        level = status.asked_level
        borrowed = {"mode": status.mode.value, "level": level.value if level else AUTO}
        holders = {"mode": status.mode_asked_by, "level": self._hub.level_asked_by}
        why |= {
            key: f"{asked_by(holders[key])}, for as long as that lasts"
            for key, value in borrowed.items()
            if values[key] != value and holders[key]
        }
        return wire.SettingsBody(values=values | borrowed, why=why)

    def snapshots(self, since: float) -> list[Snapshot]:
        """Snapshots taken at or after a moment, the oldest first."""
        return self._ring.since(since)

    def alerts(self, query: AlertQuery) -> list[Alert]:
        """Alerts of the live history and the archive, the newest first."""
        return self._store.query(query)

    def alert(self, alert_id: str) -> Alert | None:
        """One alert by its id; it may be read from a disk."""
        return self._store.get(alert_id)

    def jobs(self) -> tuple[Job, ...]:
        """The jobs of the last scan."""
        return self._hub.jobs

    def protection(self) -> ProtectionView:
        """What the protector holds, did and can."""
        return self._protection.view

    def questions(self) -> tuple[QuestionView, ...]:
        """What the protector asks now."""
        return self._protection.questions

    def explain(self) -> Explanation:
        """Who would be acted on now, and why."""
        return self._protection.explain()

    def runs(self) -> tuple[RunRecord, ...]:
        """The remembered runs, the newest first."""
        return self._runs.runs()

    def channels(self) -> tuple[ChannelView, ...]:
        """How each channel stands."""
        return self._channels.views()

    def totals(self) -> MetricTotals:
        """What was counted since the start."""
        return self._metrics.totals if self._metrics is not None else MetricTotals()

    @property
    def metrics_file(self) -> Path:
        """The database of the long-term metrics."""
        return self._metrics.file if self._metrics is not None else Path("metrics.db")

    def metrics_token(self) -> str:
        """What opens ``/metrics``; its files are written where they are gone or wrong."""
        return self._metrics_token.kept() if self._metrics_token is not None else ""

    def webhooks(self) -> tuple[WebhookView, ...]:
        """How each receiver stands."""
        return self._webhooks.views() if self._webhooks is not None else ()

    def deliveries(self, alert_id: str) -> tuple[Delivery, ...]:
        """What became of an alert on each channel."""
        return self._channels.deliveries.of(alert_id)

    def servers(self) -> tuple[ServerView, ...]:
        """The watched servers."""
        return self._servers.views()

    def server_log(self, name: str, lines: int) -> tuple[str, ...]:
        """The last lines of a server's log."""
        return self._servers.log_tail(name, lines)

    def submit(self, command: facade.Command[R]) -> Future[R]:
        """Carry a command out on the main thread."""
        future: Future[R] = Future()
        self._arrived.emit(command, future)
        return future

    def subscribe(self, receiver: facade.Receiver) -> Callable[[], None]:
        """Call the receiver, on the main thread, for each event."""
        return self._events.add(receiver)

    # Commands, on the main thread

    @Slot(object, object)
    def _on_arrived(self, command: facade.Command[Any], future: "Future[Any]") -> None:
        try:
            carry_out: Callable[[Any], Any] = self._commands.get(
                type(command), self._protection.carry_out
            )
            answer = carry_out(command)
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets it
            future.set_exception(error)
            return
        if isinstance(answer, Outgoing):
            _answer_when_stored(answer, future)
        elif isinstance(answer, Future):
            _answer_when_done(answer, future)
        else:
            future.set_result(answer)

    def _saved(self, what: str, problem: Problem | None) -> Status:
        """It counts already; who asked must know where it does so only until the end."""
        if problem is not None:
            raise facade.CommandRefused(facade.Refusal.NOT_STORED, f"{what}: {problem.told()}")
        return self._hub.status

    def _take_lease(self, command: facade.BorrowLease) -> Status:
        self._hub.take_lease(command.lease)
        return self._hub.status

    def _release_lease(self, command: facade.ReleaseLease) -> Status:
        self._hub.release_lease(command.lease_id, lost=command.lost)
        return self._hub.status

    def _snooze(self, command: facade.Snooze) -> Status:
        if command.duration_s > 0:
            self._hub.snooze(command.duration_s)
        else:
            self._hub.unsnooze()
        if fault := self._hub.alerts.unsaved_pauses:
            detail = f"It counts until OmniTray ends, but could not be saved: {fault}."
            raise facade.CommandRefused(facade.Refusal.NOT_STORED, detail)
        return self._hub.status

    def _raise(self, command: facade.RaiseAlert) -> Outgoing:
        return self._hub.raise_alert(
            command.type,
            command.title,
            message=command.message,
            severity=command.severity,
            source=command.source,
            context=command.context,
        )

    def _move(self, alert_id: str, move: AlertMove) -> Outgoing | Alert:
        if done := self._hub.move_alert(alert_id, move):
            return done
        found = self._store.get(alert_id)
        if found is None:
            raise facade.CommandRefused(facade.Refusal.NOT_FOUND, f"There is no alert {alert_id}.")
        return self._hub.move_alert(alert_id, move, found) or found

    def _test_webhook(self, command: facade.TestWebhook) -> Future[WebhookTest]:
        return self._receivers(command.name).test(command)

    def _change_webhook(self, command: facade.ChangeWebhook) -> wire.Done | Future[wire.Done]:
        return self._receivers(command.name).change(command)

    def _receivers(self, name: str) -> Webhooks:
        if self._webhooks is None:
            raise facade.CommandRefused(facade.Refusal.NOT_FOUND, f"There is no webhook {name}.")
        return self._webhooks

    def _quit(self, _command: facade.Quit) -> wire.Done:
        QTimer.singleShot(QUIT_DELAY_MS, self.quit_asked.emit)
        return wire.Done(done=("OmniTray ends",))

    # Events

    @Slot(object)
    def _on_questions(self, questions: tuple[QuestionView, ...]) -> None:
        before, self._asked = self._asked, questions
        now, then = {each.id for each in questions}, {each.id for each in before}
        for question in before:
            if question.id not in now:
                self._events.notify(facade.QuestionChanged(question, open=False))
        for question in questions:
            if question.id not in then:
                self._events.notify(facade.QuestionChanged(question, open=True))

    def _on_alert(self, alert: Alert) -> None:
        self._events.notify(facade.AlertChanged(alert))

    @Slot(object)
    def _on_snapshot(self, snapshot: Snapshot) -> None:
        self._events.notify(facade.SnapshotTaken(snapshot))

    @Slot(object)
    def _on_server(self, view: ServerView) -> None:
        self._events.notify(facade.ServerChanged(view))

    @Slot(object)
    def _on_mode(self, mode: Mode) -> None:
        self._events.notify(facade.ModeChanged(mode))

    @Slot(object)
    def _on_status(self, status: Status) -> None:
        pace, self._pace = self._pace, _pace(status)
        if self._pace != pace:
            self._events.notify(self._pace)

    @Slot(object)
    def _on_view(self, view: ProtectionView) -> None:
        """Each line of the journal that is new or says something else now, the oldest first."""
        known = self._journal
        self._journal = {line.action_id: line for line in view.journal}
        if known is None:  # what earlier runs did stands in the first view and is no event
            of_this_run = {each.action_id for each in view.explanations}
            known = {
                action_id: line
                for action_id, line in self._journal.items()
                if action_id not in of_this_run
            }
        for line in reversed(view.journal):
            if known.get(line.action_id) != line:
                self._events.notify(facade.Acted(line))


def _pace(status: Status) -> facade.LevelChanged:
    return facade.LevelChanged(
        status.level, status.chosen_level, status.interval_s, status.level_reason
    )


def _answer_when_done(done: "Future[Any]", future: "Future[Any]") -> None:
    def on_done(done: "Future[Any]") -> None:
        if (error := done.exception()) is None:
            future.set_result(done.result())
        else:
            future.set_exception(error)

    done.add_done_callback(on_done)


def _answer_when_stored(raised: Outgoing, future: "Future[Alert]") -> None:
    if raised.stored is None:
        future.set_result(raised.alert)
        return

    def on_stored(stored: "Future[Path]") -> None:
        if (error := stored.exception()) is None:
            future.set_result(raised.alert)
        else:
            refused = facade.CommandRefused(
                facade.Refusal.NOT_STORED, f"The alert is not on disk: {error}."
            )
            future.set_exception(refused)

    raised.stored.add_done_callback(on_stored)

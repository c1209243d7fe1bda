"""The alert side of the program: store, channels, alert system, and what became of each alert.

Channels report from threads of their own; :class:`Alerting` takes that to the main thread in
batches, where the records get the names of the channels that took them.

:class:`Webhooks` has their settings, the tests and retries that the person asks for, and the alerts
about them.
"""

import logging
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import msgspec
from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from omnitray.alerts.channels.base import ChannelParts, Listeners
from omnitray.alerts.channels.deliveries import Deliveries, DeliveryState
from omnitray.alerts.channels.dispatch import Dispatcher
from omnitray.alerts.channels.views import ChannelDesk
from omnitray.alerts.channels.webhooks.channel import (
    WebhookChannel,
    WebhookTest,
    WebhookTrouble,
    WebhookView,
)
from omnitray.alerts.decision import Reason
from omnitray.alerts.model import fingerprint
from omnitray.alerts.silences import SilenceFile
from omnitray.alerts.storage.history import History
from omnitray.alerts.storage.store import AlertStore
from omnitray.alerts.system import AlertSystem
from omnitray.api import facade, wire
from omnitray.base.amounts import count
from omnitray.base.clock import Clock
from omnitray.base.durable import StorageError
from omnitray.base.facts import AlertChannel, AlertType, Severity
from omnitray.base.keyring import WRITE_S
from omnitray.base.paths import Paths
from omnitray.runtime.hub import Hub
from omnitray.runtime.notifications import Notifications
from omnitray.runtime.settings_keeper import SettingsKeeper
from omnitray.settings.faults import Fault, Problem
from omnitray.settings.file import Loaded
from omnitray.settings.webhook_secrets import Place, WebhookSecrets
from omnitray.settings.webhooks import SecretFault, WebhookSettings, texts_of

log = logging.getLogger(__name__)
# A burst of deliveries is written down together; a record that says so 0.2 s later is soon enough.
_GATHER_MS = 200


class Alerting(QObject):
    """``settings`` says how to notify, and who else is told.

    ``delivered`` says what became of alerts lately: tuple[Delivery, ...], on the main thread.
    """

    delivered = Signal(object)
    troubled = Signal(object)  # WebhookTrouble, from a receiver's thread
    _woken = Signal()

    def __init__(
        self,
        paths: Paths,
        clock: Clock,
        settings: SettingsKeeper,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.deliveries = Deliveries()
        self.listeners = Listeners()
        history = History(paths.alerts, clock, report=log.warning)
        self.store = AlertStore(history, clock, deliveries=self.deliveries)
        self.notifications = Notifications(policy=settings.alert_policy, parent=parent)
        self.dispatcher = Dispatcher(self.store, {}, clock, deliveries=self.deliveries)
        self.dispatcher.open(
            ChannelParts(
                clock=clock,
                paths=paths,
                deliveries=self.deliveries,
                listeners=self.listeners,
                screen=self.notifications,
                webhooks=settings.loaded.webhooks,
            )
        )
        self.alerts = AlertSystem(
            clock,
            settings.alert_policy(),
            self.dispatcher,
            open_alerts=self.store.open_alerts(),
            silences=SilenceFile(paths.state / "silences.json"),
            channels=self.dispatcher.channels,
        )
        self.desk = ChannelDesk(
            self.dispatcher,
            self.store,
            self.deliveries,
            self.listeners,
            self.notifications.why_not,
        )
        self.webhooks = _webhooks(self.dispatcher)
        self.webhooks.on_trouble = self.troubled.emit
        self._gather = QTimer(self, singleShot=True, interval=_GATHER_MS)
        self._gather.timeout.connect(self.settle)
        self._woken.connect(self._on_woken, Qt.ConnectionType.QueuedConnection)
        self.deliveries.wake = self._woken.emit

    @Slot()
    def _on_woken(self) -> None:
        if not self._gather.isActive():
            self._gather.start()

    @Slot()
    def settle(self) -> None:
        """Write down what the channels have said since the last time."""
        news = self.deliveries.take()
        for each in news:
            if each.state is DeliveryState.DELIVERED:
                self.alerts.took(each.alert_id, each.channel)
            elif each.channel == AlertChannel.FILE:
                self.alerts.refused(each.alert_id, each.channel)
        if news:
            self.delivered.emit(news)

    def history_problem(self) -> str:
        """What keeps alerts from the disk and how many wait for it; empty when nothing does."""
        found = self.store.statistics()
        waiting = count(found.unsaved + found.waiting, "alert waits", "alerts wait")
        return f"{found.fault}; {waiting} in memory until there is room" if found.fault else ""

    def stop(self) -> None:
        """No more timers; what was said is written down. Idempotent."""
        self._gather.stop()
        self.settle()

    @Slot(object)
    def take_settings(self, loaded: Loaded) -> None:
        """Other webhooks may stand in the settings."""
        self.webhooks.configure(loaded.webhooks)


def _webhooks(dispatcher: Dispatcher) -> WebhookChannel:
    if not isinstance(dispatcher.durable, WebhookChannel):
        raise TypeError("the registry of channels lacks the webhooks")
    return dispatcher.durable


class Webhooks(QObject):
    """``tested`` says what a receiver answered to a test that a button asked for."""

    tested = Signal(object)  # WebhookTest

    def __init__(
        self, hub: Hub, settings: SettingsKeeper, alerting: Alerting, secrets: Path
    ) -> None:
        super().__init__(hub)
        self._hub = hub
        self._settings = settings
        self._channel: WebhookChannel = alerting.webhooks
        self._secrets = WebhookSecrets(secrets)
        hub.settings_changed.connect(alerting.take_settings)
        alerting.troubled.connect(self._on_trouble, Qt.ConnectionType.QueuedConnection)

    def views(self) -> tuple[WebhookView, ...]:
        """How each stands; on any thread."""
        return self._channel.views()

    def test(self, command: facade.TestWebhook) -> "Future[WebhookTest]":
        """Send a test, on a thread of its own; the future may hold a refusal."""
        future: Future[WebhookTest] = Future()

        def send() -> None:
            try:
                found = self._channel.test(command.name)
            except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets it
                future.set_exception(error)
                return
            if found is None:
                future.set_exception(_no_such(command.name))
            else:
                future.set_result(found)

        threading.Thread(target=send, name="webhook-test", daemon=True).start()
        return future

    def change(self, command: facade.ChangeWebhook) -> wire.Done:
        """Pause, resume, try again at once, or keep address and key elsewhere."""
        name = command.name
        webhook = self._declared(name)
        if webhook is None:
            raise _no_such(name)
        if command.verb in ("keyring", "file"):
            return self._move(webhook, command.verb)
        if command.verb == "retry":
            self._channel.retry(name)
            return wire.Done(done=(f"{name}: what waits is tried now",))
        problem = self.declare({"name": name, "paused": command.verb == "pause"})
        if problem is not None:
            raise facade.CommandRefused(facade.Refusal.NOT_STORED, problem.told())
        word = "paused" if command.verb == "pause" else "sends again"
        return wire.Done(done=(f"{name}: {word}",))

    @Slot(str, str)
    def ask(self, name: str, verb: str) -> None:
        """The same for a button, which waits for no answer."""
        if verb == "test":
            done = self.test(facade.TestWebhook(name=name))
            done.add_done_callback(self._on_tested)
        elif verb == "remove":
            self.remove(name)
        else:
            verbs: dict[str, facade.WebhookVerb] = {
                "pause": "pause",
                "resume": "resume",
                "retry": "retry",
            }
            try:
                self.change(facade.ChangeWebhook(name=name, verb=verbs[verb]))
            except facade.CommandRefused as refused:
                self._hub.note_problem(f"webhook {name}", refused.detail)
            else:
                self._hub.problem_over(f"webhook {name}")

    def declare(self, fields: dict[str, Any], place: Place | None = None) -> Problem | None:
        """Write a ``[[webhook]]``; address and secret go into the keyring or into files."""
        before = self._declared(fields["name"])
        try:
            kept = self._secrets.keep(fields, place)
        except (OSError, StorageError) as error:
            return Problem(fault=Fault.UNSAVED, key="webhook", hint=f"{error}")
        problem = self._settings.change_webhook(kept)
        if problem is not None:
            self._secrets.forget(kept, before)
        elif before is not None:
            self._secrets.forget(msgspec.structs.asdict(before), self._declared(fields["name"]))
        return problem

    def remove(self, name: str) -> Problem | None:
        """Take it out of the settings, with its address and secret."""
        before = self._declared(name)
        problem = self._settings.remove_webhook(name)
        if problem is None and before is not None:
            self._secrets.forget(msgspec.structs.asdict(before))
        return problem

    def _move(self, webhook: WebhookSettings, place: Place) -> wire.Done:
        """Keep address and secret elsewhere."""
        try:
            found = texts_of(webhook, WRITE_S)
        except SecretFault as fault:
            raise facade.CommandRefused(facade.Refusal.NOT_NOW, f"{fault}") from fault
        problem = self.declare({"name": webhook.name, **found}, place)
        if problem is not None:
            raise facade.CommandRefused(facade.Refusal.NOT_STORED, problem.told())
        words = "in the keyring" if place == "keyring" else "in a file that only you can read"
        return wire.Done(done=(f"{webhook.name}: address and key are {words} now",))

    def _declared(self, name: str) -> WebhookSettings | None:
        return next((each for each in self._settings.loaded.webhooks if each.name == name), None)

    def _on_tested(self, done: "Future[WebhookTest]") -> None:
        if done.exception() is None:
            self.tested.emit(done.result())

    @Slot(object)
    def _on_trouble(self, trouble: WebhookTrouble) -> None:
        labels = {"webhook": trouble.name}
        if trouble.over:
            found = fingerprint(AlertType.CRITICAL, "monitor", labels)
            self._hub.resolve_alert(found, Reason.RESOLVED)
            return
        alerts = count(trouble.count, "alert")
        title = f"The webhook “{trouble.name}” has not taken {alerts} for three days"
        what = "They are given up"
        if trouble.dropped:
            title = f"Too many alerts wait for the webhook “{trouble.name}”"
            what = "The least severe and oldest are not sent"
        why = f": {trouble.why}" if trouble.why else ""
        self._hub.raise_alert(
            AlertType.CRITICAL,
            title,
            message=f"{what}{why}. They are in the history.",
            severity=Severity.WARNING,
            source="monitor",
            labels=labels,
            context=dict(labels),
        )


def _no_such(name: str) -> facade.CommandRefused:
    return facade.CommandRefused(facade.Refusal.NOT_FOUND, f"There is no webhook {name}.")

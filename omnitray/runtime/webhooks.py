"""Webhooks on the main thread: settings, tests and tries that the person asks for, own alerts."""

import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal, Slot

from omnitray.alerts.channels.webhooks.channel import (
    WebhookChannel,
    WebhookTest,
    WebhookTrouble,
    WebhookView,
)
from omnitray.alerts.fingerprint import fingerprint
from omnitray.alerts.reasons import Reason
from omnitray.api import facade, wire
from omnitray.base.amounts import count
from omnitray.base.durable import StorageError, write_atomic
from omnitray.base.facts import AlertType, Severity
from omnitray.base.paths import private_folder
from omnitray.runtime.alerting import Alerting
from omnitray.runtime.hub import Hub
from omnitray.runtime.settings_keeper import SettingsKeeper
from omnitray.settings.faults import Fault, Problem

SECRETS = ("url", "secret")


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
        self._secrets = secrets
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
        """Pause, resume, or try again at once."""
        name = command.name
        if name not in {each.name for each in self._settings.loaded.webhooks}:
            raise _no_such(name)
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

    def declare(self, fields: dict[str, Any]) -> Problem | None:
        """Write a ``[[webhook]]``; address and secret go into files that only this user reads."""
        kept = dict(fields)
        try:
            for key in SECRETS:
                if kept.get(key):
                    kept[f"{key}_file"] = str(
                        self._write_secret(fields["name"], key, kept.pop(key))
                    )
        except (OSError, StorageError) as error:
            return Problem(fault=Fault.UNSAVED, key="webhook", hint=f"{error}")
        return self._settings.change_webhook(kept)

    def remove(self, name: str) -> Problem | None:
        """Take it out of the settings, with its files."""
        problem = self._settings.remove_webhook(name)
        if problem is None:
            for key in SECRETS:
                self._secret_file(name, key).unlink(missing_ok=True)
        return problem

    def _write_secret(self, name: str, key: str, text: str) -> Path:
        path = self._secret_file(name, key)
        private_folder(path.parent)
        path.unlink(missing_ok=True)  # the mode of one that is replaced would be kept
        write_atomic(path, f"{text.strip()}\n".encode())
        return path

    def _secret_file(self, name: str, key: str) -> Path:
        safe = "".join(mark if mark.isalnum() else "-" for mark in name)
        return self._secrets / f"{safe}.{key}"

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
        if trouble.left_out:
            title = f"More waits for the webhook “{trouble.name}” than is kept"
            what = "The least severe and oldest are left out"
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

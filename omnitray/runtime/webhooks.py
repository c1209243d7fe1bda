"""What a person does with webhooks: add, test, pause, move, remove; and the alerts about them.

Their addresses and keys are in the keyring or in files (``settings/webhook_secrets.py``). A keyring
is a foreign program that may not answer and a disk may hang, so both are used on a thread beside,
within a deadline; what is done with the answer is done on the main thread.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from PySide6.QtCore import QObject, Qt, Signal, Slot

from omnitray.alerts.channels.webhooks.channel import WebhookChannel
from omnitray.alerts.channels.webhooks.standing import WebhookTest, WebhookTrouble, WebhookView
from omnitray.alerts.decision import Reason
from omnitray.alerts.model import fingerprint
from omnitray.api import facade, wire
from omnitray.base.amounts import count
from omnitray.base.durable import StorageError
from omnitray.base.facts import AlertType, Severity
from omnitray.base.keyring import WRITE_S
from omnitray.runtime.alerting import Alerting
from omnitray.runtime.hub import Hub
from omnitray.runtime.settings_keeper import SettingsKeeper
from omnitray.settings.faults import Fault, Problem
from omnitray.settings.webhook_secrets import SECRETS, Place, WebhookSecrets
from omnitray.settings.webhooks import WebhookSettings, texts_of

log = logging.getLogger(__name__)
# At the end: a keyring that answers does so in milliseconds; all of the end has five seconds.
_STOP_S = 1.0
T = TypeVar("T")


class Webhooks(QObject):
    """``tested`` says what a receiver answered to a test that a button asked for.

    ``declared`` (name, Problem or None) ends what :meth:`declare` began; ``told`` is a sentence
    about what could not be taken away with a webhook.
    """

    tested = Signal(object)  # WebhookTest
    declared = Signal(str, object)
    told = Signal(str)
    _woken = Signal()  # from a thread beside

    def __init__(
        self, hub: Hub, settings: SettingsKeeper, alerting: Alerting, secrets: Path
    ) -> None:
        super().__init__(hub)
        self._hub = hub
        self._settings = settings
        self._channel: WebhookChannel = alerting.webhooks
        self._secrets = WebhookSecrets(secrets)
        self._ready: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._beside: list[threading.Thread] = []
        self._woken.connect(self._on_woken, Qt.ConnectionType.QueuedConnection)
        hub.settings_changed.connect(alerting.take_settings)
        alerting.troubled.connect(self._on_trouble, Qt.ConnectionType.QueuedConnection)

    def start(self) -> None:
        """Take away secrets that the last end has left half kept or half let go."""
        loaded = self._settings.loaded
        if not loaded.problems:  # else they may be named by what cannot be read
            self._aside(lambda: self._secrets.take_away_left_over(loaded.webhooks), lambda _: None)

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

    def change(self, command: facade.ChangeWebhook) -> "wire.Done | Future[wire.Done]":
        """Pause, resume, try again at once, or keep address and key elsewhere."""
        name = command.name
        webhook = self._found(name)
        if webhook is None:
            raise _no_such(name)
        if command.verb in ("keyring", "file"):
            return self._move(webhook, command.verb)
        if command.verb == "retry":
            self._channel.retry(name)
            return wire.Done(done=(f"{name}: what waits is tried now",))
        paused = command.verb == "pause"
        problem = self._settings.change_webhook({"name": name, "paused": paused})
        if problem is not None:
            raise facade.CommandRefused(facade.Refusal.NOT_STORED, problem.told())
        return wire.Done(done=(f"{name}: {'paused' if paused else 'sends again'}",))

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

    def declare(
        self, fields: Mapping[str, Any], place: Place | None = None
    ) -> "Future[Problem | None]":
        """Write a ``[[webhook]]``; address and secret go into the keyring or into files."""
        done: Future[Problem | None] = Future()

        def save(kept: dict[str, Any] | Exception) -> None:
            done.set_result(problem := self._saved(kept))
            self.declared.emit(fields["name"], problem)

        self._aside(lambda: self._secrets.keep(fields, place), save)
        return done

    def remove(self, name: str) -> Problem | None:
        """Take it out of the settings at once, its address and secret right after."""
        before = self._found(name)
        problem = self._settings.remove_webhook(name)
        if problem is not None:
            self.told.emit(f"The webhook was not removed: {problem.sentence}")
        elif before is not None:
            self._forget(msgspec.structs.asdict(before))
        return problem

    def stop(self) -> None:
        """Let what is under way come to its end, so that no entry is left behind. Idempotent."""
        deadline = time.monotonic() + _STOP_S
        while self._beside and time.monotonic() < deadline:
            for thread in list(self._beside):
                thread.join(max(0.0, deadline - time.monotonic()))
            self._on_woken()

    def _saved(self, kept: dict[str, Any] | Exception) -> Problem | None:
        """What was kept is named in the settings; what they name no more goes away."""
        if isinstance(kept, Exception):
            return Problem(fault=Fault.UNSAVED, key="webhook", hint=f"{kept}")
        name = kept["name"]
        before = self._found(name)
        problem = self._settings.change_webhook(kept)
        if problem is not None:
            self._forget(kept, before)
            return problem
        self._aside(lambda: self._secrets.settle(kept), lambda _: None)
        if before is not None:
            self._forget(msgspec.structs.asdict(before), self._found(name))
        return None

    def _move(self, webhook: WebhookSettings, place: Place) -> "Future[wire.Done]":
        """Keep address and secret elsewhere."""
        moved: Future[wire.Done] = Future()

        def told(done: "Future[Problem | None]") -> None:
            if (problem := done.result()) is not None:
                refused = facade.CommandRefused(facade.Refusal.NOT_STORED, problem.told())
                moved.set_exception(refused)
                return
            words = "in the keyring" if place == "keyring" else "in a file that only you can read"
            said = f"{webhook.name}: address and key are {words} now"
            moved.set_result(wire.Done(done=(said,)))

        def keep(found: dict[str, str] | Exception) -> None:
            if isinstance(found, Exception):
                moved.set_exception(facade.CommandRefused(facade.Refusal.NOT_NOW, f"{found}"))
                return
            self.declare({"name": webhook.name, **found}, place).add_done_callback(told)

        self._aside(lambda: texts_of(webhook, WRITE_S), keep)
        return moved

    def _forget(self, fields: Mapping[str, Any], but: WebhookSettings | None = None) -> None:
        """Take away what these name and ``but`` does not, and say what stays."""
        if any(fields.get(f"{key}_{where}") for key in SECRETS for where in ("file", "keyring")):
            self._aside(lambda: self._secrets.forget(fields, but), self._tell_left)

    def _tell_left(self, left: tuple[str, ...] | Exception) -> None:
        for sentence in (f"{left}",) if isinstance(left, Exception) else left:
            self.told.emit(sentence)

    def _aside(self, work: Callable[[], T], then: Callable[[T | Exception], None]) -> None:
        """Do the work on a thread beside; ``then`` gets what came of it, on this one."""

        def run() -> None:
            try:
                found: T | Exception = work()
            except (OSError, StorageError) as error:  # a SecretFault is an OSError
                found = error
            except Exception as error:  # the caller waits for an answer
                log.exception("the secrets of a webhook")
                found = error
            self._ready.put(lambda: then(found))
            self._woken.emit()

        thread = threading.Thread(target=run, name="webhook-secrets", daemon=True)
        self._beside.append(thread)
        thread.start()

    @Slot()
    def _on_woken(self) -> None:
        self._beside = [thread for thread in self._beside if thread.is_alive()]
        while not self._ready.empty():
            self._ready.get_nowait()()

    def _found(self, name: str) -> WebhookSettings | None:
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
        if trouble.removed:
            waited = count(
                trouble.count, "alert that waited for it is", "alerts that waited for it are"
            )
            sentence = f"The webhook “{trouble.name}” is removed; {waited} not sent to it."
            log.warning("%s", sentence)
            self.told.emit(sentence)
            return
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

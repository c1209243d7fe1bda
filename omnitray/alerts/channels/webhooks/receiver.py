"""One receiver with a thread of its own, so that a dead one costs no other channel anything."""

import logging
import socket
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence

import msgspec

from omnitray.alerts.channels.webhooks.kinds import FormContext, without_secrets
from omnitray.alerts.channels.webhooks.model import HttpCall, ReceiverAnswer, WebhookEvent
from omnitray.alerts.channels.webhooks.process import ProcessSender, Sender
from omnitray.alerts.channels.webhooks.queue import ReceiverQueue, Settled
from omnitray.alerts.model import Alert
from omnitray.base.clock import Clock
from omnitray.settings.webhooks import SecretFault, WebhookSettings, address_of, secret_of

log = logging.getLogger(__name__)


class Receiver:
    """Sends what is added; ``settled`` gets, on its thread, what came of each batch."""

    def __init__(
        self,
        webhook: WebhookSettings,
        clock: Clock,
        settled: Callable[["Receiver", Settled], None],
        *,
        sender: Sender | None = None,
        link: Callable[[], str] = lambda: "",
        machine: str = "",
    ) -> None:
        self.queue = ReceiverQueue(webhook, clock)
        self._clock = clock
        self._settled = settled
        self._sender = sender or ProcessSender()
        self._link = link
        self._machine = machine or socket.gethostname()
        self._condition = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None

    @property
    def webhook(self) -> WebhookSettings:
        """As the settings say."""
        return self.queue.webhook

    def make_room(
        self, events: Sequence[WebhookEvent]
    ) -> tuple[list[WebhookEvent], list[WebhookEvent]]:
        """Which of these may be added, and what leaves for them."""
        with self._condition:
            return self.queue.make_room(events)

    def add(self, events: Sequence[WebhookEvent]) -> None:
        """Send these, after what waits already."""
        with self._condition:
            self.queue.add(events)
            self._wake()

    def watch(self, alert: Alert) -> None:
        """An alert from before the start."""
        with self._condition:
            self.queue.watch(alert)
            self._wake()

    def hurry(self) -> None:
        """Try at once."""
        with self._condition:
            self.queue.hurry()
            self._wake()

    def stop(self) -> None:
        """End, with what waits on disk; returns at once."""
        with self._condition:
            self._closing = True
            self._condition.notify()
        self._sender.stop()

    def join(self, timeout_s: float) -> bool:
        """Whether it has ended."""
        if self._thread is not None:
            self._thread.join(timeout_s)
        return self._thread is None or not self._thread.is_alive()

    def send_now(self, events: Sequence[WebhookEvent]) -> ReceiverAnswer:
        """Send without the queue (a test), on the caller's thread."""
        return next(answer for _, answer in self._exchange(events, ProcessSender()))

    def _wake(self) -> None:
        if self._thread is None and not self._closing:
            name = f"webhook-{self.webhook.name}"
            self._thread = threading.Thread(target=self._run, name=name, daemon=True)
            self._thread.start()
        self._condition.notify()

    def _run(self) -> None:
        while True:
            with self._condition:
                batch = self._next_batch()
                if not batch:
                    return
            try:
                ended = self._send(batch)
            except Exception as error:  # noqa: BLE001 - the next try may go well; no thread, no tries
                log.error("the webhook %s cannot send: %s", self.webhook.name, _place(error))  # noqa: TRY400 - see _place
                with self._condition:
                    self.queue.settle([batch], [ReceiverAnswer(error="failed")])
                continue
            if ended:
                return

    def _send(self, batch: Sequence[WebhookEvent]) -> bool:
        """Send and say what came of it; True where the end of the program came between."""
        for events, answer in self._exchange(batch, self._sender):
            with self._condition:
                if answer.error == "ended" and self._is_closing():
                    return True
                settled = self.queue.settle([events], [answer])
            # Each at once, so that a crash repeats no more than the one that is under way.
            self._settled(self, settled)
        return False

    def _next_batch(self) -> tuple[WebhookEvent, ...]:
        """What is to be sent, once there is something; nothing at the end."""
        while not self._is_closing():
            if batch := self.queue.take():
                return batch
            self._condition.wait(self.queue.next_delay_s())
        return ()

    def _is_closing(self) -> bool:
        return self._closing

    def _exchange(
        self, events: Sequence[WebhookEvent], sender: Sender
    ) -> Iterator[tuple[tuple[WebhookEvent, ...], ReceiverAnswer]]:
        """The events of each call with what was answered, as it comes."""
        try:
            url, secret = address_of(self.webhook), secret_of(self.webhook)
        except SecretFault as fault:
            yield tuple(events), ReceiverAnswer(error="secret", body=f"{fault}")
            return
        context = FormContext(url, secret, self._machine, self._link(), self._clock.wall())
        try:
            calls = self.queue.form.write(events, context)
        except Exception as error:  # noqa: BLE001 - whatever a form does wrong, the receiver goes on
            name = self.webhook.name
            log.error("an alert cannot be written for the webhook %s: %s", name, _place(error))  # noqa: TRY400 - see _place
            yield tuple(events), ReceiverAnswer(error="failed")
            return
        for call, answer in zip(calls, sender.send(calls), strict=False):
            body = without_secrets(answer.body, url, secret)
            yield _events_of(call, events), msgspec.structs.replace(answer, body=body)


def _place(error: Exception) -> str:
    """Where it was raised.

    The words of a library may quote the address: "Port could not be cast … as 'secret'".
    """
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {where.name}, line {where.lineno}"


def _events_of(call: HttpCall, events: Sequence[WebhookEvent]) -> tuple[WebhookEvent, ...]:
    if len(events) == len(call.events):
        return tuple(events)
    return tuple(each for each in events if each.id in call.events)

"""The WEBHOOK channel: takes alerts in, makes what is to be sent durable, hands it to receivers.

Nothing of it runs, and nothing heavy is imported, while the settings name no webhook.
"""

import itertools
import logging
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

from omnitray.alerts.channels.base import ChannelParts, DurableChannel
from omnitray.alerts.channels.deliveries import (
    Deliveries,
    Delivery,
    DeliveryState,
    delivered,
    failed,
)
from omnitray.alerts.channels.webhooks.standing import WebhookTest, WebhookTrouble, WebhookView
from omnitray.alerts.decision import Decision, Reason
from omnitray.alerts.model import Alert
from omnitray.alerts.storage.history import BOUND_EVERY, MOST_UNSAVED_BYTES, weight_of
from omnitray.base.clock import Clock
from omnitray.base.facts import AlertChannel
from omnitray.settings.webhooks import WebhookSettings

if TYPE_CHECKING:
    from omnitray.alerts.channels.webhooks.model import ReceiverAnswer, WebhookEvent
    from omnitray.alerts.channels.webhooks.outbox import WebhookOutbox
    from omnitray.alerts.channels.webhooks.queue import Settled
    from omnitray.alerts.channels.webhooks.receiver import Receiver
    from omnitray.alerts.channels.webhooks.retry import AnswerVerdict

log = logging.getLogger(__name__)
DROPPED = "not sent: too many alerts wait for this webhook, and more severe or newer ones are kept"
REMOVED = "not sent: the webhook was removed"
MOST_WAITING = 2000  # to be made durable; on a disk that works it is empty within some ms


class WebhookChannel(DurableChannel):
    """See the module. ``put`` may be called from any thread and returns at once."""

    def __init__(self, folder: Path, clock: Clock, deliveries: Deliveries) -> None:
        self._folder = folder
        self._clock = clock
        self._deliveries = deliveries
        self._condition = threading.Condition()
        self._waiting: list[tuple[Alert, Decision, Future[None]]] = []
        self._chores: list[tuple[Callable[[], None], Future[None]]] = []
        self._lock = threading.Lock()  # of the receivers; never held over a call to the disk
        self._disk = threading.Lock()  # of the outbox; taken first where both are
        self._outbox: WebhookOutbox | None = None
        self._receivers: dict[str, Receiver] = {}
        self._delivered_at: dict[str, float] = {}
        self._troubled: set[str] = set()
        self._noted: dict[str, tuple[str, bool]] = {}  # what was said last about what waits
        self._thread: threading.Thread | None = None
        self._closing = False
        self._said_full = False
        self.on_trouble: Callable[[WebhookTrouble], None] = lambda _: None
        self.link: Callable[[], str] = lambda: ""

    @property
    def wanted(self) -> bool:
        """Whether the settings name a webhook."""
        return bool(self._receivers)

    def configure(self, webhooks: Sequence[WebhookSettings]) -> "Future[None]":
        """The webhooks of the settings: new ones begin, changed ones begin again, others end.

        What waits for one that ends is dropped and said.

        It returns at once, on any thread; the future is done when the disk has had its part.
        """
        future: Future[None] = Future()
        with self._lock:
            before = dict(self._receivers)
            wanted = {each.name: each for each in webhooks}
            if self._closing or {n: each.webhook for n, each in before.items()} == wanted:
                future.set_result(None)
                return future
            self._receivers = {
                name: self._kept(before.get(name), webhook) for name, webhook in wanted.items()
            }
            now = dict(self._receivers)
        for name, receiver in before.items():
            if now.get(name) is not receiver:
                receiver.stop()
        with self._condition:
            self._chores.append((lambda: self._hand_on(before, now), future))
            self._wake_intake()
        return future

    def put(self, alert: Alert, decision: Decision) -> "Future[None]":
        """Take an alert in; the future is done when what is to be sent of it is durable."""
        future: Future[None] = Future()
        with self._condition:
            if self._closing or not self.wanted:
                future.set_result(None)
                return future
            self._waiting.append((alert, decision, future))
            refused = self._bound()
            self._wake_intake()
        for each in refused:
            each.set_result(None)
        return future

    def views(self) -> tuple[WebhookView, ...]:
        """How each stands, in the order of the settings."""
        with self._lock:
            return tuple(self._view(each) for each in self._receivers.values())

    def test(self, name: str) -> WebhookTest | None:
        """Send a test and say what was answered; waits, so on a thread that may. None: no such."""
        from omnitray.alerts.channels.webhooks.model import (  # noqa: PLC0415 - see the module
            sample_event,
        )
        from omnitray.alerts.channels.webhooks.retry import (  # noqa: PLC0415 - as above
            AnswerKind,
        )

        with self._lock:
            receiver = self._receivers.get(name)
        if receiver is None:
            return None
        at = self._clock.wall()
        answer = receiver.send_now([sample_event(name, _new_id(), at)])
        found = _verdict(answer, at)
        return WebhookTest(
            name=name,
            arrived=found.kind is AnswerKind.DELIVERED,
            words=found.words,
            body="" if answer.error == "secret" else " ".join(answer.body.split())[:200],
            took_s=answer.took_s,
            at=at,
        )

    def retry(self, name: str) -> bool:
        """Try what waits at once; False where there is no such webhook."""
        with self._lock:
            receiver = self._receivers.get(name)
        if receiver is not None:
            receiver.hurry()
        return receiver is not None

    def stop(self) -> None:
        """Take in what waits, then end; returns at once."""
        with self._condition:
            self._closing = True
            self._condition.notify()

    def join(self, timeout_s: float) -> bool:
        """Wait for the end: first of the intake, which makes durable, then of the receivers."""
        if self._thread is not None:
            self._thread.join(timeout_s)
        with self._lock:
            receivers = tuple(self._receivers.values())
        for each in receivers:
            each.stop()
        ended = [each.join(timeout_s) for each in receivers]
        return all(ended) and (self._thread is None or not self._thread.is_alive())

    # -- inside

    def _bound(self) -> list["Future[None]"]:
        """Let the least go where the outbox's disk hangs; the history has every alert further."""
        if len(self._waiting) <= MOST_WAITING + BOUND_EVERY:
            return []
        newest = {alert.id: place for place, (alert, _, _) in enumerate(self._waiting)}
        alerts = {place: self._waiting[place][0] for place in newest.values()}
        worst = sorted(alerts, key=lambda place: (-alerts[place].severity.rank, -place))
        sizes = itertools.accumulate(weight_of(alerts[place]) for place in worst)
        fitting = sum(size <= MOST_UNSAVED_BYTES for size in sizes)
        staying = set(worst[: min(fitting, MOST_WAITING)])
        refused = [f for place, (_, _, f) in enumerate(self._waiting) if place not in staying]
        self._waiting = [self._waiting[place] for place in sorted(staying)]
        if not self._said_full:
            self._said_full = True
            log.warning("the outbox takes nothing for so long that the least is not sent")
        return refused

    def _address(self) -> str:
        return self.link()

    def _wake_intake(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="webhook-intake", daemon=True)
            self._thread.start()
        self._condition.notify()

    def _open_outbox(self) -> "WebhookOutbox":
        if self._outbox is None:
            from omnitray.alerts.channels.webhooks.outbox import (  # noqa: PLC0415 - see the module
                WebhookOutbox,
            )

            self._outbox = WebhookOutbox(self._folder)
            for each in self._outbox.arrived:
                self._arrived(each.webhook, (each.alert_id,), each.at)
        return self._outbox

    def _kept(self, before: "Receiver | None", webhook: WebhookSettings) -> "Receiver":
        """The receiver that there is, or a new one."""
        from omnitray.alerts.channels.webhooks.receiver import Receiver  # noqa: PLC0415 - as above

        if before is not None and before.webhook == webhook:
            return before
        return Receiver(webhook, self._clock, self._on_settled, link=self._address)

    def _hand_on(self, before: "dict[str, Receiver]", now: "dict[str, Receiver]") -> None:
        """Give what waits to the receivers of other settings; on the intake's thread."""
        from omnitray.alerts.channels.webhooks.retry import GIVE_UP_S  # noqa: PLC0415 - as above

        with self._disk:
            outbox = self._open_outbox()
            for name in before.keys() - now.keys():
                self._drop_with(outbox, name, before[name].queue.events)
            pending, outbox.pending = outbox.pending, []
            for name, receiver in now.items():
                was = before.get(name)
                if was is receiver:
                    continue
                left = [each for each in pending if each.webhook == name]
                events = was.queue.events if was is not None else left
                self._admit(outbox, receiver, events, durable=True)
            # Of webhooks whose settings have a fault since before the start, or that are gone.
            rest = [each for each in pending if each.webhook not in now]
            old_at = self._clock.wall() - GIVE_UP_S
            outbox.pending += [each for each in rest if each.at >= old_at]
            old = [each for each in rest if each.at < old_at]
            for name in dict.fromkeys(each.webhook for each in old):
                self._drop_with(outbox, name, [each for each in old if each.webhook == name])

    def _drop_with(
        self, outbox: "WebhookOutbox", name: str, events: "Sequence[WebhookEvent]"
    ) -> None:
        """The webhook was removed: what waits for it is not sent, which is said."""
        events = tuple(events)
        outbox.done(events)
        outbox.forget(name)
        gone = dict.fromkeys(each.alert.id for each in events)
        if gone:
            at = self._clock.wall()
            self._deliveries.note(*failed(AlertChannel.WEBHOOK, gone, at, REMOVED, target=name))
            self.on_trouble(WebhookTrouble(name=name, count=len(gone), removed=True))

    def _admit(
        self,
        outbox: "WebhookOutbox",
        receiver: "Receiver",
        events: "Sequence[WebhookEvent]",
        *,
        durable: bool = False,
    ) -> None:
        """Add what there is room for, on disk and to the receiver; say what is dropped for it."""
        name, at = receiver.webhook.name, self._clock.wall()
        admitted, dropped = receiver.make_room(events)
        if not durable:
            outbox.add(admitted)
        if dropped:
            waiting = (*receiver.queue.events, *admitted)
            staying = {each.alert.fingerprint for each in waiting}
            new = {each.id for each in events if each.alert.count > 1}  # counted when it began
            count = sum(each.id not in new for each in dropped)
            outbox.drop(name, dropped, staying, count, at)
            known = {each.alert.id for each in waiting}
            gone = dict.fromkeys(each.alert.id for each in dropped if each.alert.id not in known)
            self._deliveries.note(*failed(AlertChannel.WEBHOOK, gone, at, DROPPED, target=name))
        self._note(receiver, admitted)
        receiver.add(admitted)
        if dropped and name not in self._troubled:
            self._troubled.add(name)
            count = outbox.dropped[name].count
            why = receiver.queue.words
            self.on_trouble(WebhookTrouble(name=name, count=count, why=why, dropped=True))

    def _run(self) -> None:
        while True:
            with self._condition:
                while not self._waiting and not self._chores and not self._closing:
                    self._condition.wait()
                if not self._waiting and not self._chores:
                    return
                chores, self._chores = self._chores, []
                batch, self._waiting = self._waiting, []
                self._said_full = False
            for chore, future in chores:
                self._guarded(chore)
                future.set_result(None)
            self._guarded(lambda: self._take_in([(alert, why) for alert, why, _ in batch]))  # noqa: B023 - it is called here
            for _, _, future in batch:
                future.set_result(None)

    def _guarded(self, do: Callable[[], None]) -> None:
        try:
            do()
        except Exception:  # the alert is in the history all the same
            log.exception("the webhooks cannot take an alert in")

    def _take_in(self, batch: Sequence[tuple[Alert, Decision]]) -> None:
        if not batch:
            return
        with self._lock:
            receivers = tuple(self._receivers.values())
        with self._disk:
            outbox = self._open_outbox()
            for receiver in receivers:
                self._admit(outbox, receiver, self._events_for(receiver, outbox, batch))
                for alert, decision in batch:
                    if decision.reason is Reason.RESTORED:
                        receiver.watch(alert)

    def _events_for(
        self,
        receiver: "Receiver",
        outbox: "WebhookOutbox",
        batch: Sequence[tuple[Alert, Decision]],
    ) -> list["WebhookEvent"]:
        from omnitray.alerts.channels.webhooks.model import (  # noqa: PLC0415 - see the module
            WebhookEvent,
        )
        from omnitray.alerts.channels.webhooks.plan import (  # noqa: PLC0415 - as above
            action_for,
            learnt,
            why_not,
        )

        at, name = self._clock.wall(), receiver.webhook.name
        known = outbox.known.setdefault(receiver.webhook.name, {})
        events = []
        for alert, decision in batch:
            action = action_for(
                receiver.webhook,
                alert,
                known.get(alert.fingerprint),
                held=decision.held,
                acknowledges=receiver.queue.form.acknowledges,
                escalated=decision.escalated,
            )
            if action is None:
                if alert.state == "resolved":  # where its end is not sent, it begins again as well
                    known.pop(alert.fingerprint, None)
                reason = why_not(receiver.webhook, alert, decision.held)
                if reason is not None and alert.state == "firing":
                    channel = AlertChannel.WEBHOOK
                    self._deliveries.hold(alert.id, channel, at, reason.sentence, target=name)
                continue
            event = WebhookEvent(
                id=_new_id(),
                number=outbox.next_number(),
                webhook=name,
                action=action,
                at=at,
                alert=alert,
                begun=alert.fingerprint in known,
            )
            learnt(known, event)
            events.append(event)
        return events

    def _on_settled(self, receiver: "Receiver", settled: "Settled") -> None:
        """On the receiver's thread."""
        name, at, queue = receiver.webhook.name, self._clock.wall(), receiver.queue
        with self._disk:
            if self._outbox is not None and (settled.arrived or settled.given_up):
                self._outbox.remember(settled.arrived, at)
                self._outbox.done((*settled.arrived, *settled.given_up))
                if not queue.events:
                    self._outbox.caught_up(name)
        self._arrived(name, [each.alert.id for each in settled.arrived], at)
        said = queue.words, queue.misconfigured
        if not settled.arrived or said != self._noted.get(name):
            self._noted[name] = said
            self._note(receiver, queue.events)
        if settled.given_up:
            gone = dict.fromkeys(each.alert.id for each in settled.given_up)
            why = f"given up after three days: {queue.words}"
            self._deliveries.note(*failed(AlertChannel.WEBHOOK, gone, at, why, target=name))
            self._troubled.add(name)
            count = len(settled.given_up)
            self.on_trouble(WebhookTrouble(name=name, count=count, why=queue.words))
        elif settled.arrived and name in self._troubled:
            self._troubled.discard(name)
            self.on_trouble(WebhookTrouble(name=name, over=True))

    def _arrived(self, name: str, alert_ids: Sequence[str], at: float) -> None:
        """These arrived there, now or in an earlier run."""
        if not alert_ids:
            return
        with self._lock:
            self._delivered_at[name] = at
        found = delivered(AlertChannel.WEBHOOK, alert_ids, at, target=name)
        self._deliveries.note(*found)

    def _note(self, receiver: "Receiver", events: Sequence["WebhookEvent"]) -> None:
        """What waits, until when, and why."""
        queue, at = receiver.queue, self._clock.wall()
        failed = queue.misconfigured and bool(queue.words)
        next_at = queue.next_at
        self._deliveries.note(
            *(
                Delivery(
                    alert_id=alert_id,
                    channel=AlertChannel.WEBHOOK,
                    target=receiver.webhook.name,
                    state=DeliveryState.FAILED if failed else DeliveryState.WAITING,
                    at=at,
                    next_at=next_at,
                    why=queue.words,
                )
                for alert_id in dict.fromkeys(each.alert.id for each in events)
            )
        )

    def _view(self, receiver: "Receiver") -> WebhookView:
        queue, webhook = receiver.queue, receiver.webhook
        delivered_at = self._delivered_at.get(webhook.name)
        outbox = self._outbox
        dropped = outbox.dropped.get(webhook.name) if outbox is not None else None
        state = "ready" if delivered_at is None else "delivered"
        if webhook.paused:
            state = "paused"
        elif queue.words and queue.misconfigured:
            state = "failed"
        elif queue.events:
            state = "waiting"
        return WebhookView(
            name=webhook.name,
            kind=webhook.kind,
            severity=webhook.severity,
            resolved=webhook.resolved,
            paused=webhook.paused,
            waiting=len(queue.events),
            state=state,
            delivered_at=delivered_at,
            next_at=queue.next_at,
            why=queue.words,
            dropped=dropped.count if dropped is not None else 0,
            kept_in=webhook.kept_in,
        )


def open_channel(parts: ChannelParts) -> WebhookChannel:
    """The channel with the webhooks that the settings name now."""
    channel = WebhookChannel(parts.paths.data / "outbox", parts.clock, parts.deliveries)
    channel.configure(parts.webhooks)
    return channel


def _new_id() -> str:
    return f"msg_{os.urandom(12).hex()}"


def _verdict(answer: "ReceiverAnswer", at: float) -> "AnswerVerdict":
    import datetime as dt  # noqa: PLC0415 - a test is seldom

    from omnitray.alerts.channels.webhooks.retry import verdict  # noqa: PLC0415 - as above

    return verdict(answer, dt.datetime.fromtimestamp(at, dt.UTC))

"""From a decision to the channels it names: the sink of the alert system.

The file comes first and is not optional; every other channel has a worker with a thread. Nothing
here blocks or raises, whatever a channel does. What the durable channel owes comes before the
person is notified, as far as :class:`Patience` waits for it: a notification comes while a disk
hangs, too.
"""

import functools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import cast

import msgspec

from omnitray.alerts.channels.base import (
    Channel,
    ChannelParts,
    DurableChannel,
    Listeners,
    ListeningChannel,
)
from omnitray.alerts.channels.deliveries import (
    ChannelView,
    Deliveries,
    Delivery,
    DeliveryState,
)
from omnitray.alerts.channels.registry import CHANNELS, Audience, ChannelEntry
from omnitray.alerts.channels.vscode import CLIENT
from omnitray.alerts.channels.webhooks.channel import WebhookChannel
from omnitray.alerts.channels.worker import CAPACITY, STUCK_S, ChannelStatistics, ChannelWorker
from omnitray.alerts.decision import ATTENTION, HOLDING, RECORD, Decision, Receipt
from omnitray.alerts.model import Alert
from omnitray.alerts.storage.store import AlertStore
from omnitray.base.clock import Clock
from omnitray.base.facts import AlertChannel

log = logging.getLogger(__name__)


class Dispatcher:
    """``report`` is called once for each channel that fails or hangs."""

    def __init__(
        self,
        store: AlertStore,
        channels: Mapping[str, Channel],
        clock: Clock,
        *,
        deliveries: Deliveries | None = None,
        report: Callable[[str], None] = log.warning,
        capacity: int = CAPACITY,
        stuck_s: float = STUCK_S,
    ) -> None:
        self._store = store
        self._clock = clock
        self._report = report
        self._capacity = capacity
        self._stuck_s = stuck_s
        self.deliveries = deliveries or Deliveries()
        self._patience = Patience()
        self._workers: dict[str, ChannelWorker] = {}
        self._listening: set[str] = set()
        self._durable: tuple[str, DurableChannel] | None = None
        self._names = frozenset({str(AlertChannel.FILE)})
        for name, channel in channels.items():
            self.attach(name, channel)

    def channels(self) -> frozenset[str]:
        """Where alerts can go now."""
        if self._durable is not None and self._durable[1].wanted:
            return self._names | {self._durable[0]}
        return self._names

    @property
    def durable(self) -> DurableChannel | None:
        """The channel that keeps what it owes on disk."""
        return self._durable[1] if self._durable is not None else None

    def open(self, parts: ChannelParts, entries: Sequence[ChannelEntry] = CHANNELS) -> None:
        """Open every channel that this machine has something for."""
        for entry in entries:
            channel = entry.open(parts)
            if isinstance(channel, ListeningChannel):
                self._listening.add(entry.name)
                self._count()
            elif isinstance(channel, DurableChannel):
                self.attach_durable(entry.name, channel)
            elif channel is not None:
                self.attach(entry.name, cast("Channel", channel))

    def attach(self, name: str, channel: Channel) -> None:
        """Open a channel, in place of one of that name."""
        self.detach(name)
        self._workers[name] = ChannelWorker(
            name,
            channel,
            self._clock,
            self._report,
            self.deliveries,
            capacity=self._capacity,
            stuck_s=self._stuck_s,
        )
        self._count()

    def attach_durable(self, name: str, channel: DurableChannel) -> None:
        """Open the channel that keeps what it owes on disk; there is one."""
        self._durable = name, channel

    def detach(self, name: str) -> None:
        """Close a channel after what waits there; returns at once."""
        if (worker := self._workers.pop(name, None)) is not None:
            worker.stop()
            self._count()

    def amend(self, alert: Alert) -> None:
        """Write a record that says more; it may wait for a second."""
        self._store.put(alert, urgent=False)

    def submit(self, alert: Alert, decision: Decision) -> Receipt | None:
        """Queue an alert for its channels; the receipt gives a future for when it is durable."""
        receipt = None
        if AlertChannel.FILE in decision.channels:
            # Only the file: a repeat that no other channel gets, and that can wait a second.
            urgent = decision.channels != RECORD or alert.count == 1
            self._store.put(alert, urgent=urgent)
            receipt = functools.partial(self._store.stored, alert.id)
        self._note_hold(alert, decision)
        if self._durable is None or self._durable[0] not in decision.channels:
            self._hand_over(alert, decision)
            return receipt
        owed = self._durable[1].put(alert, decision)
        # The person is told once it is certain that the others will be, or the disk takes too long.
        self._patience.after(owed, lambda: self._hand_over(alert, decision))
        return receipt and functools.partial(_both, receipt, owed)

    def _note_hold(self, alert: Alert, decision: Decision) -> None:
        """Keep why no notification is sent, for each channel that would send one."""
        if decision.notify or decision.reason not in HOLDING or alert.state != "firing":
            return
        for name in ATTENTION:
            if name not in alert.channels:
                self.deliveries.hold(alert.id, name, decision.at, decision.reason.sentence)

    def _hand_over(self, alert: Alert, decision: Decision) -> None:
        for name in decision.channels:
            if (worker := self._workers.get(name)) is not None:
                worker.check()
                worker.put(alert, decision)

    def _count(self) -> None:
        self._names = frozenset({str(AlertChannel.FILE), *self._workers, *self._listening})

    def check(self) -> None:
        """Look after channels that hang; call it now and then."""
        for worker in self._workers.values():
            worker.check()

    def statistics(self) -> tuple[ChannelStatistics, ...]:
        """What each channel has done."""
        self.check()
        return tuple(worker.statistics() for worker in self._workers.values())

    def close(self, timeout_s: float = 2.0) -> bool:
        """Deliver what waits and end; False when something did not within the time.

        The file is waited for first and has all of the time if it needs it.
        """
        end = time.monotonic() + timeout_s
        ended = True
        if self._durable is not None:
            self._durable[1].stop()
            ended = self._durable[1].join(timeout_s / 2)
        for worker in self._workers.values():
            worker.stop()
        ended = self._store.close(timeout_s) and ended
        for worker in self._workers.values():
            if not worker.join(max(0.0, end - time.monotonic())):
                self._report(f"the {worker.name} channel did not end in time")
                ended = False
        return ended


def _both(receipt: Receipt, owed: "Future[None]") -> "Future[Path]":
    """Done when the record and what is owed are durable."""
    done: Future[Path] = Future()

    def on_stored(stored: "Future[Path]") -> None:
        if (error := stored.exception()) is not None:
            done.set_exception(error)
        else:
            done.set_result(stored.result())

    owed.add_done_callback(lambda _: receipt().add_done_callback(on_stored))
    return done


# A sync takes 10 to 100 ms, a second under heavy load; a person who waits longer thinks it is lost.
PATIENCE_S = 2.0


class Awaited(msgspec.Struct, eq=False):
    """What is to be done once; None when it was."""

    until_m: float
    do: Callable[[], None] | None


class Patience:
    """Does something when a future is done, or after :data:`PATIENCE_S`, whichever is first."""

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._lock = threading.Lock()
        self._awaited: deque[Awaited] = deque()
        self._thread: threading.Thread | None = None

    def after(self, future: "Future[None]", do: Callable[[], None]) -> None:
        """Do it once: at once where the future is done already."""
        if future.done():
            do()
            return
        awaited = Awaited(time.monotonic() + self._patience_s, do)
        with self._lock:
            self._awaited.append(awaited)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="patience", daemon=True)
                self._thread.start()
        future.add_done_callback(lambda _: self._once(awaited))

    def _once(self, awaited: Awaited) -> None:
        with self._lock:
            do, awaited.do = awaited.do, None
            while self._awaited and self._awaited[0].do is None:
                self._awaited.popleft()
        if do is not None:
            do()

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._awaited:
                    self._thread = None
                    return
                first = self._awaited[0]
            rest_s = first.until_m - time.monotonic()
            if rest_s > 0:
                # In portions, so that the thread ends soon after the last future is done.
                time.sleep(min(rest_s, self._patience_s / 10))
            else:
                self._once(first)


class ChannelDesk:
    """Knows how each channel stands: for the window, the API and doctor, on any thread."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        store: AlertStore,
        deliveries: Deliveries,
        listeners: Listeners,
        screen_fault: Callable[[], str] = str,
    ) -> None:
        self._screen_fault = screen_fault
        self.deliveries = deliveries
        self.listeners = listeners
        self._dispatcher = dispatcher
        self._store = store

    def views(self) -> tuple[ChannelView, ...]:
        """All of them, in the order of the registry."""
        known = {each.channel: each for each in self._dispatcher.statistics()}
        views = []
        for entry in CHANNELS:
            latest = self.deliveries.latest(entry.name)
            if entry.audience is Audience.RECORD:
                views.append(self._record(entry.name, latest))
            elif entry.name in (AlertChannel.WEBSOCKET, AlertChannel.VSCODE):
                client = CLIENT if entry.name == AlertChannel.VSCODE else ""
                count = self.listeners.count(client)
                views.append(
                    ChannelView(name=entry.name, open=count > 0, clients=count, latest=latest)
                )
            elif entry.name == AlertChannel.WEBHOOK:
                views.append(self._webhooks(entry.name, latest))
            elif (found := known.get(entry.name)) is not None:
                views.append(self._worker(found, latest))
            else:
                views.append(ChannelView(name=entry.name, open=False, latest=latest))
        return tuple(views)

    def _worker(self, found: ChannelStatistics, latest: Delivery | None) -> ChannelView:
        fault = "it does not answer" if found.stuck else found.last_error or ""
        if not fault and found.channel == AlertChannel.DESKTOP:
            fault = self._screen_fault()
        if not fault and latest is not None and latest.state is DeliveryState.FAILED:
            fault = latest.why
        return ChannelView(
            name=found.channel, open=True, waiting=found.waiting, fault=fault, latest=latest
        )

    def _webhooks(self, name: str, latest: Delivery | None) -> ChannelView:
        channel = self._dispatcher.durable
        views = channel.views() if isinstance(channel, WebhookChannel) else ()
        failing = [each.name for each in views if each.state == "failed"]
        which = f"{len(failing)} of {len(views)} take nothing: " if len(views) > 1 else "fails: "
        return ChannelView(
            name=name,
            open=bool(views),
            receivers=len(views),
            waiting=sum(each.waiting for each in views),
            fault=which + ", ".join(failing) if failing else "",
            latest=latest,
        )

    def _record(self, name: str, latest: Delivery | None) -> ChannelView:
        found = self._store.statistics()
        return ChannelView(
            name=name,
            open=True,
            waiting=found.waiting + found.unsaved,
            fault=found.fault or "",
            latest=latest,
        )

"""From a decision to the channels it names: the sink of the alert system.

The file comes first and is not optional; every other channel has a worker with a thread. Nothing
here blocks or raises, whatever a channel does.
"""

import functools
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import cast

from omnitray.alerts.channels.base import Channel, ChannelParts, DurableChannel, ListeningChannel
from omnitray.alerts.channels.deliveries import Deliveries
from omnitray.alerts.channels.patience import Patience
from omnitray.alerts.channels.registry import CHANNELS, ChannelEntry
from omnitray.alerts.channels.worker import CAPACITY, STUCK_S, ChannelStatistics, ChannelWorker
from omnitray.alerts.decision import ATTENTION, HOLDING, RECORD, Decision, Receipt
from omnitray.alerts.model import Alert
from omnitray.alerts.storage.store import AlertStore
from omnitray.base.clock import Clock
from omnitray.base.facts import AlertChannel

log = logging.getLogger(__name__)


class Dispatcher:
    """``report`` hears, once each, of channels that fail or hang."""

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

"""What a channel is: one function that takes an alert somewhere, and what it is built from.

:class:`Listeners` knows who listens to the local API and what has reached them. A client says its
name when it connects (``/ws?client=vscode``). The local API reports there from its own thread;
channels subscribe to what was taken.
"""

import abc
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol

import msgspec

from omnitray.alerts.channels.deliveries import Deliveries
from omnitray.alerts.channels.notification import Notification
from omnitray.alerts.decision import Decision
from omnitray.alerts.model import Alert
from omnitray.base.clock import Clock
from omnitray.base.paths import Paths
from omnitray.settings.webhooks import WebhookSettings

Taken = Callable[[str, str], None]  # alert id, name of the client


class Listeners:
    """Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: Counter[str] = Counter()
        self._subscribers: list[Taken] = []

    def join(self, name: str) -> None:
        """A client of this name is there, empty for one that does not say its name."""
        with self._lock:
            self._names[name] += 1

    def leave(self, name: str) -> None:
        """It is gone."""
        with self._lock:
            self._names[name] -= 1
            if self._names[name] <= 0:
                del self._names[name]

    def count(self, name: str = "") -> int:
        """How many clients of a name listen now; of any name where none is given."""
        with self._lock:
            return self._names[name] if name else sum(self._names.values())

    def took(self, alert_id: str, client: str) -> None:
        """An alert was written to a client's connection."""
        for subscriber in tuple(self._subscribers):
            subscriber(alert_id, client)

    def on_taken(self, subscriber: Taken) -> None:
        """Call this for each alert that a client took, on the API's thread."""
        self._subscribers.append(subscriber)


class Channel(Protocol):
    """One way out. Called on a thread of its own; may block and may raise.

    Desktop channels look at ``decision.notify`` (show ``decision.title`` and ``.body`` in
    ``decision.slot``) and ``decision.withdraw`` (take back what is shown in that slot); feeds
    pass ``alert`` on as it is.
    """

    def send(self, alert: Alert, decision: Decision) -> bool:
        """Deliver; True once it has arrived, which the alert's record then says.

        False: it was not for this channel, or the channel reports to the deliveries by itself
        later. An exception counts as failed and is logged once.
        """
        ...


class ListeningChannel(msgspec.Struct, frozen=True):
    """A channel whose clients are sent the event by the local API itself: it needs no thread."""

    client: str  # of which name; empty: of any


class DurableChannel(abc.ABC):
    """A channel that keeps on disk what it owes: its part comes before the person is notified."""

    @property
    @abc.abstractmethod
    def wanted(self) -> bool:
        """Whether it has anywhere to send to."""

    @abc.abstractmethod
    def put(self, alert: Alert, decision: Decision) -> "Future[None]":
        """Take it in, from any thread; done when it is durable, or kept in memory."""

    @abc.abstractmethod
    def stop(self) -> None:
        """Make durable what waits, then end; returns at once."""

    @abc.abstractmethod
    def join(self, timeout_s: float) -> bool:
        """Wait for the end; False when it takes longer."""


class DesktopScreen(Protocol):
    """Where notifications are shown; ``told`` is called with each result (why not, else "")."""

    told: Callable[[Notification, str], None]

    def show(self, notification: Notification) -> None:
        """Show it, from any thread."""
        ...

    def close(self, slot: str) -> None:
        """Take away what is shown in the slot, from any thread."""
        ...


class ChannelParts(msgspec.Struct, frozen=True, kw_only=True):
    """What ``open_channel`` may use."""

    clock: Clock
    paths: Paths
    deliveries: Deliveries
    listeners: Listeners
    screen: DesktopScreen
    webhooks: tuple[WebhookSettings, ...] = ()

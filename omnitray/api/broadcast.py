"""Who listens, and what each of them is sent.

An event is encoded once for all. A client has a bounded queue: one that does not keep up is let
go, so that it can neither hold up the others nor make us grow.
"""

import asyncio
from collections.abc import Callable

import msgspec

from omnitray.alerts.channels.base import Listeners
from omnitray.api.facade import AlertChanged, Event, SnapshotTaken
from omnitray.api.gate import SOCKET_QUEUE
from omnitray.api.messages import message_of
from omnitray.api.wire import Topic

SLACK = 0.9  # of the interval asked for: the monitor's own rhythm jitters


class QueuedMessage(msgspec.Struct, frozen=True):
    """What is to be sent, and which alert a client has taken once it is."""

    text: str
    alert_id: str = ""


class Listener:
    """One connection's queue and wishes. Lives in the loop's thread."""

    def __init__(self, number: int, client: str = "") -> None:
        self.number = number
        self.client = client  # its name, empty where it has not said one
        self.topics: frozenset[Topic] = frozenset(Topic)
        self.snapshot_interval_s = 0.0
        self.lagged = False
        self.goodbye: str = ""
        self.queue: asyncio.Queue[QueuedMessage | None] = asyncio.Queue(SOCKET_QUEUE)
        self._last_snapshot_s = float("-inf")

    def wants(self, topic: Topic, event: Event) -> bool:
        """Whether this event is for this client, now."""
        if topic not in self.topics or self.lagged:
            return False
        if not isinstance(event, SnapshotTaken):
            return True
        taken_s = event.snapshot.monotonic_s
        if taken_s - self._last_snapshot_s < SLACK * self.snapshot_interval_s:
            return False
        self._last_snapshot_s = taken_s
        return True

    def offer(self, message: QueuedMessage) -> None:
        """Queue a message; a full queue ends the connection."""
        try:
            self.queue.put_nowait(message)
        except asyncio.QueueFull:
            self.lagged = True
            self.end("lagged: messages were not read in time")

    def end(self, goodbye: str) -> None:
        """Let the client go, without what it has not read yet."""
        self.goodbye = self.goodbye or goodbye
        while not self.queue.empty():
            self.queue.get_nowait()
        self.queue.put_nowait(None)


class Feed:
    """All clients. Lives in the loop's thread, but for :meth:`receiver`."""

    def __init__(self, listeners: Listeners) -> None:
        self._listeners = listeners
        self._clients: dict[int, Listener] = {}
        self._next = 1

    def __len__(self) -> int:
        return len(self._clients)

    def join(self, name: str = "") -> Listener:
        """A new client, under the name that it has said."""
        client = Listener(self._next, name)
        self._listeners.join(name)
        self._next += 1
        self._clients[client.number] = client
        return client

    def leave(self, client: Listener) -> None:
        """A client is gone."""
        if self._clients.pop(client.number, None) is not None:
            self._listeners.leave(client.client)

    def rename(self, client: Listener, name: str) -> None:
        """A client says its name later."""
        self._listeners.leave(client.client)
        client.client = name
        self._listeners.join(name)

    def took(self, client: Listener, message: QueuedMessage) -> None:
        """A message was written to a client's connection."""
        if message.alert_id:
            self._listeners.took(message.alert_id, client.client)

    def publish(self, event: Event) -> None:
        """Queue an event for those who want it."""
        topic, message = message_of(event)
        queued: QueuedMessage | None = None
        for client in tuple(self._clients.values()):
            if client.wants(topic, event):
                queued = queued or _queued(event, message)
                client.offer(queued)

    def end_all(self, goodbye: str) -> None:
        """Close every connection."""
        for client in tuple(self._clients.values()):
            client.end(goodbye)

    def receiver(self, loop: asyncio.AbstractEventLoop) -> Callable[[Event], None]:
        """The callback for the facade's thread; costs nothing without clients."""

        def receive(event: Event) -> None:
            if self._clients and not loop.is_closed():
                loop.call_soon_threadsafe(self.publish, event)

        return receive


def _queued(event: Event, message: msgspec.Struct) -> QueuedMessage:
    """Encoded once for all."""
    alert_id = event.alert.id if isinstance(event, AlertChanged) else ""
    return QueuedMessage(msgspec.json.encode(message).decode(), alert_id)

"""Who listens, and what each of them is sent.

An event is encoded once for all. A client has a bounded queue: one that does not keep up is let
go, so that it can neither hold up the others nor make us grow.
"""

import asyncio
from collections.abc import Callable

import msgspec

from omnitray.api.facade import Event, SnapshotTaken
from omnitray.api.limits import SOCKET_QUEUE
from omnitray.api.messages import Topic, message_of

SLACK = 0.9  # of the interval asked for: the monitor's own rhythm jitters


class Listener:
    """One connection's queue and wishes. Lives in the loop's thread."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.topics: frozenset[Topic] = frozenset(Topic)
        self.snapshot_interval_s = 0.0
        self.lagged = False
        self.goodbye: str = ""
        self.queue: asyncio.Queue[str | None] = asyncio.Queue(SOCKET_QUEUE)
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

    def offer(self, text: str) -> None:
        """Queue a message; a full queue ends the connection."""
        try:
            self.queue.put_nowait(text)
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

    def __init__(self) -> None:
        self._clients: dict[int, Listener] = {}
        self._next = 1

    def __len__(self) -> int:
        return len(self._clients)

    def join(self) -> Listener:
        """A new client."""
        client = Listener(self._next)
        self._next += 1
        self._clients[client.number] = client
        return client

    def leave(self, client: Listener) -> None:
        """A client is gone."""
        self._clients.pop(client.number, None)

    def publish(self, event: Event) -> None:
        """Queue an event for those who want it."""
        topic, message = message_of(event)
        text = ""
        for client in tuple(self._clients.values()):
            if client.wants(topic, event):
                text = text or msgspec.json.encode(message).decode()
                client.offer(text)

    def end_all(self, goodbye: str) -> None:
        """Let everybody go."""
        for client in tuple(self._clients.values()):
            client.end(goodbye)

    def receiver(self, loop: asyncio.AbstractEventLoop) -> Callable[[Event], None]:
        """What the door calls in its own thread; costs nothing while nobody listens."""

        def receive(event: Event) -> None:
            if self._clients and not loop.is_closed():
                loop.call_soon_threadsafe(self.publish, event)

        return receive

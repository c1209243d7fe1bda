"""Alerts and readings as they come: iterators and callbacks over the WebSocket.

The asynchronous ones wait for OmniTray and come back after it was restarted; in the running
program's own process they subscribe to its facade instead.
"""

import asyncio
import contextlib
import inspect
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from typing import Any, Literal, TypeVar

import msgspec

from omnitray.alerts.model import Alert
from omnitray.api.bodies import snapshot_body
from omnitray.api.facade import AlertChanged, Event, SnapshotTaken
from omnitray.api.messages import AlertMessage, SnapshotMessage, alert_of
from omnitray.api.wire import SnapshotBody
from omnitray.base.paths import Paths
from omnitray.client import discovery
from omnitray.client.discovery import Address
from omnitray.client.http import NotRunning, Remote, RequestFailed, find_remote
from omnitray.client.websocket import open_socket_async, stream

LOG = logging.getLogger("omnitray")
RETRY_S = 1.0
MOST_RETRY_S = 10.0
T = TypeVar("T")
Callback = Callable[[T], Awaitable[None] | None]
Topic = Literal["alert", "snapshot"]
Found = AsyncGenerator[Any, None]  # what the topic says: alerts or readings


def read_alert(text: str | bytes) -> Alert | None:
    """The alert that a message carries; None for other messages."""
    if msgspec.json.decode(text, type=_EventKind).event != "alert":
        return None
    return alert_of(msgspec.json.decode(text, type=AlertMessage))


def read_snapshot(text: str | bytes) -> SnapshotBody | None:
    """The reading that a message carries; None for other messages."""
    if msgspec.json.decode(text, type=_EventKind).event != "snapshot":
        return None
    return msgspec.json.decode(text, type=SnapshotMessage)


class _EventKind(msgspec.Struct):
    event: str = ""


READERS: dict[Topic, Callable[[str | bytes], Any]] = {
    "alert": read_alert,
    "snapshot": read_snapshot,
}


def follow(find: Callable[[], Remote]) -> Iterator[Alert]:
    """Alerts until the instance ends; raises :class:`NotRunning` when there is none."""
    with contextlib.suppress(KeyboardInterrupt):
        for text in stream(find().address, ["alert"]):
            if (alert := read_alert(text)) is not None:
                yield alert


async def follow_async(topic: Topic, paths: Paths) -> Found:
    """Whatever comes, for as long as it is asked for."""
    wait_s = RETRY_S
    while True:
        try:
            async with contextlib.aclosing(_once(topic, paths)) as arriving:
                async for found in arriving:
                    wait_s = RETRY_S
                    yield found
        except NotRunning:
            if wait_s == RETRY_S:
                LOG.info("OmniTray is not running: waiting for it")
        except RequestFailed as error:
            if wait_s == RETRY_S:
                LOG.warning("OmniTray does not let us listen: %s", error)
        await asyncio.sleep(wait_s)
        wait_s = min(2 * wait_s, MOST_RETRY_S)


class Subscription:
    """A callback that is called until :meth:`cancel`; belongs to the running event loop."""

    def __init__(self, topic: Topic, paths: Paths, callback: Callback[Any]) -> None:
        self._callback = callback
        self._task = asyncio.get_running_loop().create_task(self._run(topic, paths))

    def cancel(self) -> None:
        """No more calls; the connection is closed in the background."""
        self._task.cancel()

    async def aclose(self) -> None:
        """No more calls, and the connection is closed: before the event loop ends."""
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _run(self, topic: Topic, paths: Paths) -> None:
        async with contextlib.aclosing(follow_async(topic, paths)) as arriving:
            async for found in arriving:
                await self._tell(found)

    async def _tell(self, found: Any) -> None:
        try:
            answer = self._callback(found)
            if inspect.isawaitable(answer):
                await answer
        except Exception:  # a listener's fault must not end the listening
            LOG.exception("A callback failed")


def _once(topic: Topic, paths: Paths) -> Found:
    if discovery.served() is not None:
        return _from_this_process(topic)
    return _from_socket(topic, find_remote(paths).address)


async def _from_socket(topic: Topic, address: Address) -> Found:
    from websockets.exceptions import ConnectionClosed  # noqa: PLC0415 - only for listeners

    read = READERS[topic]
    async with open_socket_async(address, f"?events={topic}") as socket:
        with contextlib.suppress(ConnectionClosed):
            async for text in socket:
                if (found := read(text)) is not None:
                    yield found


async def _from_this_process(topic: Topic) -> Found:
    here = discovery.served()
    if here is None:
        raise NotRunning
    loop, arrived = asyncio.get_running_loop(), asyncio.Queue[Any]()

    def receive(event: Event) -> None:
        found = _of_event(topic, event)
        if found is not None and not loop.is_closed():
            loop.call_soon_threadsafe(arrived.put_nowait, found)

    unsubscribe = here[0].subscribe(receive)
    try:
        while True:
            yield await arrived.get()
    finally:
        unsubscribe()


def _of_event(topic: Topic, event: Event) -> Alert | SnapshotBody | None:
    match event:
        case AlertChanged(alert) if topic == "alert":
            return alert
        case SnapshotTaken(snapshot) if topic == "snapshot":
            return snapshot_body(snapshot)
        case _:
            return None

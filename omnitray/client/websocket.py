"""The WebSocket of the running instance: opened in one way, and messages as they come.

Opened like everything else is asked: TLS where ``api.json`` says so, after the other end has
proved that it is ours, and never through a proxy of the environment. What the other end refuses is
:class:`RequestFailed` with its sentence. A level or a mode is on loan as long as its connection
lives, and is put back however the block ends.

Alerts and readings come through iterators and callbacks. The asynchronous ones wait for OmniTray
and come back after it was restarted; in the running program's own process they subscribe to its
facade instead.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import msgspec

from omnitray.api.messages import MAX_HOLDER, Leased, Trouble
from omnitray.base.leases import Lease
from omnitray.client.discovery import Address
from omnitray.client.http import NotRunning, Release, Remote, RequestFailed, failure, tls

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection as AsyncConnection
    from websockets.sync.client import ClientConnection
import inspect
import logging
from collections.abc import AsyncGenerator, Awaitable
from typing import Literal, TypeVar

from omnitray.alerts.model import Alert
from omnitray.api.bodies import snapshot_body
from omnitray.api.facade import AlertChanged, Event, SnapshotTaken
from omnitray.api.messages import AlertMessage, SnapshotMessage, alert_of
from omnitray.api.wire import SnapshotBody
from omnitray.base.paths import Paths
from omnitray.client import discovery
from omnitray.client.http import find_remote

OPEN_S = 15.0  # as long as a request is given
CLOSE_S = 1.0
ANSWER_S = 15.0


@contextlib.contextmanager
def open_socket(address: Address, query: str = "") -> "Iterator[ClientConnection]":
    """A connection; the token travels in a header.

    Raises:
        NotRunning: no instance runs, or another program answers.
        RequestFailed: OmniTray refused.
    """
    from websockets.sync.client import connect  # noqa: PLC0415 - 60 ms most do not need

    Remote(address).prove()
    with contextlib.ExitStack() as stack:
        with _understood():
            connection = connect(_url(address, query), close_timeout=CLOSE_S, **_options(address))
            stack.enter_context(connection)
        yield connection


@contextlib.asynccontextmanager
async def open_socket_async(address: Address, query: str = "") -> "AsyncIterator[AsyncConnection]":
    """The same for an event loop."""
    from websockets.asyncio.client import connect  # noqa: PLC0415 - only for listeners

    await asyncio.to_thread(Remote(address).prove)
    async with contextlib.AsyncExitStack() as stack:
        with _understood():
            connection = await stack.enter_async_context(
                connect(_url(address, query), close_timeout=CLOSE_S, **_options(address))
            )
        yield connection


def stream(address: Address, topics: Sequence[str] = ()) -> Generator[str, None, None]:
    """Messages as JSON text, hello first, until the instance ends.

    Raises as :func:`open_socket` does.
    """
    from websockets.exceptions import ConnectionClosed  # noqa: PLC0415 - as above

    query = f"?events={','.join(topics)}" if topics else ""
    with open_socket(address, query) as socket, contextlib.suppress(ConnectionClosed):
        for message in socket:
            yield message if isinstance(message, str) else message.decode(errors="replace")


def _url(address: Address, query: str) -> str:
    return address.url.replace("http", "ws", 1) + "/ws" + query


def _options(address: Address) -> dict[str, Any]:
    return {
        "additional_headers": {"Authorization": f"Bearer {address.token}"},
        "compression": None,
        "open_timeout": OPEN_S,
        "proxy": None,
        "ssl": tls() if address.url.startswith("https") else None,
    }


@contextlib.contextmanager
def _understood() -> Iterator[None]:
    """The library's errors as ours."""
    from websockets.exceptions import InvalidStatus, WebSocketException  # noqa: PLC0415 - as above

    try:
        yield
    except InvalidStatus as error:
        response = error.response
        raise failure(response.status_code, bytes(response.body or b"")) from error
    except (OSError, WebSocketException) as error:
        raise NotRunning from error


class Borrowed:
    """A level or a mode on loan, for ``with`` and ``async with``."""

    def __init__(self, take: Callable[[], Release]) -> None:
        self._take = take
        self._release: Release | None = None

    def take(self) -> None:
        """Start; a second time changes nothing."""
        self._release = self._release or self._take()

    def give_back(self) -> None:
        """End; may be called twice."""
        release, self._release = self._release, None
        if release is not None:
            release()

    def __enter__(self) -> Self:
        self.take()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.give_back()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.take)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self.give_back)


def hold(address: Address, lease: Lease) -> Callable[[], None]:
    """Take a lease and return what gives it back; raises when it is refused."""
    from websockets.exceptions import WebSocketException  # noqa: PLC0415 - only for leases

    wanted = {
        "command": "lease",
        "id": "1",
        "level": lease.level,
        "mode": lease.mode,
        "by": lease.by[:MAX_HOLDER],
        "lasts_s": lease.lasts_s,
    }
    with contextlib.ExitStack() as stack:
        socket = stack.enter_context(open_socket(address, "?events="))
        try:
            socket.recv(ANSWER_S)  # hello
            socket.send(msgspec.json.encode(wanted), text=True)
            _expect_lease(msgspec.json.decode(socket.recv(ANSWER_S)))
        except (OSError, WebSocketException) as error:
            raise NotRunning from error
        connection = stack.pop_all()

    def release() -> None:
        with connection, contextlib.suppress(OSError, WebSocketException):
            socket.send('{"command":"release","id":"1"}')
            socket.recv(ANSWER_S)

    return release


def _expect_lease(answer: dict[str, Any]) -> None:
    if answer["event"] == "error":
        trouble = msgspec.convert(answer, Trouble)
        raise RequestFailed(409, trouble.error, trouble.detail)
    msgspec.convert(answer, Leased)


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

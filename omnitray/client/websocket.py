"""The WebSocket of the running instance: opened in one way, and messages as they come.

Opened like everything else is asked: TLS where ``api.json`` says so, after the other end has
proved that it is ours, and never through a proxy of the environment. What the other end refuses is
:class:`RequestFailed` with its sentence. A level or a mode is on loan as long as its connection
lives, and is put back however the block ends.
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

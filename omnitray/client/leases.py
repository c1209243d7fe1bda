"""A level or a mode on loan: taken, and put back however the block ends."""

import asyncio
import contextlib
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import msgspec

from omnitray.api.messages import Leased, Trouble
from omnitray.base.leases import Lease
from omnitray.client.discovery import Address
from omnitray.client.http import NotRunning, Release, RequestFailed
from omnitray.client.websocket import open_socket


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


ANSWER_S = 15.0


def hold(address: Address, lease: Lease) -> Callable[[], None]:
    """Take a lease and return what gives it back; raises when it is refused."""
    from websockets.exceptions import WebSocketException  # noqa: PLC0415 - only for leases

    wanted = {"command": "lease", "id": "1", "level": lease.level, "mode": lease.mode}
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

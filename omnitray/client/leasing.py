"""A lease held by a WebSocket: it ends with the connection, and so with this process."""

import contextlib
from collections.abc import Callable
from typing import Any

import msgspec

from omnitray.api.messages import Leased, Trouble
from omnitray.base.leases import Lease
from omnitray.client.discovery import Address
from omnitray.client.http import NotRunning, RequestFailed
from omnitray.client.websocket import socket_url

ANSWER_S = 15.0


def hold(address: Address, lease: Lease) -> Callable[[], None]:
    """Take a lease and return what gives it back; raises when it is refused."""
    from websockets.exceptions import WebSocketException  # noqa: PLC0415 - only for leases
    from websockets.sync.client import connect  # noqa: PLC0415

    wanted = {"command": "lease", "id": "1", "level": lease.level, "mode": lease.mode}
    headers = {"Authorization": f"Bearer {address.token}"}
    url = socket_url(address, "?events=")
    with contextlib.ExitStack() as stack:
        try:
            socket = stack.enter_context(
                connect(url, additional_headers=headers, open_timeout=ANSWER_S, compression=None)
            )
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

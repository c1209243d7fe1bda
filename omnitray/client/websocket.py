"""Messages of the running instance as they come, for iterators, ``--watch`` and ``--follow``."""

import contextlib
from collections.abc import Generator, Sequence

from omnitray.client.discovery import Address
from omnitray.client.http import NotRunning

OPEN_S = 10.0
CLOSE_S = 1.0


def socket_url(address: Address, query: str = "") -> str:
    """Where the WebSocket is; the token travels in a header."""
    return address.url.replace("http", "ws", 1) + "/ws" + query


def stream(address: Address, topics: Sequence[str] = ()) -> Generator[str, None, None]:
    """Messages as JSON text, hello first, until the instance ends.

    Raises :class:`NotRunning` when it cannot be reached at all.
    """
    from websockets.exceptions import ConnectionClosed  # noqa: PLC0415 - 60 ms most do not need
    from websockets.sync.client import connect  # noqa: PLC0415

    query = f"?events={','.join(topics)}" if topics else ""
    url = socket_url(address, query)
    headers = {"Authorization": f"Bearer {address.token}"}
    with contextlib.ExitStack() as stack:
        try:
            socket = stack.enter_context(
                connect(
                    url,
                    additional_headers=headers,
                    open_timeout=OPEN_S,
                    close_timeout=CLOSE_S,
                    compression=None,
                )
            )
        except OSError as error:
            raise NotRunning from error
        with contextlib.suppress(ConnectionClosed):
            for message in socket:
                yield message if isinstance(message, str) else message.decode()

"""The connections themselves: slow ones, stalled ones, too many of them, broken ones.

uvicorn waits for a header, and for a reader, as long as they like; these two protocols do not.
WORKAROUND for uvicorn 0.54, which has no such limits: it can go when ``Config`` grows a header
timeout, and when the WebSocket protocol answers a handshake that it cannot parse.

uvicorn is imported without its command line, which the package's own ``__init__`` imports: that
brings click, the process supervisors and multiprocessing along, a quarter of the time to the first
answer, and 4 MB, for what is never called here.

WORKAROUND for uvicorn 0.54: it can go when ``import uvicorn`` loads ``uvicorn.main`` late. A
package that is loaded already, or that looks different one day, is imported as it is.
"""

import asyncio
import importlib.util
import logging
import sys
from types import ModuleType
from typing import Any

import h11
import msgspec

from omnitray.api.gate import HEADER_TIMEOUT_S, MAX_CONNECTIONS, MAX_STRANGERS, STALL_TIMEOUT_S
from omnitray.api.wire import Error


def _place_package() -> None:
    spec = importlib.util.find_spec("uvicorn")
    if "uvicorn" in sys.modules or spec is None or spec.submodule_search_locations is None:
        return
    package = ModuleType("uvicorn")
    package.__path__ = list(spec.submodule_search_locations)
    package.__spec__ = spec
    sys.modules["uvicorn"] = package


_place_package()

from uvicorn.config import Config  # noqa: E402 - only now
from uvicorn.protocols.http.h11_impl import H11Protocol  # noqa: E402 - only now
from uvicorn.server import Server  # noqa: E402 - only now

# Its own modules look for these in the package.
vars(sys.modules["uvicorn"]).update(Config=Config, Server=Server)

__all__ = ["Config", "H11Protocol", "Server"]


LOG = logging.getLogger(__name__)
MALFORMED = Error("malformed", "That is not an HTTP request.")
CROWDED = Error("too_many_connections", "Too many connections; close some and try again.")


def raw_answer(status: str, error: Error) -> bytes:
    """A response for a connection that has no request yet."""
    body = msgspec.json.encode(error)
    head = (
        f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body


class AbortTimer:
    """A timer that aborts a transport when it is not disarmed in time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None

    def arm(self, transport: asyncio.Transport) -> None:
        """Start waiting, unless it is waiting already."""
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._seconds, transport.abort)

    def disarm(self) -> None:
        """Stop waiting."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class GuardedHttp(H11Protocol):
    """uvicorn's HTTP protocol with limits on time and connections."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.access_log = False  # its lines would reach our log whatever Config says
        self._header = AbortTimer(HEADER_TIMEOUT_S)
        self._reader = AbortTimer(STALL_TIMEOUT_S)
        self.born_s = 0.0

    @property
    def is_stranger(self) -> bool:
        """Whether it has not shown the token, in its newest request or at all."""
        scope: Any = self.scope  # None before the first request, whatever its type says
        return scope is None or not scope.get("omnitray.trusted")

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Answer at once when there are too many.

        A client that has shown the token keeps its place: of the others, which any program of this
        machine can open in any number, the oldest has to go.
        """
        super().connection_made(transport)
        self.born_s = asyncio.get_running_loop().time()
        open_ones = [each for each in self.connections if not each.transport.is_closing()]
        strangers = [
            each for each in open_ones if isinstance(each, GuardedHttp) and each.is_stranger
        ]
        if len(strangers) > MAX_STRANGERS:
            min(strangers, key=lambda each: each.born_s).transport.abort()
        # Of a burst, those that had to go are still listed until the loop comes round.
        if len(open_ones) - len(strangers) >= MAX_CONNECTIONS:
            transport.write(raw_answer("429 Too Many Requests", CROWDED))
            transport.close()
            return
        self._header.arm(transport)

    def data_received(self, data: bytes) -> None:
        """Parse; a fault of the parser costs this connection alone."""
        try:
            super().data_received(data)
        except Exception:  # a request must not be able to raise past its connection
            LOG.exception("A connection failed")
            self.transport.abort()
        if self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            self._header.arm(self.transport)
        elif self.conn.their_state is not h11.IDLE:
            self._header.disarm()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the parser's words stay here
        """Answer in our form."""
        if not self.transport.is_closing():
            self.transport.write(raw_answer("400 Bad Request", MALFORMED))
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timers."""
        self._header.disarm()
        self._reader.disarm()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The reader does not keep up."""
        super().pause_writing()
        self._reader.arm(self.transport)

    def resume_writing(self) -> None:
        """The client reads again: stop the timer."""
        super().resume_writing()
        self._reader.disarm()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """The other protocol takes over, timers included."""
        self._header.disarm()
        self._reader.disarm()
        super().handle_websocket_upgrade(event)

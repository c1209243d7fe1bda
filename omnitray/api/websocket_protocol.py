"""A WebSocket connection with the bounds of ``api.http_protocol``: stalled ones, broken ones."""

import logging
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from omnitray.api.http_protocol import MALFORMED, Patience, raw_answer
from omnitray.api.limits import STALL_TIMEOUT_S

LOG = logging.getLogger(__name__)


class GuardedSocket(WebSocketsSansIOProtocol):
    """WebSocket with bounds."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._reader = Patience(STALL_TIMEOUT_S)

    def data_received(self, data: bytes) -> None:
        """Parse; a fault of the parser costs this connection alone."""
        try:
            super().data_received(data)
        except Exception:  # a frame must not be able to raise past its connection
            LOG.exception("A WebSocket failed")
            self.transport.abort()
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            # It would be waited for in silence.
            self.transport.write(raw_answer("400 Bad Request", MALFORMED))
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        self._reader.disarm()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The reader does not keep up."""
        super().pause_writing()
        self._reader.arm(self.transport)

    def resume_writing(self) -> None:
        """It does again."""
        super().resume_writing()
        self._reader.disarm()

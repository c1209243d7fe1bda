"""Puts the parts together: feed, router, gate, protocols, uvicorn. The one heavy import."""

import asyncio
import logging
import time
from collections.abc import Callable

import uvicorn

from omnitray.api.bodies import Identity
from omnitray.api.door import Door
from omnitray.api.feed import Feed
from omnitray.api.gate import Gate
from omnitray.api.guard import House
from omnitray.api.limits import MAX_FRAME_BYTES, MAX_HEADER_BYTES
from omnitray.api.protocol import GuardedHttp, GuardedSocket
from omnitray.api.routes import Context, router
from omnitray.api.sockets import SocketDoor
from omnitray.api.token import Token
from omnitray.settings_model import ApiSettings

KEEP_ALIVE_S = 5
PING_S = 20.0
GRACE_S = 1


class Server(uvicorn.Server):
    """uvicorn without its ten wake-ups a second: it sleeps until it is told to stop."""

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    async def main_loop(self) -> None:
        """Wait for the end."""
        await self._stopping.wait()
        self.should_exit = True


def assemble(
    door: Door,
    feed: Feed,
    identity: Identity,
    house: House,
    token: Token,
    rotate: Callable[[], None],
) -> Gate:
    """The whole application."""
    context = Context(door=door, identity=identity, rotate=rotate, wall=time.time)
    return Gate(router(context, SocketDoor(door, feed, identity)), house, token)


def build_server(app: Gate, settings: ApiSettings, stopping: asyncio.Event) -> Server:
    """Uvicorn around it, silent.

    Its lines hold addresses with tokens, and any stranger's bytes could cause them; faults of
    ours are logged by the gate and the protocols before it sees them.
    """
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    secure = settings.open_to_others
    config = uvicorn.Config(
        app,
        http=GuardedHttp,
        ws=GuardedSocket,
        loop="asyncio",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        backlog=128,
        h11_max_incomplete_event_size=MAX_HEADER_BYTES,
        ws_max_size=MAX_FRAME_BYTES,
        ws_ping_interval=PING_S,
        ws_ping_timeout=PING_S,
        ws_per_message_deflate=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
        ssl_certfile=settings.certificate if secure else None,
        ssl_keyfile=settings.key if secure else None,
    )
    return Server(config, stopping)

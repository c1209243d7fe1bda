"""What answers: an asyncio loop with uvicorn and our router behind the gate.

The heavy half of the server, imported when the first client comes. One :class:`Serving` runs once,
on the server's thread.
"""

import asyncio
import contextlib
import logging
import os
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, cast

from omnitray import __version__
from omnitray.api.bodies import InstanceIdentity
from omnitray.api.broadcast import Feed
from omnitray.api.facade import AppFacade
from omnitray.api.gate import (
    LOOPBACK_NAMES,
    MAX_FRAME_BYTES,
    MAX_HEADER_BYTES,
    AllowedHosts,
    App,
    Gate,
    Receive,
    Scope,
    Send,
)
from omnitray.api.http_protocol import Config, GuardedHttp
from omnitray.api.http_protocol import Server as UvicornServer
from omnitray.api.routes import DashboardSessions, RequestContext, router
from omnitray.api.token import Token
from omnitray.base.process_environment import USED_UP
from omnitray.settings.model import ApiSettings

KEEP_ALIVE_S = 5
PING_S = 20.0
GRACE_S = 1
LOG = logging.getLogger(__name__)
SAY_AGAIN_S = 3600.0
READERS = 2  # threads that read the history from disk, made when first needed


class Server(UvicornServer):
    """uvicorn without its ten wake-ups a second: it sleeps until the stop event."""

    def __init__(self, config: Config, stopping: asyncio.Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    async def main_loop(self) -> None:
        """Wait for the end."""
        await self._stopping.wait()
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End what is open; a connection left to the garbage would keep its client waiting.

        WORKAROUND for CPython before 3.12: what was accepted in the turn in which the server
        closes is dropped without being closed. So accepting ends a turn earlier. It can go with
        Python 3.11; without it ``status --watch`` hangs now and then when OmniTray ends.
        """
        loop = asyncio.get_running_loop()
        for listener in sockets or ():
            with contextlib.suppress(NotImplementedError):  # loops without readers
                loop.remove_reader(listener)
        await asyncio.sleep(0.01)
        await super().shutdown(sockets)
        for connection in tuple(self.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # abort() tells the protocol one turn later


class LateSocketEndpoint:
    """The WebSocket endpoint, loaded with the first client that asks for it."""

    def __init__(self, door: AppFacade, feed: Feed, identity: InstanceIdentity) -> None:
        self._given = door, feed, identity
        self._endpoint: App | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Load the endpoint where needed and call it."""
        if self._endpoint is None:
            from omnitray.api.websocket import SocketEndpoint  # noqa: PLC0415

            self._endpoint = SocketEndpoint(*self._given)
        await self._endpoint(scope, receive, send)


def assemble(
    door: AppFacade,
    feed: Feed,
    identity: InstanceIdentity,
    hosts: AllowedHosts,
    token: Token,
    rotate: Callable[[], None],
) -> Gate:
    """The router behind the gate."""
    sessions = DashboardSessions(token)
    context = RequestContext(
        door=door, identity=identity, rotate=rotate, wall=time.time, sessions=sessions
    )
    app = router(context, LateSocketEndpoint(door, feed, identity))
    return Gate(app, hosts, token, door.metrics_token())


def build_server(app: Gate, settings: ApiSettings, stopping: asyncio.Event) -> Server:
    """Uvicorn around the application, without its log.

    Its lines hold addresses with tokens, and any client's bytes could cause them; faults of
    ours are logged by the gate and the protocols before it sees them.
    """
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    secure = settings.open_to_others
    config = Config(
        app,
        http=GuardedHttp,
        ws=cast("type[asyncio.Protocol]", late_socket),  # it is only ever called
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


def late_socket(**given: Any) -> asyncio.Protocol:
    """The WebSocket protocol, loaded with the first connection that asks for it.

    It takes 3 MB that a program without such a client can do without.
    """
    from omnitray.api.websocket import GuardedSocket  # noqa: PLC0415

    return GuardedSocket(**given)


if TYPE_CHECKING:
    from omnitray.api.listener import Opened

LOG = logging.getLogger(__name__)


class Serving:
    """Serves on an open socket until :meth:`end`."""

    def __init__(
        self,
        door: AppFacade,
        settings: ApiSettings,
        opened: "Opened",
        token: Token,
        rotate: Callable[[], None],
        started_at: float,
    ) -> None:
        self._door = door
        self._listener = opened.socket
        self._url = opened.url
        self._feed = Feed(door.listeners)
        self._used_up_s = -SAY_AGAIN_S
        self._stopping = asyncio.Event()
        identity = InstanceIdentity(version=__version__, pid=os.getpid(), started=started_at)
        app = assemble(door, self._feed, identity, _hosts(opened, settings), token, rotate)
        self._server = build_server(app, settings, self._stopping)
        self._loop = asyncio.new_event_loop()  # last: nothing may fail between this and its closing

    @property
    def clients(self) -> int:
        """How many listen over the WebSocket."""
        return len(self._feed)

    def run(self) -> None:
        """Serve; returns when it has ended."""
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    def end(self) -> None:
        """Be done soon. Any thread, also before :meth:`run`."""
        self._soon(self._stopping.set)

    def end_sockets(self, goodbye: str) -> None:
        """Let every WebSocket client go. Any thread."""
        self._soon(lambda: self._feed.end_all(goodbye))

    def _soon(self, do: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended by itself
            self._loop.call_soon_threadsafe(do)

    async def _serve(self) -> None:
        self._loop.set_default_executor(ThreadPoolExecutor(READERS, "api-reader"))
        self._loop.set_exception_handler(self._on_loop_fault)
        unsubscribe = self._door.subscribe(self._feed.receiver(self._loop))
        LOG.info("The local API answers on %s", self._url)
        try:
            await self._server.serve(sockets=[self._listener])
        finally:
            unsubscribe()

    def _on_loop_fault(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Without descriptors asyncio tries again each second, and would say so each time."""
        error = context.get("exception")
        if not (isinstance(error, OSError) and error.errno in USED_UP):
            loop.default_exception_handler(context)
        elif loop.time() - self._used_up_s > SAY_AGAIN_S:
            LOG.warning("The local API takes no visitor now: %s", error.strerror)
            self._used_up_s = loop.time()


def _hosts(opened: "Opened", settings: ApiSettings) -> AllowedHosts:
    names = LOOPBACK_NAMES
    if settings.open_to_others:
        names |= {opened.host.lower().encode(), socket.gethostname().lower().encode()}
    return AllowedHosts(port=opened.port, names=names)

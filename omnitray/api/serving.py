"""What answers: an asyncio loop with uvicorn and our router behind the gate.

The heavy half of the server, imported when the first client comes. One :class:`Serving` runs once,
on the server's thread.
"""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from omnitray import __version__
from omnitray.api.assembly import assemble, build_server
from omnitray.api.bodies import InstanceIdentity
from omnitray.api.broadcast import Feed
from omnitray.api.facade import AppFacade
from omnitray.api.security import LOOPBACK_NAMES, AllowedHosts
from omnitray.api.token import Token
from omnitray.base.descriptors import USED_UP
from omnitray.settings.model import ApiSettings

if TYPE_CHECKING:
    from omnitray.api.listener import Opened

LOG = logging.getLogger(__name__)
SAY_AGAIN_S = 3600.0
READERS = 2  # threads that read the history from disk, made when first needed


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
        app = assemble(door, self._feed, identity, _house(opened, settings), token, rotate)
        self._server = build_server(app, settings, self._stopping)
        self._loop = asyncio.new_event_loop()  # last: nothing may fail before somebody closes it

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


def _house(opened: "Opened", settings: ApiSettings) -> AllowedHosts:
    names = LOOPBACK_NAMES
    if settings.open_to_others:
        names |= {opened.host.lower().encode(), socket.gethostname().lower().encode()}
    return AllowedHosts(port=opened.port, names=names)

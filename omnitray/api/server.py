"""The server's life: bind, announce, serve in a thread of its own, stop within its time.

Starlette's router behind :class:`~omnitray.api.gate.Gate` on uvicorn, in one asyncio loop. All of
it is imported in that thread: it must not delay the tray.
"""

import asyncio
import contextlib
import logging
import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from omnitray import __version__
from omnitray.address import Address, remove_address, write_address
from omnitray.api.bodies import Identity
from omnitray.api.door import Door
from omnitray.api.feed import Feed
from omnitray.api.guard import LOOPBACK_NAMES, House
from omnitray.api.token import Token
from omnitray.core.alerting.alert import timestamp
from omnitray.settings_model import ApiSettings

if TYPE_CHECKING:
    import uvicorn

LOG = logging.getLogger(__name__)
NEXT_PORTS = 20
BACKLOG = 128
READERS = 2  # threads that read the history from disk, made when first needed


class Opened(msgspec.Struct, frozen=True):
    """A listening socket and the addresses it goes by."""

    socket: socket.socket
    house: House
    url: str


class ApiServer:
    """The local API of one program. ``start`` and ``stop`` belong to the main thread."""

    def __init__(
        self, door: Door, settings: ApiSettings, api_file: Path, token: Token | None = None
    ) -> None:
        self._door = door
        self._settings = settings
        self._file = api_file
        self._token = token or Token()
        self._started_at = time.time()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._feed = Feed()
        self._url = ""
        self.ready = threading.Event()  # set when it answers, and when it never will
        self.problem: str | None = None

    @property
    def url(self) -> str:
        """Where it answers; empty while it does not."""
        return self._url

    @property
    def open_to_others(self) -> bool:
        """Whether other machines can reach it (with the token, over TLS)."""
        return self._settings.open_to_others

    @property
    def clients(self) -> int:
        """How many listen over the WebSocket."""
        return len(self._feed)

    def start(self) -> None:
        """Start serving and return at once; :attr:`ready` and :attr:`problem` tell the rest."""
        if self._thread is None and self._settings.enabled:
            self._thread = threading.Thread(target=self._run, name="api", daemon=True)
            self._thread.start()

    def stop(self, timeout: float = 2.0) -> bool:
        """Stop serving; False if it did not end in time. May be called twice."""
        thread, loop, stopping = self._thread, self._loop, self._stopping
        if thread is None:
            return True
        if loop is not None and stopping is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended by itself
                loop.call_soon_threadsafe(stopping.set)
        thread.join(timeout)
        if thread.is_alive():
            LOG.warning("The local API did not stop within %.1f s", timeout)
            return False
        self._thread = None
        return True

    def rotate_token(self) -> None:
        """A new token, and every open socket is closed. Any thread."""
        self._token.rotate()
        self._announce()
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._feed.end_all, "the token was rotated")

    def _run(self) -> None:
        try:
            opened = open_door(self._settings)
        except OSError as error:
            self._fail(f"The local API cannot listen: {error}")
            return
        try:
            with contextlib.closing(opened.socket):
                self._url = opened.url
                self._announce()
                asyncio.run(self._serve(opened))
        except Exception as error:  # the program goes on without its API, and says so
            LOG.exception("The local API failed")
            self._fail(f"The local API failed: {error}")
        finally:
            self._url = ""
            remove_address(self._file, os.getpid())
            self.ready.set()

    def _fail(self, sentence: str) -> None:
        self.problem = sentence
        LOG.error("%s", sentence)
        self.ready.set()

    def _announce(self) -> None:
        address = Address(
            url=self._url,
            token=self._token.reveal(),
            pid=os.getpid(),
            started=timestamp(self._started_at),
        )
        write_address(self._file, address)

    async def _serve(self, opened: Opened) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        self._loop.set_default_executor(ThreadPoolExecutor(READERS, "api-reader"))
        server = self._build(opened, self._stopping)
        unsubscribe = self._door.subscribe(self._feed.receiver(self._loop))
        self.ready.set()
        LOG.info("The local API answers on %s", opened.url)
        try:
            await server.serve(sockets=[opened.socket])
        finally:
            unsubscribe()

    def _build(self, opened: Opened, stopping: asyncio.Event) -> "uvicorn.Server":
        from omnitray.api.assembly import assemble, build_server  # noqa: PLC0415 - see the module

        identity = Identity(version=__version__, pid=os.getpid(), started=self._started_at)
        app = assemble(
            self._door, self._feed, identity, opened.house, self._token, self.rotate_token
        )
        return build_server(app, self._settings, stopping)


def open_door(settings: ApiSettings) -> Opened:
    """A listening socket on the port, or on a free one near it, or on any."""
    if settings.open_to_others and not (settings.certificate and settings.key):
        raise OSError(f"{settings.listen} is open to other machines and there is no certificate")
    last = min(settings.port + NEXT_PORTS, 65535)
    wanted = (*range(settings.port, last + 1), 0) if settings.port else (0,)
    for port in wanted:
        try:
            listener = _listen(settings.listen, port)
        except OSError:
            if port == wanted[-1]:
                raise
            continue
        return _opened(listener, settings)
    raise OSError("no port is free")


def _listen(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        if hasattr(os, "getuid"):  # elsewhere it would let two programs share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _opened(listener: socket.socket, settings: ApiSettings) -> Opened:
    port = int(listener.getsockname()[1])
    host = f"[{settings.listen}]" if ":" in settings.listen else settings.listen
    names = LOOPBACK_NAMES
    if settings.open_to_others:
        names |= {host.lower().encode(), socket.gethostname().lower().encode()}
    scheme = "https" if settings.open_to_others else "http"
    return Opened(listener, House(port=port, names=names), f"{scheme}://{host}:{port}")

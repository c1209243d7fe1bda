"""The server's life: bind, announce, wait for a client, serve, stop within its time.

What serves (:mod:`omnitray.api.serving`: asyncio, uvicorn, h11) is a sixth of the program's
memory, and most programs are never asked anything. So the thread binds the socket, writes
``api.json`` and waits; the first connection brings the rest in, and is answered by it: until then
the kernel keeps it in the backlog. See docs/adr/015.
"""

import contextlib
import logging
import os
import selectors
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from omnitray.api.facade import AppFacade
from omnitray.api.listener import Opened, open_listener
from omnitray.api.token import Token
from omnitray.base.bounded import CheckedFiles
from omnitray.base.clock import timestamp
from omnitray.base.durable import StorageError
from omnitray.client.discovery import Address, read_address, remove_address, write_address
from omnitray.settings.model import ApiSettings

if TYPE_CHECKING:
    from omnitray.api.serving import Serving

LOG = logging.getLogger(__name__)


class ApiServer:
    """The local API of one program. ``start`` and ``stop`` belong to the main thread.

    ``tell`` gets a sentence when it cannot serve (any more); it is called on the server's thread.
    """

    def __init__(
        self,
        door: AppFacade,
        settings: ApiSettings,
        api_file: Path,
        *,
        token: Token | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._door = door
        self._settings = settings
        self._file = api_file
        self._checked = CheckedFiles(api_file)
        self._token = token or Token()
        self._tell = tell
        self._started_at = time.time()
        self._thread: threading.Thread | None = None
        self._serving: Serving | None = None
        self._ending = threading.Event()
        self._waker: socket.socket | None = None
        self._url = ""
        self.ready = threading.Event()  # set when it can be asked, and when it never will
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
        return self._serving.clients if self._serving is not None else 0

    def start(self) -> None:
        """Start and return at once; :attr:`ready` and :attr:`problem` tell the rest."""
        if self._thread is None and self._settings.enabled:
            self._ending.clear()
            self._thread = threading.Thread(target=self._run, name="api", daemon=True)
            self._thread.start()

    def stop(self, timeout: float = 2.0) -> bool:
        """Stop serving; False if it did not end in time. May be called twice."""
        thread = self._thread
        if thread is None:
            return True
        # The server's thread checks the event after it has set what is read next.
        self._ending.set()
        serving, waker = self._serving, self._waker
        if serving is not None:
            serving.end()
        if waker is not None:
            with contextlib.suppress(OSError):  # it waits no more
                waker.send(b"x")
        thread.join(timeout)
        if thread.is_alive():
            LOG.warning("The local API did not stop within %.1f s", timeout)
            return False
        self._thread = None
        return True

    def rotate_token(self) -> None:
        """A new token, and every open socket is closed. Any thread.

        Raises OSError or StorageError when it cannot be written down; then the old one stays.
        """
        fresh = self._token.next()
        self._announce(fresh)
        self._token.take(fresh)
        if self._serving is not None:
            self._serving.end_sockets("the token was rotated")

    def tend(self) -> None:
        """Put ``api.json`` and the token's file back where they are gone; start after a failure.

        Raises OSError or StorageError where the file cannot be written.
        """
        if self._ending.is_set() or not self._settings.enabled:
            return
        if self._thread is not None and not self._thread.is_alive():
            self._thread = None
            self.start()
        elif self._url:
            self._door.metrics_token()
            if self._checked.untouched():
                return
            address = read_address(self._file)
            if address is None or address.token != self._token.reveal():
                self._announce(self._token.reveal())
                LOG.info("api.json was put back")
            self._checked.checked(time.time_ns())

    def _run(self) -> None:
        try:
            opened = open_listener(self._settings)
        except OSError as error:
            self._fail(f"The local API cannot listen: {error}")
            return
        try:
            with contextlib.closing(opened.socket):
                self._url, self.problem = opened.url, None
                self._door.metrics_token()  # a scraper asks only once it can read the file
                self._announce_if_possible()
                self._wait_and_serve(opened)
        except OSError as error:  # no descriptor is left: tend() tries again
            self._fail(f"The local API failed: {error}")
        except Exception as error:  # the program goes on without its API, and says so
            LOG.exception("The local API failed")
            self._fail(f"The local API failed: {error}")
        finally:
            self._url = ""
            remove_address(self._file, self._token.reveal())
            self.ready.set()

    def _announce_if_possible(self) -> None:
        """On a full disk it serves all the same; :meth:`tend` writes the file later."""
        try:
            self._announce(self._token.reveal())
        except (OSError, StorageError) as error:
            LOG.warning("api.json is not written yet: %s", error)

    def _wait_and_serve(self, opened: Opened) -> None:
        if not self._wait_for_a_client(opened):
            return
        from omnitray.api.serving import Serving  # noqa: PLC0415 - see the module's docstring

        serving = Serving(
            self._door, self._settings, opened, self._token, self.rotate_token, self._started_at
        )
        self._serving = serving
        if self._ending.is_set():
            serving.end()
        try:
            serving.run()
        finally:
            self._serving = None

    def _wait_for_a_client(self, opened: Opened) -> bool:
        """Whether a client came; else it is to end."""
        sleeper, self._waker = socket.socketpair()
        with sleeper, self._waker, selectors.DefaultSelector() as selector:
            selector.register(opened.socket, selectors.EVENT_READ)
            selector.register(sleeper, selectors.EVENT_READ)
            LOG.info("The local API listens on %s", opened.url)
            self.ready.set()
            if not self._ending.is_set():
                selector.select()
        return not self._ending.is_set()

    def _fail(self, sentence: str) -> None:
        if self.problem != sentence:
            self.problem = sentence
            LOG.error("%s", sentence)
            self._tell(sentence)
        self.ready.set()

    def _announce(self, token: str) -> None:
        address = Address(
            url=self._url,
            token=token,
            pid=os.getpid(),
            started=timestamp(self._started_at),
        )
        write_address(self._file, address)

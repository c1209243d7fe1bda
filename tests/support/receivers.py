"""Stand-ins for receivers of webhooks: an HTTP server that behaves as it is told, and remembers."""

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Received(NamedTuple):
    """One request, and the status that it was answered with (0: with none)."""

    path: str
    headers: dict[str, str]
    body: str
    status: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Behaviour(NamedTuple):
    """``status`` 0 closes without an answer, -1 in the middle of one, -2 does not answer.

    ``raw`` is written instead of an answer that is made here.
    """

    status: int = 200
    body: str = "ok"
    headers: tuple[tuple[str, str], ...] = ()
    raw: bytes = b""


class StandIn:
    """``script`` is used up from its front; after it ``usual`` counts."""

    def __init__(self) -> None:
        self.got: list[Received] = []
        self.script: list[Behaviour] = []
        self.usual = Behaviour()
        self.arrived = threading.Condition()
        self.release = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def taken(self) -> list[Received]:
        """What was answered with success."""
        with self.arrived:
            return [each for each in self.got if 200 <= each.status < 300]

    def wait(self, count: int, timeout_s: float = 60.0) -> list[Received]:
        """Until so many have come."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.got) >= count, timeout_s), self.got
            return list(self.got)

    def stop(self) -> None:
        self.release.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                body = self.rfile.read(length).decode()
                with stand_in.arrived:
                    script = stand_in.script
                    how = script.pop(0) if script else stand_in.usual
                    found = Received(
                        self.path,
                        {name.lower(): value for name, value in self.headers.items()},
                        body,
                        max(0, how.status),
                    )
                    stand_in.got.append(found)
                    stand_in.arrived.notify_all()
                with contextlib.suppress(ConnectionError):  # who asked is gone, killed perhaps
                    self._behave(how)

            def _behave(self, how: Behaviour) -> None:
                self.close_connection = True
                if how.status == -2:
                    stand_in.release.wait(30)
                    return
                if how.raw:
                    self.wfile.write(how.raw)
                    return
                if how.status == 0:
                    return
                if how.status == -1:
                    self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
                    return
                self.send_response(how.status)
                for name, value in how.headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(how.body.encode())))
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(how.body.encode())

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@contextmanager
def stand_in() -> Iterator[StandIn]:
    made = StandIn()
    try:
        yield made
    finally:
        made.stop()


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])

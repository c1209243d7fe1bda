"""Instances that hang: the kernel takes connections and requests, and nobody answers them."""

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from omnitray.api.token import CHALLENGE_HEADER, PROOF_HEADER, proof_of
from omnitray.base.clock import SystemClock, timestamp
from omnitray.client import http as remote
from omnitray.client.discovery import Address, remove_address, write_address

PATIENCE_S = 0.2


class Listener:
    """Takes connections, keeps what it was sent, hangs; ``proves`` first that it is ours."""

    def __init__(self, *, proves: bool) -> None:
        self._proves = proves
        self._server = socket.create_server(("127.0.0.1", 0))
        self._connections: list[socket.socket] = []
        self.heard = bytearray()
        self.port = int(self._server.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._take)
        self._thread.start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        for each in (self._server, *self._connections):
            each.close()

    def _take(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self._connections.append(connection)
            asked = connection.recv(4096)
            self.heard += asked
            if self._proves:
                connection.sendall(proof(asked, self.url, self.port))


def proof(asked: bytes, token: str, port: int) -> bytes:
    """The answer to a challenge of one who knows the token."""
    (challenge,) = (
        line.partition(": ")[2]
        for line in asked.decode().split("\r\n")
        if line.startswith(CHALLENGE_HEADER)
    )
    said = proof_of(token, port, challenge)
    return f"HTTP/1.1 200 OK\r\n{PROOF_HEADER}: {said}\r\ncontent-length: 0\r\n\r\n".encode()


@contextmanager
def hanging(api_file: Path, *, proves: bool = True) -> Iterator[Listener]:
    """``api_file`` leads to it; whoever asks waits no longer than :data:`PATIENCE_S`."""
    listener = Listener(proves=proves)
    with pytest.MonkeyPatch.context() as patch, contextlib.closing(listener):
        patch.setattr(remote, "TIMEOUT_S", PATIENCE_S)
        started = timestamp(SystemClock().wall())
        address = Address(url=listener.url, token=listener.url, pid=os.getpid(), started=started)
        write_address(api_file, address)
        yield listener
        remove_address(api_file, listener.url)

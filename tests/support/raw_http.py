"""Requests byte by byte, for what no client library would send."""

import contextlib
import socket

import msgspec


class Raw(msgspec.Struct, frozen=True):
    """What came back: everything until the other end closed, or until the time was over."""

    content: bytes

    @property
    def status(self) -> int:
        return int(self.content.split(b" ", 2)[1]) if self.content else 0

    @property
    def body(self) -> bytes:
        return self.content.partition(b"\r\n\r\n")[2]


def raw(port: int, request: bytes, timeout: float = 10.0) -> Raw:
    """Send these bytes and read until the end."""
    with socket.create_connection(("127.0.0.1", port), timeout) as connection:
        # It may have refused before the end: the answer is there all the same.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(request)
        return Raw(_read(connection))


def _read(connection: socket.socket) -> bytes:
    content = b""
    try:
        while chunk := connection.recv(65536):
            content += chunk
    except (TimeoutError, ConnectionResetError):
        pass
    return content


def request(*lines: str, body: bytes = b"") -> bytes:
    """Header lines and a body."""
    return "\r\n".join((*lines, "Connection: close", "", "")).encode("latin-1") + body

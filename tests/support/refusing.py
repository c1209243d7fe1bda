"""An instance that refuses: whatever it is asked, it answers with one status."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from omnitray.base.clock import SystemClock, timestamp
from omnitray.client.discovery import Address, remove_address, write_address
from support.hanging import proof

TOKEN = "t" * 43


@contextmanager
def refusing(api_file: Path, status: int, body: bytes = b"") -> Iterator[None]:
    """``api_file`` leads to it."""
    body = body or b'{"error": "refused", "detail": "not now"}'
    answer = b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (status, len(body)) + body
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, answer))
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        started = timestamp(SystemClock().wall())
        write_address(api_file, Address(url=url, token=TOKEN, pid=os.getpid(), started=started))
        try:
            yield
        finally:
            remove_address(api_file, TOKEN)
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _serve(listener: socket.socket, answer: bytes) -> None:
    while True:
        try:
            visitor, _ = listener.accept()
        except OSError:
            return
        with visitor:
            visitor.sendall(proof(visitor.recv(1 << 20), TOKEN, listener.getsockname()[1]))
            visitor.recv(1 << 20)
            visitor.sendall(answer)

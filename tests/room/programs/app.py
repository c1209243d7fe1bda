"""A web application for gunicorn and uvicorn: /leak makes the worker that answers it grow.

/keep makes it keep five megabytes more.
"""

import threading
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

_BALLAST = bytearray(20 << 20)
_BALLAST[::4096] = b"\1" * len(_BALLAST[::4096])


def leak() -> None:
    """Take 100 MB a second."""
    held = []
    while True:
        block = bytearray(20 << 20)
        block[::4096] = b"\1" * len(block[::4096])
        held.append(block)
        time.sleep(0.2)


_kept: list[bytearray] = []


def _begin(path: str) -> None:
    if path == "/keep":
        _kept.append(bytearray(b"\1") * (5 << 20))
    if path == "/leak":
        threading.Thread(target=leak, daemon=True).start()


def wsgi(environ: dict[str, Any], start: Callable[..., object]) -> Iterable[bytes]:
    """For gunicorn."""
    _begin(environ["PATH_INFO"])
    start("200 OK", [])
    return [b"ok"]


async def asgi(scope: dict[str, Any], _: object, send: Callable[..., Awaitable[None]]) -> None:
    """For uvicorn."""
    if scope["type"] != "http":
        return
    _begin(scope["path"])
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})

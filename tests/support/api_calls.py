"""Requests of which each line is chosen: what a test of the API's door puts together."""

from support.api_server import Running
from support.raw_http import Raw, raw, request

STATUS = "/api/monitoring/status"
SOCKET = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
)


def get(api: Running, *extra: str, path: str = STATUS, host: str | None = None) -> Raw:
    """A GET with these lines besides; ``host`` None is the right one, empty leaves it away."""
    lines = [f"GET {path} HTTP/1.1"]
    if host != "":
        lines.append(f"Host: {host or f'127.0.0.1:{api.port}'}")
    return raw(api.port, request(*lines, *extra))


def bearer(api: Running) -> str:
    """The line that opens it."""
    return f"Authorization: Bearer {api.address.token}"

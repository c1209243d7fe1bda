"""The gate before every handler: judge, bound, answer errors in one form.

An ASGI middleware. Behind it a request is known to come from this machine and to carry the
token (``scope["omnitray.trusted"]``; only liveness may go without), and its whole body, at most
64 KiB, is in ``scope["omnitray.body"]``. Nothing that is raised further in gets past it.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

from omnitray.api.security import (
    BEARER,
    BODY_TIMEOUT_S,
    DRAINED_BYTES,
    MAX_BODY_BYTES,
    REQUEST_BURST,
    REQUESTS_PER_S,
    WRONG_TOKEN_DELAY_S,
    AllowedHosts,
    Bucket,
    Denied,
    check_host,
    check_token,
    gather,
)
from omnitray.api.token import CHALLENGE, CHALLENGE_HEADER, PROOF_HEADER, Token, proof_of
from omnitray.api.wire import Error

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LIVENESS = "/api/monitoring/health"
METRICS = "/metrics"
LOG = logging.getLogger(__name__)
HEADERS = (
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
EXTRA_HEADERS = {
    400: ((b"connection", b"close"),),
    401: ((b"www-authenticate", b"Bearer"),),
    413: ((b"connection", b"close"),),
    429: ((b"retry-after", b"1"),),
}
TOO_LARGE = Denied(413, "too_large", f"A body may have at most {MAX_BODY_BYTES} bytes.")
INCOMPLETE = Denied(400, "incomplete", "The body did not come in time.")
NOT_JSON = Denied(400, "not_json", "Send the body as Content-Type: application/json.")
FAULT = Denied(500, "fault", "OmniTray failed at this; its log says more.")


class Gate:
    """The ASGI application around the router."""

    def __init__(
        self,
        app: App,
        hosts: AllowedHosts,
        token: Token,
        metrics_token: str = "",
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._hosts = hosts
        self._token = token
        self._metrics_token = metrics_token
        self._bucket = Bucket(REQUESTS_PER_S, REQUEST_BURST, monotonic)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let it through, or say why not."""
        denied = self._judge(scope)
        if denied is None and scope["type"] == "http":
            denied = await _take_body(scope, receive)
        if denied is not None:
            await _delay(denied)
            await refuse(scope, send, denied)
            return
        await self._pass(scope, receive, send)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            if not started and (proof := scope.get("omnitray.proof")):
                message["headers"] = [*message["headers"], (PROOF_HEADER.encode(), proof.encode())]
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:  # whatever it is, it ends here: the others go on being served
            LOG.exception("A request failed: %s %s", scope.get("method", "WS"), scope["path"])
            if not started:
                await refuse(scope, send, FAULT)

    def _judge(self, scope: Scope) -> Denied | None:
        found = gather(scope["headers"])
        if isinstance(found, Denied):
            return found
        if denied := check_host(found, self._hosts):
            return denied
        if self._bucket.take():
            return Denied(429, "too_many_requests", "Too many requests; try again in a second.")
        query = scope["query_string"] if scope["type"] == "websocket" else b""
        denied = check_token(found, query, self._token)
        if denied is not None and scope["path"] == METRICS and self._scrapes(found):
            denied = None
        if denied is not None and _is_dashboard(scope):
            scope["omnitray.trusted"] = False
            return None  # it judges by itself: a code or a cookie
        scope["omnitray.trusted"] = denied is None
        if not _is_liveness(scope, found):
            return denied
        scope["omnitray.proof"] = self._proof(found)
        return None

    def _scrapes(self, found: dict[bytes, bytes]) -> bool:
        """Whether it carries the token that reads ``/metrics`` and nothing else."""
        import hmac  # noqa: PLC0415 - as in ``api.token``

        match = BEARER.fullmatch(found.get(b"authorization", b""))
        expected = self._metrics_token.encode()
        if match is None or not expected:
            return False
        return hmac.compare_digest(expected, match[1])

    def _proof(self, found: dict[bytes, bytes]) -> str:
        """The proof that answers a client's challenge: it has to know that OmniTray answers."""
        challenge = found.get(CHALLENGE_HEADER.encode(), b"").decode("latin-1")
        if not CHALLENGE.fullmatch(challenge):
            return ""
        return proof_of(self._token.reveal(), self._hosts.port, challenge)


def answer(status: int, body: bytes, *extra: tuple[bytes, bytes]) -> list[Message]:
    """The messages of a whole response."""
    length = (b"content-length", str(len(body)).encode())
    return [
        {"type": "http.response.start", "status": status, "headers": [*HEADERS, length, *extra]},
        {"type": "http.response.body", "body": body},
    ]


async def refuse(scope: Scope, send: Send, denied: Denied, *extra: tuple[bytes, bytes]) -> None:
    """The error in its one form, for a request or instead of a WebSocket."""
    body = msgspec.json.encode(Error(denied.error, denied.detail))
    extra += EXTRA_HEADERS.get(denied.status, ())
    prefix = "websocket." if scope["type"] == "websocket" else ""
    for message in answer(denied.status, body, *extra):
        await send({**message, "type": prefix + message["type"]})


def _is_dashboard(scope: Scope) -> bool:
    path = scope["path"]
    inside = path == "/dashboard" or path.startswith("/dashboard/")
    return inside and scope["type"] == "http" and scope["method"] in ("GET", "HEAD")


def _is_liveness(scope: Scope, found: dict[bytes, bytes]) -> bool:
    """Whether the bare answer is given: only without any token, a wrong one is refused."""
    bare = scope["type"] == "http" and b"authorization" not in found
    return bare and scope["path"] == LIVENESS and scope["method"] in ("GET", "HEAD")


async def _delay(denied: Denied) -> None:
    if denied.error == "wrong_token":
        await asyncio.sleep(WRONG_TOKEN_DELAY_S)


async def _take_body(scope: Scope, receive: Receive) -> Denied | None:
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            body, size = await _read(receive)
    except TimeoutError:
        return INCOMPLETE
    if size > MAX_BODY_BYTES:
        return TOO_LARGE
    kinds = [value for name, value in scope["headers"] if name.lower() == b"content-type"]
    if body and (not kinds or kinds[0].split(b";")[0].strip().lower() != b"application/json"):
        return NOT_JSON
    scope["omnitray.body"] = body
    return None


async def _read(receive: Receive) -> tuple[bytes, int]:
    """Keep what is allowed, count the rest: refusing unread bytes would reset the connection."""
    kept, size, more = bytearray(), 0, True
    while more and size <= DRAINED_BYTES:
        message = await receive()
        chunk = message.get("body", b"")
        size += len(chunk)
        if size <= MAX_BODY_BYTES:
            kept += chunk
        more = message.get("more_body", False)
    return bytes(kept), size

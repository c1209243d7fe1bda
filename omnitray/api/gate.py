"""The gate before every handler: judge, bound, answer errors in one form.

An ASGI middleware. Behind it a request is known to come from this machine and to carry the
token (``scope["omnitray.trusted"]``; only liveness may go without), and its whole body, at most
64 KiB, is in ``scope["omnitray.body"]``. Nothing that is raised further in gets past it.

Who may ask, and how much, is judged by pure functions over the headers of a request. A browser on
this machine reaches us from any page, so what a page cannot forge is checked first: the Host that
it names (against DNS rebinding), the Origin it comes from, the fetch metadata. All of it holds for
the WebSocket too. A Host that is missing and a header that stands there twice are 400, a foreign
one is 403, an unknown token 401.

No limit is kept by address: on loopback every client has the same one, and a ban would lock out
the person. What is over a bound is refused; what is under it is never slowed down.
"""

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from omnitray.api.token import CHALLENGE, CHALLENGE_HEADER, PROOF_HEADER, Token, proof_of
from omnitray.api.wire import Error

MAX_BODY_BYTES = 64 * 1024
MAX_HEADER_BYTES = 16 * 1024
MAX_FRAME_BYTES = 64 * 1024
DRAINED_BYTES = 16 << 20  # read and thrown away, so that the refusal is seen and not a reset
MAX_CONNECTIONS = 128  # that have shown the token
MAX_STRANGERS = 32  # that have not (yet): the oldest gives way to the next
MAX_SOCKETS = 48  # 32 must work at once, and a few more for the person's own tools
HEADER_TIMEOUT_S = 5.0
BODY_TIMEOUT_S = 10.0
# What says that it is too large is read and thrown away while it comes, and refused when it pauses:
# a client that waits for the answer before it sends (Expect, RFC 9110 10.1.1) sends nothing at all.
REFUSED_PAUSE_S = 0.5
STALL_TIMEOUT_S = 10.0  # a reader that takes nothing for so long is gone
COMMAND_TIMEOUT_S = 10.0
WRONG_TOKEN_DELAY_S = 0.1
SOCKET_QUEUE = 512  # messages: minutes for a slow reader, a moment for a flood
REQUESTS_PER_S = 500.0  # over twice what is promised
REQUEST_BURST = 1000.0
SOCKET_COMMANDS_PER_S = 20.0
SOCKET_COMMAND_BURST = 40.0
Headers = Iterable[tuple[bytes, bytes]]
HOST = re.compile(rb"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?")
ORIGIN = re.compile(rb"(https?)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?")
BEARER = re.compile(rb"[Bb]earer +([\x21-\x7e]+)")
LOOPBACK_NAMES = frozenset({b"127.0.0.1", b"localhost", b"[::1]"})
DEFAULT_PORTS = {b"http": 80, b"https": 443}
OWN_SITES = (b"same-origin", b"none")
SINGLE = (b"host", b"origin", b"authorization", b"sec-fetch-site", b"content-type")


class Denied(msgspec.Struct, frozen=True):
    """Why a request goes no further."""

    status: int
    error: str
    detail: str


class AllowedHosts(msgspec.Struct, frozen=True, kw_only=True):
    """Under which names and which port we are at home."""

    port: int
    names: frozenset[bytes] = LOOPBACK_NAMES

    def is_home(self, name: bytes, port: int) -> bool:
        """Whether a name and a port are ours."""
        return name.lower() in self.names and port == self.port


def gather(headers: Headers) -> dict[bytes, bytes] | Denied:
    """Headers by lower-case name; those that steer us may stand there once only."""
    found: dict[bytes, bytes] = {}
    size = 0
    for raw, value in headers:
        size += len(raw) + len(value)
        name = raw.lower()
        if name in found and name in SINGLE:
            return Denied(400, "duplicate_header", f"{name.decode()} may stand there once.")
        found[name] = value
    if size > MAX_HEADER_BYTES:  # the parser bounds only those that come in pieces
        return Denied(400, "too_large", f"Headers may have at most {MAX_HEADER_BYTES} bytes.")
    return found


def check_host(found: dict[bytes, bytes], hosts: AllowedHosts) -> Denied | None:
    """Host, Origin and fetch metadata."""
    return _judge_host(found, hosts) or _judge_origin(found, hosts) or _judge_site(found)


def check_token(found: dict[bytes, bytes], query: bytes, token: Token) -> Denied | None:
    """The Bearer header; ``query`` is looked at for ``auth_token`` when there is no header."""
    if b"authorization" in found:
        match = BEARER.fullmatch(found[b"authorization"])
        offered = match[1] if match else b""
    else:
        offered = _query_token(query)
    if not offered:
        return Denied(401, "no_token", "Send the token of api.json as a Bearer header.")
    if token.matches(offered):
        return None
    return Denied(401, "wrong_token", "That is not the token in api.json.")


def _query_token(query: bytes) -> bytes:
    """One that stands there twice counts as none."""
    try:
        pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=20)
    except ValueError:
        return b""
    tokens = [value for name, value in pairs if name == "auth_token"]
    return tokens[0].encode() if len(tokens) == 1 else b""


def _judge_host(found: dict[bytes, bytes], hosts: AllowedHosts) -> Denied | None:
    if not found.get(b"host"):
        return Denied(400, "bad_host", "The Host header is missing.")
    match = HOST.fullmatch(found[b"host"])
    if match is None or not hosts.is_home(match[1], int(match[2] or 80)):
        return Denied(403, "foreign_host", "The Host header must be a loopback name and our port.")
    return None


def _judge_origin(found: dict[bytes, bytes], hosts: AllowedHosts) -> Denied | None:
    if b"origin" not in found:
        return None
    match = ORIGIN.fullmatch(found[b"origin"])
    if match and hosts.is_home(match[2], int(match[3] or DEFAULT_PORTS[match[1]])):
        return None
    return Denied(403, "foreign_origin", "Pages of other origins may not ask.")


def _judge_site(found: dict[bytes, bytes]) -> Denied | None:
    if found.get(b"sec-fetch-site", b"none") in OWN_SITES:
        return None
    return Denied(403, "cross_site", "Requests from other sites are refused.")


class Bucket:
    """A token bucket: ``rate`` a second on average, ``burst`` at once."""

    def __init__(self, rate: float, burst: float, monotonic: Callable[[], float]) -> None:
        self._rate = rate
        self._burst = burst
        self._monotonic = monotonic
        self._left = burst
        self._at = monotonic()

    def take(self) -> float:
        """Take one; 0 if there was one, else the seconds until there is."""
        now = self._monotonic()
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return (1 - self._left) / self._rate
        self._left -= 1
        return 0.0


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
    too_large = _declared_bytes(scope) > MAX_BODY_BYTES
    pause_s = REFUSED_PAUSE_S if too_large else BODY_TIMEOUT_S
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            body, size = await _read(receive, pause_s)
    except TimeoutError:
        return TOO_LARGE if too_large else INCOMPLETE
    if size > MAX_BODY_BYTES:
        return TOO_LARGE
    kinds = [value for name, value in scope["headers"] if name.lower() == b"content-type"]
    if body and (not kinds or kinds[0].split(b";")[0].strip().lower() != b"application/json"):
        return NOT_JSON
    scope["omnitray.body"] = body
    return None


def _declared_bytes(scope: Scope) -> int:
    """What ``Content-Length`` says; 0 without one. The parser has refused what is no number."""
    lengths = [value for name, value in scope["headers"] if name.lower() == b"content-length"]
    return int(lengths[0]) if lengths else 0


async def _read(receive: Receive, pause_s: float) -> tuple[bytes, int]:
    """Keep what is allowed, count the rest: refusing unread bytes would reset the connection."""
    kept, size, more = bytearray(), 0, True
    while more and size <= DRAINED_BYTES:
        async with asyncio.timeout(pause_s):
            message = await receive()
        chunk = message.get("body", b"")
        size += len(chunk)
        if size <= MAX_BODY_BYTES:
            kept += chunk
        more = message.get("more_body", False)
    return bytes(kept), size

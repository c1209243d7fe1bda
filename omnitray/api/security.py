"""Who may ask, and how much: pure judgements over the headers of a request, and the bounds.

A browser on this machine reaches us from any page, so what a page cannot forge is checked first:
the Host that it names (against DNS rebinding), the Origin it comes from, the fetch metadata. All of
it holds for the WebSocket too. A Host that is missing and a header that stands there twice are 400,
a foreign one is 403, an unknown token 401.

No limit is kept by address: on loopback every client has the same one, and a ban would lock out
the person. What is over a bound is refused; what is under it is never slowed down.
"""

import re
from collections.abc import Callable, Iterable
from urllib.parse import parse_qsl

import msgspec

from omnitray.api.token import Token

MAX_BODY_BYTES = 64 * 1024
MAX_HEADER_BYTES = 16 * 1024
MAX_FRAME_BYTES = 64 * 1024
DRAINED_BYTES = 16 << 20  # read and thrown away, so that the refusal is seen and not a reset
MAX_CONNECTIONS = 128  # that have shown the token
MAX_STRANGERS = 32  # that have not (yet): the oldest gives way to the next
MAX_SOCKETS = 48  # 32 must work at once, and a few more for the person's own tools
HEADER_TIMEOUT_S = 5.0
BODY_TIMEOUT_S = 10.0
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

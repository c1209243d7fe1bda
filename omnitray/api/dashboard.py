"""``/dashboard``: own static pages, let in by a one-time code that becomes a cookie.

``omnitray dashboard`` asks for a code with the token; a browser that brings it within half a minute
gets a cookie (HttpOnly, SameSite=Strict, for ``/dashboard`` alone) whose value is made from the
token: a new token ends it. With the cookie the page reads, by ``/dashboard/data/…``, what the API
answers to GET; nothing can be changed through it.
"""

import base64
import os
import time
from collections.abc import Callable, Mapping
from urllib.parse import parse_qs

from omnitray.api.gate import App, Receive, Scope, Send
from omnitray.api.token import Token
from omnitray.base.paths import resource

PATH = "/dashboard"
DATA = f"{PATH}/data"
CODE_S = 30.0
MOST_CODES = 8
COOKIE = b"omnitray_dashboard"
TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "png": "image/png",
}
PAGES = {
    PATH: "dashboard/index.html",
    f"{PATH}/app.js": "dashboard/app.js",
    f"{PATH}/style.css": "dashboard/style.css",
    f"{PATH}/icon.png": "icons/omnitray-64.png",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
CLOSED = (
    b"<!doctype html><meta charset=utf-8><title>OmniTray</title><p>This address opens once. "
    b"Run <code>omnitray dashboard</code> for a new one."
)


class DashboardSessions:
    """Codes that open it once, and the cookie that stands for one. On the API's thread."""

    def __init__(self, token: Token, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._token = token
        self._monotonic = monotonic
        self._codes: dict[str, float] = {}

    def new_code(self) -> str:
        """One that counts once, for half a minute."""
        code = base64.urlsafe_b64encode(os.urandom(24)).decode()
        self._codes[code] = self._monotonic() + CODE_S
        while len(self._codes) > MOST_CODES:
            del self._codes[next(iter(self._codes))]
        return code

    def redeem(self, code: str) -> bool:
        """Whether it counts; it does so no more."""
        return self._codes.pop(code, 0.0) > self._monotonic()

    def cookie(self) -> bytes:
        """What a browser that is let in carries; another one with another token."""
        import hmac  # noqa: PLC0415 - as in ``api.token``

        return hmac.digest(self._token.reveal().encode(), b"dashboard", "sha256").hex().encode()

    def holds(self, found: Mapping[bytes, bytes]) -> bool:
        """Whether a request's headers carry the cookie."""
        import hmac  # noqa: PLC0415 - as above

        for part in found.get(b"cookie", b"").split(b";"):
            name, _, value = part.strip().partition(b"=")
            if name == COOKIE:
                return hmac.compare_digest(value, self.cookie())
        return False


class Dashboard:
    """The pages, and the way to the API's answers."""

    def __init__(self, sessions: DashboardSessions, api: Callable[[str], App]) -> None:
        self._sessions = sessions
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a page, let somebody in, or hand a question on."""
        path, headers = scope["path"], {name.lower(): value for name, value in scope["headers"]}
        code = parse_qs(scope["query_string"].decode("latin-1")).get("code", [""])[0]
        if path == PATH and code:
            await self._let_in(code, send)
        elif not self._sessions.holds(headers):
            await _page(send, 401, TYPES["html"], CLOSED)
        elif path in PAGES:
            name = PAGES[path]
            content = resource(name).read_bytes()
            await _page(send, 200, TYPES[name.rpartition(".")[2]], content)
        elif path.startswith(f"{DATA}/") and scope["method"] == "GET":
            scope["omnitray.trusted"] = True
            scope["path"] = f"/api/monitoring/{path.removeprefix(f'{DATA}/')}"
            await self._api(scope["path"])(scope, receive, send)
        else:
            await _page(send, 404, TYPES["html"], CLOSED)

    async def _let_in(self, code: str, send: Send) -> None:
        if not self._sessions.redeem(code):
            await _page(send, 401, TYPES["html"], CLOSED)
            return
        cookie = (
            COOKIE
            + b"="
            + self._sessions.cookie()
            + b"; HttpOnly; SameSite=Strict; Path=/dashboard"
        )
        headers = [(b"location", PATH.encode()), (b"set-cookie", cookie), *HEADERS]
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


async def _page(send: Send, status: int, kind: str, content: bytes) -> None:
    given = [
        (b"content-type", kind.encode()),
        (b"content-length", str(len(content)).encode()),
        *HEADERS,
    ]
    await send({"type": "http.response.start", "status": status, "headers": given})
    await send({"type": "http.response.body", "body": content})

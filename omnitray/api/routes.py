"""The router: from a path of the table of endpoints to its handler and the encoded answer.

``/dashboard`` serves static pages of ours, let in by a one-time code that becomes a cookie.
``omnitray dashboard`` asks for a code with the token; a browser that brings it within half a minute
gets a cookie (HttpOnly, SameSite=Strict, for ``/dashboard`` alone) whose value is made from the
token: a new token ends it. With the cookie the page reads, by ``/dashboard/data/…``, what the API
answers to GET; nothing can be changed through it.
"""

import base64
import os
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

import msgspec

from omnitray.api import requests
from omnitray.api.bodies import InstanceIdentity
from omnitray.api.endpoints import ENDPOINTS, Endpoint
from omnitray.api.endpoints import document as openapi_document
from omnitray.api.facade import AppFacade, CommandRefused, Refusal
from omnitray.api.gate import App, Denied, Receive, Scope, Send, answer, refuse
from omnitray.api.handlers import Call
from omnitray.api.metric_calls import MetricsText
from omnitray.api.requests import read_query, refusal
from omnitray.api.token import Token
from omnitray.base.paths import resource

DASHBOARD = "/dashboard"
DATA = f"{DASHBOARD}/data"
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
    DASHBOARD: "dashboard/index.html",
    f"{DASHBOARD}/app.js": "dashboard/app.js",
    f"{DASHBOARD}/style.css": "dashboard/style.css",
    f"{DASHBOARD}/icon.png": "icons/omnitray-64.png",
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
        """Serve a page, let a client in, or hand a question on."""
        path, headers = scope["path"], {name.lower(): value for name, value in scope["headers"]}
        code = parse_qs(scope["query_string"].decode("latin-1")).get("code", [""])[0]
        if path == DASHBOARD and code:
            await self._let_in(code, send)
        elif not self._sessions.holds(headers):
            await self._shut(scope, send)
        elif path in PAGES:
            name = PAGES[path]
            content = resource(name).read_bytes()
            await _page(send, 200, TYPES[name.rpartition(".")[2]], content)
        elif path.startswith(f"{DATA}/"):
            scope["omnitray.trusted"] = True
            scope["path"] = f"/api/monitoring/{path.removeprefix(f'{DATA}/')}"
            await self._api(scope["path"])(scope, receive, send)
        else:
            await refuse(scope, send, NO_PAGE)

    async def _shut(self, scope: Scope, send: Send) -> None:
        """A person reads the page; what its script and other programs ask gets the error's form."""
        if scope["path"] == DASHBOARD:
            await _page(send, 401, TYPES["html"], CLOSED)
        else:
            await refuse(scope, send, NO_COOKIE)

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
        headers = [(b"location", DASHBOARD.encode()), (b"set-cookie", cookie), *HEADERS]
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


METRICS = "/metrics"
READING = ("GET", "HEAD")
OPENAPI = "/api/openapi.json"
SOCKET = "/ws"
IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}")
REFUSAL_STATUS = {Refusal.NOT_FOUND: 404, Refusal.NOT_NOW: 409, Refusal.NOT_STORED: 409}
BUSY = Denied(503, "busy", "OmniTray is too busy to do that now; try again.")
WRONG_METHOD = Denied(405, "wrong_method", "This path does not take that method.")
NO_COOKIE = Denied(401, "no_cookie", "Open the dashboard with omnitray dashboard.")
NO_PAGE = Denied(404, "not_found", "There is nothing under that path.")
NO_UPGRADE = Denied(400, "no_upgrade", "This path is a WebSocket; ask for an upgrade to one.")
NO_ENTRY = Denied(404, "not_found", "There is nothing under that id.")


class RequestContext(msgspec.Struct, frozen=True, kw_only=True):
    """What every call is given."""

    door: AppFacade
    identity: InstanceIdentity
    rotate: Callable[[], None]
    wall: Callable[[], float]
    sessions: DashboardSessions


class PathHandler:
    """All endpoints of one path as an ASGI application."""

    def __init__(self, endpoints: Sequence[Endpoint], context: RequestContext) -> None:
        self._by_method = {each.method: each for each in endpoints}
        self._context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the request, call the handler and send its answer."""
        del receive  # the gate has taken the body
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        endpoint = self._by_method.get(method)
        if endpoint is None:
            await refuse(scope, send, WRONG_METHOD, (b"allow", ", ".join(self._by_method).encode()))
            return
        outcome = await self._outcome(endpoint, scope)
        if isinstance(outcome, Denied):
            await refuse(scope, send, outcome)
            return
        for message in answer(endpoint.status, msgspec.json.encode(outcome)):
            await send(message)

    async def _outcome(self, endpoint: Endpoint, scope: Scope) -> Any:
        call = self._read(endpoint, scope)
        if isinstance(call, Denied):
            return call
        try:
            return await endpoint.handler(call)
        except msgspec.ValidationError as error:
            return Denied(422, "invalid", f"{error}.")
        except CommandRefused as refused:
            status = REFUSAL_STATUS[refused.refusal]
            return Denied(status, refused.refusal.value, refused.detail)
        except TimeoutError:
            return BUSY

    def _read(self, endpoint: Endpoint, scope: Scope) -> Call | Denied:
        identifier = scope["path_params"].get("id", "")
        if endpoint.has_id and not IDENTIFIER.fullmatch(identifier):
            return NO_ENTRY
        shape: type[msgspec.Struct] | None = endpoint.query
        try:
            query: Any = read_query(scope["query_string"], endpoint.query)
            shape = endpoint.body
            body = _read_body(scope["omnitray.body"], endpoint.body)
        except msgspec.ValidationError as error:
            return Denied(422, "invalid", refusal(error, shape))
        except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
            return Denied(400, "malformed", f"The body is not JSON: {error}.")
        return Call(
            door=self._context.door,
            identity=self._context.identity,
            rotate=self._context.rotate,
            wall=self._context.wall,
            new_code=self._context.sessions.new_code,
            trusted=scope["omnitray.trusted"],
            id=identifier,
            query=query,
            body=body,
        )


class ReadOnly:
    """An ASGI application that is asked with GET and HEAD alone."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ask it, or refuse the method."""
        if scope["method"] in READING:
            await self._app(scope, receive, send)
        else:
            await refuse(scope, send, WRONG_METHOD, (b"allow", b"GET"))


class Document:
    """The OpenAPI document; made when it is first asked for."""

    def __init__(self, version: str) -> None:
        self._version = version
        self._body: bytes | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the document."""
        del scope, receive
        if self._body is None:
            self._body = msgspec.json.encode(openapi_document(ENDPOINTS, self._version))
        for message in answer(200, self._body):
            await send(message)


async def no_page(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer for every other path."""
    del receive
    await refuse(scope, send, NO_PAGE)


class Router:
    """Sends a request to the application of its path, a WebSocket to the only one there is."""

    def __init__(self, paths: Iterable[tuple[str, App]], socket: App) -> None:
        self._exact: dict[str, App] = {}
        self._named: list[tuple[re.Pattern[str], App]] = []
        self._socket = socket
        self._dashboard: App = no_page
        for path, app in paths:
            if "{id}" in path:
                before, after = path.split("{id}")
                pattern = f"{re.escape(before)}(?P<id>[^/]+){re.escape(after)}"
                self._named.append((re.compile(pattern), app))
            else:
                self._exact[path] = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Find it, and the id that the path names."""
        path = scope["path"]
        if scope["type"] == "websocket":
            await (self._socket if path == SOCKET else no_page)(scope, receive, send)
            return
        scope["path_params"] = {}
        if path == DASHBOARD or path.startswith(f"{DASHBOARD}/"):
            await self._dashboard(scope, receive, send)
            return
        if path == SOCKET:
            await refuse(scope, send, NO_UPGRADE)
            return
        app = self._exact.get(path) or self._find(scope, path)
        await app(scope, receive, send)

    def add_dashboard(self, sessions: DashboardSessions) -> None:
        """Serve the dashboard, which reads what the exact paths answer."""
        self._dashboard = ReadOnly(Dashboard(sessions, lambda path: self._exact.get(path, no_page)))

    def _find(self, scope: Scope, path: str) -> App:
        for pattern, app in self._named:
            if found := pattern.fullmatch(path):
                scope["path_params"] = found.groupdict()
                return app
        return no_page


def router(context: RequestContext, socket: App) -> Router:
    """Every path, the WebSocket included."""
    rows: dict[str, list[Endpoint]] = {}
    for endpoint in ENDPOINTS:
        rows.setdefault(endpoint.path, []).append(endpoint)
    paths: list[tuple[str, App]] = [
        (path, PathHandler(endpoints, context)) for path, endpoints in rows.items()
    ]
    own: list[tuple[str, App]] = [
        (OPENAPI, ReadOnly(Document(context.identity.version))),
        (METRICS, ReadOnly(MetricsText(context.door))),
    ]
    made = Router([*paths, *own], socket)
    made.add_dashboard(context.sessions)
    return made


def _read_body(content: bytes, shape: type[msgspec.Struct] | None) -> Any:
    if shape is None:
        return None
    if not content and shape in (requests.Nothing, requests.NewClean):
        return shape()
    return msgspec.json.decode(content, type=shape)

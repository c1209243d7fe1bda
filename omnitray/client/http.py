"""Talks to the running instance: one HTTP exchange at a time, over a plain socket.

The standard library's client would cost a command line a third of its start-up, and the other end
is ours: it always sends a length. TLS is used when ``api.json`` says so.

The port may belong to another program by now. So it is asked first, on the same connection, for a
proof that it knows the token: a process that is not OmniTray gets a random number, and no token.
"""

import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from omnitray.api.token import CHALLENGE_HEADER, PROOF_HEADER, new_challenge, proof_of
from omnitray.base.paths import Paths
from omnitray.client.discovery import Address, addresses

if TYPE_CHECKING:
    import ssl

PREFIX = "/api/monitoring"
MAX_HEADERS = 100  # ours are a dozen
TIMEOUT_S = 15.0  # longer than the program is given for a command
T = TypeVar("T")


class NotRunning(Exception):  # noqa: N818 - a state of the world, not a fault
    """No OmniTray of this user answers."""

    def __str__(self) -> str:
        """What to do; computed when it is read."""
        from omnitray.base.paths import typed  # noqa: PLC0415 - most who catch this do not read it

        return f"OmniTray is not running; start it with: {typed()}"


class NotAnswering(NotRunning):
    """One runs, but did not answer in time.

    With ``has_request`` it was sent the request and may yet carry it out: what must not happen
    twice is not done in another way.
    """

    def __init__(
        self, pid: int, waited_s: float, *, changes: bool, has_request: bool = True
    ) -> None:
        super().__init__()
        self.pid = pid
        self.has_request = has_request
        self._words = f"OmniTray (process {pid}) runs, but has not answered for {waited_s:g} s"
        if changes:
            self._words += "; it has the request and may still carry it out"

    def __str__(self) -> str:
        """The pid and what to do."""
        return self._words


class NotOurs(NotRunning):
    """Another program listens where the address says."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def __str__(self) -> str:
        """Which program answered, and what to do."""
        return f"another program answers at {self._url}. {super().__str__()}"


class RequestFailed(Exception):  # noqa: N818 - the other end's answer
    """OmniTray refused; ``detail`` is its sentence."""

    def __init__(self, status: int, error: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.error = error
        self.detail = detail


# The answers after which an alert is in no history: the token is another's, a conflict, too many,
# a fault, no room. What is wrong with the alert itself (400, 404, 413, 422) stays the caller's.
_NOT_TAKEN = frozenset({401, 403, 408, 409, 429})
_SERVER_FAULTS = 500
_BAD_GATEWAY = 502
_MOST_BYTES = 256_000_000  # 5,000 alerts with the largest contexts


def lost(error: NotRunning | RequestFailed) -> bool:
    """Whether a refused alert would be lost, so that it goes to the files."""
    if isinstance(error, NotRunning):
        return not (isinstance(error, NotAnswering) and error.has_request)
    if error.error == "not_stored":
        return False  # it is in that one's memory, and written when the disk lets it
    return error.status in _NOT_TAKEN or error.status >= _SERVER_FAULTS


class Remote:
    """The local API of one running instance."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.timeout_s = TIMEOUT_S
        scheme, _, self._netloc = address.url.partition("://")
        host, _, port = self._netloc.rpartition(":")
        self._secure = scheme == "https"
        self._host, self._port = host.strip("[]"), int(port)

    def get(self, path: str, shape: type[T], **query: Any) -> T:
        """Ask; ``query`` fields that are None are left out."""
        return decoded(self.raw("GET", path, query=query), shape)

    def post(self, path: str, body: object, shape: type[T]) -> T:
        """Change something; the new state."""
        return decoded(self.raw("POST", path, body), shape)

    def raw(
        self,
        method: str,
        path: str,
        body: object = None,
        query: Mapping[str, Any] | None = None,
    ) -> bytes:
        """The answer's body as it came.

        Raises:
            NotRunning: no instance runs.
            NotAnswering: an instance runs and does not answer in time.
            RequestFailed: OmniTray refused.
        """
        target = PREFIX + path + _query(query or {})
        content = b"" if body is None else msgspec.json.encode(body)
        try:
            with self._connect() as connection:
                self._prove(connection)
                connection.sendall(self._head(method, target, len(content)) + content)
                status, answer = self._answer(connection, changes=method != "GET")
        except OSError as error:
            raise NotRunning from error
        if status >= 400:  # noqa: PLR2004 - where HTTP's errors begin
            raise failure(status, answer)
        return answer

    def prove(self) -> None:
        """Make sure that it is our program that listens there; raises as :meth:`raw` does."""
        try:
            with self._connect() as connection:
                self._prove(connection)
        except OSError as error:
            raise NotRunning from error

    def _prove(self, connection: socket.socket) -> None:
        challenge = new_challenge()
        lines = (
            f"GET {PREFIX}/health HTTP/1.1",
            f"Host: {self._netloc}",
            f"{CHALLENGE_HEADER}: {challenge}",
        )
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
        try:
            status, headers, answer = _receive(connection)
        except TimeoutError as error:
            pid = self.address.pid
            raise NotAnswering(pid, self.timeout_s, changes=False, has_request=False) from error
        if status in (429, 503):
            raise failure(status, answer)
        if headers.get(PROOF_HEADER) != proof_of(self.address.token, self._port, challenge):
            raise NotOurs(self.address.url)

    def _answer(self, connection: socket.socket, *, changes: bool) -> tuple[int, bytes]:
        try:
            status, _, answer = _receive(connection)
        except TimeoutError as error:
            raise NotAnswering(self.address.pid, self.timeout_s, changes=changes) from error
        return status, answer

    def _head(self, method: str, target: str, length: int) -> bytes:
        lines = (
            f"{method} {target} HTTP/1.1",
            f"Host: {self._netloc}",
            f"Authorization: Bearer {self.address.token}",
            "Content-Type: application/json",
            f"Content-Length: {length}",
            "Connection: close",
        )
        return "\r\n".join(lines).encode() + b"\r\n\r\n"

    def _connect(self) -> socket.socket:
        connection = self._connected()
        if not self._secure:
            return connection
        return tls().wrap_socket(connection, server_hostname=self._host)

    def _connected(self) -> socket.socket:
        """A figure is connected to as it is: looking a name up loads the tables of IDNA."""
        if not self._host.replace(".", "").isdecimal():
            return socket.create_connection((self._host, self._port), self.timeout_s)
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            connection.settimeout(self.timeout_s)
            connection.connect((self._host, self._port))
        except BaseException:
            connection.close()
            raise
        return connection


def decoded(answer: bytes, shape: type[T]) -> T:
    """The answer as facts; raises RequestFailed for one of another version or program."""
    try:
        return msgspec.json.decode(answer, type=shape)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        detail = "the answer cannot be read; is another version of OmniTray running?"
        raise RequestFailed(_BAD_GATEWAY, "unreadable", detail) from error


def find_remote(paths: Paths) -> Remote:
    """The running instance; raises :class:`NotRunning`.

    Whether it lives is seen when it is asked, but for where there are several to choose from.
    """
    found = [Remote(address) for address in addresses(paths)]
    for remote in found[:-1]:
        try:
            remote.prove()
        except NotRunning:
            continue
        return remote
    if not found:
        raise NotRunning
    return found[-1]


def is_running(paths: Paths) -> bool:
    """Whether an instance proves now that it lives, or hangs."""
    try:
        find_remote(paths).prove()
    except NotAnswering:
        return True
    except NotRunning:
        return False
    except RequestFailed:
        return True
    return True


def quoted(identifier: str) -> str:
    """An id as part of a path."""
    from urllib.parse import quote  # noqa: PLC0415 - 8 ms that most requests do not need

    return quote(identifier, safe="")


def _query(fields: Mapping[str, Any]) -> str:
    given = {key: value for key, value in fields.items() if value is not None}
    if not given:
        return ""
    from urllib.parse import urlencode  # noqa: PLC0415 - as above

    return "?" + urlencode(given)


def tls() -> "ssl.SSLContext":
    """TLS that trusts the certificate of the settings, whatever host it was made for."""
    import ssl  # noqa: PLC0415 - only for instances that are open to others

    from omnitray.api.listener import MAX_PEM_BYTES  # noqa: PLC0415
    from omnitray.base.bounded import read_bounded  # noqa: PLC0415
    from omnitray.base.paths import find_paths  # noqa: PLC0415
    from omnitray.settings.file import load  # noqa: PLC0415

    certificate = load(find_paths().config_file).settings.api.certificate
    trusted = read_bounded(Path(certificate), MAX_PEM_BYTES).decode() if certificate else None
    context = ssl.create_default_context(cadata=trusted)
    context.check_hostname = False
    return context


def _receive(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Status, headers by lower-case name, body."""
    headers: dict[str, str] = {}
    with connection.makefile("rb") as file:
        status_line = file.readline(1024)
        while (line := file.readline(4096)) not in (b"\r\n", b""):
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
            if len(headers) > MAX_HEADERS:
                raise ConnectionError("no HTTP answer of ours")
        given = headers.get("content-length", "0")
        length = int(given) if given.isdecimal() and given.isascii() else -1
        if not 0 <= length <= _MOST_BYTES:
            raise ConnectionError("no length that an answer has")
        body = file.read(length)
    try:
        if len(body) < length:
            raise ConnectionError("the answer is cut off")
        return int(status_line.split()[1]), headers, body
    except (IndexError, ValueError) as error:
        raise ConnectionError("no HTTP answer") from error


def failure(status: int, answer: bytes) -> RequestFailed:
    """What an answer with an error says."""
    try:
        said = msgspec.json.decode(answer, type=dict[str, str])
    except (msgspec.DecodeError, ValueError):
        said = {"error": "unreadable", "detail": "The answer cannot be read."}
    return RequestFailed(status, said.get("error", ""), said.get("detail", ""))


Release = Callable[[], None]

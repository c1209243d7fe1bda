"""Health probes: HTTP, TCP, a command, or alive and listening. Bounded in time and bytes.

Nothing goes through a proxy: plain sockets, whatever ``http_proxy`` says. An answer is read to
its end (at most 64 kB), so that the server's log is not filled with broken pipes; one without an
end (events, a connection that the server keeps) counts by its status.
"""

import os
import signal
import socket
import subprocess
from collections.abc import Mapping

from omnitray.base.clock import SystemClock
from omnitray.servers.model import Probed, ProbeResult
from omnitray.settings.servers import CommandHealth, address_of

_monotonic = SystemClock().monotonic
TIMEOUT_S = 4.0  # under the pace of 5 s, so that probes of one server never meet
MAX_ANSWER_BYTES = 64 * 1024
_HEALTHY = range(200, 400)


def check(
    health: str | CommandHealth,
    timeout_s: float = TIMEOUT_S,
    *,
    cwd: str | None = None,
    env: Mapping[str, str] | None = None,
) -> Probed:
    """Probe a declared health; waits for at most ``timeout_s``. Raises nothing."""
    try:
        if isinstance(health, CommandHealth):
            return _command(health.command, timeout_s, cwd, env)
        scheme, host, port, path = address_of(health)
        deadline = _monotonic() + timeout_s
        with socket.create_connection((host, port), timeout_s) as connection:
            if scheme == "tcp":
                return Probed(result=ProbeResult.OK)
            link = _wrapped(connection, host, deadline) if scheme == "https" else connection
            named = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            return _judged(_answer(link, named, path, deadline))
    except TimeoutError:
        return Probed(result=ProbeResult.TIMEOUT, detail=f"no answer within {timeout_s:g} s")
    except ConnectionRefusedError:
        return Probed(result=ProbeResult.REFUSED, detail="connection refused")
    except (OSError, ValueError) as error:
        return Probed(result=ProbeResult.BAD_ANSWER, detail=f"{error}")


def _answer(link: socket.socket, host: str, path: str, deadline: float) -> bytes:
    link.settimeout(_left(deadline))
    link.sendall(
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: omnitray-health\r\n"
        "Accept: */*\r\nConnection: close\r\n\r\n".encode()
    )
    answer = b""
    while len(answer) < MAX_ANSWER_BYTES and not _is_whole(answer):
        try:
            link.settimeout(_left(deadline))
            part = link.recv(8192)
        except TimeoutError:
            if b"\r\n\r\n" in answer:
                break
            raise
        if not part:
            break
        answer += part
    return answer


def _is_whole(answer: bytes) -> bool:
    """By the length that its head gives, or its last chunk (RFC 9112, section 6)."""
    head, ended, body = answer.partition(b"\r\n\r\n")
    if ended and head.split(b" ")[1:2] in ([b"204"], [b"304"]):
        return True
    for line in head.lower().split(b"\r\n")[1:] if ended else ():
        name, _, value = line.partition(b":")
        if name == b"content-length" and value.strip().isdigit():
            return len(body) >= int(value)
        if name == b"transfer-encoding" and b"chunked" in value:
            return body.endswith(b"0\r\n\r\n")
    return False


def _judged(head: bytes) -> Probed:
    words = head.split(b"\r\n", 1)[0].split()
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():  # noqa: PLR2004 - version and code
        return Probed(result=ProbeResult.BAD_ANSWER, detail="the answer is not HTTP")
    code = int(words[1])
    if code in _HEALTHY:
        return Probed(result=ProbeResult.OK, detail=f"HTTP {code}")
    return Probed(result=ProbeResult.BAD_ANSWER, detail=f"it answers with HTTP {code}")


def _left(deadline: float) -> float:
    left = deadline - _monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _wrapped(connection: socket.socket, host: str, deadline: float) -> socket.socket:
    """TLS without a check of the certificate: whether it lives is asked, not who it is."""
    import ssl  # noqa: PLC0415 - few servers under test speak TLS

    connection.settimeout(_left(deadline))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(connection, server_hostname=host)


def _command(
    words: tuple[str, ...], timeout_s: float, cwd: str | None, env: Mapping[str, str] | None
) -> Probed:
    process = subprocess.Popen(
        words,
        cwd=cwd,
        env=dict(env) if env is not None else None,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        code = process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # our own child that was not yet waited for
        process.wait()
        return Probed(result=ProbeResult.TIMEOUT, detail=f"no answer within {timeout_s:g} s")
    if code == 0:
        return Probed(result=ProbeResult.OK)
    return Probed(result=ProbeResult.BAD_ANSWER, detail=f"{words[0]} ended with {code}")

"""Sends requests and says what was answered: a process of its own that ends when it is done.

Standard input is a request a line, as JSON; standard output its answer, a line too. Nothing of ours
is imported: TLS and the libraries of chat services stay out of the tray's memory, and what hangs
here is ended from there.
An address never stands in an answer: it may hold a secret.
"""

import contextlib
import ctypes
import json
import os
import signal
import smtplib
import socket
import ssl
import sys
import time
import urllib.request
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

PR_SET_PDEATHSIG = 1  # prctl(2)
CONNECT_S = 5.0
READ_S = 10.0
ANSWER_BYTES = 2000  # what a person can read of an answer
Answer = dict[str, Any]


def main() -> int:
    """Read, send, answer; the next one comes when the answer was taken note of."""
    _end_with_parent()
    for line in sys.stdin:
        request = json.loads(line)
        started = time.monotonic()
        answer = send(request)
        answer["took_s"] = round(time.monotonic() - started, 3)
        print(json.dumps(answer), flush=True)  # noqa: T201 - the protocol of this process
    return 0


def _end_with_parent() -> None:
    """Killed with it, so that nothing is sent beside the program that comes after it.

    Where there is no prctl(2), the end of standard input does it after the request under way.
    """
    parent = os.getppid()
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            sys.exit(0)


def send(request: dict[str, Any]) -> Answer:
    """Send one; what went wrong is a word of ours, never the library's (it quotes addresses)."""
    try:
        return {"http": _http, "smtp": _smtp, "apprise": _apprise}[request["via"]](request)
    except Exception as error:  # noqa: BLE001 - whatever a library raises is this request's alone
        return {"error": _word(error)}


def _http(request: dict[str, Any]) -> Answer:
    import urllib3  # noqa: PLC0415 - mail needs none of it

    timeout = urllib3.Timeout(connect=CONNECT_S, read=READ_S)
    pool = _pool(request["url"])
    try:
        response = pool.request(
            request["method"],
            request["url"],
            body=request["body"].encode(),
            headers=request["headers"],
            redirect=False,
            retries=False,
            timeout=timeout,
            preload_content=False,
        )
        # As it came: compressed was not asked for, and 500 kB may unpack to 500 MB.
        body = response.read(ANSWER_BYTES, decode_content=False)
        # To its end: one that breaks off has not answered.
        while response.read(ANSWER_BYTES, decode_content=False):
            if response.tell() > 100 * ANSWER_BYTES:
                break
        return {
            "status": response.status,
            "body": body.decode("utf-8", "replace"),
            "retry_after": response.headers.get("Retry-After", ""),
        }
    finally:
        pool.clear()


def _pool(url: str) -> Any:
    """Straight there, or through the proxy of the environment."""
    import urllib3  # noqa: PLC0415 - as above

    parts = urlsplit(url)
    proxy = urllib.request.getproxies().get(parts.scheme)
    if proxy and not urllib.request.proxy_bypass(parts.hostname or ""):
        return urllib3.ProxyManager(proxy)
    return urllib3.PoolManager()


def mail_of(headers: dict[str, str], body: str) -> EmailMessage:
    """The message, in ASCII lines that every server takes (RFC 5322, 2.1.1; RFC 2045, 6.7)."""
    message = EmailMessage()
    for name, value in headers.items():
        message[name] = value
    message.set_content(body, cte="quoted-printable")
    return message


def _smtp(request: dict[str, Any]) -> Answer:
    message = mail_of(request["headers"], request["body"])
    context = ssl.create_default_context()
    host, port = request["host"], request["port"]
    try:
        if request["tls"] == "implicit":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=READ_S, context=context)
        else:
            server = smtplib.SMTP(host, port, timeout=READ_S)
        try:
            return _mailed(server, request, message, context)
        finally:
            # Accepted is accepted: how the server takes leave must not send it once more.
            with contextlib.suppress(OSError, smtplib.SMTPException):
                server.quit()
            server.close()
    except smtplib.SMTPRecipientsRefused as error:
        return _refusal(list(error.recipients.values()), "no_such_address")
    except smtplib.SMTPSenderRefused as error:
        return _refusal([(error.smtp_code, error.smtp_error)], "no_such_address")
    except smtplib.SMTPAuthenticationError as error:
        return _refusal([(error.smtp_code, error.smtp_error)], "login_refused")
    except smtplib.SMTPResponseException as error:
        return _refusal([(error.smtp_code, error.smtp_error)], "rejected")


def _mailed(
    server: smtplib.SMTP, request: dict[str, Any], message: EmailMessage, context: ssl.SSLContext
) -> Answer:
    server.ehlo_or_helo_if_needed()
    if request["tls"] == "starttls":
        if not server.has_extn("starttls"):  # or an attacker in between has taken it out
            return {"error": "no_tls"}
        server.starttls(context=context)
        server.ehlo()
    if request["user"]:
        server.login(request["user"], request["password"])
    refused = server.send_message(message)
    if refused:
        return {"status": 250, "body": f"accepted, but not for {len(refused)} of its addresses"}
    return {"status": 250, "body": "accepted for delivery"}


def _refusal(answers: list[tuple[int, bytes | str]], for_good: str) -> Answer:
    """RFC 5321, 4.2.1: 4xx asks to come again (greylisting, a full box), 5xx is a no."""
    code, said = answers[0]
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    later = any(400 <= each < 500 for each, _ in answers)  # noqa: PLR2004 - as above
    return {"error": "later" if later else for_good, "body": f"{code} {text}"[:ANSWER_BYTES]}


def _apprise(request: dict[str, Any]) -> Answer:
    try:
        import apprise  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415 - an extra
    except ImportError:
        return {"error": "no_apprise"}
    asset = apprise.AppriseAsset(app_id="OmniTray", app_desc="OmniTray", image_url_mask="")
    sender = apprise.Apprise(asset=asset)
    if not sender.add(request["url"]):
        return {"error": "bad_address"}
    kind = {"critical": "failure", "warning": "warning", "over": "success"}.get(
        request["tone"], "info"
    )
    sent = sender.notify(
        title=request["title"],
        body=request["body"],
        notify_type=apprise.NotifyType(kind),
        body_format=apprise.NotifyFormat.TEXT,
    )
    return {"status": 200, "body": "accepted"} if sent else {"error": "refused"}


def _word(error: BaseException) -> str:
    """What happened, in a word."""
    seen: BaseException | None = error
    while seen is not None:
        for kinds, word in _WORDS:
            if isinstance(seen, kinds):
                return word
        named = _NAMED.get(type(seen).__name__)
        if named:
            return named
        seen = seen.__cause__ or seen.__context__
    return "failed"


_WORDS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...] = (
    (smtplib.SMTPNotSupportedError, "no_login"),
    (smtplib.SMTPServerDisconnected, "closed"),
    (ssl.SSLError, "tls"),
    (socket.gaierror, "no_such_host"),
    (TimeoutError, "timeout"),
    (ConnectionRefusedError, "not_listening"),
    ((ConnectionResetError, BrokenPipeError), "closed"),
    (ValueError, "bad_address"),
)
_NAMED = {
    "ConnectTimeoutError": "timeout",
    "ReadTimeoutError": "timeout",
    "NameResolutionError": "no_such_host",
    "IncompleteRead": "closed",
    "InvalidChunkLength": "closed",
    "RemoteDisconnected": "closed",
    "SSLError": "tls",
    "BadStatusLine": "no_http",
    "LineTooLong": "no_http",
    "HTTPException": "no_http",
    "LocationParseError": "bad_address",
    "LocationValueError": "bad_address",
}

if __name__ == "__main__":
    sys.exit(main())

"""A real SMTP server (aiosmtpd) on a port of its own, which answers as it is told."""

import asyncio
import logging
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, NamedTuple

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD = "robot", "pass/word-canary"
LOCAL = "127.0.0.1"


class Mail(NamedTuple):
    """What a server has taken."""

    sender: str
    to: tuple[str, ...]
    message: EmailMessage
    over_tls: bool
    user: str


class MailServer:
    """``recipient`` and ``data`` are what it answers with; empty: as a server that takes all."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.recipient: dict[str, str] = {}
        self.data: list[str] = []
        self.logins: list[tuple[bytes, bytes]] = []

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, server: object, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        del server, session, options
        answer = self.recipient.get(address, "")
        if answer:
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: object, session: Session, envelope: Envelope) -> str:  # noqa: N802
        del server
        if self.data:
            return self.data.pop(0)
        content = envelope.content
        assert isinstance(content, bytes)
        self.mails.append(
            Mail(
                envelope.mail_from or "",
                tuple(envelope.rcpt_tos),
                message_from_bytes(content, policy=policy.default),
                session.ssl is not None,
                str(session.auth_data or ""),
            )
        )
        return "250 OK"

    def authenticate(
        self, server: object, session: Session, envelope: object, mechanism: str, data: Any
    ) -> AuthResult:
        del server, session, envelope, mechanism
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        known = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=known, handled=False, auth_data=USER if known else None)


class Identity(NamedTuple):
    """A certificate for 127.0.0.1 and its key."""

    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        found.load_cert_chain(self.certificate, self.key)
        return found


def identity(folder: Path) -> Identity:
    made = Identity(folder / "mail.pem", folder / "mail.key")
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1"
    names = ["-subj", "/CN=mail", "-addext", f"subjectAltName=IP:{LOCAL}"]
    files = ["-keyout", str(made.key), "-out", str(made.certificate)]
    subprocess.run([*words.split(), *names, *files], check=True, capture_output=True, timeout=60)
    return made


@contextmanager
def mail_server(
    tls: Identity | None = None, *, implicit: bool = False, login: bool = False
) -> Iterator[tuple[MailServer, int]]:
    """It runs on the port that comes with it; ``login``: it takes no mail without one."""
    server = MailServer()
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # it warns of its own attributes
    given: dict[str, Any] = {"hostname": LOCAL}
    if tls is not None and not implicit:
        given["tls_context"] = tls.context()
    if login:
        given |= {"authenticator": server.authenticate, "auth_required": not implicit}
        given["auth_require_tls"] = not implicit  # in its words: over STARTTLS
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        context = tls.context() if tls is not None and implicit else None
        listening = loop.create_server(
            lambda: SMTP(server, loop=loop, **given), LOCAL, 0, ssl=context
        )
        opened = asyncio.run_coroutine_threadsafe(listening, loop).result(60)
        yield server, int(opened.sockets[0].getsockname()[1])
        asyncio.run_coroutine_threadsafe(_closed(opened), loop).result(60)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _closed(server: asyncio.Server) -> None:
    server.close()
    await server.wait_closed()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for each in others:
        each.cancel()
    await asyncio.gather(*others, return_exceptions=True)

"""Mail to a real SMTP server, and Apprise to a real receiver, by the process that sends."""

import datetime as dt
import socket
import sys
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from omnitray.alerts.channels.webhooks.kinds import KIND_FORMS, FormContext
from omnitray.alerts.channels.webhooks.model import EventAction, ReceiverAnswer, WebhookEvent
from omnitray.alerts.channels.webhooks.process import ProcessSender
from omnitray.alerts.channels.webhooks.retry import AnswerKind, verdict
from omnitray.base.facts import Severity
from support.alerting import START, an_alert
from support.mail_server import LOCAL, PASSWORD, USER, Identity, identity, mail_server
from support.receivers import free_port, stand_in

NOW = dt.datetime.fromtimestamp(START, dt.UTC)
TO = "me@example.org"
LOGIN = f"{USER}:pass%2Fword-canary@"


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return identity(tmp_path_factory.mktemp("mail"))


@pytest.fixture
def trusted(tls: Identity, monkeypatch: pytest.MonkeyPatch) -> Identity:
    """What OpenSSL takes as the authorities of the system is this certificate."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tls.certificate))
    return tls


def mail(address: str, *, kind: str = "email", count: int = 1) -> ReceiverAnswer:
    """One message by the real way: the form, the process, the server."""
    events = [
        WebhookEvent(
            id=f"msg_{number:024x}",
            number=number,
            webhook="x",
            action=EventAction.TRIGGER,
            at=START,
            alert=an_alert(
                number, title=f"Server {number} is down – ä", severity=Severity.CRITICAL
            ),
        )
        for number in range(count)
    ]
    calls = KIND_FORMS[kind].write(events, FormContext(address, "", "desk-3", "", START))
    (answer,) = ProcessSender().send(calls)
    return answer


def meaning(answer: ReceiverAnswer) -> tuple[AnswerKind, str]:
    found = verdict(answer, NOW)
    return found.kind, found.words


def test_a_mail_arrives_whole_over_starttls_with_a_login(trusted: Identity) -> None:
    with mail_server(trusted, login=True) as (server, port):
        answer = mail(
            f"smtp://{LOGIN}{LOCAL}:{port}/?to={TO},you@example.org&from=tray@example.org"
        )
    assert (answer.status, answer.body) == (250, "accepted for delivery")
    (got,) = server.mails
    assert (got.over_tls, got.user) == (True, USER)
    assert (got.sender, got.to) == ("tray@example.org", (TO, "you@example.org"))
    assert got.message["Subject"] == "[critical] Server 0 is down – ä (desk-3)"
    assert "Server 0 is down – ä" in got.message.get_content()
    assert parsedate_to_datetime(got.message["Date"]) == NOW.replace(microsecond=0)
    assert {"From", "To", "Message-ID", "Auto-Submitted"} <= set(got.message.keys())
    assert meaning(answer)[0] is AnswerKind.DELIVERED


def test_a_mail_arrives_over_tls_from_the_start(trusted: Identity) -> None:
    with mail_server(trusted, implicit=True, login=True) as (server, port):
        answer = mail(f"smtps://{LOGIN}{LOCAL}:{port}/?to={TO}", count=3)
    assert answer.status == 250
    assert [each.to for each in server.mails] == [(TO,)]
    assert server.logins == [(USER.encode(), PASSWORD.encode())]


def test_no_password_leaves_where_starttls_is_not_offered() -> None:
    with mail_server() as (server, port):
        answer = mail(f"smtp://{LOGIN}{LOCAL}:{port}/?to={TO}")
    assert (answer.error, server.logins, server.mails) == ("no_tls", [], [])
    assert meaning(answer)[0] is AnswerKind.MISCONFIGURED
    assert "tls=no" in meaning(answer)[1]


def test_without_tls_where_the_address_says_so() -> None:
    with mail_server() as (server, port):
        answer = mail(f"smtp://{LOCAL}:{port}/?to={TO}&tls=no")
    assert answer.status == 250
    assert [each.over_tls for each in server.mails] == [False]


def test_a_certificate_that_is_not_trusted_gets_nothing(tls: Identity) -> None:
    with mail_server(tls, login=True) as (server, port):
        answer = mail(f"smtp://{LOGIN}{LOCAL}:{port}/?to={TO}")
    assert (answer.error, server.logins, server.mails) == ("tls", [], [])
    assert meaning(answer)[0] is AnswerKind.MISCONFIGURED


def test_a_wrong_password_is_for_the_person(trusted: Identity) -> None:
    with mail_server(trusted, login=True) as (server, port):
        answer = mail(f"smtp://{USER}:wrong@{LOCAL}:{port}/?to={TO}")
    assert (answer.error, server.mails) == ("login_refused", [])
    assert answer.body.startswith("535 ")
    assert meaning(answer) == (AnswerKind.MISCONFIGURED, "it refused the login")


def test_a_login_that_the_server_does_not_know_is_for_the_person() -> None:
    with mail_server() as (_, port):
        answer = mail(f"smtp://{LOGIN}{LOCAL}:{port}/?to={TO}&tls=no")
    assert answer.error == "no_login"
    assert meaning(answer)[0] is AnswerKind.MISCONFIGURED


@pytest.mark.parametrize(
    ("recipient", "data", "error", "kind"),
    [
        ("500 5.5.1 Never", "", "no_such_address", AnswerKind.MISCONFIGURED),
        ("451 4.7.1 Greylisted, come again in 300 s", "", "later", AnswerKind.RETRY),
        ("452 4.2.2 Mailbox full", "", "later", AnswerKind.RETRY),
        ("550 5.1.1 No such user", "", "no_such_address", AnswerKind.MISCONFIGURED),
        ("", "451 4.3.0 Try again later", "later", AnswerKind.RETRY),
        ("", "554 5.7.1 Looks like spam", "rejected", AnswerKind.UNWANTED),
        ("", "552 5.3.4 Too large", "rejected", AnswerKind.UNWANTED),
        ("421 4.3.2 Shutting down", "", "later", AnswerKind.RETRY),
    ],
)
def test_what_a_server_refuses_for_now_comes_again_and_what_for_good_is_said(
    recipient: str, data: str, error: str, kind: AnswerKind
) -> None:
    with mail_server() as (server, port):
        server.recipient = {TO: recipient}
        server.data = [data] if data else []
        answer = mail(f"smtp://{LOCAL}:{port}/?to={TO}&tls=no")
        assert (answer.error, answer.status) == (error, None)
        assert answer.body.startswith(recipient[:3] + data[:3])
        assert meaning(answer)[0] is kind
        server.recipient = {}
        assert mail(f"smtp://{LOCAL}:{port}/?to={TO}&tls=no").status == 250
    assert len(server.mails) == 1


def test_one_address_that_is_refused_does_not_send_to_the_others_again() -> None:
    with mail_server() as (server, port):
        server.recipient = {"gone@example.org": "550 5.1.1 No such user"}
        answer = mail(f"smtp://{LOCAL}:{port}/?to={TO},gone@example.org&tls=no")
    assert answer.status == 250
    assert "not for 1 of its addresses" in answer.body
    assert [each.to for each in server.mails] == [(TO,)]


def test_no_server_there_is_said() -> None:
    answer = mail(f"smtp://{LOCAL}:{free_port()}/?to={TO}&tls=no")
    assert answer.error == "not_listening"
    assert meaning(answer)[0] is AnswerKind.RETRY


def test_a_server_that_hangs_up_in_its_greeting_is_tried_again() -> None:
    with socket.create_server((LOCAL, 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection((LOCAL, port)):
            listener.accept()[0].close()
        listener.close()
        assert mail(f"smtp://{LOCAL}:{port}/?to={TO}&tls=no").error == "not_listening"


def test_apprise_delivers_to_a_real_receiver() -> None:
    with stand_in() as receiver:
        address = receiver.url.replace("http://", "json://")
        answer = mail(f"{address}/hook", kind="apprise", count=2)
    assert (answer.status, answer.error) == (200, "")
    (got,) = receiver.got
    assert got.path.rstrip("/") == "/hook"
    assert got.json["title"].startswith("▲ 2 alerts")
    assert "Server 1 is down – ä" in got.json["message"]
    assert got.json["type"] == "failure"


def test_what_apprise_cannot_deliver_comes_again_and_what_it_does_not_know_is_said() -> None:
    answer = mail(f"json://{LOCAL}:{free_port()}/hook", kind="apprise")
    assert (answer.error, meaning(answer)[0]) == ("refused", AnswerKind.RETRY)
    answer = mail("nosuchscheme://x/y", kind="apprise")
    assert (answer.error, meaning(answer)[0]) == ("bad_address", AnswerKind.MISCONFIGURED)


def test_without_apprise_the_way_to_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An environment of its own that has the standard library alone."""
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nshift\nexec "{sys._base_executable}" -I -S "$@"\n')  # type: ignore[attr-defined]  # of CPython
    bare.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(bare))
    answer = mail("json://127.0.0.1/x", kind="apprise")
    assert answer.error == "no_apprise"
    assert "omnitray[apprise]" in meaning(answer)[1]

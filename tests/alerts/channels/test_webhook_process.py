"""The process that sends, against real sockets: every way in which a receiver can answer."""

import datetime as dt
import errno
import gzip
import subprocess
import sys
from collections.abc import Iterator

import pytest

from omnitray.alerts.channels.webhooks.model import HttpCall, ReceiverAnswer
from omnitray.alerts.channels.webhooks.post import ANSWER_BYTES
from omnitray.alerts.channels.webhooks.process import POST, ProcessSender
from omnitray.alerts.channels.webhooks.retry import AnswerKind, verdict
from support.receivers import Behaviour, StandIn, free_port, stand_in

KEY = "very-secret-part"


@pytest.fixture
def receiver() -> Iterator[StandIn]:
    with stand_in() as made:
        yield made


def call(url: str, body: str = "{}") -> HttpCall:
    return HttpCall(url=f"{url}/{KEY}", headers={"Content-Type": "application/json"}, body=body)


def send(*calls: HttpCall, answer_s: float = 60.0) -> list[ReceiverAnswer]:
    return list(ProcessSender(answer_s).send(calls))


def test_calls_arrive_whole_and_in_order(receiver: StandIn) -> None:
    answers = send(*(call(receiver.url, f'{{"n": {number}, "t": "ä ✓"}}') for number in range(3)))
    assert [(each.status, each.body) for each in answers] == [(200, "ok")] * 3
    assert [each.json for each in receiver.got] == [{"n": n, "t": "ä ✓"} for n in range(3)]
    assert {each.path for each in receiver.got} == {f"/{KEY}"}
    assert receiver.got[0].headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("how", "status", "error", "retry_after"),
    [
        (Behaviour(204, ""), 204, "", ""),
        (Behaviour(404, f"no hook {KEY}"), 404, "", ""),
        (Behaviour(429, "slow down", (("Retry-After", "7"),)), 429, "", "7"),
        (Behaviour(503), 503, "", ""),
        (Behaviour(302, "", (("Location", "http://127.0.0.1:1/stolen"),)), 302, "", ""),
        (Behaviour(0), None, "closed", ""),
        (Behaviour(-1), None, "closed", ""),
    ],
    ids=["2xx", "4xx", "429", "5xx", "redirect", "no answer", "half an answer"],
)
def test_what_is_answered_is_reported(
    receiver: StandIn, how: Behaviour, status: int | None, error: str, retry_after: str
) -> None:
    receiver.script = [how]
    first, *others = send(call(receiver.url), call(receiver.url))
    assert (first.status, first.error, first.retry_after) == (status, error, retry_after)
    assert len(receiver.got) == (2 if status == 204 else 1)  # nothing overtakes what did not arrive
    assert len(others) == (1 if status == 204 else 0)


def test_a_receiver_that_does_not_answer_is_not_waited_for(receiver: StandIn) -> None:
    receiver.script = [Behaviour(-2)]
    assert [each.error for each in send(call(receiver.url), answer_s=2.0)] == ["timeout"]


BOMB = gzip.compress(bytes(50_000_000))  # 50 kB


def answer_of(body: bytes, *lines: str) -> bytes:
    head = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *lines, "", ""]
    return "\r\n".join(head).encode() + body


@pytest.mark.parametrize(
    ("raw", "status", "error"),
    [
        (answer_of(BOMB, "Content-Encoding: gzip"), 200, ""),
        (answer_of(b"hello", "Content-Encoding: gzip"), 200, ""),  # it is none
        (answer_of(b"x" * 5_000_000), 200, ""),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + answer_of(b"ok"), 200, ""),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000, None, "no_http"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000, None, "no_http"),
        (b"SSH-2.0-OpenSSH_9.2\r\n" * 9, None, "no_http"),
    ],
    ids=["bomb", "no gzip", "long", "continue", "many headers", "long header", "no HTTP"],
)
def test_an_answer_of_any_kind_costs_little(
    receiver: StandIn, raw: bytes, status: int | None, error: str
) -> None:
    receiver.script = [Behaviour(200, raw=raw)]
    (answer,) = send(call(receiver.url))
    assert (answer.status, answer.error) == (status, error)
    assert len(answer.body) <= ANSWER_BYTES
    assert answer.body.startswith("\x1f") == (b"\x1f" in raw)  # nothing is unpacked


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("http://127.0.0.1:PORT", "not_listening"),
        ("http://nowhere.invalid", "no_such_host"),
        ("http://[::bad", "bad_address"),
    ],
)
def test_nobody_there_is_a_word_and_never_the_address(url: str, error: str) -> None:
    (answer,) = send(call(url.replace("PORT", str(free_port()))))
    assert answer.error == error
    assert KEY not in repr(answer)


def test_tls_is_checked(receiver: StandIn) -> None:
    (answer,) = send(call(receiver.url.replace("http", "https")))
    assert answer.error in ("tls", "closed")  # as the stand-in's own end reads the greeting


def test_it_can_be_stopped_and_starts_nothing_then(receiver: StandIn) -> None:
    receiver.script = [Behaviour(-2)]
    sender = ProcessSender()
    answers = sender.send([call(receiver.url)])
    sender.stop()
    assert [each.error for each in answers] == ["ended"]
    assert [each.error for each in sender.send([call(receiver.url)])] == ["ended"]
    assert receiver.got == []


def test_where_no_process_can_be_started_it_is_tried_later(
    receiver: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No memory, or as many processes as the person may have: when alerts count."""

    def refused(*_: object, **__: object) -> None:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    with monkeypatch.context() as patch:
        patch.setattr("subprocess.Popen", refused)
        (answer,) = send(call(receiver.url))
    found = verdict(answer, dt.datetime.now(dt.UTC))
    assert (found.kind, found.words) == (AnswerKind.RETRY, "no process could be started that sends")
    assert [each.status for each in send(call(receiver.url))] == [200]


def test_nothing_of_ours_and_no_address_is_in_its_environment_or_arguments() -> None:
    """What stands in arguments is readable by every user of the machine."""
    listing = subprocess.run(
        [sys.executable, "-I", "-X", "importtime", str(POST)],
        input=b"",
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert b"omnitray" not in listing.stderr
    assert b"apprise" not in listing.stderr


def test_a_proxy_of_the_environment_is_used_but_not_for_what_it_is_not_for(
    receiver: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")  # nothing listens there
    monkeypatch.setenv("no_proxy", "")
    (answer,) = send(call(receiver.url))
    assert (answer.status, receiver.got) == (None, [])
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    (answer,) = send(call(receiver.url))
    assert answer.status == 200

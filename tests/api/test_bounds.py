"""Too large, too slow, too many, too odd: each over a real socket."""

import socket
import time
from pathlib import Path

import pytest

from omnitray.api import gate
from support.api_calls import STATUS, bearer, get
from support.api_server import Running, running
from support.fake_door import snapshot
from support.raw_http import raw, request


def test_a_body_of_ten_megabytes_is_refused_and_not_kept(shared: Running) -> None:
    size = 10 << 20
    head = request(
        "POST /api/monitoring/alerts HTTP/1.1",
        f"Host: 127.0.0.1:{shared.port}",
        bearer(shared),
        "Content-Type: application/json",
        f"Content-Length: {size}",
        body=b"x" * size,
    )
    answer = raw(shared.port, head)
    assert (answer.status, b"too_large" in answer.body) == (413, True)


def test_a_body_that_grows_in_chunks_is_refused_too(shared: Running) -> None:
    chunk = b"ffff\r\n" + b"x" * 0xFFFF + b"\r\n"
    head = request(
        "POST /api/monitoring/alerts HTTP/1.1",
        f"Host: 127.0.0.1:{shared.port}",
        bearer(shared),
        "Content-Type: application/json",
        "Transfer-Encoding: chunked",
        body=chunk * 30 + b"0\r\n\r\n",
    )
    assert raw(shared.port, head).status == 413


@pytest.mark.parametrize("size", ["65537", "999999999999"])
def test_a_body_that_says_it_is_too_large_is_not_waited_for(shared: Running, size: str) -> None:
    head = request(
        "POST /api/monitoring/alerts HTTP/1.1",
        f"Host: 127.0.0.1:{shared.port}",
        bearer(shared),
        "Content-Type: application/json",
        f"Content-Length: {size}",
        "Expect: 100-continue",
    )
    answer = raw(shared.port, head)  # before it: "100 Continue"
    assert b"HTTP/1.1 413 " in answer.content
    assert b"too_large" in answer.content


def test_a_body_that_is_not_said_to_be_json_is_refused(shared: Running) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx"):
        answer = shared.ask(
            "POST", "/api/monitoring/mode", b'{"mode":"test"}', {"Content-Type": kind}
        )
        assert (answer.status, answer.json["error"]) == (400, "not_json")


def test_a_header_of_a_hundred_kilobytes_is_refused(shared: Running) -> None:
    answer = get(shared, bearer(shared), "X-Long: " + "x" * 100_000)
    assert answer.status == 400
    assert shared.ask("GET", STATUS).status == 200


@pytest.mark.parametrize(
    "noise",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x00" * 100,
        b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET / HTTP/1.1\r\n Host: x\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"GET http://evil.example/api/monitoring/status HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_what_is_no_http_costs_its_own_connection_alone(shared: Running, noise: bytes) -> None:
    assert raw(shared.port, noise, timeout=8.0).status in (0, 400, 403, 501)
    assert shared.ask("GET", STATUS).status == 200


def test_a_header_that_never_ends_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omnitray.api.http_protocol.HEADER_TIMEOUT_S", 0.3)
    with running(tmp_path) as api, socket.create_connection(("127.0.0.1", api.port), 10) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\nHost: ")
        assert _ends(slow)


def test_a_body_that_never_comes_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omnitray.api.gate.BODY_TIMEOUT_S", 0.3)
    with running(tmp_path) as api:
        head = request(
            "POST /api/monitoring/mode HTTP/1.1",
            f"Host: 127.0.0.1:{api.port}",
            bearer(api),
            "Content-Type: application/json",
            "Content-Length: 20",
            body=b"{",
        )
        assert raw(api.port, head).status == 400


def test_a_reader_that_stops_reading_is_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omnitray.api.http_protocol.STALL_TIMEOUT_S", 0.3)
    with running(tmp_path) as api:
        api.door.shots = [snapshot(time.time())] * 20_000
        with socket.socket() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.settimeout(10)
            slow.connect(("127.0.0.1", api.port))
            slow.sendall(
                request(
                    "GET /api/monitoring/snapshots/recent HTTP/1.1",
                    f"Host: 127.0.0.1:{api.port}",
                    bearer(api),
                )
            )
            time.sleep(1.5)  # what it must not get past: reading nothing for longer than allowed
            assert _ends(slow)
        assert api.ask("GET", STATUS).status == 200


def _opened(api: Running, count: int) -> list[socket.socket]:
    return [socket.create_connection(("127.0.0.1", api.port), 10) for _ in range(count)]


def _asks(api: Running, connection: socket.socket) -> bytes:
    head = (f"HEAD {STATUS} HTTP/1.1", f"Host: 127.0.0.1:{api.port}", bearer(api))
    connection.sendall("\r\n".join((*head, "", "")).encode())
    return connection.recv(65536)


def test_idle_strangers_are_few_and_never_cost_the_owner_his_place(api: Running) -> None:
    owners = _opened(api, 20)
    try:
        assert all(_asks(api, each).startswith(b"HTTP/1.1 200") for each in owners)
        strangers = _opened(api, 200)
        assert api.ask("GET", STATUS).status == 200
        let_go = [each for each in strangers[: -gate.MAX_STRANGERS] if each.recv(1) == b""]
        assert len(let_go) == 200 - gate.MAX_STRANGERS
        assert _asks(api, strangers[-1]).startswith(b"HTTP/1.1 200")  # the newest can still come in
        assert all(_asks(api, each).startswith(b"HTTP/1.1 200") for each in owners)
    finally:
        for each in (*owners, *strangers):
            each.close()


def test_too_many_connections_are_refused_and_the_others_go_on(
    api: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omnitray.api.http_protocol.MAX_CONNECTIONS", 5)
    held = _opened(api, 5)
    try:
        assert all(_asks(api, each).startswith(b"HTTP/1.1 200") for each in held)
        (refused,) = _opened(api, 1)
        assert b" 429 " in refused.recv(100)
        refused.close()
        assert all(_asks(api, each).startswith(b"HTTP/1.1 200") for each in held)
    finally:
        for each in held:
            each.close()


def test_two_hundred_requests_a_second_ban_nobody(api: Running) -> None:
    assert {api.ask("GET", "/api/monitoring/health").status for _ in range(400)} == {200}


def test_a_flood_is_slowed_down_and_over_in_a_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omnitray.api.gate.REQUEST_BURST", 5.0)
    monkeypatch.setattr("omnitray.api.gate.REQUESTS_PER_S", 2.0)
    with running(tmp_path) as api:
        answers = [api.ask("GET", "/api/monitoring/health") for _ in range(12)]
        refused = [each for each in answers if each.status == 429]
        assert refused
        assert refused[0].headers["retry-after"] == "1"
        time.sleep(1.1)  # what Retry-After says
        assert api.ask("GET", "/api/monitoring/health").status == 200


def _ends(connection: socket.socket) -> bool:
    """Whether the other end closes it, whatever it had sent before."""
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
    return True

"""The WebSocket: hello, events, wishes, leases, slow readers, malformed frames."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from omnitray.api import facade as d
from omnitray.api import gate
from omnitray.base.facts import Mode, MonitorLevel
from support import fake_door
from support.api_server import Running


@contextmanager
def _open(api: Running, query: str = "", **options: Any) -> Iterator[ClientConnection]:
    """By the address alone, as the brief's example does it."""
    url = f"ws://127.0.0.1:{api.port}/ws?auth_token={api.address.token}{query}"
    with connect(url, **options) as client:
        yield client


def _next(client: ClientConnection, event: str = "") -> dict[str, Any]:
    while True:
        message: dict[str, Any] = json.loads(client.recv(10))
        if event in ("", message["event"]):
            return message


def _say(connection: ClientConnection, /, **message: Any) -> dict[str, Any]:
    connection.send(json.dumps(message))
    answers = ("leased", "released", "subscribed", "error")
    while True:
        answer = _next(connection)
        if answer["event"] in answers:
            return answer


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_it_says_hello_and_what_counts(api: Running) -> None:
    with _open(api) as client:
        hello = _next(client)
    assert (hello["event"], hello["mode"], hello["level"]) == ("hello", "dev", "normal")
    assert hello["events"] == ["action", "alert", "level", "mode", "question", "server", "snapshot"]


def test_a_bearer_header_opens_it_too(api: Running) -> None:
    headers = {"Authorization": f"Bearer {api.address.token}"}
    with connect(f"ws://127.0.0.1:{api.port}/ws", additional_headers=headers) as client:
        assert _next(client)["event"] == "hello"


def test_an_alert_travels_under_the_briefs_names(api: Running) -> None:
    with _open(api) as client:
        _next(client)
        api.door.emit(d.AlertChanged(fake_door.alert()))
        message = _next(client)
    assert (message["event"], message["type"]) == ("alert", "alert")
    assert message["alert_type"] == "RESOURCE_CRITICAL"
    assert message["severity"] == "critical"
    assert message["title"] == "Memory is nearly full"
    assert message["context"]["cpu"] == 91.2


def test_every_kind_of_event_arrives_in_order(api: Running) -> None:
    with _open(api) as client:
        _next(client)
        api.door.emit(d.SnapshotTaken(fake_door.snapshot()))
        api.door.emit(d.Acted(fake_door.journal_line()))
        api.door.emit(d.ModeChanged(Mode.PROD))
        api.door.emit(d.LevelChanged(MonitorLevel.CRITICAL, None, 0.5))
        found = [_next(client) for _ in range(4)]
    assert [each["event"] for each in found] == ["snapshot", "action", "mode", "level"]
    assert found[0]["memory"]["used_percent"] == 62.5
    assert found[1]["why"] == "CPU 96 %, limit 75 %"
    assert found[3] == {
        "event": "level",
        "type": "level",
        "level": "critical",
        "chosen_level": "auto",
        "interval_s": 0.5,
        "level_reason": "automatic",
    }


def test_a_client_gets_the_kinds_it_asks_for(api: Running) -> None:
    with _open(api, "&events=mode") as client:
        assert _next(client)["events"] == ["mode"]
        api.door.emit(d.SnapshotTaken(fake_door.snapshot()))
        api.door.emit(d.ModeChanged(Mode.PROD))
        assert _next(client)["event"] == "mode"
        assert _say(client, command="subscribe", events=["alert"])["events"] == ["alert"]
        api.door.emit(d.ModeChanged(Mode.DEV))
        api.door.emit(d.AlertChanged(fake_door.alert()))
        assert _next(client)["event"] == "alert"


def test_a_client_gets_snapshots_no_more_often_than_it_asks(api: Running) -> None:
    with _open(api, "&events=snapshot,mode&snapshot_interval_s=10") as client:
        _next(client)
        for second in range(0, 21, 5):
            api.door.emit(d.SnapshotTaken(fake_door.snapshot(fake_door.MOMENT + second)))
        api.door.emit(d.ModeChanged(Mode.DEV))
        found = []
        while (message := _next(client))["event"] == "snapshot":
            found.append(message["taken_at"][17:19])
    assert found == ["27", "37", "47"]


def test_leases_overlap_and_end_with_their_connection(api: Running) -> None:
    with _open(api) as one:
        assert _say(one, command="lease", id="a", level="intensive")["level"] == "intensive"
        with _open(api) as two:
            assert _say(two, command="lease", id="a", level="idle", mode="test")["mode"] == "test"
            assert api.door.status().level is MonitorLevel.INTENSIVE
        _until(lambda: api.door.status().mode is Mode.DEV)
        assert api.door.status().level is MonitorLevel.INTENSIVE
        assert _say(one, command="release", id="a")["chosen_level"] == "auto"


def test_who_holds_a_level_is_named(api: Running) -> None:
    with _open(api, "&client=vscode") as client:
        _say(client, command="lease", id="a", level="critical")
        assert api.door.status().level_reason == "asked for by vscode"
        by = "pytest · ~/shop\n· run 3"
        _say(client, command="lease", id="a", level="critical", mode="test", by=by, lasts_s=60)
        status = api.ask("GET", "/api/monitoring/status").json
        assert status["monitor"]["level_reason"] == "asked for by pytest · ~/shop · run 3"
        assert status["mode_asked_by"] == "pytest · ~/shop · run 3"
        assert status["monitor"]["chosen_level"] == "auto"
        assert _say(client, command="lease", id="b", level="idle", lasts_s=0)["error"] == "invalid"


def test_the_persons_word_overrules_a_lease(api: Running) -> None:
    with _open(api) as client:
        _say(client, command="lease", id="a", level="critical")
        api.ask("POST", "/api/monitoring/level", {"level": "idle"})
        assert api.door.status().level is MonitorLevel.IDLE
    assert api.door.status().level is MonitorLevel.IDLE


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "[" * 5000,
        '{"command":"explode"}',
        '{"command":"lease"}',
        '{"command":"lease","id":"a"}',
        '{"command":"lease","id":"a","level":"fast"}',
        '{"command":"subscribe","snapshot_interval_s":-1}',
        "{}",
        b"\xff\xfe",
    ],
)
def test_a_message_that_cannot_be_taken_is_answered_and_survived(
    shared: Running, text: str | bytes
) -> None:
    with _open(shared) as client:
        _next(client)
        client.send(text)
        assert _next(client)["event"] == "error"
        assert _say(client, command="release", id="x")["event"] == "released"


def test_leases_are_bounded(shared: Running) -> None:
    with _open(shared) as client:
        answers = [_say(client, command="lease", id=str(n), level="idle") for n in range(17)]
    assert [each["event"] for each in answers[-2:]] == ["leased", "error"]


def test_a_reader_that_keeps_up_loses_nothing(api: Running) -> None:
    with _open(api, "&events=alert") as client:
        _next(client)
        for number in range(2000):
            api.door.emit(d.AlertChanged(fake_door.alert(number)))
            if number % 100 == 99:
                found = [_next(client)["id"] for _ in range(100)]
                assert found == [f"a{n}" for n in range(number - 99, number + 1)]


def test_a_reader_that_does_not_read_is_let_go_and_holds_up_nobody(api: Running) -> None:
    slow = socket.create_connection(("127.0.0.1", api.port))
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.sendall(_handshake(api, f"/ws?auth_token={api.address.token}"))
    assert b"101" in slow.recv(20)
    _until(lambda: api.server.clients == 1)
    big = fake_door.alert(context={"text": "x" * 20_000})
    with _open(api, "&events=mode") as quick:
        _next(quick)
        for _ in range(3 * gate.SOCKET_QUEUE):
            api.door.emit(d.AlertChanged(big))
        api.door.emit(d.ModeChanged(Mode.PROD))
        assert _next(quick)["event"] == "mode"
        _until(lambda: api.server.clients == 1)
    slow.close()


def test_a_new_token_closes_open_sockets(api: Running) -> None:
    old = api.address.token
    with _open(api) as client:
        _next(client)
        assert api.ask("POST", "/api/monitoring/token/rotate").json == {"rotated": True}
        with pytest.raises(ConnectionClosed, match="rotated"):
            client.recv(10)
    assert api.ask("GET", "/api/monitoring/status", token=old).status == 401
    assert api.ask("GET", "/api/monitoring/status").status == 200


def test_stopping_ends_connections_and_leases_in_time(api: Running) -> None:
    with _open(api) as client:
        _say(client, command="lease", id="a", level="critical")
        began = time.monotonic()
        assert api.server.stop(2)
        assert time.monotonic() - began < 2
        with pytest.raises(ConnectionClosed):
            client.recv(10)
    _until(lambda: api.door.status().level is MonitorLevel.NORMAL)
    assert not api.api_file.exists()


def test_thirty_two_clients_work_and_two_hundred_are_refused_gracefully(api: Running) -> None:
    clients: list[ClientConnection] = []
    refused: list[InvalidStatus] = []
    try:
        for _ in range(200):
            url = f"ws://127.0.0.1:{api.port}/ws?auth_token={api.address.token}"
            try:
                clients.append(connect(url).__enter__())
            except InvalidStatus as error:
                refused.append(error)
        assert len(clients) == gate.MAX_SOCKETS
        assert {error.response.status_code for error in refused} == {429}
        assert all(b"too_many" in (error.response.body or b"") for error in refused)
        assert api.ask("GET", "/api/monitoring/health").status == 200
        api.door.emit(d.ModeChanged(Mode.PROD))
        for client in clients:
            _next(client)
            assert _next(client)["event"] == "mode"
    finally:
        closers = [threading.Thread(target=client.close) for client in clients]
        for closer in closers:
            closer.start()
        for closer in closers:
            closer.join(10)


def _handshake(api: Running, path: str, *extra: str) -> bytes:
    lines = (
        f"GET {path} HTTP/1.1",
        f"Host: 127.0.0.1:{api.port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        *extra,
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


FRAMES = {
    "unmasked text": b"\x81\x02hi",
    "reserved bits": b"\xf1\x80\x00\x00\x00\x00",
    "unknown opcode": b"\x83\x80\x00\x00\x00\x00",
    "a ping of 200 bytes": b"\x89\xfe\x00\xc8" + b"\x00" * 204,
    "a fragment without a start": b"\x80\x80\x00\x00\x00\x00",
    "two gigabytes announced": b"\x81\xff\x00\x00\x00\x00\x80\x00\x00\x00\x00\x00\x00\x00",
    "invalid text": b"\x81\x82\x00\x00\x00\x00\xff\xfe",
    "a close code of 1": b"\x88\x82\x00\x00\x00\x00\x00\x01",
    "noise": bytes(range(256)),
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES.keys())
def test_malformed_frames_end_their_connection_alone(shared: Running, frame: bytes) -> None:
    with socket.create_connection(("127.0.0.1", shared.port), 10) as client:
        client.sendall(_handshake(shared, f"/ws?auth_token={shared.address.token}"))
        assert b" 101 " in client.recv(100)
        client.sendall(frame)
        while client.recv(4096):
            pass
    assert shared.ask("GET", "/api/monitoring/health").status == 200


@pytest.mark.parametrize(
    "extra",
    [
        ("X-Long: " + "x" * 9000,),
        tuple(f"X-{n}: y" for n in range(200)),
        ("Sec-WebSocket-Protocol: ,,,",),
        ("Sec-WebSocket-Extensions: \x01",),
    ],
    ids=["long header", "many headers", "empty protocols", "control character"],
)
def test_handshakes_out_of_the_ordinary_are_answered(
    shared: Running, extra: tuple[str, ...]
) -> None:
    with socket.create_connection(("127.0.0.1", shared.port), 10) as client:
        client.sendall(_handshake(shared, f"/ws?auth_token={shared.address.token}", *extra))
        assert client.recv(20).startswith((b"HTTP/1.1 400", b"HTTP/1.1 101"))


@pytest.mark.parametrize("query", ["&events=gossip", "&snapshot_interval_s=-1", "&colour=red"])
def test_wishes_that_cannot_be_met_are_refused_at_the_door(shared: Running, query: str) -> None:
    with pytest.raises(InvalidStatus) as caught, _open(shared, query):
        pass
    assert caught.value.response.status_code == 422


def test_a_client_that_says_its_name_is_known_to_have_taken_an_alert(api: Running) -> None:
    taken: list[tuple[str, str]] = []
    listeners = api.door.listeners
    listeners.on_taken(lambda alert_id, client: taken.append((alert_id, client)))
    with _open(api, "&client=vscode") as editor, _open(api) as other:
        assert _next(editor)["client"] == "vscode"
        assert _next(other)["client"] == ""
        assert (listeners.count("vscode"), listeners.count()) == (1, 2)
        api.door.emit(d.AlertChanged(fake_door.alert()))
        _next(editor, "alert")
        _next(other, "alert")
        _until(lambda: sorted(taken) == [("a1", ""), ("a1", "vscode")])
    _until(lambda: listeners.count() == 0)


def test_a_name_can_be_said_later_and_is_checked(api: Running) -> None:
    with _open(api) as socket:
        _next(socket)
        answer = _say(socket, command="subscribe", client="vscode")
        assert (answer["event"], answer["client"]) == ("subscribed", "vscode")
        assert api.door.listeners.count("vscode") == 1
        _say(socket, command="subscribe", events=["alert"], snapshot_interval_s=10)
        again = _say(socket, command="subscribe", client="vscode")
        assert (again["events"], again["snapshot_interval_s"]) == (["alert"], 10)
        again = _say(socket, command="subscribe", events=["alert"])
        assert again["client"] == "vscode"
        assert _say(socket, command="subscribe", client="VS Code!")["event"] == "error"
    with pytest.raises(InvalidStatus) as refused, _open(api, "&client=%3Cb%3E"):
        pass
    assert refused.value.response.status_code == 422


def test_an_event_that_a_client_did_not_ask_for_is_not_taken_by_it(api: Running) -> None:
    taken: list[str] = []
    api.door.listeners.on_taken(lambda alert_id, _client: taken.append(alert_id))
    with _open(api, "&client=vscode&events=mode") as client:
        _next(client)
        api.door.emit(d.AlertChanged(fake_door.alert()))
        api.door.emit(d.ModeChanged(Mode.TEST))
        assert _next(client)["event"] == "mode"
    assert taken == []

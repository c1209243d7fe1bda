"""What a page, another user or a broken program must not get: each over a real socket."""

import logging
import os
import pwd
import shutil
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from omnitray.address import read_address, remove_address, write_address
from omnitray.api import limits, server
from omnitray.settings_model import ApiSettings
from support.api_server import Running, running
from support.fake_door import FakeDoor, snapshot
from support.raw_http import Raw, raw, request

STATUS = "/api/monitoring/status"
SOCKET = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
)


def _get(api: Running, *extra: str, path: str = STATUS, host: str | None = None) -> Raw:
    lines = [f"GET {path} HTTP/1.1"]
    if host != "":
        lines.append(f"Host: {host or f'127.0.0.1:{api.port}'}")
    return raw(api.port, request(*lines, *extra))


def _bearer(api: Running) -> str:
    return f"Authorization: Bearer {api.address.token}"


EVERYTHING = [
    ("GET", "/api/monitoring/status"),
    ("GET", "/api/monitoring/alerts"),
    ("GET", "/api/monitoring/alerts/active"),
    ("GET", "/api/monitoring/snapshots/recent"),
    ("GET", "/api/monitoring/actions"),
    ("GET", "/api/monitoring/jobs"),
    ("GET", "/api/monitoring/explain"),
    ("GET", "/api/openapi.json"),
    ("POST", "/api/monitoring/alerts"),
    ("POST", "/api/monitoring/mode"),
    ("POST", "/api/monitoring/level"),
    ("POST", "/api/monitoring/snooze"),
    ("POST", "/api/monitoring/clean"),
    ("POST", "/api/monitoring/token/rotate"),
    ("POST", "/api/monitoring/alerts/a1/ack"),
    ("POST", "/api/monitoring/actions/undo-all"),
    ("GET", "/"),
    ("GET", "/no/such/path"),
]


@pytest.mark.parametrize(("method", "path"), EVERYTHING)
@pytest.mark.parametrize("token", [None, "wrong", ""])
def test_nothing_is_answered_without_the_token(
    shared: Running, method: str, path: str, token: str | None
) -> None:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    answer = shared.ask(method, path, headers=headers, token=None)
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert shared.door.commands == []


@pytest.mark.parametrize(
    "extra",
    [
        "X-Token: {token}",
        "Cookie: auth_token={token}",
        "Authorization: {token}",
        "Authorization: Basic {token}",
        "Authorization: Bearer  {token} ",
        "Authorization: Bearer {token}x",
        "Authorization: Bearer {token} {token}",
    ],
)
def test_a_token_in_the_wrong_place_does_not_count(shared: Running, extra: str) -> None:
    line = extra.format(token=shared.address.token)
    expected = 200 if line.split() == ["Authorization:", "Bearer", shared.address.token] else 401
    assert _get(shared, line).status == expected


def test_a_token_in_the_address_does_not_count_for_requests(shared: Running) -> None:
    path = f"{STATUS}?auth_token={shared.address.token}"
    assert _get(shared, path=path).status == 401


def test_a_wrong_token_is_not_taken_for_none_at_all(shared: Running) -> None:
    answer = _get(shared, "Authorization: Bearer x", path="/api/monitoring/health")
    assert answer.status == 401


FOREIGN = [
    "evil.example",
    "evil.example:{port}",
    "127.0.0.1",
    "127.0.0.1:1",
    "127.0.0.2:{port}",
    "0.0.0.0:{port}",
    "localhost.:{port}",
    "localhost.evil.example:{port}",
    "[::ffff:127.0.0.1]:{port}",
    "[::ffff:7f00:1]:{port}",
    "0x7f000001:{port}",
    "2130706433:{port}",
]
MALFORMED = [
    "127.0.0.1:{port}\t",
    "127.0.0.1\t:{port}",
    "127.0.0.1:{port}, evil.example",
    "127.0.0.1:{port}@evil.example",
    "user@127.0.0.1:{port}",
    "127.0.0.1:{port}/",
    "127.0.0.1:port",
    "127.0.0.1:999999",
    "[::1:{port}",
    "löcalhost:{port}",
    ":{port}",
]


@pytest.mark.parametrize("host", FOREIGN)
def test_a_foreign_host_is_refused(shared: Running, host: str) -> None:
    answer = _get(shared, _bearer(shared), host=host.format(port=shared.port))
    assert (answer.status, b"foreign_host" in answer.body) == (403, True)


@pytest.mark.parametrize("host", MALFORMED)
def test_a_malformed_host_is_an_answer_and_no_exception(shared: Running, host: str) -> None:
    answer = _get(shared, _bearer(shared), host=host.format(port=shared.port))
    trimmed = host.strip() == "127.0.0.1:{port}"  # blanks around a value are no part of it
    assert answer.status == (200 if trimmed else 400)


def test_no_host_and_two_hosts_are_malformed(shared: Running) -> None:
    assert _get(shared, _bearer(shared), host="").status == 400
    second = f"Host: 127.0.0.1:{shared.port}"
    assert _get(shared, _bearer(shared), second).status == 400
    assert _get(shared, _bearer(shared), "Host: evil.example").status == 400
    old = request("GET /api/monitoring/health HTTP/1.0")
    assert raw(shared.port, old).status == 400


@pytest.mark.parametrize("host", ["localhost:{port}", "[::1]:{port}", "LOCALHOST:{port}"])
def test_every_loopback_name_is_ours(shared: Running, host: str) -> None:
    assert _get(shared, _bearer(shared), host=host.format(port=shared.port)).status == 200


ORIGINS = [
    "http://evil.example",
    "null",
    "http://127.0.0.1:1",
    "http://localhost",
    "https://evil.example:{port}",
    "file://",
    "http://127.0.0.1:{port}.evil.example",
    "http://127.0.0.1:{port}/",
    "chrome-extension://abc",
    "",
    "http://[::1",
]


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("upgrade", [False, True], ids=["request", "socket"])
def test_foreign_origins_are_refused(shared: Running, origin: str, upgrade: bool) -> None:  # noqa: FBT001 - a parameter of the test
    line = f"Origin: {origin.format(port=shared.port)}"
    if not upgrade:
        assert _get(shared, _bearer(shared), line).status == 403
        return
    path = f"/ws?auth_token={shared.address.token}"
    head = (f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{shared.port}", *SOCKET, line)
    assert raw(shared.port, "\r\n".join((*head, "", "")).encode()).status == 403


def test_our_own_origin_is_not_foreign(shared: Running) -> None:
    origin = f"Origin: http://127.0.0.1:{shared.port}"
    assert _get(shared, _bearer(shared), origin).status == 200
    assert _get(shared, _bearer(shared), origin, origin).status == 400


@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense", ""])
def test_requests_from_other_sites_are_refused(shared: Running, site: str) -> None:
    assert _get(shared, _bearer(shared), f"Sec-Fetch-Site: {site}").status == 403
    bare = _get(shared, f"Sec-Fetch-Site: {site}", path="/api/monitoring/health")
    assert bare.status == 403


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_requests_of_the_person_are_not(shared: Running, site: str) -> None:
    assert _get(shared, _bearer(shared), f"Sec-Fetch-Site: {site}").status == 200


def test_no_answer_invites_other_origins(shared: Running) -> None:
    answers = [
        shared.ask("GET", STATUS),
        shared.ask("OPTIONS", STATUS, headers={"Access-Control-Request-Method": "GET"}),
        shared.ask("GET", STATUS, headers={"Origin": "http://evil.example"}),
    ]
    for answer in answers:
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "server" not in answer.headers


@pytest.mark.parametrize(
    ("query", "bearer", "status"),
    [
        ("", False, 401),
        ("?auth_token=", False, 401),
        ("?auth_token=wrong", False, 401),
        ("?token={token}", False, 401),
        ("?auth_token={token}&auth_token={token}", False, 401),
        ("?auth_token={token}", False, 101),
        ("", True, 101),
        ("?auth_token=wrong", True, 101),
    ],
)
def test_the_socket_needs_the_token_at_the_handshake(
    shared: Running,
    query: str,
    bearer: bool,  # noqa: FBT001 - a parameter of the test
    status: int,
) -> None:
    extra = (_bearer(shared),) if bearer else ()
    path = "/ws" + query.format(token=shared.address.token)
    head = (f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{shared.port}", *SOCKET, *extra)
    answer = raw(shared.port, "\r\n".join((*head, "", "")).encode(), timeout=2.0)
    assert answer.status == status


def test_a_body_of_ten_megabytes_is_refused_and_not_kept(shared: Running) -> None:
    size = 10 << 20
    head = request(
        "POST /api/monitoring/alerts HTTP/1.1",
        f"Host: 127.0.0.1:{shared.port}",
        _bearer(shared),
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
        _bearer(shared),
        "Content-Type: application/json",
        "Transfer-Encoding: chunked",
        body=chunk * 30 + b"0\r\n\r\n",
    )
    assert raw(shared.port, head).status == 413


def test_a_body_that_is_not_said_to_be_json_is_refused(shared: Running) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx"):
        answer = shared.ask(
            "POST", "/api/monitoring/mode", b'{"mode":"test"}', {"Content-Type": kind}
        )
        assert (answer.status, answer.json["error"]) == (400, "not_json")


def test_a_header_of_a_hundred_kilobytes_is_refused(shared: Running) -> None:
    answer = _get(shared, _bearer(shared), "X-Long: " + "x" * 100_000)
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
    monkeypatch.setattr("omnitray.api.protocol.HEADER_TIMEOUT_S", 0.3)
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
            _bearer(api),
            "Content-Type: application/json",
            "Content-Length: 20",
            body=b"{",
        )
        assert raw(api.port, head).status == 400


def test_a_reader_that_stops_reading_is_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omnitray.api.protocol.STALL_TIMEOUT_S", 0.3)
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
                    _bearer(api),
                )
            )
            time.sleep(1.5)  # what it must not get past: reading nothing for longer than allowed
            assert _ends(slow)
        assert api.ask("GET", STATUS).status == 200


def test_too_many_connections_are_refused_and_the_others_go_on(api: Running) -> None:
    held = [socket.create_connection(("127.0.0.1", api.port), 10) for _ in range(200)]
    try:
        refused = [each for each in held[limits.MAX_CONNECTIONS :] if b" 429 " in each.recv(100)]
        assert len(refused) == 200 - limits.MAX_CONNECTIONS
        held[0].sendall(
            request(f"GET {STATUS} HTTP/1.1", f"Host: 127.0.0.1:{api.port}", _bearer(api))
        )
        assert held[0].recv(20).startswith(b"HTTP/1.1 200")
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


def test_the_address_file_is_private_and_goes_with_the_server(tmp_path: Path) -> None:
    with running(tmp_path) as api:
        assert stat.S_IMODE(api.api_file.stat().st_mode) == 0o600
        assert stat.S_IMODE(api.api_file.parent.stat().st_mode) == 0o700
        assert len(api.address.token) >= 43
        assert "token" not in repr(api.address).replace("Address", "")
    assert not api.api_file.exists()


def test_the_token_is_new_at_each_start(tmp_path: Path) -> None:
    tokens = set()
    for _ in range(3):
        with running(tmp_path) as api:
            tokens.add(api.address.token)
    assert len(tokens) == 3


def test_the_token_reaches_no_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("uvicorn").setLevel(logging.DEBUG)
    with running(tmp_path) as api:
        token = api.address.token
        api.ask("GET", STATUS)
        path = f"/ws?auth_token={token}"
        head = (f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{api.port}", *SOCKET)
        raw(api.port, "\r\n".join((*head, "", "")).encode(), timeout=1.0)
        _get(api, f"Authorization: Bearer {token}x")
        _get(api, path=f"{STATUS}?auth_token={token}")
        raw(api.port, f"GET /{token} HTTP/1.1\r\nHost : x\r\n\r\n".encode(), timeout=2.0)
    logging.getLogger("uvicorn").setLevel(logging.NOTSET)
    assert token not in caplog.text
    assert token[:12] not in caplog.text


def test_the_token_is_in_no_command_line_and_no_environment(shared: Running) -> None:
    token = shared.address.token.encode()
    for name in ("cmdline", "environ"):
        assert token not in Path(f"/proc/self/{name}").read_bytes()


def test_an_address_of_a_process_that_is_gone_is_stale(tmp_path: Path) -> None:
    with running(tmp_path) as api:
        address, file = api.address, api.api_file
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    for pid, started in ((gone.pid, address.started), (os.getpid(), "2001-01-01T00:00:00Z")):
        stale = type(address)(url=address.url, token="x", pid=pid, started=started)  # noqa: S106 - no secret
        write_address(file, stale)
        assert read_address(file) is None
    remove_address(file, 1)
    assert file.exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"url":1}', b"\xff"])
def test_a_damaged_address_counts_as_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "api.json").write_bytes(content)
    assert read_address(tmp_path / "api.json") is None


def test_a_linked_address_file_is_not_followed(tmp_path: Path) -> None:
    with running(tmp_path / "a") as api:
        (tmp_path / "api.json").symlink_to(api.api_file)
        assert read_address(tmp_path / "api.json") is None


def test_a_taken_port_gives_the_next_free_one(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with running(tmp_path, ApiSettings(port=port)) as api:
            assert api.port != port
            assert api.ask("GET", STATUS).status == 200


def test_switched_off_there_is_no_server(tmp_path: Path) -> None:
    api_file = tmp_path / "run" / "api.json"
    off = server.ApiServer(FakeDoor(), ApiSettings(enabled=False), api_file)
    off.start()
    assert (off.url, off.problem, off.stop()) == ("", None, True)
    assert not api_file.exists()


def test_open_to_others_without_a_certificate_is_refused() -> None:
    with pytest.raises(OSError, match="no certificate"):
        server.open_door(ApiSettings(listen="0.0.0.0", port=0))  # noqa: S104 - that is the point


def test_open_to_others_it_speaks_tls_with_the_same_token(tmp_path: Path) -> None:
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    subject = ("-subj", "/CN=omnitray", "-days", "1", "-nodes")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048"),
            *subject,
            "-keyout",
            str(key),
            "-out",
            str(certificate),
        ],
        check=True,
        capture_output=True,
    )
    settings = ApiSettings(
        port=0,
        listen="0.0.0.0",  # noqa: S104 - that is the point
        certificate=str(certificate),
        key=str(key),
    )
    with running(tmp_path, settings) as api:
        assert api.server.open_to_others
        assert api.address.url.startswith("https://")
        url = f"https://127.0.0.1:{api.port}{STATUS}"
        curl = ["curl", "-s", "--cacert", str(certificate), "--insecure", "-o", "/dev/null"]
        bearer = ["-H", _bearer(api)]
        asked = subprocess.run(
            [*curl, "-w", "%{http_code}", *bearer, url], capture_output=True, text=True, check=True
        )
        assert asked.stdout == "200"
        plain = raw(api.port, request("GET / HTTP/1.1", f"Host: 127.0.0.1:{api.port}"))
        assert plain.status in (0, 400)


@pytest.fixture
def stranger() -> Iterator[str]:
    if os.getuid() != 0 or not shutil.which("useradd"):
        pytest.skip("only root can make another user")
    name = "omnitray-stranger"
    subprocess.run(["useradd", "--no-create-home", name], check=True)
    yield name
    subprocess.run(["userdel", name], check=True, capture_output=True)


def test_another_user_of_the_machine_gets_nothing(tmp_path: Path, stranger: str) -> None:
    for folder in (tmp_path, *tmp_path.parents):
        if folder != Path("/") and folder.stat().st_uid == os.getuid() and folder != Path("/tmp"):
            folder.chmod(0o755)  # only our own folder protects it
    with running(tmp_path) as api:
        who = pwd.getpwnam(stranger)
        run = subprocess.run(
            ["cat", str(api.api_file)],
            user=who.pw_uid,
            group=who.pw_gid,
            extra_groups=[],
            capture_output=True,
            check=False,
        )
        assert (run.returncode, run.stdout) == (1, b"")
        url = f"http://127.0.0.1:{api.port}{STATUS}"
        asked = subprocess.run(
            ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", url],
            user=who.pw_uid,
            capture_output=True,
            text=True,
            check=True,
        )
        assert asked.stdout == "401"


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

"""Who gets nothing: no token, foreign Host, Origin or site. Each over a real socket."""

import pytest

from support.api_calls import SOCKET, STATUS, bearer, get
from support.api_server import Running
from support.raw_http import raw, request

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
    assert get(shared, line).status == expected


def test_a_token_in_the_address_does_not_count_for_requests(shared: Running) -> None:
    path = f"{STATUS}?auth_token={shared.address.token}"
    assert get(shared, path=path).status == 401


def test_a_wrong_token_is_not_taken_for_none_at_all(shared: Running) -> None:
    answer = get(shared, "Authorization: Bearer x", path="/api/monitoring/health")
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
    answer = get(shared, bearer(shared), host=host.format(port=shared.port))
    assert (answer.status, b"foreign_host" in answer.body) == (403, True)


@pytest.mark.parametrize("host", MALFORMED)
def test_a_malformed_host_is_foreign_and_no_exception(shared: Running, host: str) -> None:
    answer = get(shared, bearer(shared), host=host.format(port=shared.port))
    trimmed = host.strip() == "127.0.0.1:{port}"  # blanks around a value are no part of it
    assert answer.status == (200 if trimmed else 403)


def test_no_host_and_two_hosts_are_malformed(shared: Running) -> None:
    assert get(shared, bearer(shared), host="").status == 400
    second = f"Host: 127.0.0.1:{shared.port}"
    assert get(shared, bearer(shared), second).status == 400
    assert get(shared, bearer(shared), "Host: evil.example").status == 400
    old = request("GET /api/monitoring/health HTTP/1.0")
    assert raw(shared.port, old).status == 400


@pytest.mark.parametrize("host", ["localhost:{port}", "[::1]:{port}", "LOCALHOST:{port}"])
def test_every_loopback_name_is_ours(shared: Running, host: str) -> None:
    assert get(shared, bearer(shared), host=host.format(port=shared.port)).status == 200


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
        assert get(shared, bearer(shared), line).status == 403
        return
    path = f"/ws?auth_token={shared.address.token}"
    head = (f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{shared.port}", *SOCKET, line)
    assert raw(shared.port, "\r\n".join((*head, "", "")).encode()).status == 403


def test_our_own_origin_is_not_foreign(shared: Running) -> None:
    origin = f"Origin: http://127.0.0.1:{shared.port}"
    assert get(shared, bearer(shared), origin).status == 200
    assert get(shared, bearer(shared), origin, origin).status == 400


@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense", ""])
def test_requests_from_other_sites_are_refused(shared: Running, site: str) -> None:
    assert get(shared, bearer(shared), f"Sec-Fetch-Site: {site}").status == 403
    bare = get(shared, f"Sec-Fetch-Site: {site}", path="/api/monitoring/health")
    assert bare.status == 403


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_requests_of_the_person_are_not(shared: Running, site: str) -> None:
    assert get(shared, bearer(shared), f"Sec-Fetch-Site: {site}").status == 200


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
    ("query", "header", "status"),
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
    header: bool,  # noqa: FBT001 - a parameter of the test
    status: int,
) -> None:
    extra = (bearer(shared),) if header else ()
    path = "/ws" + query.format(token=shared.address.token)
    head = (f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{shared.port}", *SOCKET, *extra)
    answer = raw(shared.port, "\r\n".join((*head, "", "")).encode(), timeout=2.0)
    assert answer.status == status

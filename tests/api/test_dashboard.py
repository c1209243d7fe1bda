"""The dashboard: who is let in, once, and what can be done from there (nothing but reading)."""

import pytest

from omnitray.api.routes import CODE_S, DashboardSessions
from omnitray.api.token import Token
from support.api_server import Answer, Running
from support.clock import FakeClock


def opened(api: Running) -> tuple[str, Answer]:
    """The path with its code, and the answer to it."""
    path = api.ask("POST", "/api/monitoring/dashboard").json["path"]
    return path, api.ask("GET", path, token=None)


@pytest.fixture
def cookie(api: Running) -> str:
    return opened(api)[1].headers["set-cookie"].partition(";")[0]


def seen(api: Running, path: str, cookie: str, method: str = "GET", **headers: str) -> Answer:
    return api.ask(method, path, headers={"Cookie": cookie, **headers}, token=None)


def test_a_code_opens_it_once_and_becomes_a_cookie(api: Running) -> None:
    path, answer = opened(api)
    assert (answer.status, answer.headers["location"]) == (303, "/dashboard")
    for part in ("HttpOnly", "SameSite=Strict", "Path=/dashboard"):
        assert part in answer.headers["set-cookie"]
    assert api.address.token not in answer.headers["set-cookie"]
    again = api.ask("GET", path, token=None)
    assert again.status == 401
    assert "set-cookie" not in again.headers


def test_pages_are_own_and_strict(api: Running, cookie: str) -> None:
    for path, kind in (
        ("", "text/html"),
        ("/app.js", "text/javascript"),
        ("/style.css", "text/css"),
    ):
        answer = seen(api, f"/dashboard{path}", cookie)
        assert answer.status == 200
        assert answer.headers["content-type"].startswith(kind)
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
    assert b"http://" not in seen(api, "/dashboard", cookie).body


def test_data_are_read_with_the_cookie_and_nothing_is_changed(api: Running, cookie: str) -> None:
    assert seen(api, "/dashboard/data/status", cookie).json["headline"]
    assert seen(api, "/dashboard/data/metrics?series=cpu&by=minute", cookie).status == 200
    assert seen(api, "/dashboard/data/quit", cookie, "POST").status == 401
    assert seen(api, "/dashboard/data/status", cookie, "HEAD").status == 200
    assert seen(api, "/dashboard/data/quit", cookie).status == 405
    assert seen(api, "/dashboard/../api/monitoring/status", cookie).status in (401, 404)
    assert api.door.commands == []


def test_the_cookie_opens_nothing_else(api: Running, cookie: str) -> None:
    assert seen(api, "/api/monitoring/status", cookie).status == 401
    assert seen(api, "/metrics", cookie).status == 401


@pytest.mark.parametrize("path", ["/dashboard", "/dashboard/app.js", "/dashboard/data/status"])
def test_without_a_cookie_nothing_is_shown(api: Running, path: str) -> None:
    assert api.ask("GET", path, token=None).status == 401
    answer = seen(api, path, "omnitray_dashboard=wrong")
    assert answer.status == 401
    if path == "/dashboard":
        assert answer.headers["content-type"].startswith("text/html")
    else:
        assert answer.json["error"] == "no_cookie"


def test_a_page_that_there_is_not_is_an_error_like_any_other(api: Running, cookie: str) -> None:
    answer = seen(api, "/dashboard/nothing", cookie)
    assert (answer.status, answer.json["error"]) == (404, "not_found")


def test_another_site_is_refused(api: Running, cookie: str) -> None:
    answer = seen(api, "/dashboard/data/status", cookie, **{"Sec-Fetch-Site": "cross-site"})
    assert answer.status == 403
    assert seen(api, "/dashboard", cookie, Host="evil.example").status == 403


def test_a_new_token_ends_the_session(api: Running, cookie: str) -> None:
    api.server.rotate_token()
    assert seen(api, "/dashboard", cookie).status == 401


def test_a_code_is_over_after_half_a_minute_and_few_wait() -> None:
    clock = FakeClock()
    sessions = DashboardSessions(Token(), clock.monotonic)
    late = sessions.new_code()
    clock.advance(CODE_S + 1)
    assert not sessions.redeem(late)
    first, *others = [sessions.new_code() for _ in range(9)]
    assert not sessions.redeem(first)
    assert sessions.redeem(others[-1])

"""``/metrics`` and the long-term figures over the API."""

import os
from pathlib import Path

import pytest

from omnitray.base.paths import Paths
from omnitray.metrics.aggregate import BY_NAME, Period, Stretch
from omnitray.metrics.store import MetricsStore
from omnitray.runtime.api_facade import MetricsToken
from support import fake_door
from support.api_server import Answer, Running

PREFIX = "/api/monitoring"


def test_the_scrapers_token_opens_metrics_and_nothing_else(api: Running) -> None:
    answer = scrape(api, "/metrics", "scraper")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert b"omnitray_cpu_usage_ratio 0.342" in answer.body
    assert scrape(api, f"{PREFIX}/status", "scraper").status == 401
    assert scrape(api, "/metrics", "wrong").status == 401
    assert scrape(api, "/metrics", api.address.token).status == 200


@pytest.mark.parametrize("path", ["/metrics", "/api/openapi.json", "/dashboard"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_what_is_read_alone_takes_no_other_method(api: Running, path: str, method: str) -> None:
    answer = api.ask(method, path)
    assert (answer.status, answer.headers["allow"]) == (405, "GET")
    assert answer.json["error"] == "wrong_method"
    if path == "/metrics":
        scraper = {"Authorization": "Bearer scraper"}
        assert api.ask(method, path, headers=scraper).status == 405


def test_who_asks_for_nothing_in_particular_gets_the_text_of_prometheus(api: Running) -> None:
    answer = api.ask("GET", "/metrics", headers={"Authorization": "Bearer scraper"})
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert b"# EOF" not in answer.body


def test_a_scraper_that_asks_for_openmetrics_gets_it(api: Running) -> None:
    answer = scrape(api, "/metrics", "scraper", accept="application/openmetrics-text;version=1.0.0")
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert answer.body.endswith(b"# EOF\n")


def test_the_token_stays_the_same_and_is_private(tmp_path: Path) -> None:
    for folder in ("data", "run"):
        (tmp_path / folder).mkdir()
    paths = Paths(tmp_path, tmp_path / "data", tmp_path, tmp_path / "run")
    token = MetricsToken(paths).kept()
    assert len(token) >= 40
    assert MetricsToken(paths).kept() == token
    file = paths.run / "metrics.token"
    assert file.stat().st_mode & 0o777 == 0o600
    file.unlink()  # the run folder goes with the session
    assert MetricsToken(paths).kept() == token
    assert file.read_text().strip() == token


@pytest.fixture
def known(api: Running, tmp_path: Path) -> Running:
    store = MetricsStore(tmp_path / "metrics.db")
    minute = Period.MINUTE.begin(fake_door.MOMENT)
    store.write(minute, {1: Stretch(60.0, 1.0, 2.0, 3.0, 2.5)}, {"alert.SERVER_DOWN": 1})
    store.close()
    api.door.metrics_db = tmp_path / "metrics.db"
    return api


def test_figures_are_asked_for_by_series_and_resolution(known: Running) -> None:
    query = "series=cpu&by=minute&since=2026-11-22T13:00:00Z&until=2026-11-22T14:00:00Z"
    body = known.ask("GET", f"{PREFIX}/metrics?{query}").json
    assert body["by"] == "minute"
    (series,) = body["series"]
    assert (series["series"], series["unit"]) == ("cpu", "%")
    (point,) = series["points"]
    assert (point["min"], point["mean"], point["max"], point["p95"]) == (1.0, 2.0, 3.0, 2.5)
    assert body["counts"][0]["counts"] == {"alert.SERVER_DOWN": 1}


def test_what_there_is_not_is_refused_in_a_sentence(api: Running) -> None:
    answer = api.ask("GET", f"{PREFIX}/metrics?series=warmth")
    assert answer.status == 422
    assert "'warmth' is not allowed; allowed: cpu, memory" in answer.json["detail"]
    assert api.ask("GET", f"{PREFIX}/metrics?by=week").status == 422


def scrape(api: Running, path: str, token: str, accept: str = "text/plain") -> Answer:
    return api.ask("GET", path, headers={"Authorization": f"Bearer {token}", "Accept": accept})


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("series=cpu,warmth", "'warmth' is not allowed; allowed: cpu, memory"),
        ("by=week", "by"),
        ("by=", "by"),
        ("since=0001-01-01T00:00:00Z", "since must be from 1970 to 9998"),
        ("until=9999-12-31T23:59:59Z", "until must be from 1970 to 9998"),
        ("since=yesterday", "since"),
        ("since=2026-11-22T13:00:00", "since"),
        ("since=2026-11-22T14:00:00Z&until=2026-11-22T13:00:00Z", "'since' must lie before"),
        ("since=2026-11-22T14:00:00Z&until=2026-11-22T14:00:00Z", "'since' must lie before"),
        ("since=9998-01-01T00:00:00Z", "'since' must lie before"),
        ("series=" + "cpu," * 200, "series"),
        ("series=cpu&series=memory", "twice"),
        ("page=2", "page"),
    ],
)
@pytest.mark.parametrize("path", ["/metrics", "/metrics/jobs"])
def test_a_question_that_cannot_be_meant_is_422_with_a_sentence(
    known: Running, path: str, query: str, said: str
) -> None:
    answer = known.ask("GET", f"{PREFIX}{path}?{query}")
    assert answer.status == 422
    assert said in answer.json["detail"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("series=cpu,cpu", ["cpu"]),
        ("series=%20memory%20,,cpu", ["memory", "cpu"]),
        ("series=,", sorted(BY_NAME)),
        ("since=1970-01-02T00:00:00Z&by=month&series=cpu", ["cpu"]),
        ("until=9998-12-31T23:59:59Z&by=day&series=cpu", ["cpu"]),
        ("since=2026-11-22T15:00:00%2B02:00&by=minute&series=cpu", ["cpu"]),
    ],
)
def test_what_can_be_meant_is_answered(known: Running, query: str, names: list[str]) -> None:
    answer = known.ask("GET", f"{PREFIX}/metrics?{query}")
    assert answer.status == 200
    found = [each["series"] for each in answer.json["series"]]
    assert (sorted(found) if len(found) > 2 else found) == names


@pytest.mark.parametrize("path", ["/metrics", "/metrics/jobs"])
@pytest.mark.parametrize("kind", ["damaged", "fifo", "folder"])
def test_a_file_that_cannot_be_read_is_a_sentence(
    api: Running, tmp_path: Path, kind: str, path: str
) -> None:
    file = api.door.metrics_db = tmp_path / "metrics.db"
    if kind == "damaged":
        file.write_bytes(b"this is no database" * 1000)
    elif kind == "fifo":
        os.mkfifo(file)
    else:
        file.mkdir()
    answer = api.ask("GET", f"{PREFIX}{path}")
    assert answer.status == 409
    assert answer.json["detail"].startswith("the metrics cannot be read now")

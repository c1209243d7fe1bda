"""``/metrics`` and the long-term figures over the API."""

from pathlib import Path

import pytest

from omnitray.base.paths import Paths
from omnitray.metrics.aggregate import Stretch
from omnitray.metrics.periods import Period
from omnitray.metrics.store import MetricsStore
from omnitray.metrics.token import metrics_token
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


def test_a_scraper_that_asks_for_openmetrics_gets_it(api: Running) -> None:
    answer = scrape(api, "/metrics", "scraper", accept="application/openmetrics-text;version=1.0.0")
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert answer.body.endswith(b"# EOF\n")


def test_the_token_stays_the_same_and_is_private(tmp_path: Path) -> None:
    for folder in ("data", "run"):
        (tmp_path / folder).mkdir()
    paths = Paths(tmp_path, tmp_path / "data", tmp_path, tmp_path / "run")
    token = metrics_token(paths)
    assert len(token) >= 40
    assert metrics_token(paths) == token
    file = paths.run / "metrics.token"
    assert file.stat().st_mode & 0o777 == 0o600
    file.unlink()  # the run folder goes with the session
    assert metrics_token(paths) == token
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
    assert "there are cpu" in answer.json["detail"]
    assert api.ask("GET", f"{PREFIX}/metrics?by=week").status == 422


def scrape(api: Running, path: str, token: str, accept: str = "text/plain") -> Answer:
    return api.ask("GET", path, headers={"Authorization": f"Bearer {token}", "Accept": accept})

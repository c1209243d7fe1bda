"""One real server for the tests of a module, and one of its own where state matters."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.api_server import Running, running


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("api")) as server:
        for _ in range(4):
            server.ask("GET", "/api/monitoring/alerts")  # its readers are made when first needed
        yield server


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path) as server:
        yield server

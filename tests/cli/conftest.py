"""A home of its own for each test, and a running local API in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.api_server import Running, running


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OMNITRAY_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def api(home: Path) -> Iterator[Running]:
    with running(home) as server:
        yield server

"""The runs of these tests have pytest-timeout and xdist beside our plugin; Qt is not there."""

from pathlib import Path

import pytest

from support.inner_runs import load_few_plugins


@pytest.fixture(autouse=True)
def _few_plugins(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "pytester" in request.fixturenames:
        request.getfixturevalue("pytester")  # it takes the variable away that is set here
    load_few_plugins(monkeypatch, "pytest-qt")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "omnitray home"
    monkeypatch.setenv("OMNITRAY_HOME", str(folder))
    return folder

"""The runs of these tests have pytest-timeout and xdist beside our plugin; Qt is not there."""

import pytest

from support.inner_runs import load_few_plugins


@pytest.fixture(autouse=True)
def _few_plugins(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "pytester" in request.fixturenames:
        request.getfixturevalue("pytester")  # it takes the variable away that is set here
    load_few_plugins(monkeypatch, "pytest-qt")

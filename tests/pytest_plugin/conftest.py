"""The runs of these tests have pytest-timeout and xdist beside our plugin; Qt is not there."""

import pytest

from support.inner_runs import load_few_plugins


@pytest.fixture(autouse=True)
def _few_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    load_few_plugins(monkeypatch, "pytest-qt")

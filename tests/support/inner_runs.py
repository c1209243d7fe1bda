"""Runs of pytest that a test starts: without the plugins that they are not about."""

import pytest

_UNUSED = ("anyio", "benchmark", "hypothesispytest", "platformdirs", "pytest_cov", "schemathesis")


def load_few_plugins(monkeypatch: pytest.MonkeyPatch, *more: str) -> None:
    """Leave out those, and ``more``: to load all takes 2.5 s of processor time, else 0.7 s."""
    words = " ".join(f"-p no:{name}" for name in (*_UNUSED, *more))
    monkeypatch.setenv("PYTEST_ADDOPTS", words)

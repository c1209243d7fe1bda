"""Runs of pytest that a test starts: without the plugins that they are not about."""

import json
from pathlib import Path
from typing import Any

import pytest

_UNUSED = ("anyio", "benchmark", "hypothesispytest", "platformdirs", "pytest_cov", "schemathesis")


def load_few_plugins(monkeypatch: pytest.MonkeyPatch, *more: str) -> None:
    """Leave out those, and ``more``: to load all takes 2.5 s of processor time, else 0.7 s."""
    monkeypatch.setenv("PYTEST_ADDOPTS", few_plugins(*more))


def few_plugins(*more: str) -> str:
    """The options for that."""
    return " ".join(f"-p no:{name}" for name in (*_UNUSED, *more))


def alerts(home: Path) -> list[dict[str, Any]]:
    files = (home / "data" / "alerts").glob("alert_*.json")
    found = sorted((json.loads(file.read_text()) for file in files), key=lambda each: each["type"])
    fields = {"run", "nodeid", "project", "worker", "phase", "error"}
    assert all(fields <= set(each["context"]) for each in found)
    return found


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)

"""A home of its own for each test, and a running local API in it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from omnitray.cli import parser
from support.api_server import Running, running
from support.command_line import Outcome, Run


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OMNITRAY_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def api(home: Path) -> Iterator[Running]:
    with running(home) as server:
        yield server


@pytest.fixture
def omnitray(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    """At a terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")

    def run(*words: str) -> Outcome:
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
        try:
            code = parser.main(words)
        except SystemExit as usage:
            code = int(usage.code or 0)
        out, err = capsys.readouterr()
        lines = [line for line in out.splitlines() if str(home) not in line]  # a path stays whole
        assert "--json" in words or all(len(line) <= 80 for line in lines)
        return Outcome(code, out, err)

    return run

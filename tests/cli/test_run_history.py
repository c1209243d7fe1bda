"""``omnitray history --runs``."""

import json
from pathlib import Path

import msgspec
import pytest

from omnitray.cli import parser
from support import run_samples


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OMNITRAY_HOME", str(tmp_path))
    folder = tmp_path / "data" / "runs"
    folder.mkdir(parents=True)
    return folder


def test_the_newest_run_comes_first(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for each in run_samples.runs():
        (runs / f"{each.id}.json").write_bytes(msgspec.json.encode(each))
    assert parser.main(["history", "--runs"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["when", "took", "peak", "last", "CPU", "verdict", "run"]
    assert len(lines) == 9
    assert lines[3].split("  ")[-1] == "pytest -n 8 · ~/shop"
    assert "failed with exit 1" in lines[3]
    assert "cut off" in lines[8] or "lost" in lines[8]
    assert parser.main(["history", "--runs", "--json", "--since", "2020-01-01"]) == 0
    assert json.loads(capsys.readouterr().out)["count"] == 8


def test_without_a_run_it_says_how_to_start_one(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert list(runs.iterdir()) == []
    assert parser.main(["history", "--runs"]) == 0
    said = capsys.readouterr().out
    assert said == "no run is remembered; start one with: omnitray run -- COMMAND\n"

"""``omnitray history --runs``."""

import csv
import io
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


def test_runs_are_filtered_and_exported(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for each in run_samples.runs():
        (runs / f"{each.id}.json").write_bytes(msgspec.json.encode(each))
    assert parser.main(["history", "--runs", "--match", "SHOP failed", "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    wanted = [
        each for each in run_samples.runs() if "~/shop" in each.project and "failed" in each.verdict
    ]
    assert wanted
    assert [row["id"] for row in rows] == [each.id for each in wanted]
    assert rows[0]["peak_bytes"] == str(wanted[0].peak_bytes)
    assert rows[0]["started_at"].endswith("Z")
    assert parser.main(["history", "--runs", "--match", "shop failed", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["count"] == len(wanted)
    assert parser.main(["history", "--runs", "--match", "nothing-like-it"]) == 0
    assert capsys.readouterr().out == "no run fits\n"


def test_without_a_run_it_says_how_to_start_one(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert list(runs.iterdir()) == []
    assert parser.main(["history", "--runs"]) == 0
    said = capsys.readouterr().out
    assert said == "no run is remembered; start one with: omnitray run -- COMMAND\n"

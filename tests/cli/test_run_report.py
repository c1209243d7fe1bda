"""The alerts of ``omnitray run``, written into the files of the history."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from omnitray.cli.run_report import report
from omnitray.runs.tree import start_of


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OMNITRAY_HOME", str(tmp_path))
    return tmp_path


def run(home: Path, id_: str, state: str) -> dict[str, Any]:
    """A run with its file."""
    record: dict[str, Any] = {
        "schema": 1, "id": id_, "state": state, "name": "", "command": "make all",
        "project": "~/shop", "folder": "/", "wrapper_pid": os.getpid(),
        "wrapper_start": start_of(os.getpid()), "pid": 1, "started_at": 1.0, "took_s": 2.0,
        "verdict": "ended at its memory budget", "exit_code": 143, "signal": None,
        "rss_bytes": 0, "peak_bytes": 210_000_000, "last_peak_bytes": 0, "expected_bytes": 0,
        "worker_bytes": 0, "cpu_s": 0.0, "cpu_percent": 0.0, "memory_budget_bytes": 200_000_000,
        "cpu_budget_percent": None, "timeout_s": None, "slowed_s": 0.0, "paused_s": 0.0,
        "held_by": "samples", "samples": [], "events": [],
    }  # fmt: skip
    folder = home / "data" / "runs"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{id_}.json").write_text(json.dumps(record))
    return record


def open_titles(home: Path) -> list[str]:
    files = (home / "data" / "alerts").glob("alert_*.json")
    found = [json.loads(file.read_text()) for file in files]
    return sorted(each["title"] for each in found if each["state"] == "firing")


@pytest.mark.parametrize("kind", ["ended", "over", "freed", "passed"])
def test_what_a_run_is_doing_is_over_when_it_ends(home: Path, kind: str) -> None:
    record = run(home, "1", "running")
    report("paused", record)
    (held,) = open_titles(home)
    assert held.endswith("is held at its memory budget")
    run(home, "1", "ended")
    report(kind, record)
    left = open_titles(home)
    assert [each.endswith("was ended at its memory budget") for each in left] == (
        [True] if kind == "ended" else []
    )


def test_a_report_that_comes_after_the_end_leaves_nothing_open(home: Path) -> None:
    report("paused", run(home, "1", "ended"))
    assert open_titles(home) == []


def test_what_another_run_is_doing_stays(home: Path) -> None:
    report("paused", run(home, "1", "running"))
    report("over", run(home, "2", "ended"))
    assert len(open_titles(home)) == 1
    (home / "data" / "runs" / "1.json").unlink()  # its wrapper was killed, and the run forgotten
    report("over", run(home, "2", "ended"))
    assert open_titles(home) == []


def test_a_peak_that_is_not_known_is_not_said(home: Path) -> None:
    failed = {**run(home, "1", "ended"), "peak_bytes": 0, "verdict": "failed with exit 1"}
    report("ended", failed)
    (file,) = (home / "data" / "alerts").glob("alert_*.json")
    assert json.loads(file.read_text())["message"] == (
        "It failed with exit 1 after 2.0 s: make all"
    )

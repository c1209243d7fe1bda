"""The alerts of ``omnitray run``, written into the files of the history."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from omnitray.cli.run_report import report
from omnitray.runs.records import command_text, words_of
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


@pytest.mark.parametrize(
    ("words", "title"),
    [
        (["sh", "-c", "exit 7"], "sh -c 'exit 7'"),
        (["bash", "-lc", "cd x && make"], "make"),
        (["bash", "-c", "cd x && ./deploy staging"], "bash -c 'cd x && ./deploy staging'"),
        (["env", "A=1", "./deploy", "staging"], "./deploy staging"),
        (["python", "-m", "pytest", "-q", "tests"], "pytest"),
        (["uv", "run", "pytest", "-x"], "pytest"),
        (["uv", "run", "--", "serve.py", "80"], "serve.py 80"),
        (["npx", "jest", "--ci"], "jest"),
        (["npx", "-p", "left", "pad", "it's"], "pad 'it'\"'\"'s'"),
        (["cargo", "build", "--release"], "cargo build"),
        (["python3", "-c", "import sys\nsys.exit(3)"], "python3 -c 'import sys sys.exit(3)'"),
        (["sleep", "5"], "sleep 5"),
        (["/opt/shop/bin/prüfe", "größe"], "/opt/shop/bin/prüfe größe"),
        (["./run", "a\x1b[31mb\u202ec\td"], "./run 'a?[31mb?c d'"),
        (["sh", "-c", "echo " + "x" * 500], "sh -c 'echo " + "x" * 27 + "…"),
        (["bash", "-c", "cd x; make all " + "y" * 500], "make"),
        (["./empty", "", " "], "./empty '' ' '"),
    ],
)
def test_a_run_is_called_what_a_person_would_call_it(
    home: Path, words: list[str], title: str
) -> None:
    command = command_text(words)
    assert command.isprintable()
    record = {**run(home, "1", "ended"), "command": command, "verdict": "failed with exit 7"}
    report("ended", record)
    assert open_titles(home) == [f"{title} in ~/shop fails"]


def test_a_command_is_one_line_that_a_shell_reads_as_it_was() -> None:
    words = ["a b", "it's", "", "$HOME", "test.py::t[1]", "ü", "--x=1"]
    assert words_of(command_text(words)) == words
    assert command_text(["make", "-j4", "src/a.c"]) == "make -j4 src/a.c"

"""``omnitray history``: running or not, as a table, as JSON, as CSV.

``omnitray history --runs``, and ``omnitray dashboard``.
"""

import csv
import io
import json
import os
import webbrowser
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from omnitray.base.clock import SystemClock
from omnitray.base.paths import find_paths
from omnitray.cli import parser
from omnitray.cli.commands import history
from omnitray.metrics.aggregate import Period, Stretch
from omnitray.metrics.store import MetricsStore
from support import run_samples
from support.command_line import Run
from support.refusing import refusing

Captured = pytest.CaptureFixture[str]
Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(home: Path, capsys: Captured) -> Say:
    del home

    def run(*words: str) -> tuple[int, str, str]:
        try:
            code = parser.main(["history", *words])
        except SystemExit as usage:
            code = int(usage.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def file(home: Path) -> Path:
    """Two series over the last three minutes, as a program left them that does not run now."""
    del home
    paths = find_paths()
    paths.data.mkdir(parents=True, exist_ok=True)
    store = MetricsStore(paths.data / "metrics.db")
    now = Period.MINUTE.begin(SystemClock().wall())
    for back in (3, 2, 1):
        values = {
            1: Stretch(60.0, 1.0, 2.0 * back, 30.0, 25.0),
            8: Stretch(60.0, 0.0, 2e6, 9e6, 5e6),
        }
        store.write(now - back * 60, values, {})
    store.close()
    return paths.data / "metrics.db"


@pytest.mark.usefixtures("file")
def test_a_table_for_each_series_without_a_running_program(say: Say) -> None:
    code, out, err = say("--by", "minute", "--series", "cpu,disk_read", "--since", "10m")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].split() == ["cpu", "min", "mean", "max", "p95"]
    assert [line.count("30.0 %") for line in lines[1:4]] == [1, 1, 1]
    assert "2.0 MB/s" in out


@pytest.mark.usefixtures("file")
def test_csv_has_a_row_a_stretch_and_series_in_order_of_time(say: Say) -> None:
    code, out, _ = say("--by", "minute", "--series", "cpu,disk_read", "--since", "10m", "--csv")
    assert code == 0
    rows = list(csv.DictReader(io.StringIO(out)))
    assert list(rows[0]) == ["at", "series", "unit", "min", "mean", "max", "p95", "covered_s"]
    assert [row["series"] for row in rows] == ["cpu", "disk_read"] * 3
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)
    assert {row["covered_s"] for row in rows} == {"60.0"}
    assert all(row["at"].endswith("Z") for row in rows)


@pytest.mark.usefixtures("file")
@pytest.mark.parametrize("by", list(Period))
def test_every_resolution_knows_the_stretch_that_goes_on(say: Say, by: Period) -> None:
    code, out, _ = say("--by", by.value, "--series", "cpu", "--json")
    assert code == 0
    (series,) = json.loads(out)["series"]
    assert sum(each["covered_s"] for each in series["points"]) == 180.0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--series", "warmth"), "'warmth' is not allowed; allowed: cpu, memory"),
        (("--series", ","), ""),
        (("--since", "soon"), "'soon' is not allowed"),
        (("--since", "2999-01-01"), "'since' must lie before 'until'"),
        (("--since", "9999-12-31"), "since must be from 1970 to 9998"),
        (("--by", "week"), "'week' is not allowed; allowed: minute, hour, day, month"),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage_in_a_sentence(
    say: Say, words: tuple[str, ...], said: str
) -> None:
    code, out, err = say(*words)
    assert code == (2 if said else 0)
    assert said in err
    assert "Traceback" not in err + out


@pytest.mark.parametrize("words", [("--series", "warmth"), ("--since", "2999-01-01")])
def test_it_is_wrong_usage_with_a_running_program_as_well(
    say: Say, home: Path, words: tuple[str, ...]
) -> None:
    with refusing(home / "run" / "api.json", 422):
        assert say(*words)[0] == 2


def test_without_a_file_nothing_is_known_and_it_says_what_to_do(say: Say) -> None:
    code, out, err = say()
    assert (code, err) == (0, "")
    assert out.startswith("nothing is known so far: a value a minute is kept while OmniTray runs;")
    assert "start it with: " in out
    assert say("--csv")[1] == "at,series,unit,min,mean,max,p95,covered_s\n"


@pytest.mark.usefixtures("file")
def test_for_a_time_of_which_nothing_is_known_it_says_since_when_something_is(say: Say) -> None:
    code, out, _ = say("--series", "swap", "--since", "10m")
    assert code == 0
    assert out.startswith("nothing is known of that time, only since ")
    since = out.split("--since ")[1].strip()
    assert "cpu" in say("--series", "cpu", "--by", "minute", "--since", since)[1]


def test_a_damaged_file_is_a_sentence(say: Say, file: Path) -> None:
    file.write_bytes(b"this is no database" * 1000)
    for each in (file.with_name("metrics.db-wal"), file.with_name("metrics.db-shm")):
        each.unlink(missing_ok=True)
    code, out, err = say()
    assert (code, out) == (1, "")
    assert err == "omnitray: the metrics cannot be read now: file is not a database\n"


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


@pytest.mark.usefixtures("api")
@pytest.mark.parametrize(
    ("opener", "opens"),
    [("exit 0", True), ("exec sleep 1", True), ("exit 4", False), ("", False)],
    ids=["opens it", "becomes the browser", "finds no browser", "is not there"],
)
@pytest.mark.parametrize("kind", [webbrowser.BackgroundBrowser, webbrowser.GenericBrowser])
def test_the_dashboard_is_open_only_where_a_browser_took_it(
    omnitray: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: type[webbrowser.GenericBrowser],
    opener: str,
    opens: bool,  # noqa: FBT001 - a case
) -> None:
    program = tmp_path / "opener"
    if opener:
        program.write_text(f"#!/bin/sh\n{opener}\n")
        program.chmod(0o755)
    monkeypatch.setattr(webbrowser, "get", lambda: kind(str(program)))
    if "sleep" in opener:
        monkeypatch.setattr(history, "_OPENER_S", 0.1)  # the others end within the program's own
    outcome = omnitray("dashboard")
    if "sleep" in opener and kind is webbrowser.BackgroundBrowser:
        os.wait()  # it outlives the command, not this test
    assert outcome.code == (0 if opens else 1)
    if opens:
        assert outcome.out == "the dashboard is open in your browser\n"
        return
    assert outcome.out.startswith("http://127.0.0.1:")
    assert outcome.err == (
        "omnitray: no browser could be opened; the address counts once and for half a minute\n"
    )


@pytest.mark.usefixtures("api")
def test_without_any_browser_the_dashboard_has_its_address(
    omnitray: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_here() -> None:
        raise webbrowser.Error("could not locate runnable browser")

    monkeypatch.setattr(webbrowser, "get", none_here)
    outcome = omnitray("dashboard")
    assert outcome.code == 1
    assert outcome.out.startswith("http://127.0.0.1:")
    assert omnitray("dashboard", "--print").code == 0

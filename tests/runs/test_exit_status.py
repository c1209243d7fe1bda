"""What a run ends with, and what of it is remembered."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from omnitray.cli.run_options import size_bytes
from omnitray.processes.jobs import Projects
from omnitray.runs import records
from omnitray.runs.admission import Queue
from omnitray.runs.model import RunRecord
from runs.conftest import RUN, Runner


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("--", "true"), 0),
        (("--", "sh", "-c", "exit 42"), 42),
        (("sh", "-c", "exit 3"), 3),
        (("--", "sh", "-c", "kill -9 $$"), 128 + signal.SIGKILL),
        (("--", "sh", "-c", "kill -TERM $$"), 128 + signal.SIGTERM),
        (("--", "sh", "-c", "kill -INT $$"), 128 + signal.SIGINT),
        (("--", "no-such-program"), 127),
        (("--", "./no/such/program"), 127),
        (("--", "/"), 126),
        (("--", ""), 127),
        (("--timeout", "0.3", "--", "sleep", "60"), 124),
        (("--memory", "12", "--", "true"), 125),
        (("--nonsense", "--", "true"), 125),
        (("--",), 125),
        (("--name", "n", "--", "echo", "--", "--name"), 0),
    ],
)
def test_the_status_is_the_commands_or_ours(
    runner: Runner, words: tuple[str, ...], status: int
) -> None:
    done = runner.run(*words)
    assert done.returncode == status
    assert (done.stderr == "") == (status not in {124, 125, 126, 127})


@pytest.mark.parametrize("command", ["true", "false"])
def test_the_peak_of_a_run_is_its_own_or_not_known(
    runner: Runner, home: Path, command: str
) -> None:
    """A copy of the wrapper becomes the command, and the kernel counts what that copy held."""
    done = runner.run("--summary", "--", command)
    (file,) = (home / "data" / "runs").glob("*.json")
    record = msgspec.json.decode(file.read_bytes(), type=RunRecord)
    assert record.peak_bytes < 5_000_000  # the wrapper has 9
    if not record.peak_bytes:
        assert "peak –" in done.stderr


def test_a_script_without_a_first_line_runs_as_in_a_shell(runner: Runner, tmp_path: Path) -> None:
    script = tmp_path / "plain"
    script.write_text("exit 7\n")
    assert runner.run("--", "./plain").returncode == 126
    script.chmod(0o755)
    assert runner.run("--", "./plain").returncode == 7


def test_a_script_whose_interpreter_is_not_there_is_named_as_that(
    runner: Runner, tmp_path: Path
) -> None:
    script = tmp_path / "odd"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    done = runner.run("--", "./odd")
    assert done.returncode == 127
    assert done.stderr == "omnitray: ./odd: what its first line names is not there\n"


def test_streams_and_words_pass_untouched(runner: Runner) -> None:
    with runner.start("--", "sh", "-c", 'cat; printf "%s|" "$@" >&2', "sh", "a b", "", "ü",
                      stdin=subprocess.PIPE) as process:  # fmt: skip
        out, err = process.communicate(b"\x00\xff\n", timeout=60)
    assert (out, err.decode()) == (b"\x00\xff\n", "a b||ü|")


def test_python_adds_nothing_to_the_environment_of_the_command(runner: Runner) -> None:
    """It sets LC_CTYPE for itself where the locale is C (PEP 538)."""
    bare = {key: runner.environ[key] for key in ("PATH", "OMNITRAY_HOME", "PYTHONPATH")}
    runner.environ = bare
    told = dict(line.split("=", 1) for line in runner.run("--", "env").stdout.splitlines())
    assert told.pop("OMNITRAY_RUN")
    assert told == bare
    runner.environ = {**bare, "LC_CTYPE": "C.UTF-8"}
    assert "LC_CTYPE=C.UTF-8" in runner.run("--", "env").stdout.splitlines()


def test_a_broken_pipe_ends_the_command_as_without_us(runner: Runner) -> None:
    line = 'set -o pipefail; "$@" -- yes | head -c 3; echo ":${PIPESTATUS[0]}"'
    done = subprocess.run(
        ["bash", "-c", line, "bash", *RUN],
        env=runner.environ, capture_output=True, text=True, timeout=60, check=False,
        start_new_session=True,
    )  # fmt: skip
    assert done.stdout == f"y\ny:{128 + signal.SIGPIPE}\n"
    assert done.stderr == ""


def test_a_run_that_was_killed_by_its_budget_says_so_in_one_line_without_a_terminal(
    runner: Runner,
) -> None:
    eater = "import time; held = bytearray(150_000_000); time.sleep(60)"
    for budget, words in (
        (("--memory", "40M"), ": ended at its memory budget in "),
        (("--timeout", "0.3"), ": timed out in 0."),
    ):
        done = runner.run(*budget, "--", sys.executable, "-c", eater)
        (line,) = done.stderr.splitlines()
        assert line.startswith("omnitray: ")
        assert words in line


def test_a_closing_line_only_where_it_is_asked_for(runner: Runner) -> None:
    assert runner.run("--", "true").stderr == ""
    said = runner.run("--summary", "--name", "nightly", "--", "true").stderr
    assert said.startswith("omnitray: nightly · ")
    assert ": passed in 0." in said
    assert said.count("\n") == 1


def test_a_run_is_remembered_with_its_figures(runner: Runner, home: Path) -> None:
    eats = "import time; held = bytearray(60_000_000); time.sleep(0.5)"
    assert runner.run("--name", "eater", "--", "python3", "-c", eats).returncode == 0
    (file,) = (home / "data" / "runs").glob("*.json")
    record = msgspec.json.decode(file.read_bytes(), type=RunRecord)
    assert (record.name, record.verdict, record.exit_code) == ("eater", "passed", 0)
    assert 60_000_000 < record.peak_bytes < 200_000_000
    assert record.took_s >= 0.5
    assert record.samples
    learnt = json.loads((home / "data" / "runs.json").read_text())
    assert learnt["projects"][record.project]["eater"]["peak_bytes"] == record.peak_bytes


def test_the_folders_of_a_first_run_are_private(tmp_path: Path) -> None:
    files = records.RunFiles(str(tmp_path / "own" / "data"))
    files.learn("~/shop", "make", {"peak_bytes": 1})
    Queue(files.folder).join("make")
    made = [each for each in (tmp_path / "own").rglob("*") if each.is_dir()]
    assert [each.name for each in sorted(made)] == ["data", "runs", "waiting"]
    assert {each.stat().st_mode & 0o777 for each in (tmp_path / "own", *made)} == {0o700}


def test_a_full_disk_costs_the_record_and_not_the_run(runner: Runner, home: Path) -> None:
    home.mkdir()
    (home / "data").write_text("a file where the folder should be")
    done = runner.run("--summary", "--", "sh", "-c", "exit 5")
    assert done.returncode == 5
    lines = done.stderr.splitlines()
    assert lines[0].startswith("omnitray: the run is not remembered: ")
    assert ": failed with exit 5 in 0." in lines[1]
    assert len(lines) == 2


def test_damaged_files_of_runs_are_as_none(runner: Runner, home: Path) -> None:
    (home / "data").mkdir(parents=True)
    (home / "data" / "runs.json").write_text('{"projects": [1, {"x"')
    assert runner.run("--", "true").returncode == 0
    assert json.loads((home / "data" / "runs.json").read_text())["schema"] == records.SCHEMA


@pytest.mark.parametrize(
    ("text", "count"),
    [("800M", 800_000_000), ("4G", 4 * 10**9), ("1.5GiB", 3 << 29), ("2 gb", 2 * 10**9)],
)
def test_sizes_are_read_as_people_write_them(text: str, count: int) -> None:
    assert size_bytes(text) == count


@pytest.mark.parametrize("text", ["", "G", "12", "-4G", "4X", "1e99999G", "nanG", "inf"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not allowed; allowed: a size "):
        size_bytes(text)


def test_a_project_is_named_as_everywhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "me"
    for folder in ("shop/.git", "shop/src/deep", "plain"):
        (own / folder).mkdir(parents=True)
    (own / ".git").mkdir()
    monkeypatch.setenv("HOME", str(own))
    others = Projects(own, lambda _folder: False)
    for place in (own / "shop/src/deep", own / "plain", own, tmp_path):
        assert records.project_of(str(place)) == others.name(str(place))


@pytest.mark.parametrize("given", [{}, {"XDG_DATA_HOME": "/srv/data"}, {"OMNITRAY_HOME": "/srv/o"}])
def test_the_data_folder_is_that_of_the_program(
    given: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from omnitray.base.paths import find_paths  # noqa: PLC0415 - beside its use

    for name in ("XDG_DATA_HOME", "OMNITRAY_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert records.data_folder() == str(find_paths().data)


@pytest.mark.parametrize(
    ("words", "status", "before", "verdict"),
    [
        (("--", "sh", "-c", "echo hello"), 0, "hello\n", "passed"),
        (("--", "sh", "-c", "exit 3"), 3, "", "failed with exit 3"),
        (("--timeout", "0.3", "--", "sleep", "60"), 124, "", "timed out"),
        (("--", "true", "--json"), 0, "", "passed"),
    ],
)
def test_json_is_the_run_behind_what_the_command_printed(
    runner: Runner, words: tuple[str, ...], status: int, before: str, verdict: str
) -> None:
    done = runner.run("--json", *words)
    run = json.loads(done.stdout.removeprefix(before))
    assert done.returncode == status
    assert (run["exit_code"], run["verdict"]) == (status, verdict)


def test_json_says_why_nothing_was_started(runner: Runner) -> None:
    done = runner.run("--json", "--", "no-such-program")
    assert (done.returncode, done.stderr) == (127, "")
    assert json.loads(done.stdout)["error"] == "not_started"
    assert not runner.run("--", "true", "--json").stdout  # the word of the command

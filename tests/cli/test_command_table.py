"""Every command in every situation: one line, and the right status."""

import argparse
import subprocess
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from omnitray.cli import parser
from support.faults import Fault, failing
from support.refusing import refusing

ROOT = Path(__file__).parents[2]
COMMANDS: dict[str, tuple[str, ...]] = {
    "status": (),
    "mode": ("test",),
    "level": ("idle",),
    "snooze": ("1h",),
    "alerts": (),
    "alert": ("SERVER_DOWN", "shop is down"),
    "ack": ("0123456789abcdef",),
    "resolve": ("0123456789abcdef",),
    "export": ("out.jsonl",),
    "jobs": (),
    "actions": (),
    "undo": ("a1",),
    "explain": (),
    "questions": (),
    "answer": ("q1", "leave_alone"),
    "pause": ("1",),
    "resume": ("1",),
    "slow": ("1",),
    "end": ("1",),
    "protect": (),
    "clean": ("--dry-run",),
    "servers": (),
    "channels": (),
    "webhook": ("list",),
    "history": (),
    "dashboard": ("--print",),
    "serve": ("shop", "--", "true"),
    "server": ("start", "shop"),
    "quit": (),
    "token": ("--rotate",),
}
# They ask no running instance, or act on the session: tested on their own.
ALONE = {"run", "history", "doctor", "settings", "service", "completion", "uninstall"}
# What the files can do where no instance does it.
BY_FILES = {"alerts", "alert", "export"}
# An answer of the running one stands; what cannot be written is not.
BY_NOBODY = {("alerts", "refused"), ("alert", "read-only")}
SITUATIONS = ("not running", "refused", "read-only", "no HOME", "0 columns")
READ_ONLY = 30  # EROFS


def _all_commands() -> set[str]:
    actions = parser.build_parser()._actions
    (choices,) = [each for each in actions if isinstance(each, argparse._SubParsersAction)]
    return set(choices.choices)


def test_every_command_is_in_the_table() -> None:
    missing = _all_commands() - set(COMMANDS) - ALONE
    assert missing == set(), "give each new command a line in COMMANDS"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OMNITRAY_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("command", COMMANDS)
def test_one_line_and_the_right_status(
    command: str,
    situation: str,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    around: AbstractContextManager[object] = nullcontext()
    if situation == "refused":
        around = refusing(home / "run" / "api.json", 503)
    elif situation == "read-only":
        around = failing(home, Fault("mkdir", 0, READ_ONLY, lasting=True))
    elif situation == "no HOME":
        monkeypatch.delenv("HOME", raising=False)
    elif situation == "0 columns":
        monkeypatch.setenv("COLUMNS", "0")
    with around:
        status = parser.main([command, *COMMANDS[command]])
    said = capsys.readouterr()
    by_files = command in BY_FILES and (command, situation) not in BY_NOBODY
    assert status == (0 if by_files else 1)
    assert len(said.err.splitlines()) == 1
    assert said.err.startswith("omnitray: ")
    assert (said.out != "") == by_files


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("command", ["alerts", "alert", "status"])
def test_a_closed_output_is_no_traceback(command: str) -> None:
    words = [sys.executable, "-m", "omnitray", command, *COMMANDS[command]]
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert done.returncode in {0, 1}

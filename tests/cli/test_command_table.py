"""Every command in every situation: one line, the right status, never a traceback.

The commands come from the parser, so that none is missed; the table of ``docs/cli.md`` is made by
``python tests/cli/test_command_table.py > /dev/null`` and is compared with what happens here.
"""

import contextlib
import io
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from omnitray.cli import parser
from support.api_server import running
from support.command_line import Command, commands
from support.faults import Fault, failing
from support.refusing import refusing

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"
BEGIN, END = "<!-- begin table -->\n", "<!-- end table -->"
READ_ONLY = 30  # EROFS
COMMANDS = commands()
SITUATIONS = (
    "running",
    "not running",
    "refused",
    "read-only",
    "no HOME",
    "0 columns",
    "closed output",
    "full output",
)


class Outcome(NamedTuple):
    """How a command ended and what it said."""

    status: int
    out: str
    err: str


class _Full(io.StringIO):
    def write(self, _text: str, /) -> int:
        raise OSError(28, os.strerror(28))

    def fileno(self) -> int:
        return self._number

    _number = -1


@contextlib.contextmanager
def _situation(situation: str, home: Path, patch: pytest.MonkeyPatch) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        if situation in {"running", "0 columns", "closed output", "full output"}:
            stack.enter_context(running(home))
        elif situation == "refused":
            stack.enter_context(refusing(home / "run" / "api.json", 503))
        elif situation == "read-only":
            stack.enter_context(failing(home, Fault("mkdir", 0, READ_ONLY, lasting=True)))
        elif situation == "no HOME":
            patch.delenv("HOME", raising=False)
        if situation == "0 columns":
            patch.setenv("COLUMNS", "0")
        yield


@contextlib.contextmanager
def _streams(
    situation: str, patch: pytest.MonkeyPatch
) -> Iterator[tuple[io.StringIO, io.StringIO]]:
    """Standard output and error; a closed one is None, as Python has it."""
    out, err = io.StringIO(), io.StringIO()
    with tempfile.TemporaryFile() as nowhere:
        full = _Full()
        full._number = nowhere.fileno()
        shown = {"closed output": None, "full output": full}.get(situation, out)
        patch.setattr(sys, "stdout", shown)
        patch.setattr(sys, "stderr", err)
        yield out, err


def outcome(command: Command, situation: str, folder: Path) -> Outcome:
    """Run it there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMNITRAY_HOME", str(folder / "home"))
        patch.chdir(folder)
        _leave_the_session_alone(patch, folder)
        with _situation(situation, folder / "home", patch), _streams(situation, patch) as said:
            try:
                status = parser.main(command.words)
            except SystemExit as leaving:
                status = int(leaving.code or 0)
        return Outcome(status, said[0].getvalue(), said[1].getvalue())


def _leave_the_session_alone(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """What acts on the session of whoever runs the tests finds none."""
    for name in ("DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY"):
        patch.delenv(name, raising=False)
    patch.setenv("XDG_RUNTIME_DIR", str(folder))
    patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("name", COMMANDS)
def test_one_line_and_the_status_of_the_table(name: str, situation: str, tmp_path: Path) -> None:
    done = outcome(COMMANDS[name], situation, tmp_path)
    assert "Traceback" not in done.err
    assert all(line.startswith("omnitray: ") for line in done.err.splitlines()), done.err
    assert len(done.err.splitlines()) <= 1
    if situation == "not running" and done.status:
        assert done.err or done.out
    assert _cell(done) == _of_the_page()[name][SITUATIONS.index(situation)]


def _cell(done: Outcome) -> str:
    return f"{done.status}, one line" if done.err else str(done.status)


def _of_the_page() -> dict[str, list[str]]:
    text = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| `")]
    return {row[0].strip(" `"): [cell.strip() for cell in row[1:]] for row in rows}


def test_the_table_has_every_command_and_no_other() -> None:
    assert set(_of_the_page()) == set(COMMANDS), (
        "make it anew: python tests/cli/test_command_table.py > /dev/null"
    )


def table() -> str:
    """Commands x situations: exit status, and whether the error stream has a line."""
    lines = ["| command | " + " | ".join(SITUATIONS) + " |", "|---|" + "---|" * len(SITUATIONS)]
    for name, command in COMMANDS.items():
        cells = []
        for situation in SITUATIONS:
            with tempfile.TemporaryDirectory() as folder:
                cells.append(_cell(outcome(command, situation, Path(folder))))
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(before + BEGIN + table() + END + rest.partition(END)[2])

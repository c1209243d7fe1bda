"""What reaches a terminal: aligned, cut, and nothing that a terminal would obey.

Every kind of command with its output closed, full, or given to one who reads no more.
"""

import io
import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnitray.cli.terminal import Terminal, cut, cut_middle, harmless, harmless_json, width_of

ATTACKS = [
    "\x1b]0;owned\x07",
    "\x1b[2J",
    "\x9b31m",
    "a\rb",
    "a\nb",
    "\x08" * 10,
    "\u202egnp.exe",
    "\u2066x\u2069",
    "\u2028",
    "\udc80",
    "\x00",
]


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("text", ATTACKS)
def test_control_characters_never_reach_the_screen(text: str) -> None:
    screen = Screen()
    Terminal(screen, screen, {"NO_COLOR": "1"}).table([(text, text)])
    printed = screen.getvalue().rstrip("\n")
    assert printed.isprintable()


@given(st.text())
def test_no_text_is_obeyed(text: str) -> None:
    assert harmless(text).isprintable() or "\u3000" in text or "\xa0" in text or _spaces(text)


def _spaces(text: str) -> bool:
    return any(mark.isspace() and mark not in "\n\r\t\x0b\x0c" for mark in text)


@given(
    st.recursive(
        st.none() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_json_stays_the_same_value_on_one_line(value: object) -> None:
    escaped = harmless_json(json.dumps(value, ensure_ascii=False))
    assert json.loads(escaped) == value
    assert "\n" not in escaped
    assert "\x1b" not in escaped
    assert "\x9b" not in escaped


@given(st.text(), st.integers(1, 90))
def test_nothing_is_wider_than_it_may_be(text: str, width: int) -> None:
    assert width_of(cut(text, width)) <= width


@pytest.mark.parametrize(("columns", "width"), [("60", 60), ("80", 80), ("150", 150)])
def test_a_row_is_cut_at_the_width_of_the_terminal(columns: str, width: int) -> None:
    screen, pipe = Screen(), io.StringIO()
    for out in (screen, pipe):
        Terminal(out, out, {"COLUMNS": columns}).row("x" * 300)
    assert screen.getvalue() == "x" * (width - 1) + "…\n"
    assert pipe.getvalue() == "x" * 300 + "\n"


@pytest.mark.parametrize("columns", [20, 40, 60, 80])
def test_a_sentence_goes_on_in_the_next_line_and_a_path_stays_whole(columns: int) -> None:
    screen = Screen()
    path = "/home/you/.local/state/omnitray/log/omnitray.log"
    words = f"no server is watched; declare one, or look into {path} for why"
    Terminal(screen, screen, {"COLUMNS": str(columns)}).line(words)
    lines = screen.getvalue().splitlines()
    assert " ".join(lines) == words
    assert all(len(line) <= columns or line == path for line in lines)


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        (80, ["CPU", "memory", "leader", "job"]),
        (44, ["CPU", "memory", "job"]),
        (36, ["memory", "job"]),
        (20, ["memory", "job"]),
    ],
)
def test_what_says_least_goes_so_that_who_it_was_stays(columns: int, shown: list[str]) -> None:
    screen = Screen()
    rows = [
        ("CPU", "memory", "leader", "job"),
        ("100 %", "1.3 GB", "26738", "pytest · ~/a shop far away"),
    ]
    Terminal(screen, screen, {"COLUMNS": str(columns)}).table(rows, drop=(2, 0))
    head, row = screen.getvalue().splitlines()
    assert head.split() == shown
    assert max(map(len, (head, row))) <= columns


def test_a_last_cell_that_matters_to_its_end_goes_on_below_itself() -> None:
    screen = Screen()
    rows = [("Looks", "5 s", "from look to look; monitor level normal, automatic")]
    Terminal(screen, screen, {"COLUMNS": "40"}).table(rows, whole=True)
    assert screen.getvalue().splitlines() == [
        "Looks  5 s  from look to look; monitor",
        "            level normal, automatic",
    ]


def test_columns_line_up_also_with_wide_characters() -> None:
    out = io.StringIO()
    Terminal(out, out, {}).table([("日本", "x"), ("ab", "y"), ("abcd", "")])
    assert out.getvalue().splitlines() == ["日本  x", "ab    y", "abcd"]


def test_colour_is_for_terminals_that_want_it() -> None:
    for screen, environ, coloured in (
        (Screen(), {}, True),
        (Screen(), {"NO_COLOR": "1"}, False),
        (Screen(), {"NO_COLOR": ""}, True),
        (Screen(), {"TERM": "dumb"}, False),
        (io.StringIO(), {}, False),
    ):
        Terminal(screen, screen, environ).line("x", "critical")
        assert ("\x1b[31m" in screen.getvalue()) is coloured


def test_a_title_loses_its_middle_so_that_who_it_was_stays() -> None:
    screen = Screen()
    rows = [("a1", "paused python3 -m pytest --with-many --options · ~/shop")]
    Terminal(screen, screen, {"COLUMNS": "40", "NO_COLOR": "1"}).table(rows, middle=True)
    (line,) = screen.getvalue().splitlines()
    assert line.startswith("a1  paused python3")
    assert line.endswith("· ~/shop")
    assert width_of(line) <= 40


@given(st.text(), st.integers(1, 90))
def test_nothing_without_its_middle_is_wider_than_it_may_be(text: str, width: int) -> None:
    assert width_of(cut_middle(text, width)) <= width


RUN = (sys.executable, "-m", "omnitray")
# command, status with an output that takes everything
COMMANDS = (
    (("--version",), 0),
    (("--help",), 0),
    (("settings",), 0),
    (("settings", "--json"), 0),
    (("settings", "mode", "test"), 0),
    (("completion", "bash"), 0),
    (("token",), 1),
    (("status",), 1),
    (("status", "--json"), 1),
    (("settings", "no.such", "1"), 1),
    (("mode", "production"), 2),
)
ids = [" ".join(command) for command, _ in COMMANDS]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**kept, "OMNITRAY_HOME": str(tmp_path / "home")}


def _run(
    shell: str, command: tuple[str, ...], environ: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """With a redirection of the shell, as a person writes it."""
    return subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {shell}', "sh", *RUN, *command],
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(("command", "status"), COMMANDS, ids=ids)
def test_a_closed_output_changes_nothing(
    command: tuple[str, ...], status: int, environ: dict[str, str], tmp_path: Path
) -> None:
    done = _run(">&-", command, environ)
    assert (done.returncode, done.stdout) == (status, "")
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    for path in (each for each in tmp_path.rglob("*") if each.is_file()):
        assert "mode" not in path.read_text() or path.name == "config.toml"


@pytest.mark.parametrize(("command", "status"), COMMANDS, ids=ids)
def test_a_full_output_is_a_failure_in_one_line(
    command: tuple[str, ...], status: int, environ: dict[str, str]
) -> None:
    done = _run(">/dev/full", command, environ)
    assert done.returncode == (status or 1)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    if status == 0:
        assert done.stderr == "omnitray: the output cannot be written: No space left on device\n"


@pytest.mark.parametrize(("command", "status"), COMMANDS, ids=ids)
def test_a_closed_pipe_is_no_failure_of_its_own(
    command: tuple[str, ...], status: int, environ: dict[str, str]
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "wb") as output:  # noqa: PTH123 - a descriptor
        done = subprocess.run(
            [*RUN, *command],
            env=environ,
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == status
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert "BrokenPipe" not in done.stderr


@pytest.mark.parametrize("shell", ["2>&-", "2>/dev/full", "<&- >&- 2>&-", ">/dev/full 2>&1"])
def test_errors_that_cannot_be_said_leave_the_status_as_it_is(
    shell: str, environ: dict[str, str]
) -> None:
    assert _run(shell, ("mode", "production"), environ).returncode == 2
    assert _run(shell, ("status",), environ).returncode == 1


def _draws(terminal: Terminal, *pages: str) -> None:
    for page in pages:
        terminal.redraw(partial(terminal.line, page))


def test_a_page_is_drawn_in_the_place_of_the_one_before_and_only_when_it_is_another() -> None:
    screen = Screen()
    terminal = Terminal(screen, environ={"TERM": "xterm"})
    _draws(terminal, "CPU 100 %", "CPU 100 %", "CPU 3 %")
    first, second = "\x1b[H\x1b[2JCPU 100 %\x1b[K\n\x1b[J", "\x1b[HCPU 3 %\x1b[K\n\x1b[J"
    assert screen.getvalue() == first + second


@pytest.mark.parametrize("term", ["pipe", "dumb"])
def test_where_nothing_is_obeyed_a_page_is_printed_whole_at_each_change(term: str) -> None:
    out = Screen() if term == "dumb" else io.StringIO()
    _draws(Terminal(out, environ={"TERM": term}), "CPU 100 %", "CPU 100 %", "CPU 3 %")
    assert out.getvalue() == "CPU 100 %\nCPU 3 %\n"


def test_pages_in_a_pipe_have_their_time_and_an_empty_line_between_them() -> None:
    out = io.StringIO()
    terminal = Terminal(out, environ={})
    times = iter(("9:00", "9:02"))
    for page in ("CPU 100 %", "CPU 100 %", "CPU 3 %"):
        terminal.redraw(partial(terminal.line, page), lambda: next(times))
    assert out.getvalue() == "9:00\nCPU 100 %\n\n9:02\nCPU 3 %\n"

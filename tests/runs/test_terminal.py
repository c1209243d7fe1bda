"""A run on a real terminal: whatever is typed and shown is as without ``omnitray run``."""

import os
import pty
import shlex
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from runs.conftest import RUN
from support.real_servers import until
from support.terminals import TypedShell

TELLS = """
import os, signal, sys, time
def tell(number, frame):
    size = os.get_terminal_size()
    print(f"got {signal.Signals(number).name} at {size.columns}x{size.lines}", flush=True)
for name in sys.argv[1:]:
    signal.signal(signal.Signals[name], tell)
print("listens", flush=True)
while True:
    time.sleep(60)
"""


@pytest.fixture
def shell(tmp_path: Path, environ: dict[str, str]) -> Iterator[TypedShell]:
    (tmp_path / "tells.py").write_text(TELLS)
    script = tmp_path / "run"
    script.write_text(f'#!/bin/sh\nexec {shlex.join(RUN)} "$@"\n')
    script.chmod(0o755)
    found = f"{tmp_path}:{environ['PATH']}"
    with TypedShell(tmp_path, {**environ, "PATH": found}) as typed:
        yield typed


def status(shell: TypedShell) -> str:
    shell.line("echo status $?")
    return shell.done().split("status ")[-1].strip()


def test_ctrl_c_reaches_the_command_once_and_the_status_is_130(shell: TypedShell) -> None:
    shell.line("run -- python3 tells.py SIGUSR1")
    shell.wait_for("listens")
    shell.type("\x03")
    shell.done()
    assert status(shell) == "130"
    shell.line("run -- python3 tells.py SIGINT SIGQUIT; true")
    shell.wait_for("listens")
    shell.type("\x03")
    shell.wait_for("got SIGINT")
    shell.type("\x1c")
    assert "got SIGINT" not in shell.wait_for("got SIGQUIT")
    os.kill(command(shell), signal.SIGKILL)
    shell.done()


def command(shell: TypedShell) -> int:
    """The process that prints what it gets."""
    found = [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdecimal() and is_command(entry) and session(entry) == shell.pid
    ]
    (pid,) = found
    return pid


def is_command(entry: Path) -> bool:
    try:
        words = (entry / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return b"tells.py" in words[:2]


def session(entry: Path) -> int:
    return int((entry / "stat").read_text().rpartition(")")[2].split()[3])


def test_ctrl_c_ends_the_script_that_runs_it(shell: TypedShell) -> None:
    shell.line("bash -c 'run -- python3 tells.py SIGUSR1; echo went on'")
    shell.wait_for("listens")
    shell.type("\x03")
    assert "went on" not in shell.done()


HOLDS = "import time; held = bytearray(105_000_000); print('listens', flush=True); time.sleep(600)"


def test_what_is_paused_at_its_budget_obeys_the_terminal_at_once(
    shell: TypedShell, tmp_path: Path
) -> None:
    (tmp_path / "holds.py").write_text(HOLDS)
    for _ in range(2):
        shell.line("run --memory 100M --no-kill -- python3 holds.py")
        shell.wait_for("paused at its budget")
        shell.type("\x1a")
        assert "Stopped" in shell.done()
        shell.line("fg")
        shell.wait_for("holds.py")
        began = time.monotonic()
        shell.type("\x03")
        shell.done()
        assert time.monotonic() - began < 5.0  # of ten that a pause takes
        assert status(shell) == "130"


def test_ctrl_z_stops_the_job_and_fg_continues_it(shell: TypedShell) -> None:
    shell.line("run -- python3 tells.py SIGCONT SIGUSR1")
    shell.wait_for("listens")
    for _ in range(2):
        shell.type("\x1a")
        assert "Stopped" in shell.done()
        shell.line("jobs; fg")
        shell.wait_for("got SIGCONT")
    shell.type("\x1a")
    shell.done()
    shell.line("bg; jobs")
    assert "Running" in shell.done()
    shell.line("kill %1; wait %1; echo status $?")
    assert "status 143" in shell.done()


def test_a_signal_for_the_job_and_one_for_the_wrapper_come_once(shell: TypedShell) -> None:
    shell.line("run -- python3 tells.py SIGTERM SIGUSR1 SIGUSR2 &")
    shell.wait_for("listens")
    shell.line(
        "kill -TERM %1; sleep 0.3; kill -USR1 $!; sleep 0.3; kill -USR2 %1; sleep 0.5; echo ok"
    )
    said = shell.wait_for("ok\n|ok\r\n")
    assert [word for word in said.split() if word.startswith("SIG")] == [
        "SIGTERM", "SIGUSR1", "SIGUSR2",
    ]  # fmt: skip
    os.kill(command(shell), signal.SIGKILL)


def test_the_command_sees_the_terminal_and_its_size(shell: TypedShell) -> None:
    shell.line("run -- sh -c 'test -t 0 && test -t 1 && test -t 2 && stty size'")
    assert "24 300" in shell.done()
    shell.line("run -- python3 tells.py SIGWINCH")
    shell.wait_for("listens")
    shell.resize(40, 132)
    shell.wait_for("got SIGWINCH at 132x40")
    shell.type("\x03")
    shell.done()


def test_less_works_alone_and_in_a_pipeline(shell: TypedShell, tmp_path: Path) -> None:
    (tmp_path / "long").write_text("\n".join(f"line {number}" for number in range(1000)))
    for line in ("run -- less long", "run -- cat long | less", "cat long | run -- less"):
        shell.line(line)
        shell.wait_for("line 10")
        shell.type("G")
        shell.wait_for("line 999")
        assert "Stopped" in shell.press("\x1a")
        shell.line("fg")
        shell.wait_for("END")
        shell.press("q")
    assert status(shell) == "0"


def test_an_editor_that_reads_a_script_and_one_on_the_screen(
    shell: TypedShell, tmp_path: Path
) -> None:
    (tmp_path / "text").write_text("one\n")
    shell.line("printf '%%s/one/two/\\nwq\\n' | run -- vi -u NONE -es text; echo status $?")
    assert "status 0" in shell.done()
    assert (tmp_path / "text").read_text() == "two\n"
    shell.line("run -- vi -u NONE text")
    shell.wait_for("two")
    shell.type("\x1a")
    assert "Stopped" in shell.done()
    shell.line("fg")
    shell.wait_for("two")
    shell.type("ccthree\x1b:wq\n")
    shell.done()
    assert (tmp_path / "text").read_text() == "three\n"


def test_a_shell_inside_has_its_own_jobs(shell: TypedShell) -> None:
    shell.line("run -- bash --norc -i")
    shell.done()
    shell.line("python3 tells.py SIGUSR1")
    shell.wait_for("listens")
    shell.type("\x1a")
    assert "Stopped" in shell.done()
    shell.line("fg")
    os.kill(command(shell), signal.SIGKILL)
    shell.done()
    shell.line("exit 9")
    shell.done()
    assert status(shell) == "9"


def test_runs_nest(shell: TypedShell) -> None:
    shell.line(f"run -- {shlex.join(RUN)} -- python3 tells.py SIGINT SIGCONT SIGUSR1; echo over")
    shell.wait_for("listens")
    shell.type("\x03")
    shell.wait_for("got SIGINT")
    shell.type("\x1a")
    assert "got SIGINT" not in (said := shell.done())
    assert "Stopped" in said
    shell.line("fg")
    shell.wait_for("got SIGCONT")
    os.kill(command(shell), signal.SIGTERM)
    shell.done()


def test_reading_in_the_background_stops_the_job(shell: TypedShell) -> None:
    shell.line("run -- cat &")
    shell.done()
    while "Stopped" not in shell.seen:  # bash says so before a prompt
        shell.line("jobs")
        shell.seen += shell.done()
    shell.line("fg")
    shell.wait_for("run -- cat\r?\n")  # what is typed to bash's own line editor may be lost
    shell.type("typed\n")
    shell.wait_for("typed\r?\n.*typed|typed\r?\ntyped")
    shell.type("\x04")
    shell.done()
    assert status(shell) == "0"


def test_a_closed_terminal_reaches_the_command_where_it_has_started_the_run_itself(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    """As ``xterm -e omnitray run …`` and ``ssh -t`` do: the kernel tells the leader alone."""
    script = "trap 'echo closed > heard; exit 3' HUP; touch ready; while :; do sleep 0.1; done"
    leader, terminal = pty.fork()
    if leader == 0:
        os.chdir(tmp_path)
        os.execvpe(RUN[0], [*RUN, "--", "sh", "-c", script], environ)  # noqa: S606 - a terminal's
    until((tmp_path / "ready").exists, "the command runs")
    os.close(terminal)
    _, ended = os.waitpid(leader, 0)
    assert os.waitstatus_to_exitcode(ended) == 3
    assert (tmp_path / "heard").read_text() == "closed\n"

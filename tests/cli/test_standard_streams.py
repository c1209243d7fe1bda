"""Every kind of command with its output closed, full, or given to one who reads no more."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

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

"""The whole program by psutil alone: it starts, answers, and ends when it is told to."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.children import eventually

COMMAND = (sys.executable, "-m", "omnitray")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """It only watches: nothing on this machine is touched."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.toml").write_text('[protect]\nstate = "watch"\n')
    displays = {"DISPLAY", "WAYLAND_DISPLAY"}
    own = {name: value for name, value in os.environ.items() if name not in displays}
    return {**own, "OMNITRAY_HOME": str(tmp_path), "OMNITRAY_PLATFORM": "portable"}


@pytest.fixture
def program(environment: dict[str, str], tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    command = (*COMMAND, "--headless")
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as running:
        try:
            eventually((tmp_path / "run/api.json").exists)
            yield running
        finally:
            running.kill()


def asked(environment: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        (*COMMAND, *words), env=environment, capture_output=True, text=True, check=False
    )


def test_it_starts_answers_status_and_doctor_and_ends(
    environment: dict[str, str], program: "subprocess.Popen[bytes]"
) -> None:
    def figures() -> bool:
        found = asked(environment, "status", "--json")
        return found.returncode == 0 and bool(json.loads(found.stdout))

    eventually(figures)
    status = asked(environment, "status")
    assert status.returncode == 0, status.stderr
    assert "CPU" in status.stdout
    doctor = asked(environment, "doctor")
    assert "lever pause by signal: works" in doctor.stdout
    assert "whose window is active" in doctor.stdout
    program.send_signal(signal.SIGTERM)
    assert program.wait(20) == 0
    log = Path(environment["OMNITRAY_HOME"], "state/log/omnitray.log").read_text()
    assert " ERROR " not in log


def test_a_platform_that_there_is_none_of_is_one_sentence(environment: dict[str, str]) -> None:
    done = asked({**environment, "OMNITRAY_PLATFORM": "beos"}, "--headless")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert 'may be "portable" or empty' in done.stderr

"""The editor extension's logic, by node's test runner, against the real program over its socket."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.slow
@pytest.mark.timeout(400)  # the first run on a machine installs the extension's tools
def test_the_extension_follows_the_real_program() -> None:
    command = [sys.executable, "packaging/dev.py", "test", "--extension"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "fail 0" in done.stdout
    assert "skipped 0" in done.stdout

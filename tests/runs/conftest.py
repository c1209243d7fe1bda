"""Runs started for real, with their files in a folder of the test."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

RUN = (sys.executable, "-m", "omnitray", "run")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "omnitray"


@pytest.fixture
def environ(home: Path) -> dict[str, str]:
    kept = {key: text for key, text in os.environ.items() if not key.startswith("OMNITRAY")}
    root = str(Path(__file__).resolve().parents[2])
    return {**kept, "OMNITRAY_HOME": str(home), "PYTHONPATH": root}


class Runner:
    """Starts ``omnitray run`` without a terminal."""

    def __init__(self, folder: Path, environ: dict[str, str]) -> None:
        self.folder = folder
        self.environ = environ

    def start(self, *words: str, stdin: int = subprocess.DEVNULL) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [*RUN, *words],
            cwd=self.folder,
            env=self.environ,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # no terminal, also where the tests have one
        )

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        with self.start(*words) as process:
            out, err = process.communicate(timeout=60)
            return subprocess.CompletedProcess(
                words, process.returncode, out.decode(), err.decode()
            )


@pytest.fixture
def runner(tmp_path: Path, environ: dict[str, str]) -> Iterator[Runner]:
    """Its commands ignore no signal, also where the tests run in the background of a script."""
    names = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)
    ignored = [each for each in names if signal.getsignal(each) is signal.SIG_IGN]
    for each in ignored:
        signal.signal(each, signal.SIG_DFL)
    yield Runner(tmp_path, environ)
    for each in ignored:
        signal.signal(each, signal.SIG_IGN)

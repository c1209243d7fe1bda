"""Prometheus, Alertmanager and the program, for ``packaging/dev.py test --fleet``."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from support.receivers import free_port

LONG_S = 90.0


class Ports(NamedTuple):
    """Where the three listen."""

    omnitray: int
    prometheus: int
    alertmanager: int


class Fleet:
    """The three programs with folders of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = Ports(free_port(), free_port(), free_port())
        self.home = folder / "omnitray"
        self._programs: list[subprocess.Popen[bytes]] = []

    def start(self, command: list[str], log: str, **environment: str) -> None:
        """Start a program; what it says goes to a file."""
        with (self.folder / log).open("wb") as output:
            program = subprocess.Popen(
                command, stdout=output, stderr=output, env={**os.environ, **environment}
            )
        self._programs.append(program)

    def start_omnitray(self, settings: str = "") -> None:
        """Headless, with protection off."""
        config = self.home / "config" / "config.toml"
        config.parent.mkdir(parents=True, exist_ok=True)
        config.write_text(
            f'[api]\nport = {self.ports.omnitray}\n[protect]\nstate = "off"\n{settings}'
        )
        config.chmod(0o600)
        command = [sys.executable, "-m", "omnitray", "--headless"]
        self.start(command, "omnitray.log", OMNITRAY_HOME=str(self.home))
        until((self.home / "run" / "api.json").exists, "OmniTray answers")

    @property
    def token(self) -> str:
        """What opens ``/metrics``; the first question makes the file."""
        file = self.home / "run" / "metrics.token"
        if not file.exists():
            self.get("/health")
        until(file.exists, "the token is written")
        return file.read_text().strip()

    def get(self, path: str) -> Any:
        """Ask OmniTray."""
        return self._asked("GET", path, None)

    def post(self, path: str, body: object) -> Any:
        """Tell OmniTray."""
        return self._asked("POST", path, json.dumps(body).encode())

    def _asked(self, method: str, path: str, body: bytes | None) -> Any:
        api = json.loads((self.home / "run" / "api.json").read_text())
        headers = {"Authorization": f"Bearer {api['token']}", "Content-Type": "application/json"}
        url = f"{api['url']}/api/monitoring{path}"
        request = urllib.request.Request(url, body, headers, method=method)  # noqa: S310 - our own
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - likewise
            return json.loads(answer.read())

    def stop(self) -> None:
        """End all of them."""
        for program in self._programs:
            program.terminate()
        for program in self._programs:
            program.wait(20)


def fetched(url: str) -> Any:
    """JSON from an address; None while nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own addresses
            return json.loads(answer.read())
    except (OSError, ValueError, urllib.error.URLError):
        return None


def until(true: Callable[[], object], what: str, timeout_s: float = LONG_S) -> None:
    """Wait for a state."""
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(0.2)


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    fleet = Fleet(tmp_path)
    yield fleet
    fleet.stop()

"""A project with a server and tests, runs of them, and an OmniTray that comes and goes."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from omnitray.api.wire import ServerBody, Servers
from omnitray.base.paths import find_paths
from omnitray.client.http import NotRunning, find_remote
from omnitray.servers.model import ServerState
from support.real_servers import PROGRAM, free_port, until


class ServerProject:
    """A project, a run of its tests, and an OmniTray that comes and goes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "shop"
        self.folder.mkdir()
        (self.folder / "server.py").write_text(PROGRAM)
        self.home = folder / "home"
        (self.home / "config").mkdir(parents=True)
        (self.home / "config" / "config.toml").write_text(
            f"[protect]\nstate = 'off'\n[api]\nport = {free_port()}\n"
        )
        self.environment = {**os.environ, "OMNITRAY_HOME": str(self.home)}
        self.environment.pop("DISPLAY", None)
        self.port = free_port()
        self.python = sys.executable
        self.program: subprocess.Popen[bytes] | None = None

    def pytest(self, *options: str) -> "subprocess.Popen[str]":
        """A run of its tests, by default with a server of the run's own."""
        if not options:
            options = (
                f"--omnitray-server={self.python} server.py {self.port}",
                f"--omnitray-health=http://127.0.0.1:{self.port}/",
            )
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--omnitray", *options],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def start(self) -> None:
        self.program = subprocess.Popen(
            [sys.executable, "-m", "omnitray", "--headless"],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def stop(self) -> None:
        if self.program is not None:
            self.program.terminate()
            assert self.program.wait(20) == 0
            self.program = None

    def kill(self) -> None:
        """As a crash does: nothing is put in order."""
        if self.program is not None:
            self.program.kill()
            self.program.wait()
            self.program = None

    def asked(self, *words: str) -> tuple[int, Any]:
        command, *rest = words
        done = subprocess.run(
            [sys.executable, "-m", "omnitray", command, "--json", *rest],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr

    def servers(self) -> tuple[ServerBody, ...]:
        """As the API has them: a command line takes half a second of imports."""
        with contextlib.suppress(NotRunning):
            return find_remote(find_paths(self.environment)).get("/servers", Servers).servers
        return ()

    def shows(self, condition: Callable[[ServerBody], bool], what: str) -> ServerBody:
        until(lambda: any(map(condition, self.servers())), what, 60.0)
        return next(filter(condition, self.servers()))

    def there(self, name: str) -> bool:
        return (self.folder / name).exists()


def is_up(server: ServerBody) -> bool:
    return server.state is ServerState.UP

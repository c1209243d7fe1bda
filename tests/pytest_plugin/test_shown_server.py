"""The server of a run in OmniTray: seen while the run lasts, also by one that starts meanwhile."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from omnitray.api.wire import ServerBody, Servers
from omnitray.base.paths import find_paths
from omnitray.client.http import NotRunning, find_remote
from omnitray.servers.model import ServerState
from support.real_servers import PROGRAM, free_port, left_in, until

# The test waits, so that what is to be seen while a run lasts can be looked at.
TESTS = """
import time, urllib.request
from pathlib import Path
def test_waits(omnitray_server):
    Path("runs").touch()
    while not Path("go").exists():
        time.sleep(0.02)
    assert urllib.request.urlopen(omnitray_server.url + "/", timeout=5).read() == b"ok"
"""


class Shop:
    """A project, a run of its tests, and an OmniTray that comes and goes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "shop"
        self.folder.mkdir()
        (self.folder / "server.py").write_text(PROGRAM)
        (self.folder / "test_shop.py").write_text(TESTS)
        self.home = folder / "home"
        (self.home / "config").mkdir(parents=True)
        (self.home / "config" / "config.toml").write_text(
            f"[protect]\nstate = 'off'\n[api]\nport = {free_port()}\n"
        )
        self.environment = {**os.environ, "OMNITRAY_HOME": str(self.home)}
        self.environment.pop("DISPLAY", None)
        self.port = free_port()
        self.program: subprocess.Popen[bytes] | None = None

    def pytest(self) -> "subprocess.Popen[str]":
        server = f"{sys.executable} server.py {self.port}"
        options = (
            f"--omnitray-server={server}",
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
        (found,) = self.servers()
        return found

    def there(self, name: str) -> bool:
        return (self.folder / name).exists()


def is_up(server: ServerBody) -> bool:
    return server.state is ServerState.UP


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_the_server_of_a_run_is_shown_while_it_lasts(shop: Shop) -> None:
    run = shop.pytest()
    try:
        until(lambda: shop.there("runs"), "the test", 60.0)
        shop.start()  # after the run: it finds what was published before
        seen = shop.shows(is_up, "the server")
        assert (seen.name, seen.owner) == ("shop-tests", "pytest")
        assert seen.url == f"http://127.0.0.1:{shop.port}"
        assert shop.asked("servers")[1]["servers"][0]["name"] == "shop-tests"
        assert shop.asked("server", "restart", "shop-tests")[0] == 0
        again = shop.shows(lambda each: is_up(each) and each.pid != seen.pid, "another process")
        shop.stop()  # OmniTray is restarted: the run knows nothing of it
        shop.start()
        assert shop.shows(is_up, "it again").pid == again.pid
        (shop.folder / "go").touch()
        text = run.communicate(timeout=60)[0]
        assert run.returncode == 0, text
        until(lambda: shop.servers() == (), "the end of it in the list")
    finally:
        run.kill()
        run.communicate()
        shop.stop()
    assert left_in(shop.folder) == []


def test_the_server_of_a_run_that_was_killed_is_ended_by_the_next(shop: Shop) -> None:
    run = shop.pytest()
    until(lambda: shop.there("runs"), "the test", 60.0)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    assert len(left_in(shop.folder)) == 1
    (shop.folder / "go").touch()
    next_run = shop.pytest()
    text = next_run.communicate(timeout=60)[0]
    assert next_run.returncode == 0, text
    assert left_in(shop.folder) == []
    assert list((shop.home / "run" / "servers").glob("*.json")) == []

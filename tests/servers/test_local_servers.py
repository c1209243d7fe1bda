"""Servers owned by a program without OmniTray."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from omnitray.servers.local import LocalServers, ServerNotUp
from omnitray.servers.model import AlertNews, ServerState
from omnitray.settings.servers import ServerSettings
from support.real_servers import PROGRAM, free_port, left_in, until


@pytest.fixture
def spec(tmp_path: Path) -> ServerSettings:
    (tmp_path / "server.py").write_text(PROGRAM)
    port = str(free_port())
    return ServerSettings(
        name="api",
        command=(sys.executable, "server.py", port),
        cwd=str(tmp_path),
        health=f"http://127.0.0.1:{port}/",
    )


@pytest.fixture
def raised() -> list[AlertNews]:
    return []


@pytest.fixture
def servers(tmp_path: Path, raised: list[AlertNews]) -> Iterator[LocalServers]:
    with LocalServers(tmp_path / "state", on_alert=raised.append) as found:
        yield found
    assert left_in(tmp_path) == []


def test_it_is_up_when_the_start_returns(servers: LocalServers, spec: ServerSettings) -> None:
    view = servers.start(spec)
    assert (view.state, view.owner) == (ServerState.UP, "pytest")
    assert servers.probe("api", 5.0)
    assert servers.ensure_up("api", 5.0) is False


def test_a_dead_server_is_restarted_once_whoever_asks(
    servers: LocalServers, spec: ServerSettings, raised: list[AlertNews]
) -> None:
    view = servers.start(spec)
    os.kill(view.pid or 0, signal.SIGKILL)
    until(lambda: not servers.probe("api"), "its end")
    asking = [threading.Thread(target=servers.ensure_up, args=("api", 5.0)) for _ in range(4)]
    for each in asking:
        each.start()
    for each in asking:
        each.join()
    again = servers.view("api")
    assert again.state is ServerState.UP
    assert again.pid != view.pid
    until(lambda: bool(raised), "the alert")
    lines = servers.log_tail("api")
    assert sum("started:" in line for line in lines) == 2


def test_one_that_never_comes_up_says_why(
    servers: LocalServers, spec: ServerSettings, tmp_path: Path
) -> None:
    (tmp_path / "exit").write_text("3")
    with pytest.raises(
        ServerNotUp,
        match="is in a crash loop: exit 3, ImportError: no module named shop",
    ) as told:
        servers.start(spec)
    assert any("ImportError" in line for line in told.value.log_tail)


def test_a_restart_is_another_process(servers: LocalServers, spec: ServerSettings) -> None:
    first = servers.start(spec)
    second = servers.restart("api")
    assert second.pid != first.pid
    assert not psutil.pid_exists(first.pid or 0)


def test_qt_is_not_needed() -> None:
    script = (
        "import sys, omnitray.servers.local as _; "
        "print(*(name for name in sys.modules if name.split('.')[0] in ('PySide6', 'starlette')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


def test_a_kill_while_memory_ran_out_is_the_kernels(
    servers: LocalServers, spec: ServerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = servers.start(spec)
    monkeypatch.setattr("omnitray.servers.handling.oom_kills", lambda: 10**9)
    os.kill(view.pid or 0, signal.SIGKILL)
    until(lambda: servers.view("api").last_exit is not None, "its end")
    ended = servers.view("api").last_exit
    assert ended is not None
    assert ended.reason == "killed when the kernel ran out of memory and ended a process"


def test_one_that_cannot_be_started_is_waited_for_no_longer(servers: LocalServers) -> None:
    spec = ServerSettings(name="api", command=("/no/such/program",), restart="always")
    with pytest.raises(ServerNotUp, match="was not found"):
        servers.start(spec)

"""The server's life: it costs next to nothing until somebody asks, and nobody is kept waiting."""

import contextlib
import errno
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from omnitray.api.server import ApiServer
from omnitray.base.durable import StorageError
from omnitray.client.discovery import Address, read_address
from omnitray.settings.model import ApiSettings
from support.api_server import Running, running
from support.fake_door import FakeDoor

STATUS = "/api/monitoring/status"
HEAVY = ("asyncio", "uvicorn", "starlette", "h11", "ssl", "_hashlib", "omnitray.api.serving")
NOBODY_ASKS = f"""
import sys
from pathlib import Path
from types import SimpleNamespace
from omnitray.api.server import ApiServer
from omnitray.settings.model import ApiSettings

door = SimpleNamespace(metrics_token=lambda: "")
server = ApiServer(door, ApiSettings(port=0), Path(sys.argv[1]))
server.start()
server.ready.wait(20)
print(bool(server.url), [name for name in {HEAVY!r} if name in sys.modules], server.stop())
"""

ONE_ASKS = """
import sys
import urllib.request
from pathlib import Path
from omnitray.api.server import ApiServer
from omnitray.settings.model import ApiSettings
from support.fake_door import FakeDoor

server = ApiServer(FakeDoor(), ApiSettings(port=0), Path(sys.argv[1]))
server.start()
server.ready.wait(20)
with urllib.request.urlopen(server.url + "/api/monitoring/health", timeout=20) as answer:
    print(answer.status, server.stop())
print(sorted({"click", "starlette", "anyio", "websockets", "multiprocessing"} & set(sys.modules)))
"""


def test_until_somebody_asks_nothing_heavy_is_loaded(tmp_path: Path) -> None:
    command = [sys.executable, "-c", NOBODY_ASKS, str(tmp_path / "run" / "api.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("True [] True\n", "")


def test_the_first_request_loads_no_command_line_and_no_websocket(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ONE_ASKS, str(tmp_path / "run" / "api.json")]
    place = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=place)
    assert (done.stdout, done.stderr) == ("200 True\n[]\n", "")


def test_the_first_to_ask_is_answered_and_so_are_all_who_came_with_it(api: Running) -> None:
    request = f"GET /api/monitoring/health HTTP/1.1\r\nHost: 127.0.0.1:{api.port}\r\n\r\n".encode()
    callers = [socket.create_connection(("127.0.0.1", api.port), timeout=20) for _ in range(8)]
    for caller in callers:
        caller.sendall(request)
    for caller in callers:
        with closing(caller):
            assert caller.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_it_ends_though_nobody_ever_asked(tmp_path: Path) -> None:
    with running(tmp_path) as api:
        assert api.server.stop(5)
        assert read_address(api.api_file) is None


@pytest.mark.parametrize("turns", range(5))
def test_it_ends_in_time_while_the_first_client_is_being_let_in(tmp_path: Path, turns: int) -> None:
    with running(tmp_path) as api, socket.create_connection(("127.0.0.1", api.port)):
        for _ in range(turns):  # a little later each time
            api.server.ready.wait()
            sum(range(100_000))
        assert api.server.stop(5)


def test_a_server_that_cannot_be_loaded_says_so_and_keeps_nobody_waiting(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    expect_log: Callable[..., None],
) -> None:
    expect_log("The local API failed")
    monkeypatch.setitem(sys.modules, "omnitray.api.serving", None)
    api_file = tmp_path / "run" / "api.json"
    told: list[str] = []
    door = FakeDoor()
    server = ApiServer(door, ApiSettings(port=0), api_file, tell=told.append)
    server.start()
    assert server.ready.wait(20)
    with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))) as caller:
        caller.settimeout(20)
        with pytest.raises(ConnectionResetError):
            caller.recv(1)
    assert server.stop(5)
    assert told == [server.problem]
    assert "omnitray.api.serving" in told[0]
    assert (server.url, api_file.exists()) == ("", False)


def test_after_its_end_it_can_be_started_again(tmp_path: Path) -> None:
    with running(tmp_path) as api:
        assert api.ask("GET", STATUS).status == 200
        assert api.server.stop(5)
        api.server.ready.clear()
        api.server.start()
        assert api.server.ready.wait(20)
        assert api.ask("GET", STATUS).status == 200


def test_an_address_that_somebody_removes_is_put_back(api: Running) -> None:
    before = api.address
    shutil.rmtree(api.api_file.parent)
    api.server.tend()
    assert api.address == before
    assert api.api_file.stat().st_mode & 0o777 == 0o600
    written = api.api_file.stat()
    api.server.tend()
    assert api.api_file.stat().st_ino == written.st_ino  # all is well: nothing is written


@pytest.mark.expect_log("api.json is not written yet")
def test_after_a_full_disk_at_the_start_it_is_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, _address: Address) -> None:
        raise StorageError(path, OSError(errno.ENOSPC, "full"))

    with monkeypatch.context() as patch:
        patch.setattr("omnitray.api.server.write_address", full)
        with running(tmp_path) as api:
            assert read_address(api.api_file) is None
            with pytest.raises(StorageError):
                api.server.tend()
            patch.undo()
            api.server.tend()
            assert api.ask("GET", STATUS).status == 200


def test_one_that_failed_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, expect_log: Callable[..., None]
) -> None:
    expect_log("cannot listen")
    told: list[str] = []
    door = FakeDoor()
    door.start()
    api_file = tmp_path / "run" / "api.json"
    server = ApiServer(door, ApiSettings(port=0), api_file, tell=told.append)

    def no_descriptor(_settings: ApiSettings) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr("omnitray.api.server.open_listener", no_descriptor)
        server.start()
        assert server.ready.wait(20)
    server.ready.clear()
    deadline = time.monotonic() + 20
    while not server.ready.is_set() and time.monotonic() < deadline:
        server.tend()
        server.ready.wait(0.1)
    with contextlib.closing(socket.create_connection(("127.0.0.1", _port(server)))):
        assert len(told) == 1
        assert server.problem is None
    assert server.stop(5)
    server.tend()  # one that was stopped stays so
    assert server.url == ""
    door.stop()


def _port(server: ApiServer) -> int:
    return int(server.url.rpartition(":")[2])


@pytest.mark.parametrize("errno_", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_a_token_that_cannot_be_written_down_is_not_rotated(
    api: Running, monkeypatch: pytest.MonkeyPatch, errno_: int
) -> None:
    def refuses(path: Path, _address: Address) -> None:
        raise StorageError(path, OSError(errno_, os.strerror(errno_)))

    monkeypatch.setattr("omnitray.api.server.write_address", refuses)
    answer = api.ask("POST", "/api/monitoring/token/rotate", {})
    assert (answer.status, answer.json["error"]) == (409, "not_stored")
    assert "the old one stays" in answer.json["detail"]
    assert api.ask("GET", STATUS).status == 200

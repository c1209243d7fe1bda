"""The server's life: it costs next to nothing until somebody asks, and nobody is kept waiting."""

import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from omnitray.api.server import ApiServer
from omnitray.client.discovery import read_address
from omnitray.settings.model import ApiSettings
from support.api_server import Running, running
from support.fake_door import FakeDoor

STATUS = "/api/monitoring/status"
HEAVY = ("asyncio", "uvicorn", "starlette", "h11", "ssl", "_hashlib", "omnitray.api.serving")
NOBODY_ASKS = f"""
import sys
from pathlib import Path
from omnitray.api.server import ApiServer
from omnitray.settings.model import ApiSettings

server = ApiServer(None, ApiSettings(port=0), Path(sys.argv[1]))
server.start()
server.ready.wait(20)
print(bool(server.url), [name for name in {HEAVY!r} if name in sys.modules], server.stop())
"""


def test_until_somebody_asks_nothing_heavy_is_loaded(tmp_path: Path) -> None:
    command = [sys.executable, "-c", NOBODY_ASKS, str(tmp_path / "run" / "api.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("True [] True\n", "")


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

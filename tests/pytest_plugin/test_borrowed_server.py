"""A run whose server a running OmniTray watches: it borrows that one, and starts no second."""

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from omnitray.base.paths import find_paths
from omnitray.client.sync import Client
from omnitray.pytest_plugin import borrowed_server
from omnitray.pytest_plugin.reporter import Reporter
from omnitray.pytest_plugin.server import ServerOwner
from omnitray.servers.memory import ServerMemory, StoredServer, StoredServers
from omnitray.servers.model import Remembered, ServerState
from omnitray.servers.processes import boot_id
from omnitray.servers.published import published
from support.real_servers import left_in, until
from support.server_project import ServerProject, is_up

TESTS = """
import os, time, urllib.request
from pathlib import Path
def get(server, path): return urllib.request.urlopen(server.url + path, timeout=5).read()
def test_before(omnitray_server): assert get(omnitray_server, "/") == b"ok"
def test_kills(omnitray_server): get(omnitray_server, "/crash")
def test_after(omnitray_server): assert get(omnitray_server, "/") == b"ok"
def test_restarts(omnitray_server):
    before = omnitray_server.pid
    omnitray_server.restart()
    assert omnitray_server.pid != before
    assert "ready" in omnitray_server.log
"""
DECLARED = """
[[server]]
name = "api"
command = {command}
cwd = "{folder}"
health = "http://127.0.0.1:{port}/"
{more}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[ServerProject]:
    shop = ServerProject(tmp_path)
    (shop.folder / "test_shop.py").write_text(TESTS)
    yield shop
    shop.asked("server", "stop", "api")
    shop.stop()
    until(lambda: left_in(shop.folder) == [], "the end of its processes")


OWNS = """
import time, urllib.request
from pathlib import Path
def test_waits(omnitray_server):
    Path("reached").touch()
    while not Path("go").exists(): time.sleep(0.05)
    assert urllib.request.urlopen(omnitray_server.url + "/", timeout=5).read() == b"ok"
"""


def declare(shop: ServerProject, more: str = "") -> None:
    file = shop.home / "config" / "config.toml"
    command = f'["{shop.python}", "server.py", "{shop.port}"]'
    declared = DECLARED.format(command=command, folder=shop.folder, port=shop.port, more=more)
    file.write_text(file.read_text() + declared)


def alerts(shop: ServerProject, type_: str) -> list[dict[str, Any]]:
    found = Client(paths=find_paths(shop.environment)).alerts()
    return [msgspec.to_builtins(each) for each in found if each.type == type_]


def test_a_server_that_omnitray_watches_is_borrowed(shop: ServerProject) -> None:
    declare(shop, "autostart = true")
    shop.start()
    first = shop.shows(is_up, "the server")
    run = shop.pytest("--omnitray-server=api")
    text = run.communicate(timeout=120)[0]
    assert "1 failed, 3 passed" in text, text
    assert "omnitray: the server api was restarted" in text
    assert "went down during this test" in text
    (down,) = alerts(shop, "SERVER_DOWN")  # OmniTray's own, and no second of the run
    assert (down["source"], down["state"]) == ("server:api", "resolved")
    assert down["context"]["nodeid"] == "test_shop.py::test_kills"
    assert down["context"]["project"] == str(shop.folder)
    assert "during test_shop.py::test_kills" in down["message"]
    (failed,) = alerts(shop, "TEST_FAILED")
    assert failed["context"]["server"] == "api"
    after = shop.shows(is_up, "the server after the run")  # it was up before the run
    assert (after.owner, after.pid == first.pid) == ("settings", False)
    assert not list((shop.home / "run" / "servers").iterdir())


def test_one_that_does_not_run_is_started_for_the_run_alone(
    shop: ServerProject,
) -> None:
    declare(shop, 'restart = "never"')
    shop.start()
    shop.shows(lambda each: each.state is ServerState.STOPPED, "the declared server")
    # Under xdist: the controller borrows it once, and its workers wait for that one.
    run = shop.pytest("--omnitray-server=api", "-n", "2", "--dist", "loadfile")
    text = run.communicate(timeout=120)[0]
    # restart = "never" counts for other times: the run asks for the next start.
    assert "1 failed, 3 passed" in text, text
    (down,) = alerts(shop, "SERVER_DOWN")
    assert (down["source"], down["state"]) == ("server:api", "resolved")
    assert down["context"]["nodeid"] == "test_shop.py::test_kills"
    shop.shows(lambda each: each.state is ServerState.STOPPED, "the stopped server")


def test_the_run_goes_on_when_omnitray_is_killed(shop: ServerProject) -> None:
    (shop.folder / "test_shop.py").write_text("""
import os, signal, time, urllib.request
from pathlib import Path
def get(server): return urllib.request.urlopen(server.url + "/", timeout=5).read()
def test_lives_on(omnitray_server):
    Path("runs").touch()
    while not Path("go").exists(): time.sleep(0.02)
    assert get(omnitray_server) == b"ok"
    os.kill(omnitray_server.pid, signal.SIGKILL)
    Path("killed").touch()
def test_waits_for_omnitray(omnitray_server): assert get(omnitray_server) == b"ok"
""")
    declare(shop, "autostart = true")
    shop.start()
    shop.shows(is_up, "the server")
    run = shop.pytest("--omnitray-server=api")
    until(lambda: shop.there("runs"), "the test", 60.0)
    shop.kill()
    (shop.folder / "go").touch()
    until(lambda: shop.there("killed"), "the end of the server", 60.0)
    shop.start()  # it finds the server gone and starts it again
    text = run.communicate(timeout=120)[0]
    assert "2 passed" in text, text
    assert shop.shows(is_up, "the server").owner == "settings"


def test_a_server_that_cannot_be_started_holds_up_no_run(shop: ServerProject) -> None:
    declare(shop)
    (shop.folder / "test_shop.py").write_text("def test_alone(): pass")
    shop.start()
    shop.shows(lambda each: each.state is ServerState.STOPPED, "the declared server")
    (shop.folder / "exit").write_text("1")  # it ends at once
    with socket.create_server(("127.0.0.1", shop.port)):  # and its port is another's
        run = shop.pytest("--omnitray-server=api")
        text = run.communicate(timeout=60)[0]
    assert "1 passed" in text, text
    (down,) = alerts(shop, "SERVER_DOWN")
    assert str(os.getpid()) in down["message"]
    assert down["context"]["phase"] == "start"


def test_of_a_run_and_an_omnitray_that_come_at_once_one_has_the_server(
    shop: ServerProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is shown as the run's before OmniTray is asked once more; then OmniTray's is taken."""
    declare(shop)
    monkeypatch.setenv("OMNITRAY_HOME", str(shop.home))
    reporter = Reporter()
    shown: list[list[str]] = []

    def is_kept_running(of: Reporter, _name: str) -> bool:
        shown.append([each.view.name for each in published(of.paths.published_servers)])
        return len(shown) == 2  # it was started while the run took it for its own

    monkeypatch.setattr(borrowed_server, "is_kept_running", is_kept_running)
    facts = {"marks": str(shop.folder), "run": "1", "project": str(shop.folder)}
    leader = borrowed_server.leader_of("api", None, reporter, shop.folder, facts)
    assert isinstance(leader, ServerOwner)
    assert shown == [[], ["api"], [], ["api"]]
    leader.withdraw()
    assert published(reporter.paths.published_servers) == ()


def test_one_that_omnitray_has_left_running_is_used_as_it_is(shop: ServerProject) -> None:
    """Also where OmniTray does not come back: no wait, and no second server."""
    declare(shop, "autostart = true")
    shop.start()
    before = shop.shows(is_up, "the server")
    shop.kill()
    (shop.folder / "test_shop.py").write_text(
        "import urllib.request\n"
        "def test_uses(omnitray_server):\n"
        f"    assert omnitray_server.pid == {before.pid}\n"
        "    assert urllib.request.urlopen(omnitray_server.url).read() == b'ok'\n"
    )
    began = time.monotonic()
    text = shop.pytest("--omnitray-server=api").communicate(timeout=60)[0]
    assert "1 passed" in text, text
    assert "alert" not in text
    assert time.monotonic() - began < borrowed_server.AWAY_S
    shop.start()
    assert shop.shows(is_up, "the server").pid == before.pid


def test_what_was_given_up_is_left_as_it_is(shop: ServerProject) -> None:
    """A run starts no crash loop, says why, and ends no alert of what it could not start."""
    declare(shop)
    file = shop.home / "config" / "config.toml"
    file.write_text(f'{file.read_text()}\n[[server]]\nname = "gone"\ncommand = ["not-there"]\n')
    (shop.folder / "test_shop.py").write_text("def test_alone(): assert False")
    before = Remembered(state=ServerState.CRASH_LOOP, detail="exit 3", restarts=4)
    stored = StoredServer(name="api", owner="settings", wanted=True, remembered=before)
    memory = ServerMemory(find_paths(shop.environment).servers_file)
    memory.save(StoredServers(boot=boot_id(), servers=(stored,)))
    shop.start()
    looped = shop.shows(lambda each: each.state is ServerState.CRASH_LOOP, "the crash loop")
    shop.asked("server", "start", "gone")
    for name, said in (("api", "is in a crash loop: exit 3"), ("gone", "is down: the program")):
        text = shop.pytest(f"--omnitray-server={name}").communicate(timeout=60)[0]
        assert f"the server {name} {said}" in text, text
        assert "1 failed" in text
    after = shop.servers()
    assert looped in after
    assert [each.state for each in after if each.name == "gone"] == [ServerState.DOWN]
    (down,) = alerts(shop, "SERVER_DOWN")
    assert (down["source"], down["state"]) == ("server:gone", "firing")


def test_one_that_a_run_owns_is_not_started_a_second_time(shop: ServerProject) -> None:
    """OmniTray comes while the run has it, would start it too, and does so after the run."""
    declare(shop, "autostart = true\n")
    (shop.folder / "test_shop.py").write_text(OWNS)
    run = shop.pytest("--omnitray-server=api")
    until((shop.folder / "reached").exists, "the run has its server", 60.0)
    shop.start()
    until(lambda: any(each.owner == "pytest" for each in shop.servers()), "it is shown", 60.0)
    assert [(each.name, each.owner) for each in shop.servers()] == [("api", "pytest")]
    assert alerts(shop, "SERVER_DOWN") == []
    (shop.folder / "go").touch()
    text, _ = run.communicate(timeout=60)
    assert run.returncode == 0, text
    until(
        lambda: any(each.owner == "settings" and each.state == "up" for each in shop.servers()),
        "OmniTray has started it",
        60.0,
    )
    assert alerts(shop, "SERVER_DOWN") == []

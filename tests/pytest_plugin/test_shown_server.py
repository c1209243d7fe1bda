"""The server of a run in OmniTray: seen while the run lasts, also by one that starts meanwhile."""

import signal
from pathlib import Path

import pytest

from support.real_servers import left_in, until
from support.server_project import ServerProject, is_up

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


@pytest.fixture
def shop(tmp_path: Path) -> ServerProject:
    shop = ServerProject(tmp_path)
    (shop.folder / "test_shop.py").write_text(TESTS)
    return shop


def test_the_server_of_a_run_is_shown_while_it_lasts(shop: ServerProject) -> None:
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


def test_the_server_of_a_run_that_was_killed_is_ended_by_the_next(shop: ServerProject) -> None:
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

"""The session's server in real runs: started, lost, restarted; outcomes are those of the tests."""

import json
import socket
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

SERVER = """
import http.server, os, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/die":
            os._exit(3)
        if self.path == "/die-later":
            import threading
            threading.Timer(0.1, os._exit, [3]).start()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok")
    def log_message(self, *arguments): pass
print("starting", flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
TESTS = """
import time, urllib.request
def get(url): return urllib.request.urlopen(url, timeout=5).read()
def test_before(omnitray_server): assert get(omnitray_server.url + "/") == b"ok"
def test_kills(omnitray_server): get(omnitray_server.url + "/die")
def test_after(omnitray_server): assert get(omnitray_server.url + "/") == b"ok"
def test_restarts(omnitray_server):
    before = omnitray_server.pid
    omnitray_server.restart()
    assert omnitray_server.pid != before
    assert "starting" in omnitray_server.log
"""


class Site:
    """A project with a server, and where its alerts go."""

    def __init__(self, pytester: pytest.Pytester, home: Path) -> None:
        self.pytester = pytester
        self.home = home
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        (pytester.path / "site.py").write_text(SERVER)

    def run(self, *more: str, program: str = "site.py") -> pytest.RunResult:
        command = f"{sys.executable} {self.pytester.path / program} {self.port}"
        health = f"http://127.0.0.1:{self.port}/"
        options = ("--omnitray", f"--omnitray-server={command}", f"--omnitray-health={health}")
        return self.pytester.runpytest_subprocess("-p", "no:cacheprovider", *options, *more)

    def alerts(self) -> dict[str, dict[str, Any]]:
        files = (self.home / "data" / "alerts").glob("alert_*.json")
        found = [json.loads(file.read_text()) for file in files]
        firing = [each["type"] for each in found if each["state"] == "firing"]
        assert len(set(firing)) == len(firing)
        return {each["type"]: each for each in sorted(found, key=lambda each: each["last_seen"])}

    def servers_left(self) -> list[int]:
        script = str(self.pytester.path / "site.py")
        found = psutil.process_iter(["cmdline"])  # None for what may not be read, or is a zombie
        return [each.pid for each in found if script in (each.info["cmdline"] or ())]


@pytest.fixture
def site(pytester: pytest.Pytester, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setenv("OMNITRAY_HOME", str(tmp_path / "home"))
    return Site(pytester, tmp_path / "home")


@pytest.mark.parametrize("spread", [(), ("-n", "2", "--dist", "loadfile")], ids=["plain", "xdist"])
def test_a_test_brings_the_server_down_and_the_run_goes_on(
    site: Site, spread: tuple[str, ...]
) -> None:
    # One file on one worker: its tests end the server that the next of them needs.
    beside = "import time\ndef test_beside(omnitray_server): time.sleep(0.5)"
    site.pytester.makepyfile(test_site=TESTS, test_beside=beside)
    result = site.run(*spread)
    result.assert_outcomes(passed=4, failed=1)
    result.stdout.fnmatch_lines(["*went down during this test", "omnitray: the server*restarted*"])
    found = site.alerts()
    assert set(found) == {"SERVER_DOWN", "TEST_FAILED"}
    down = found["SERVER_DOWN"]
    assert down["state"] == "resolved"
    assert any("::test_kills" in name for name in down["context"]["tests"])
    assert found["TEST_FAILED"]["context"]["server"] == down["context"]["server"]
    assert site.servers_left() == []


def test_a_server_that_goes_down_between_tests_is_named_with_the_last_one(site: Site) -> None:
    site.pytester.makepyfile("""
        import time, urllib.request, pytest
        @pytest.mark.omnitray_server
        def test_last(omnitray_server):
            urllib.request.urlopen(omnitray_server.url + "/die-later").read()
        def test_unmarked(): time.sleep(0.5)
        @pytest.mark.omnitray_server
        def test_next(omnitray_server):
            assert urllib.request.urlopen(omnitray_server.url + "/").read() == b"ok"
    """)
    site.run().assert_outcomes(passed=3)
    assert site.alerts()["SERVER_DOWN"]["state"] == "resolved"
    assert site.servers_left() == []


def test_waiting_for_the_server_is_not_the_tests_time(site: Site) -> None:
    """Longer than slow and than the time limit, and no time of the test that waits."""
    (site.pytester.path / "late.py").write_text(f"import time\ntime.sleep(1.5)\n{SERVER}")
    site.pytester.makepyfile("""
        import time, urllib.request, pytest
        def test_ends_it(omnitray_server):
            with pytest.raises(OSError):
                urllib.request.urlopen(omnitray_server.url + "/die", timeout=5)
        @pytest.mark.timeout(2)  # a restart waits 0.8 s or more
        def test_after(omnitray_server):
            assert urllib.request.urlopen(omnitray_server.url + "/").read() == b"ok"
    """)
    site.run("--omnitray-slow=1.5", program="late.py").assert_outcomes(passed=2)
    assert set(site.alerts()) == {"SERVER_DOWN"}


def test_a_server_that_never_starts_holds_up_no_run(site: Site) -> None:
    (site.pytester.path / "broken.py").write_text("raise SystemExit('no database')")
    site.pytester.makepyfile("def test_alone(): pass")
    site.run(program="broken.py").assert_outcomes(passed=1)
    down = site.alerts()["SERVER_DOWN"]
    assert "no database" in json.dumps(down)
    assert down["context"]["phase"] == "start"


def test_a_port_that_another_program_holds_is_named(site: Site) -> None:
    site.pytester.makepyfile("def test_alone(): pass")
    with socket.create_server(("127.0.0.1", site.port)):
        site.run().assert_outcomes(passed=1)
    assert str(site.port) in json.dumps(site.alerts())
    assert site.servers_left() == []


def test_an_unknown_name_is_a_usage_error(site: Site) -> None:
    site.pytester.makepyfile("def test_alone(): pass")
    result = site.pytester.runpytest_subprocess("--omnitray", "--omnitray-server=shop")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*declare no server shop*"])

"""Real servers for tests: a small HTTP program that misbehaves on request, and a supervisor."""

import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

from omnitray.servers.model import AlertNews, ServerState, ServerView
from omnitray.servers.supervisor import Supervisor
from omnitray.settings.servers import ServerSettings

PATIENCE_S = 20.0

# Files in its folder steer it: `broken` makes health fail, `hang` makes it late, `crash` ends it.
PROGRAM = """
import http.server, os, sys, time
from pathlib import Path

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/crash":
            os._exit(int(os.environ.get("CODE", "7")))
        while Path("hang").exists():
            time.sleep(0.05)
        self.send_response(503 if Path("broken").exists() else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
    def log_message(self, format, *args):
        pass

class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

if Path("exit").exists():
    print("ImportError: no module named shop", flush=True)
    sys.exit(int(Path("exit").read_text()))
if Path("child").exists():
    import subprocess
    child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    Path("child").write_text(str(child.pid))
time.sleep(float(os.environ.get("DELAY", "0")))
print("ready", flush=True)
Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def until(condition: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    """Wait for it; fails when it does not come."""
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, f"it never came: {what}"
        time.sleep(0.01)


class Desk:
    """A supervisor with its folders, what it raised, and the servers of a test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.project = folder / "project"
        self.project.mkdir(exist_ok=True)
        self.raised: list[AlertNews] = []
        self.seen: list[ServerView] = []
        self.supervisor = self.another()

    def another(self) -> Supervisor:
        return Supervisor(
            memory=self.folder / "data" / "servers.json",
            logs=self.folder / "logs",
            on_change=self.seen.append,
            on_alert=self.raised.append,
        )

    def spec(self, name: str = "api", port: int = 0, **fields: Any) -> ServerSettings:
        """The misbehaving program; ``port`` 0 takes a free one."""
        program = self.project / "server.py"
        program.write_text(PROGRAM)
        port = port or free_port()
        given: dict[str, Any] = {
            "name": name,
            "command": (sys.executable, str(program), str(port)),
            "cwd": str(self.project),
            "health": f"http://127.0.0.1:{port}/health",
            **fields,
        }
        return ServerSettings(**given)

    def serve(self, spec: ServerSettings, state: ServerState = ServerState.UP) -> ServerView:
        """Declare it, start it, and wait for a state."""
        self.supervisor.declare([spec]).result(PATIENCE_S)
        self.supervisor.command(spec.name, "start").result(PATIENCE_S)
        return self.stands(spec.name, state)

    def stands(self, name: str, state: ServerState) -> ServerView:
        until(lambda: self.supervisor.view(name).state is state, f"{name} is {state}")
        self.supervisor._submit(lambda: None).result(PATIENCE_S)  # the round is over
        return self.supervisor.view(name)

    def open(self) -> list[AlertNews]:
        """The alerts that are open, the newest word on each."""
        found: dict[tuple[str, str], AlertNews] = {}
        for news in self.raised:
            found[news.server, news.type] = news
        return [news for news in found.values() if not news.resolved]


@contextlib.contextmanager
def desk_in(folder: Path) -> Iterator[Desk]:
    """A desk whose servers are ended afterwards, whatever the test did."""
    desk = Desk(folder)
    desk.supervisor.start()
    try:
        yield desk
    finally:
        assert desk.supervisor.stop(end_servers=True, patience_s=PATIENCE_S)
        left = left_in(folder)
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        assert left == []


def left_in(folder: Path) -> list[psutil.Process]:
    """Processes that work in a folder of the test."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            inside = Path(process.cwd()).is_relative_to(folder)
            if inside and process.pid != os.getpid() and process.status() != "zombie":
                found.append(process)
    return found


def kill(pid: int | None, number: signal.Signals = signal.SIGKILL) -> None:
    assert pid is not None
    os.kill(pid, number)


def ask(url: str | None, path: str) -> int:
    """The status of a plain request; 0 where there was no answer."""
    import http.client  # noqa: PLC0415 - tests of servers alone

    assert url is not None
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()

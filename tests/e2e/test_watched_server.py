"""The protector and a watched server, for real: slowed down last, ended only where it must be.

OmniTray starts the server itself, in a small machine of its own; a test run stands beside it.
"""

import json
import sys
from pathlib import Path
from typing import Any

import psutil

from support.desktop import Desktop, wait_until
from support.loads import BUSY, RUN
from support.real_servers import free_port
from support.running import OmniTray
from support.world import PUSHED_NICE, Inmate, World

MB = 1_000_000
# PORT: listens; takes as many bytes as the file `take` says at once, or as many processors as the
# file `busy` says, and removes the file: started again it is as it was.
SERVER = """
import mmap, os, socket, sys, time
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
listener.settimeout(0.05)
held, flags = [], mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE
def taken(name):
    if not os.path.exists(name):
        return 0
    with open(name) as file:
        number = int(file.read())
    os.unlink(name)
    return number
while True:
    if size := taken("take"):
        held.append(mmap.mmap(-1, size, flags=flags))
    for _ in range(taken("busy")):
        if os.fork() == 0:
            while True:
                pass
    try:
        listener.accept()[0].close()
    except TimeoutError:
        pass
"""
SETTINGS = """
level = "intensive"
[thresholds.cpu]
hold_s = 3600
[protect]
state = "on"
[protect.dev]
{limits}
[[server]]
name = "api"
cwd = {cwd}
command = {command}
health = "tcp://127.0.0.1:{port}"
autostart = true
"""
CPU = "cpu_percent = 60\nhold_s = 1"
MEMORY = "cpu_percent = 100\nhold_s = 600\nmemory_percent = 25\nmemory_floor_percent = 30"


class Api:
    """OmniTray in a world, with its server up."""

    def __init__(self, desktop: Desktop, world: World, limits: str) -> None:
        self.folder = desktop.folder / "shop"
        self.folder.mkdir()
        (self.folder / "server.py").write_text(SERVER)
        port = free_port()
        self.words = [sys.executable, "server.py", str(port)]
        command = json.dumps(self.words)
        self.program = OmniTray(desktop, prefix=world.prefix)
        self.program.configure(
            SETTINGS.format(
                limits=limits, cwd=json.dumps(str(self.folder)), command=command, port=port
            )
        )
        self.program.start("--headless")
        self.first = wait_until(self.up, "the server is up", timeout_s=40)

    def server(self) -> dict[str, Any]:
        (found,) = self.program.get("servers")["servers"]
        assert isinstance(found, dict)
        return found

    def up(self) -> dict[str, Any] | None:
        found = self.server()
        return found if found["state"] == "up" else None

    def tell(self, what: str, number: int) -> None:
        """Written at once: the server reads it as soon as it is there."""
        (self.folder / "new").write_text(str(number))
        (self.folder / "new").rename(self.folder / what)

    def held(self, job: str) -> int:
        """Bytes that the protector has seen of a job."""
        jobs = self.program.get("jobs")["jobs"]
        return sum(each["rss_bytes"] for each in jobs if each["name"] == job)

    def acted_on(self, rung: str) -> list[str]:
        """The programs that this was done to, in order."""
        lines = self.program.journal("begin", rung=rung)
        return list(dict.fromkeys(line["title"].partition(" ·")[0] for line in lines))

    def push(self, nice: int) -> None:
        """Give the server's session weight, beside whatever else runs on this machine."""
        (pid,) = (
            each.pid
            for each in psutil.process_iter(["cmdline"])
            if each.info["cmdline"] == self.words
        )
        file = Path(f"/proc/{pid}/autogroup")
        if file.exists():
            file.write_text(str(nice))

    def end(self) -> None:
        """The server is ended first: it outlives OmniTray."""
        self.program.post("servers/api/stop")
        wait_until(lambda: self.server()["pid"] is None, "the server has ended", timeout_s=20)
        assert self.program.end() == 0


def pytest_script(folder: Path, code: str) -> tuple[str, str]:
    file = folder / "bin" / "pytest"
    file.parent.mkdir(exist_ok=True)
    file.write_text(code)
    return sys.executable, str(file)


def test_where_memory_runs_out_the_test_run_goes_before_its_larger_server(
    desktop: Desktop, room: World
) -> None:
    api = Api(desktop, room, MEMORY)
    gate = desktop.folder / "gate"
    run = (*pytest_script(desktop.folder, RUN), "2", str(280 * MB), str(gate))
    with Inmate(room, run) as tests:
        wait_until(lambda: len(tests.workers) == 2, "the workers are there")
        # What is taken at once must be there at once: beside busy neighbours it would be seen to
        # come, and a pause would do.
        tests.push()
        api.push(PUSHED_NICE)
        # Above its limit all growth counts as a cause: first the server's, then that of the tests.
        api.tell("take", 200 * MB)
        wait_until(lambda: api.held("python server.py") > 200 * MB, "the server is seen")
        gate.touch()
        wait_until(lambda: api.held("pytest") > 280 * MB, "the run is seen")
        api.tell("take", 240 * MB)  # the server's own growth reaches the floor
        wait_until(
            lambda: api.program.journal("result", outcome="ended"), "one is ended", timeout_s=60
        )
        assert api.acted_on("end") == ["pytest, worker 2"]
        now = api.server()
        assert (now["pid"], now["restarts"]) == (api.first["pid"], 0)
    api.end()


def test_where_nothing_else_could_be_a_server_is_ended_said_so_and_started_again(
    desktop: Desktop, room: World
) -> None:
    api = Api(desktop, room, MEMORY)
    api.tell("take", 750 * MB)
    wait_until(lambda: api.server()["restarts"] and api.up(), "it is up again", timeout_s=60)
    now = api.server()
    assert now["pid"] != api.first["pid"]
    assert api.acted_on("end") == ["python server.py"]
    down = api.program.alert_of("SERVER_DOWN")
    assert down is not None
    assert down["context"]["server"] == "api"
    api.end()


def test_where_processors_run_out_the_server_is_slowed_down_last(
    desktop: Desktop, world: World
) -> None:
    api = Api(desktop, world, CPU)
    loops = 2 * (psutil.cpu_count() or 1)
    with Inmate(world, (*pytest_script(desktop.folder, BUSY), str(loops))) as tests:
        tests.push()
        api.push(PUSHED_NICE - 1)  # it takes more than the run
        api.tell("busy", loops)
        wait_until(lambda: api.acted_on("slow_down"), "one is slowed down", timeout_s=60)
        assert api.acted_on("slow_down")[0] == "pytest"
    api.end()

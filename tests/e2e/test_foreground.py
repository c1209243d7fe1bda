"""A program that takes most of everything is excluded while its window is active, and only then.

X server, window manager, OmniTray and the programs run in a world of their own, where pids are
what the X server says they are.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from support.desktop import Desktop, tool, wait_until
from support.running import OmniTray
from support.world import World, inside

# A window of its own, more memory than anything else here, and the processors: a viewer at work.
# It gives itself weight, so that it gets them beside whatever else runs on this machine.
VIEWER = """
import hashlib, os, sys, threading
from pathlib import Path
from PySide6.QtGui import QGuiApplication, QRasterWindow
def work():
    while True:
        hashlib.sha256(page)  # without the interpreter's lock
group = Path("/proc/self/autogroup")
if group.exists():
    group.write_text("-10")
application = QGuiApplication(sys.argv)
window = QRasterWindow()
window.show()
page = b"x" * 600_000_000
for _ in range(os.cpu_count()):
    threading.Thread(target=work, daemon=True).start()
application.exec()
"""
SETTINGS = """
level = "intensive"
[protect]
state = "watch"
"""
SPARED = "you are working with it"
MEANT = "would be slowed down"  # what has a window is not paused, nor ended


class Seat:
    """An X display with a window manager, inside."""

    def __init__(self, world: World, folder: Path, stack: ExitStack) -> None:
        self._world = world
        self._stack = stack
        self._log = stack.enter_context((folder / "seat.log").open("ab"))
        self._environment = {**os.environ, "HOME": str(folder), "QT_QPA_PLATFORM": "xcb"}
        read_end, write_end = os.pipe()
        server = (tool("Xvfb"), "-displayfd", str(write_end), "-nolisten", "tcp")
        self._run(*server, pass_fds=(write_end,))
        os.close(write_end)
        with os.fdopen(read_end) as answer:
            self.display = f":{answer.readline().strip()}"
        self._environment["DISPLAY"] = self.display
        ready = folder / "managed"
        self.start(tool("openbox"), "--sm-disable", "--startup", f"touch {ready}")
        wait_until(ready.exists, "the window manager runs")

    def start(self, *command: str) -> psutil.Process:
        """A program of the seat, in a session of its own."""
        return inside(self._run("setsid", "--wait", *command).pid)

    def _run(self, *command: str, **more: Any) -> "subprocess.Popen[bytes]":
        return self._stack.enter_context(
            ended((*self._world.prefix, *command), self._environment, self._log, **more)
        )


@contextmanager
def ended(
    command: tuple[str, ...], environment: dict[str, str], log: Any, **more: Any
) -> Iterator["subprocess.Popen[bytes]"]:
    """Killed in the end, with all that it has become."""
    with subprocess.Popen(
        command, env=environment, stdout=log, stderr=log, cwd="/", **more
    ) as process:
        try:
            yield process
        finally:
            for child in psutil.Process(process.pid).children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    child.kill()
            process.kill()


@pytest.fixture
def seat(world: World, tmp_path: Path) -> Iterator[Seat]:
    with ExitStack() as stack:
        yield Seat(world, tmp_path, stack)


def verdict(program: OmniTray, rss_bytes: int = 600_000_000) -> str | None:
    """What would be done now to the job that holds so much."""
    considered = program.get("explain")["considered"]
    return next((each["verdict"] for each in considered if each["rss_bytes"] > rss_bytes), None)


def test_the_program_in_front_is_spared_until_another_window_is_active(
    desktop: Desktop, world: World, seat: Seat
) -> None:
    desktop.environment["DISPLAY"] = seat.display
    program = OmniTray(desktop, prefix=world.prefix)
    program.configure(SETTINGS)
    seat.start(sys.executable, "-c", VIEWER)
    program.start("--headless")
    wait_until(lambda: verdict(program) == SPARED, "it is excluded, and why", timeout_s=60)
    seat.start(tool("xterm"), "-e", "sleep", "600")
    wait_until(lambda: verdict(program) == MEANT, "the viewer is not in front", timeout_s=60)
    assert program.end() == 0

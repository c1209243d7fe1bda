"""A desktop for one test: a private session bus, a display, and the programs that run on it.

Everything is started by a :class:`Desktop` with folders of its own and stopped within bounds.
Waiting is polling for the thing itself (:func:`wait_until`), never sleeping for luck. A tool that
is not installed skips the test, which is a failure in CI.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")

REPOSITORY = Path(__file__).parents[2]
_POLL_S = 0.02
_TERM_S = 5.0

_BUS_CONFIG = """<busconfig>
  <type>session</type>
  <listen>unix:path={folder}/bus</listen>
  <auth>EXTERNAL</auth>
  <servicedir>{folder}/services</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""


def wait_until(condition: Callable[[], T | None], what: str, *, timeout_s: float = 10.0) -> T:
    """The first true value of ``condition``; fails the test with ``what`` when time is over."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            pytest.fail(f"not within {timeout_s:g} s: {what}")
        time.sleep(_POLL_S)


def tool(name: str, *elsewhere: str) -> str:
    """The path of a program, or a skip (a failure in CI)."""
    for candidate in (name, *elsewhere):
        if found := shutil.which(candidate):
            return found
    pytest.skip(f"{name} is not installed")


class Program:
    """A running program; what it prints is in :attr:`log`."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.name = Path(arguments[0]).name
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                arguments,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    @property
    def output(self) -> str:
        """Everything that it has printed so far."""
        return self.log.read_text(errors="replace")

    def running(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def wait(self, timeout_s: float) -> int:
        """Its exit code; fails the test when it has not ended in time."""
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            pytest.fail(f"{self.name} still runs after {timeout_s:g} s:\n{self.output}")

    def stop(self) -> None:
        """End it and what it started: TERM, KILL when that is not enough."""
        for number, wait_s in ((signal.SIGTERM, _TERM_S), (signal.SIGKILL, _TERM_S)):
            if self.running():
                os.killpg(self.pid, number)
                try:
                    self.process.wait(wait_s)
                except subprocess.TimeoutExpired:
                    continue
        self._end_leftovers()

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.kill()
        self.process.wait(_TERM_S)
        self._end_leftovers()

    def _end_leftovers(self) -> None:
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


class Display:
    """An X server without a screen on a free display."""

    def __init__(self, folder: Path, *, dpi: int = 96, size: tuple[int, int] = (1280, 800)) -> None:
        read_end, write_end = os.pipe()
        arguments = [tool("Xvfb"), "-displayfd", str(write_end), "-nolisten", "tcp"]
        arguments += ["-screen", "0", f"{size[0]}x{size[1]}x24", "-dpi", str(dpi)]
        with (folder / "xvfb.log").open("wb") as log:
            self._server = subprocess.Popen(
                arguments, pass_fds=(write_end,), stdout=log, stderr=log, start_new_session=True
            )
        os.close(write_end)
        with os.fdopen(read_end) as answer:  # the end of file if the server could not start
            number = answer.readline().strip()
        if not number:
            pytest.fail(f"Xvfb did not start: {(folder / 'xvfb.log').read_text()}")
        self.name = f":{number}"

    def stop(self) -> None:
        """End the server."""
        self._server.terminate()
        try:
            self._server.wait(_TERM_S)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait(_TERM_S)


class Desktop:
    """A session of its own: bus, folders, environment, and what was started in it."""

    def __init__(self, folder: Path, display: Display | None) -> None:
        self.folder = folder
        self.home = folder / "home"
        self._programs: list[Program] = []
        self.environment = self._clean_environment()
        if display is not None:
            self.environment |= {"DISPLAY": display.name, "QT_QPA_PLATFORM": "xcb"}
        self.bus_address = f"unix:path={folder}/bus"
        self.environment["DBUS_SESSION_BUS_ADDRESS"] = self.bus_address
        self.bus = self._start_bus()

    def launch(self, *arguments: str, **environment: str) -> Program:
        """Start a program here; it ends with the desktop at the latest."""
        log = self.folder / f"{len(self._programs):02}-{Path(arguments[0]).name}.log"
        program = Program(arguments, self.environment | environment, log)
        self._programs.append(program)
        return program

    def offer_service(self, name: str, command: str) -> None:
        """Let the bus start this service when somebody asks for it."""
        text = f"[D-BUS Service]\nName={name}\nExec={command}\n"
        (self.folder / "services" / f"{name}.service").write_text(text)
        arguments = (
            tool("dbus-send"),
            f"--bus={self.bus_address}",
            "--dest=org.freedesktop.DBus",
            "--print-reply",
            "/org/freedesktop/DBus",
            "org.freedesktop.DBus.ReloadConfig",
        )
        subprocess.run(arguments, check=True, capture_output=True, timeout=_TERM_S)

    def restart_bus(self) -> None:
        """A new session bus at the old address, after the one before was killed."""
        (self.folder / "bus").unlink(missing_ok=True)
        self.bus = self._start_bus()

    def screenshot(self, path: Path) -> Path:
        """What is on the display now, as PNG."""
        subprocess.run(
            [tool("import"), "-window", "root", str(path)],
            env=self.environment,
            check=True,
            timeout=_TERM_S * 2,
        )
        return path

    def stop(self) -> None:
        """End everything, the last started first."""
        for program in reversed(self._programs):
            program.stop()

    def _clean_environment(self) -> dict[str, str]:
        kept = ("PATH", "LANG", "LC_ALL", "TMPDIR", "CI", "COVERAGE_PROCESS_START")
        environment = {name: os.environ[name] for name in kept if name in os.environ}
        folders = {
            "HOME": self.home,
            "XDG_CONFIG_HOME": self.home / ".config",
            "XDG_DATA_HOME": self.home / ".local/share",
            "XDG_STATE_HOME": self.home / ".local/state",
            "XDG_CACHE_HOME": self.home / ".cache",
            "XDG_RUNTIME_DIR": self.folder / "run",
            "OMNITRAY_HOME": self.folder / "omnitray",
        }
        for each in folders.values():
            each.mkdir(parents=True, exist_ok=True, mode=0o700)
        return environment | {name: str(each) for name, each in folders.items()}

    def _start_bus(self) -> Program:
        (self.folder / "services").mkdir(exist_ok=True)
        config = self.folder / "bus.conf"
        config.write_text(_BUS_CONFIG.format(folder=self.folder))
        bus = self.launch(
            tool("dbus-daemon"), "--nofork", "--print-address", f"--config-file={config}"
        )
        wait_until(lambda: bus.output, "the private session bus listens")
        return bus

    def output_of(self, *arguments: str) -> str:
        """What a command prints on this desktop; an error is an empty answer."""
        answer = subprocess.run(
            arguments,
            env=self.environment,
            check=False,
            timeout=_TERM_S * 2,
            capture_output=True,
            text=True,
        )
        return answer.stdout

    def windows(self, window_class: str) -> list[str]:
        """Visible windows of a class."""
        return self.output_of(
            tool("xdotool"), "search", "--onlyvisible", "--class", window_class
        ).split()

    def width(self, window: str) -> int:
        """The width of a window in pixels; 0 when it is gone."""
        return self._size(window)[0]

    def click(self, window: str, x: int, y: int) -> None:
        """A real click of the left button; negative places count from the right and the bottom."""
        width, height = self._size(window)
        place = str(x % max(1, width)), str(y % max(1, height))
        self.output_of(tool("xdotool"), "mousemove", "--window", window, *place, "click", "1")

    def _size(self, window: str) -> tuple[int, int]:
        text = self.output_of(tool("xdotool"), "getwindowgeometry", "--shell", window)
        found = dict(line.split("=") for line in text.splitlines() if "=" in line)
        return int(found.get("WIDTH", 0)), int(found.get("HEIGHT", 0))


def library(name: str) -> list[str]:
    """Where a distribution keeps programs that are not meant for the command line."""
    return [str(each) for each in Path("/usr/lib").glob(f"*/{name}")]


def offer_xfconf(desktop: Desktop) -> None:
    """Xfce's settings service, which its programs start on demand."""
    desktop.offer_service("org.xfce.Xfconf", tool("xfconfd", *library("xfce4/xfconf/xfconfd")))

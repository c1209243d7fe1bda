"""The installed program, with a tray and headless, and glances, all run at the same time."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from support.desktop import Desktop, Display, Program, wait_until
from support.tray_host import TrayWatcher

COMMAND = os.environ.get("OMNITRAY_UNDER_TEST", "omnitray")
GLANCES = os.environ.get("OMNITRAY_GLANCES", "glances")
SLEEPERS = 400
SETTLE_S = 15.0  # imports, first scan, first chart
# The level is the one asked for and stays it, and the protector is at rest: nothing that others do
# on this machine meanwhile may raise the one or wake the other. The API has a port that no other
# program's client knows: the first request brings the server into memory.
SETTINGS = """level = "{level}"
[api]
port = 0
[protect]
state = "watch"
[protect.dev]
cpu_percent = 100
memory_percent = 95
[thresholds.cpu]
warning = 99
critical = 100
[thresholds.memory]
warning = 99
critical = 100
[thresholds.disk]
warning = 99
critical = 100
"""


def settle_s(interval_s: float) -> float:
    """How long until the first two looks are over: they ask for what stays the same after them."""
    return max(SETTLE_S, 1.5 * interval_s)


@contextlib.contextmanager
def tray(folder: Path, display: Display, level: str) -> Iterator[Program]:
    with session(folder, display) as desktop, watching(desktop) as watcher:
        configure(desktop, level)
        program = desktop.launch(COMMAND)
        wait_until(lambda: watcher.registered, f"the icon:\n{program.output}", timeout_s=20)
        yield program


@contextlib.contextmanager
def headless(folder: Path, level: str) -> Iterator[Program]:
    with session(folder, None) as desktop:
        configure(desktop, level)
        yield desktop.launch(COMMAND, "--headless")


@contextlib.contextmanager
def glances(folder: Path, interval_s: float) -> Iterator[Program]:
    with session(folder, None) as desktop:
        arguments = ("--quiet", "--time", str(interval_s), "--disable-check-update")
        yield desktop.launch(GLANCES, *arguments)


def configure(desktop: Desktop, level: str) -> None:
    config = Path(desktop.environment["OMNITRAY_HOME"]) / "config"
    config.mkdir(parents=True, exist_ok=True, mode=0o700)
    (config / "config.toml").write_text(SETTINGS.format(level=level))


@contextlib.contextmanager
def session(folder: Path, display: Display | None) -> Iterator[Desktop]:
    desktop = Desktop(made(folder), display)
    try:
        yield desktop
    finally:
        desktop.stop()


@contextlib.contextmanager
def watching(desktop: Desktop) -> Iterator[TrayWatcher]:
    watcher = TrayWatcher(desktop.bus_address)
    watcher.start()
    try:
        yield watcher
    finally:
        watcher.die()


@contextlib.contextmanager
def screen(folder: Path) -> Iterator[Display]:
    display = Display(made(folder))
    try:
        yield display
    finally:
        display.stop()


@contextlib.contextmanager
def sleepers() -> Iterator[None]:
    sleepers = [subprocess.Popen(["sleep", "3600"]) for _ in range(SLEEPERS)]
    try:
        yield
    finally:
        for each in sleepers:
            each.kill()
            each.wait()


def made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def tell(text: str) -> None:
    sys.stderr.write(f"  {text}\n")

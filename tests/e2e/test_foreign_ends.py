"""The real earlyoom ends a process, and the program says so: for certain, or as probable.

Everything runs in a world of its own. earlyoom and its victim belong to nobody, so that it can end
nothing else there. Its line stands at 99 % of memory available: it acts as soon as it is let.
"""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from support.desktop import REPOSITORY, Desktop, tool, wait_until
from support.running import OmniTray
from support.world import World, inside

NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
BESIDE = str(REPOSITORY / ".venv/rivals/usr/bin/earlyoom")  # where the benchmarks put it
PYTHON = "/usr/bin/python3"  # one that nobody may run
HELD_BYTES = 2_500_000_000  # what other tests take and give back meanwhile is little beside it
HOLDS = f"import time; held = b'x' * {HELD_BYTES}; print(flush=True); time.sleep(600)"
WATCHES = """
level = "intensive"
[protect]
state = "watch"
[protect.dev]
memory_percent = 1
"""


def journal_of(desktop: Desktop, log: Path) -> None:
    """A stand-in for journalctl: a journal that has kept what earlyoom printed."""
    script = desktop.folder / "journalctl"
    script.write_text(f"#!/bin/sh\nexec cat {log}\n")
    script.chmod(0o755)
    desktop.environment["PATH"] = f"{desktop.folder}:{desktop.environment['PATH']}"


@contextmanager
def process(command: tuple[str, ...], **more: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Killed in the end, with what it has become inside."""
    with subprocess.Popen(command, cwd="/", **more) as running:
        try:
            yield running
        finally:
            for child in psutil.Process(running.pid).children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    child.kill()
            running.kill()


def told(program: OmniTray, state: str) -> dict[str, Any] | None:
    ends = (each for each in program.stored() if "ended_by" in each["context"])
    found = (each for each in ends if each["state"] == state)
    return next(found, None)


def is_seen(program: OmniTray) -> bool:
    return any(job["rss_bytes"] > HELD_BYTES for job in program.get("jobs")["jobs"])


def taken_at(program: OmniTray) -> str:
    """When the newest reading was taken; the protector reads ten times as often here."""
    return str(program.get("health")["taken_at"])


@pytest.mark.parametrize("kept", [True, False])
def test_what_earlyoom_ends_is_told(
    desktop: Desktop, world: World, tmp_path: Path, *, kept: bool
) -> None:
    guardian, log = tool("earlyoom", BESIDE), tmp_path / "earlyoom.log"
    for folder in ("/var/log/journal", "/run/log/journal"):  # the machine's own is not asked
        if Path(folder).is_dir():
            world.run("mount", "-t", "tmpfs", "none", folder)
    if kept:
        journal_of(desktop, log)
    program = OmniTray(desktop, prefix=world.prefix)
    program.configure(WATCHES)
    line = (*world.prefix, *NOBODY, guardian, "-m", "99", "-s", "100", "-r", "0")
    victim = (*world.prefix, *NOBODY, PYTHON, "-I", "-S", "-c", HOLDS)
    with log.open("wb") as output, process(line, stdout=output, stderr=output) as outer:
        acting = inside(outer.pid)
        # Stopped on its way there, it would not be known by its name.
        wait_until(lambda: acting.name() == "earlyoom", "it has become earlyoom")
        acting.send_signal(signal.SIGSTOP)
        program.start("--headless")
        with process(victim, stdout=subprocess.PIPE) as hog:
            assert hog.stdout is not None
            assert hog.stdout.readline()
            pid = inside(hog.pid).pid
            wait_until(lambda: is_seen(program), "it is seen", timeout_s=30)
            seen_at = taken_at(program)
            wait_until(lambda: taken_at(program) > seen_at, "the protector has looked, too")
            acting.send_signal(signal.SIGCONT)
            wait_until(lambda: not psutil.pid_exists(pid), "earlyoom has ended it")
            # A guess is a line of the history, and over at once: it is stored twice.
            wanted = "firing" if kept else "resolved"
            alert = wait_until(lambda: told(program, wanted), f"it is {wanted}", timeout_s=30)
    said = "Earlyoom ended python3" if kept else "Earlyoom probably ended python3"
    assert alert["title"] == said
    assert alert["severity"] == ("critical" if kept else "info")
    names = {each["context"]["name"] for each in program.stored() if "ended_by" in each["context"]}
    assert names == {"python3"}  # it tries to end others, too, and may not
    assert program.end() == 0

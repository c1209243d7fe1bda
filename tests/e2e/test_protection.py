"""The protector on real processes: slowed down, paused, given back, and what survives a kill.

OmniTray and the loads run in a world of their own (``support/world.py``): nobody else on this
machine can become a victim, however short CPU or memory get meanwhile.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import psutil
import pytest

from support.desktop import Desktop, wait_until
from support.running import OmniTray
from support.world import World, inside

GB = 10**9

BUSY = """
import os, sys
for _ in range(int(sys.argv[1]) - 1):
    if os.fork() == 0:
        break
while True:
    pass
"""
GROW = """
import sys, time
held, piece = [], 8_000_000
while sum(map(len, held)) < int(sys.argv[1]):
    held.append(b"x" * piece)
    time.sleep(piece / int(sys.argv[2]))
time.sleep(600)
"""


@pytest.fixture
def world() -> Iterator[World]:
    ours = World()
    yield ours
    ours.end()


@pytest.fixture
def program(desktop: Desktop, world: World) -> OmniTray:
    """OmniTray in that world, headless."""
    return OmniTray(desktop, prefix=world.prefix)


class Hog:
    """A load in a session of its own."""

    def __init__(self, world: World, code: str, *arguments: str) -> None:
        self._outer = subprocess.Popen(
            [*world.prefix, "setsid", sys.executable, "-c", code, *arguments], cwd="/"
        )
        self.pid = inside(self._outer.pid).pid

    def state(self) -> str:
        return psutil.Process(self.pid).status()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in (*psutil.Process(self.pid).children(), psutil.Process(self.pid)):
            process.kill()
        self._outer.kill()  # it stops itself together with what it waits for
        self._outer.wait(10)


def journal(program: OmniTray) -> list[dict[str, object]]:
    """The undo journal."""
    file = program.home / "data" / "actions.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def autogroup_nice(pid: int) -> int:
    """The nice value of the process's session."""
    return int(Path(f"/proc/{pid}/autogroup").read_text().split()[-1])


CPU = """
level = "intensive"
[protect]
state = "{state}"
[protect.dev]
cpu_percent = 60
hold_s = 1
"""


def test_busy_loops_are_slowed_down_without_a_word_and_given_back_on_request(
    program: OmniTray, world: World
) -> None:
    program.configure(CPU.format(state="on"))
    program.start("--headless")
    with Hog(world, BUSY, str(4 * (os.cpu_count() or 1))) as hog:
        held = wait_until(
            lambda: program.get("status")["protector"]["holding"], "it is held", timeout_s=40
        )
        assert any("slowed down" in phrase for phrase in held)
        began = next(line for line in journal(program) if line["event"] == "begin")
        assert began["rung"] == "slow_down"
        assert began["reversible"] is True
        if began["lever"] == "autogroup":
            assert autogroup_nice(hog.pid) == 19
        assert not [
            each
            for each in program.stored()
            if each["severity"] == "critical" and each["source"] == "protector"
        ]
        done = program.post("actions/undo-all")
        assert done["done"]
        assert autogroup_nice(hog.pid) == 0
    assert program.end() == 0


def test_watching_touches_nothing_and_says_what_it_would_have_done(
    program: OmniTray, world: World
) -> None:
    program.configure(CPU.format(state="watch"))
    program.start("--headless")
    with Hog(world, BUSY, str(4 * (os.cpu_count() or 1))) as hog:
        wait_until(
            lambda: [line for line in journal(program) if line.get("outcome") == "would_have"],
            "it says what it would have done",
            timeout_s=40,
        )
        assert autogroup_nice(hog.pid) == 0
        assert os.getpriority(os.PRIO_PROCESS, hog.pid) == os.getpriority(os.PRIO_PROCESS, 0)
        assert hog.state() != psutil.STATUS_STOPPED


def growing(room_bytes: int) -> str:
    """Settings under which memory ends so many bytes from what is used now."""
    memory = psutil.virtual_memory()
    floor = 100 * (memory.available - room_bytes) / memory.total
    limit = 100 * (memory.total - memory.available + room_bytes / 3) / memory.total
    return (
        'level = "intensive"\n[protect]\nstate = "on"\n[protect.dev]\ncpu_percent = 100\n'
        f"memory_percent = {limit:.2f}\nmemory_floor_percent = {floor:.2f}\nhold_s = 1\n"
    )


def test_a_job_that_would_use_up_memory_is_paused_and_runs_on_within_2_s_of_a_kill(
    program: OmniTray, world: World
) -> None:
    program.configure(growing(3 * GB))
    running = program.start("--headless")
    with Hog(world, GROW, str(3 * GB), str(GB // 4)) as hog:
        wait_until(lambda: hog.state() == psutil.STATUS_STOPPED, "it is paused", timeout_s=40)
        assert psutil.Process(hog.pid).memory_info().rss < 3 * GB
        wait_until(
            lambda: program.alert_of("RESOURCE_CRITICAL") is not None, "it is told", timeout_s=10
        )
        inside(running.pid).send_signal(signal.SIGKILL)
        killed = time.monotonic()
        wait_until(lambda: hog.state() != psutil.STATUS_STOPPED, "it runs again", timeout_s=2.0)
        assert time.monotonic() - killed < 2.0


def test_a_paused_job_runs_on_when_omnitray_is_told_to_end(program: OmniTray, world: World) -> None:
    program.configure(growing(3 * GB))
    program.start("--headless")
    with Hog(world, GROW, str(3 * GB), str(GB // 4)) as hog:
        wait_until(lambda: hog.state() == psutil.STATUS_STOPPED, "it is paused", timeout_s=40)
        program.end()
        assert hog.state() != psutil.STATUS_STOPPED

"""What a person feels beside busy loops: nothing done, nice 19, and OmniTray.

A task that needs 4 ms of CPU now and then stands for a key press. Eight loops that never rest run
as one job in a session of their own, as a build in a terminal does. Everything runs in a PID
namespace of its own (``support/world.py``), so that OmniTray can only act on the loops.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Self

import psutil

from support.bench import Row, spread, table, within
from support.desktop import Desktop, wait_until
from support.running import OmniTray
from support.world import World, inside

LOOPS = 8
TRIES = 300
WORK_MS = 4.0
BUDGET = 1.15

PROBE = """
import sys, time
def work(rounds):
    total = 0
    for number in range(rounds):
        total += number * number % 7
def rounds_for(seconds):
    fastest = min(timed(20_000) for _ in range(30))
    return round(20_000 * seconds / fastest)
def timed(rounds):
    began = time.perf_counter()
    work(rounds)
    return time.perf_counter() - began
rounds = int(sys.argv[2]) if len(sys.argv) > 2 else rounds_for(0.004)
print(rounds)
for _ in range(int(sys.argv[1])):
    time.sleep(0.02)
    print(timed(rounds) * 1000)
"""
LOOP = f"""
import os
for _ in range({LOOPS} - 1):
    if os.fork() == 0:
        break
while True:
    pass
"""
SETTINGS = '[protect]\nstate = "on"\n'


def main() -> None:
    """Print the section."""
    world = World()
    try:
        rows = _rows(world)
    finally:
        world.end()
    print("## A key press beside eight busy loops\n")
    print(
        f"Time that a task of about {WORK_MS:.0f} ms takes, {TRIES} tries each, in turn on "
        f"{os.cpu_count()} cores; the ratio is to the same percentile of the unloaded machine. "
        f"Autogroup is {_autogroup()}. Budget: p95 with OmniTray at most {BUDGET} × unloaded.\n"
    )
    print(table(rows))


def _rows(world: World) -> list[Row]:
    rounds, unloaded = _probe(world, None)
    rows = [_row("unloaded", unloaded, unloaded)]
    with _Loops(world):
        rows.append(_row(f"{LOOPS} loops", _probe(world, rounds)[1], unloaded))
    with _Loops(world) as loops:
        for process in loops.processes():
            process.nice(19)
        rows.append(_row(f"{LOOPS} loops, nice 19", _probe(world, rounds)[1], unloaded))
    with tempfile.TemporaryDirectory() as folder, _Loops(world):
        desktop = Desktop(Path(folder), None)
        program = OmniTray(desktop, prefix=world.prefix)
        program.configure(SETTINGS)
        program.start("--headless")
        wait_until(lambda: program.get("status")["protector"]["holding"], "held", timeout_s=60)
        rows.append(_row(f"{LOOPS} loops, OmniTray", _probe(world, rounds)[1], unloaded, BUDGET))
        program.end()
        desktop.stop()
    return rows


class _Loops:
    """The load."""

    def __init__(self, world: World) -> None:
        command = [*world.prefix, "setsid", sys.executable, "-c", LOOP]
        self._outer = subprocess.Popen(command, cwd="/")
        self._leader = inside(self._outer.pid)
        wait_until(lambda: len(self.processes()) == LOOPS, "the loops run")

    def processes(self) -> list[psutil.Process]:
        return [self._leader, *self._leader.children()]

    def __enter__(self) -> Self:
        time.sleep(2)
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes():
            process.kill()
        self._outer.wait(10)


def _probe(world: World, rounds: int | None) -> tuple[int, list[float]]:
    given = [] if rounds is None else [str(rounds)]
    command = [*world.prefix, "setsid", "--wait", sys.executable, "-c", PROBE, str(TRIES), *given]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd="/")
    first, *rest = done.stdout.split()
    return int(first), [float(each) for each in rest]


def _row(name: str, took_ms: list[float], unloaded: list[float], budget: float = 0.0) -> Row:
    now, quiet = spread(took_ms), spread(unloaded)
    ratio = now.p95 / quiet.p95
    told = (
        f"p50 {now.median:.1f}, p95 {now.p95:.1f}, p99 {now.p99:.1f} ms; p95 {ratio:.2f} × unloaded"
    )
    return within(name, ratio, budget, "×", told=told) if budget else Row(name, told)


def _autogroup() -> str:
    try:
        value = Path("/proc/sys/kernel/sched_autogroup_enabled").read_text().strip()
    except OSError:
        return "not there"
    return "on" if value == "1" else "off"


if __name__ == "__main__":
    main()

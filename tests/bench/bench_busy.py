"""The program beside glances on a desk at rest and on a busy one, with the thread that costs.

Busy: 50 short-lived processes a second, and 500 MB taken and given back every ten seconds. The two
are run with the same 400 sleepers, tray, headless and glances at the same time, so that what others
do on the machine meanwhile falls on all of them.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from omnitray.base.clock import SystemClock
from omnitray.base.facts import MonitorLevel
from omnitray.monitor.levels import RHYTHMS
from omnitray.platforms import current
from omnitray.processes.jobs import JobTracker
from support.bench import Row, Spread, spread, table, within
from support.desktop import Display
from support.resources import percent_between, taken, threads
from support.side_by_side import (
    SLEEPERS,
    glances,
    headless,
    screen,
    settle_s,
    sleepers,
    tell,
    tray,
)

MEASURED_S = {"idle": 60.0, "normal": 30.0, "intensive": 20.0, "critical": 20.0}
RATIO, GUARD_PERCENT, STEP_MS = 0.1, 0.15, 4.0
STEPS, STEP_EVERY_S = 40, 0.5
BUSY = """
import subprocess, time
every_s, held, turned = 1 / 50, None, time.monotonic()
while True:
    subprocess.Popen(["sleep", "0.2"])
    now = time.monotonic()
    if now - turned >= 5:
        held, turned = (None if held else bytearray(b"x") * 500_000_000), now
    subprocess._cleanup()
    time.sleep(every_s)
"""


def main() -> None:
    """Print the section."""
    rows: list[Row] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        screen(Path(folder)) as display,
        sleepers(),
    ):
        for level in MEASURED_S:
            rows += _level(level, "at rest", Path(folder) / "rest" / level, display)
        with _busy():
            time.sleep(2.0)
            processes = len(psutil.pids())
            rows += _steps(processes)
            for level in MEASURED_S:
                rows += _level(level, "busy", Path(folder) / "busy" / level, display)
    print("## At rest and on a busy desk\n")
    print(
        f"Per cent of one core with {processes} processes, {SLEEPERS} of them asleep; busy"
        ": 50 short-lived processes a second and 500 MB taken and given back every 10 s. Tray, "
        "headless and `glances --quiet` side by side, each at the level's interval, the protector "
        f"watching. Load average at the end: {os.getloadavg()[1]:.1f}.\n"
    )
    print(table(rows))


def _steps(processes: int) -> list[Row]:
    """A scan and its grouping on the busy desk, in processor time."""
    platform = current()
    scan = platform.process_table().scan
    jobs = JobTracker(platform.process_details(), SystemClock(), Path.home())
    scanning, grouping = [], []
    for number in range(STEPS):
        began = time.thread_time()
        found = scan()
        scanned = time.thread_time()
        jobs.update(found)
        if number > 1:  # the first looks everything up
            scanning.append(1000 * (scanned - began))
            grouping.append(1000 * (time.thread_time() - scanned))
        time.sleep(STEP_EVERY_S)
    whole = spread(map(sum, zip(scanning, grouping, strict=True)))
    return [
        within(
            f"busy: a step with {processes} processes", whole.median, STEP_MS, "ms",
            told=whole.told("ms"),
        ),
        Row("… of which the scan", _told(spread(scanning))),
        Row("… of which the jobs", _told(spread(grouping))),
    ]  # fmt: skip


def _told(figures: Spread) -> str:
    return figures.told("ms")


def _level(level: str, desk: str, folder: Path, display: Display) -> list[Row]:
    interval_s, measured_s = RHYTHMS[MonitorLevel(level)].look_s, MEASURED_S[level]
    tell(f"{desk}, {level}: {settle_s(interval_s) + measured_s:.0f} s")
    with contextlib.ExitStack() as running:
        programs = {
            "tray": running.enter_context(tray(folder / "tray", display, level)),
            "headless": running.enter_context(headless(folder / "bare", level)),
            "glances": running.enter_context(
                glances(folder / "glances", interval_s)
            ),
        }  # fmt: skip
        time.sleep(settle_s(interval_s))
        before = {name: taken(each.pid) for name, each in programs.items()}
        by_thread = {name: threads(each.pid) for name, each in programs.items()}
        time.sleep(measured_s)
        cost = {name: percent_between(before[name], taken(programs[name].pid)) for name in programs}
        parts = {
            name: _parts(by_thread[name], threads(programs[name].pid), measured_s)
            for name in ("tray", "headless")
        }
    rows = []
    for name in ("tray", "headless"):
        ratio = cost[name] / cost["glances"]
        theirs = f"{ratio:.3f} of glances' {cost['glances']:.2f} %"
        told = f"{cost[name]:.2f} %, {theirs} ({_of(parts[name])})"
        rows.append(within(f"{desk}, {level}: {name}", ratio, RATIO, "of glances", told=told))
    guard = max(part.get("protector", 0.0) for part in parts.values())
    if desk == "busy":
        rows.append(within(f"{desk}, {level}: the guard's thread", guard, GUARD_PERCENT, "%"))
    return rows


def _parts(before: dict[str, float], after: dict[str, float], over_s: float) -> dict[str, float]:
    return {name: 100.0 * (used - before.get(name, 0.0)) / over_s for name, used in after.items()}


def _of(parts: dict[str, float]) -> str:
    """``monitor 0.12, main 0.05``: the threads that cost most."""
    most = sorted(parts.items(), key=lambda each: -each[1])[:3]
    return ", ".join(f"{name} {percent:.2f}" for name, percent in most)


@contextlib.contextmanager
def _busy() -> Iterator[None]:
    busy = subprocess.Popen([sys.executable, "-c", BUSY])
    try:
        yield
    finally:
        busy.kill()
        busy.wait()

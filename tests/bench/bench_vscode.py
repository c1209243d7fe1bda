"""What the extension for VS Code costs the tray, and how soon it has an alert.

A window is what the extension runs of its own in the editor (its connection and what it keeps),
in a process of the Node that comes with the extension's tools; the editor itself is not there.
"""

import json
import os
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from support.bench import Row, spread, table, within
from support.desktop import Program
from support.resources import held, percent_between, taken
from support.side_by_side import SETTLE_S, SLEEPERS, screen, sleepers, tell, tray

FOLLOW = Path(__file__).parents[2] / "packaging" / "vscode" / "test" / "follow.mjs"
MEASURED_S = 40.0
WINDOWS = (0, 1, 3)
RAISED = 100
CPU_BUDGET = 0.2  # of the tray at the level normal, with any number of windows
MEMORY_BUDGET_MB = 85


def main() -> None:
    """Print the section."""
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        display = stack.enter_context(screen(place))
        stack.enter_context(sleepers())
        program = stack.enter_context(tray(place / "tray", display, "normal"))
        home = str(place / "tray" / "omnitray")
        rows: list[Row] = []
        open_windows: list[subprocess.Popen[str]] = []
        for wanted in WINDOWS:
            while len(open_windows) < wanted:
                open_windows.append(stack.enter_context(_window(home)))
                assert json.loads(_line(open_windows[-1])) == {"connected": True}
            rows += _cost(program, wanted)
        took = _alerts(open_windows[0])
        for each in open_windows:
            each.communicate(timeout=20)
    arrived = spread(took)
    print("## VS Code\n")
    print(
        f"The tray at the level normal beside {SLEEPERS} sleeping processes, {MEASURED_S:.0f} s "
        f"each after {SETTLE_S:.0f} s, with so many windows of the editor that follow it (the "
        "extension's own connection and model, without the editor). The window of OmniTray was "
        f"never opened. Then one of {WINDOWS[-1]} windows raises alerts, one after another. The "
        f"machine's load at the end was {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores.\n"
    )
    name = "alert raised → extension has it, p95"
    print(table([*rows, within(name, arrived.p95, 50, "ms", told=arrived.told("ms"))]))


def _window(home: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [os.environ["OMNITRAY_NODE"], str(FOLLOW)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "OMNITRAY_HOME": home},
        text=True,
    )


def _line(window: subprocess.Popen[str]) -> str:
    assert window.stdout is not None
    return window.stdout.readline()


def _cost(program: Program, windows: int) -> list[Row]:
    tell(f"{windows} windows: {SETTLE_S + MEASURED_S:.0f} s")
    time.sleep(SETTLE_S)
    before = taken(program.pid)
    time.sleep(MEASURED_S)
    percent = percent_between(before, taken(program.pid))
    memory = held(program.pid)
    said = {0: "no window", 1: "one window"}.get(windows, f"{windows} windows")
    told = f"RSS {memory.rss_mb:.0f} MB, USS {memory.uss_mb:.0f} MB"
    return [
        within(f"{said}: tray, of one core", percent, CPU_BUDGET, "%"),
        within(f"{said}: tray, memory", memory.rss_mb, MEMORY_BUDGET_MB, "MB RSS", told=told),
    ]


def _alerts(window: subprocess.Popen[str]) -> list[float]:
    tell(f"{RAISED} alerts")
    assert window.stdin is not None
    window.stdin.write(f"{RAISED}\n")
    window.stdin.flush()
    took: list[float] = json.loads(_line(window))["took"]
    return took

"""The whole program as people run it: its own cost at each level, beside glances in the same run.

The command under test is the one installed from the wheel. Everything that is compared runs at
the same time, on the same machine, with the same 400 sleeping processes to look at.
"""

import contextlib
import os
import subprocess
import tempfile
import time
from pathlib import Path

import psutil

from support.bench import Row, Spread, repeated, table, within
from support.desktop import Display, Program, wait_until
from support.resources import Held, held, percent_between, taken
from support.side_by_side import (
    COMMAND,
    SETTLE_S,
    SLEEPERS,
    glances,
    headless,
    made,
    screen,
    session,
    settle_s,
    sleepers,
    tell,
    tray,
    watching,
)

# Level: seconds between two looks, seconds measured, budget in per cent of one core.
LEVELS = {
    "idle": (30.0, 120.0, 0.05),
    "normal": (5.0, 60.0, 0.2),
    "intensive": (1.0, 60.0, 1.0),
    "critical": (0.5, 60.0, 2.0),
}


def main() -> None:
    """Print the section."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder, screen(Path(folder)) as display, sleepers():
        processes = len(psutil.pids())
        for level in LEVELS:
            rows += _level(level, Path(folder) / level, display)
        rows += _starts(Path(folder) / "starts", display)
    print("## The program\n")
    print(
        f"Per cent of one core with {processes} processes, {SLEEPERS} of them ours and asleep; "
        "tray, headless and `glances --quiet` run side by side, each looking at the level's "
        f"interval, for at least {min(each[1] for each in LEVELS.values()):.0f} s after "
        f"the first two looks, {SETTLE_S:.0f} s at least. The window was never opened; the local "
        "API is on.\n"
    )
    print(table(rows))


def _level(level: str, folder: Path, display: Display) -> list[Row]:
    interval_s, measured_s, budget = LEVELS[level]
    tell(f"{level}: {settle_s(interval_s) + measured_s:.0f} s")
    with contextlib.ExitStack() as running:
        programs = {
            "tray": running.enter_context(tray(folder / "tray", display, level)),
            "headless": running.enter_context(headless(folder / "headless", level)),
            "glances": running.enter_context(glances(folder / "glances", interval_s)),
        }
        time.sleep(settle_s(interval_s))
        before = {name: taken(each.pid) for name, each in programs.items()}
        time.sleep(measured_s)
        percent = {
            name: percent_between(before[name], taken(each.pid)) for name, each in programs.items()
        }
        memory = {name: held(each.pid) for name, each in programs.items()}
        asked = _held_once_asked(folder / "tray", programs["tray"]) if level == "normal" else None
    rows = [
        within(f"{level}, every {interval_s:g} s: {name}", percent[name], budget, "%")
        for name in ("tray", "headless")
    ]
    rows.append(Row(f"{level}: glances every {interval_s:g} s", f"{percent['glances']:.2f} %"))
    rows.append(_ratio(level, percent))
    return rows + (_memory(memory, asked) if asked else [])


def _held_once_asked(folder: Path, program: Program) -> Held:
    """What it holds when its API has been used: the server comes with the first request."""
    assert _answers({"OMNITRAY_HOME": str(folder / "omnitray")})
    return held(program.pid)


def _ratio(level: str, percent: dict[str, float]) -> Row:
    ratio = percent["tray"] / percent["glances"]
    return Row(f"{level}: tray against glances", f"{ratio:.3f}", "≤ 0.1", ratio <= 0.1)


def _memory(memory: dict[str, Held], asked: Held) -> list[Row]:
    def told(held: Held) -> str:
        return f"RSS {held.rss_mb:.0f} MB, USS {held.uss_mb:.0f} MB"

    tray, headless = memory["tray"], memory["headless"]
    return [
        within("tray at rest", tray.rss_mb, 85, "MB RSS", told=told(tray)),
        within("headless at rest", headless.rss_mb, 60, "MB RSS", told=told(headless)),
        Row("tray, once its API was asked", told(asked)),
        Row("glances", told(memory["glances"])),
    ]


def _starts(folder: Path, display: Display) -> list[Row]:
    tell("starts")
    icon = repeated(10, lambda: _start_to_icon(folder, display))
    version = repeated(20, lambda: _timed([COMMAND, "--version"], {}))
    with headless(folder / "headless", "normal") as program:
        home = {"OMNITRAY_HOME": str(folder / "headless" / "omnitray")}
        address = folder / "headless" / "omnitray" / "run" / "api.json"
        wait_until(address.exists, f"it can be asked:\n{program.output}", timeout_s=20)
        first_s = _timed([COMMAND, "status"], home)
        status = repeated(20, lambda: _timed([COMMAND, "status"], home))
    return [
        within("start to icon", icon.median, 1.0, "s", told=icon.told("s", 2)),
        Row("`omnitray --version`", _in_ms(version)),
        Row("`omnitray status`", _in_ms(status)),
        Row("… the first that a program is asked", f"{first_s * 1000:.0f} ms"),
    ]


def _in_ms(figures: Spread) -> str:
    return figures.scaled(1000).told("ms", 0)


def _answers(home: dict[str, str]) -> bool:
    command = [COMMAND, "status"]
    done = subprocess.run(command, env=os.environ | home, capture_output=True, check=False)
    return done.returncode == 0


def _timed(command: list[str], environment: dict[str, str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, env=os.environ | environment, capture_output=True, check=True)
    return time.perf_counter() - start


def _start_to_icon(folder: Path, display: Display) -> float:
    """From the start of the process until its icon is registered with the tray's host."""
    with (
        tempfile.TemporaryDirectory(dir=made(folder)) as place,
        session(Path(place), display) as desktop,
        watching(desktop) as watcher,
    ):
        start = time.perf_counter()
        desktop.launch(COMMAND)
        wait_until(lambda: watcher.registered, "the icon is registered", timeout_s=20)
        return time.perf_counter() - start

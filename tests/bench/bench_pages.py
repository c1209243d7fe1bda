"""What an open window costs, page by page and level by level.

The program as people run it, its window open and in sight on one page, 400 sleeping processes to
look at. A program for each page, all at the same time; processor time by the kernel's count of
nanoseconds (``schedstat``).
"""

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from omnitray.ui.pages.registry import PAGES
from support.bench import Row, table, within
from support.desktop import Display, Program, wait_until
from support.resources import Taken, percent_between, taken, threads
from support.side_by_side import (
    COMMAND,
    SETTLE_S,
    configure,
    screen,
    session,
    sleepers,
    tell,
    watching,
)

BUDGET = 3.0  # per cent of one core, at any level
# Level: seconds measured. At idle two looks come in a minute.
LEVELS = {"idle": 60.0, "normal": 30.0, "intensive": 20.0, "critical": 20.0}
_ONLY = os.environ.get("OMNITRAY_BENCH_LEVELS", "")


def main() -> None:
    """Print the section."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder, screen(Path(folder)) as display, sleepers():
        processes = len(psutil.pids())
        for level in _ONLY.split() or LEVELS:
            rows += _level(level, Path(folder) / level, display)
    print("## An open window, page by page\n")
    print(
        f"Per cent of one core of the whole program with {processes} processes, its window open on "
        "one page, nothing pointed at. A program for each page, all at the same time, after "
        f"{SETTLE_S:.0f} s to settle.\n"
    )
    print(table(rows))


def _level(level: str, folder: Path, display: Display) -> list[Row]:
    measured_s = LEVELS[level]
    tell(f"{level}: {SETTLE_S + measured_s:.0f} s")
    with contextlib.ExitStack() as running:
        programs = {
            page.name: running.enter_context(_opened(folder / page.name, display, level, page.name))
            for page in PAGES
        }
        time.sleep(SETTLE_S)
        before = {name: (taken(each.pid), threads(each.pid)) for name, each in programs.items()}
        time.sleep(measured_s)
        return [_row(level, name, each, *before[name]) for name, each in programs.items()]


def _row(
    level: str, page: str, program: Program, before: Taken, of_threads: dict[str, float]
) -> Row:
    after = taken(program.pid)
    percent = percent_between(before, after)
    seconds = after.at - before.at
    now = threads(program.pid)
    spent = {name: 100 * (used - of_threads.get(name, 0.0)) / seconds for name, used in now.items()}
    most = sorted(spent.items(), key=lambda pair: -pair[1])[:2]
    told = ", ".join(f"{name} {used:.2f}" for name, used in most)
    return within(f"{level}: {page}", percent, BUDGET, "%", told=f"{percent:.2f} % ({told})")


@contextlib.contextmanager
def _opened(folder: Path, display: Display, level: str, page: str) -> Iterator[Program]:
    """The program with its window on this page."""
    with session(folder, display) as desktop, watching(desktop) as watcher:
        configure(desktop, level)
        state = Path(desktop.environment["OMNITRAY_HOME"]) / "state"
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        (state / "window.json").write_text(json.dumps({"page": page}))
        program = desktop.launch(COMMAND)
        wait_until(lambda: watcher.registered, f"the icon:\n{program.output}", timeout_s=30)
        desktop.launch(COMMAND).wait(20)  # a second start shows the window of the first
        yield program


if __name__ == "__main__":
    main()

"""What an open window costs, page by page and level by level.

The program as people run it, its window open and in sight on one page, 400 sleeping processes to
look at. A program for each page, all at the same time; processor time by the kernel's count of
nanoseconds (``schedstat``). One more has its window closed: what it takes is no page's cost, and
where the machine is busy it is most of it. ``OMNITRAY_BEFORE`` names the command of another version
that runs beside this one, page by page.
"""

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

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
_BEFORE = os.environ.get("OMNITRAY_BEFORE", "")
_CLOSED = "no window"


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
    names = [_CLOSED, *(page.name for page in PAGES)]
    versions = {"now": COMMAND, **({"before": _BEFORE} if _BEFORE else {})}
    with contextlib.ExitStack() as running:
        programs = {
            (version, name): running.enter_context(
                _opened(folder / version / name.replace(" ", "-"), display, level, name, command)
            )
            for name in names
            for version, command in versions.items()
        }
        time.sleep(SETTLE_S)
        before = {key: (taken(each.pid), threads(each.pid)) for key, each in programs.items()}
        time.sleep(measured_s)
        costs = {key: _cost(each, *before[key]) for key, each in programs.items()}
    return [_row(level, name, costs) for name in names]


class Cost(NamedTuple):
    """Per cent of a core: of all, of the window's thread; the two threads that took most."""

    percent: float
    main: float
    most: str


def _cost(program: Program, before: Taken, of_threads: dict[str, float]) -> Cost:
    after = taken(program.pid)
    seconds = after.at - before.at
    now = threads(program.pid)
    spent = {name: 100 * (used - of_threads.get(name, 0.0)) / seconds for name, used in now.items()}
    most = sorted(spent.items(), key=lambda pair: -pair[1])[:2]
    said = ", ".join(f"{name} {used:.2f}" for name, used in most)
    return Cost(percent_between(before, after), spent["main"], said)


def _row(level: str, name: str, costs: dict[tuple[str, str], Cost]) -> Row:
    percent, main, most = costs["now", name]
    told = f"{percent:.2f} % ({most})"
    closed = costs["now", _CLOSED].percent
    if name != _CLOSED:
        told += f", {percent - closed:+.2f} to the closed one"
    if ("before", name) in costs:
        old = costs["before", name]
        told += f"; {percent / old.percent:.2f} of the version before"
        told += f", its main thread {main / old.main:.2f} of {old.main:.2f}"
    return within(f"{level}: {name}", percent, BUDGET, "%", told=told)


@contextlib.contextmanager
def _opened(
    folder: Path, display: Display, level: str, page: str, command: str
) -> Iterator[Program]:
    """The program with its window on this page, if that is one."""
    with session(folder, display) as desktop, watching(desktop) as watcher:
        configure(desktop, level)
        state = Path(desktop.environment["OMNITRAY_HOME"]) / "state"
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        (state / "window.json").write_text(json.dumps({"page": page}))
        program = desktop.launch(command)
        wait_until(lambda: watcher.registered, f"the icon:\n{program.output}", timeout_s=60)
        if page != _CLOSED:  # a second start shows the window of the first
            desktop.launch(command).wait(60)
        yield program


if __name__ == "__main__":
    main()

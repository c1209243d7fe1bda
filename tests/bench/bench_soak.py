"""Does it grow? A headless program and one with a tray and window, at critical, for hours.

Meanwhile processes come and go all the time, five alerts come in a second and are resolved, the
window is opened, its pages are changed and it is closed again. Told is the slope of the resident
memory over the second half: what is filled once (rings, caches, the history's window) is full then.

``python3 packaging/dev.py bench soak`` takes two hours, ``--for 40m`` is for a first look.
"""

import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from omnitray.base.paths import find_paths
from omnitray.runtime.instance import activate
from support.bench import Row, table
from support.desktop import Desktop, Program, wait_until
from support.resources import MB
from support.running import OmniTray
from support.side_by_side import made, screen, tell, watching

LONG_S = 7200.0
SAMPLE_S = 15.0
ALERTS_PER_S = 5
TITLES = 500  # different incidents; the rest are repeats of them
LETTERS = str.maketrans("0123456789", "abcdefghij")
WINDOW_EVERY_S, WINDOW_FOR_S = 60.0, 30.0
PAGES, FIRST_PAGE_Y, PAGE_STEP_Y = 6, 28, 33  # where the sidebar's entries are
BUDGET_MB_PER_MIN = 0.05
SETTINGS = """level = "critical"
[api]
port = 0
[protect]
state = "watch"
"""
CHURN = """
import subprocess, sys, time
children = []
while True:
    children.append(subprocess.Popen(["sleep", str(float(sys.argv[1]))]))
    children = [each for each in children if each.poll() is None]
    time.sleep(float(sys.argv[2]))
"""
ALIVE, LIFE_S = 230, 10.0


class Sample(NamedTuple):
    """What one process holds at a moment, and the files below its folder."""

    at_min: float
    rss_mb: float
    descriptors: int
    threads: int
    files: int
    files_mb: float


class Course(NamedTuple):
    """What one program held over time."""

    name: str
    samples: list[Sample]

    def slope(self) -> float:
        """MB a minute over the second half, by least squares."""
        late = self.samples[len(self.samples) // 2 :]
        return statistics.linear_regression(
            [each.at_min for each in late], [each.rss_mb for each in late]
        ).slope

    def at(self, share: float) -> Sample:
        """The sample at a share of the time."""
        return self.samples[min(len(self.samples) - 1, int(share * len(self.samples)))]


def main() -> None:
    """Print the section."""
    length_s = float(os.environ.get("OMNITRAY_BENCH_FOR_S", LONG_S))
    with tempfile.TemporaryDirectory() as folder:
        courses = soak(Path(folder), length_s)
    print("## Hours at critical\n")
    print(
        f"{length_s / 60:.0f} minutes at critical with {ALIVE} processes that live {LIFE_S:.0f} s, "
        f"{ALERTS_PER_S} alerts a second to each program, and a window that is opened every "
        f"{WINDOW_EVERY_S:.0f} s, goes through its pages and is closed. Resident memory, "
        "descriptors and threads of the program's process, files below its folders.\n"
    )
    print(table([row for course in courses for row in _rows(course)]))
    print("\n| minute | " + " | ".join(course.name for course in courses) + " |")
    print("|---|" + "---|" * len(courses))
    for tenth in range(11):
        line = [course.at(tenth / 10) for course in courses]
        figures = " | ".join(_told(each) for each in line)
        print(f"| {line[0].at_min:.0f} | {figures} |")


def soak(folder: Path, length_s: float) -> list[Course]:
    """Run both programs for so long."""
    with contextlib.ExitStack() as stack:
        display = stack.enter_context(screen(folder))
        stack.enter_context(_churn())
        over = threading.Event()
        programs = {}
        for name in ("headless", "tray and window"):
            desktop = Desktop(made(folder / name.split()[0]), display if "tray" in name else None)
            stack.callback(desktop.stop)
            programs[name] = _started(desktop, stack)
            stack.enter_context(_thread(_raise_alerts, programs[name], over))
        stack.enter_context(_thread(_use_window, programs["tray and window"], over))
        stack.callback(over.set)
        return _sampled(programs, length_s)


def _started(desktop: Desktop, stack: contextlib.ExitStack) -> OmniTray:
    program = OmniTray(desktop)
    program.configure(SETTINGS)
    if "DISPLAY" in desktop.environment:
        watcher = stack.enter_context(watching(desktop))
        program.start()
        wait_until(lambda: watcher.registered, "the icon is registered", timeout_s=20)
    else:
        program.start("--headless")
    return program


def _pid(program: OmniTray) -> int:
    assert isinstance(program.program, Program)
    return program.program.pid


def _sampled(programs: dict[str, OmniTray], length_s: float) -> list[Course]:
    courses = [Course(name, []) for name in programs]
    start = time.monotonic()
    while (passed_s := time.monotonic() - start) < length_s:
        for course, program in zip(courses, programs.values(), strict=True):
            course.samples.append(_sample(passed_s / 60, program))
        if len(courses[0].samples) % 20 == 0:
            tell(f"{passed_s / 60:.0f} min: {', '.join(_now(each) for each in courses)}")
        time.sleep(SAMPLE_S)
    return courses


def _sample(at_min: float, program: OmniTray) -> Sample:
    proc = Path(f"/proc/{_pid(program)}")
    sizes = [size for size in map(_size, program.home.rglob("*")) if size is not None]
    return Sample(
        at_min,
        _rss(_pid(program)),
        descriptors=len(list((proc / "fd").iterdir())),
        threads=len(list((proc / "task").iterdir())),
        files=len(sizes),
        files_mb=sum(sizes) / MB,
    )


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size if path.is_file() else None
    except OSError:  # it has just gone
        return None


def _told(each: Sample) -> str:
    held = f"{each.rss_mb:.1f} MB, {each.descriptors} descriptors, {each.threads} threads"
    return f"{held}, {each.files} files of {each.files_mb:.1f} MB"


def _now(course: Course) -> str:
    return f"{course.name} {_told(course.samples[-1])}"


def _rss(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MB


@contextlib.contextmanager
def _churn() -> Iterator[None]:
    words = [sys.executable, "-c", CHURN, str(LIFE_S), str(LIFE_S / ALIVE)]
    with subprocess.Popen(words) as source:
        try:
            yield
        finally:
            source.kill()


@contextlib.contextmanager
def _thread(run: Any, *args: Any) -> Iterator[None]:
    """Runs beside; ``args`` end with the event that ends it."""
    thread = threading.Thread(target=run, args=args)
    thread.start()
    try:
        yield
    finally:
        args[-1].set()
        thread.join()


def _raise_alerts(program: OmniTray, over: threading.Event) -> None:
    number = 0
    while not over.wait(1 / ALERTS_PER_S):
        number += 1
        # In letters: numbers are no part of what makes two alerts one incident.
        title = "soak " + f"{number * 7919 % TITLES:03d}".translate(LETTERS)
        with contextlib.suppress(OSError, KeyError):  # it ends
            raised = program.post("alerts", type="CRITICAL", title=title, message=f"{number}")
            if number % 3:
                program.post(f"alerts/{raised['id']}/resolve")


def _use_window(program: OmniTray, over: threading.Event) -> None:
    desktop = program.desktop
    paths = find_paths({"OMNITRAY_HOME": str(program.home)})
    while not over.wait(WINDOW_EVERY_S - WINDOW_FOR_S):
        activate(paths)
        for page in range(PAGES):
            if over.wait(WINDOW_FOR_S / PAGES):
                return
            for window in desktop.windows("omnitray"):
                desktop.click(window, 60, FIRST_PAGE_Y + page * PAGE_STEP_Y)
        for window in desktop.windows("omnitray"):
            desktop.output_of("xdotool", "windowquit", window)


def _rows(course: Course) -> list[Row]:
    slope = course.slope()
    return [
        Row(
            f"{course.name}: at the start, in the middle, at the end",
            " → ".join(f"{course.at(share).rss_mb:.1f}" for share in (0, 0.5, 1)) + " MB",
        ),
        Row(
            f"{course.name}: growth over the second half",
            f"{slope:+.3f} MB/min",
            f"≤ {BUDGET_MB_PER_MIN} MB/min",
            slope <= BUDGET_MB_PER_MIN,
        ),
        *(_most(course, what) for what in ("descriptors", "threads", "files")),
    ]


def _most(course: Course, what: str) -> Row:
    """The most of each half: a leak shows as more in the second."""
    middle = len(course.samples) // 2
    early, late = (
        max(getattr(each, what) for each in half)
        for half in (course.samples[:middle], course.samples[middle:])
    )
    return Row(f"{course.name}: most {what}, first and second half", f"{early}, {late}")

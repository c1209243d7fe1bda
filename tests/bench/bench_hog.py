"""A memory hog beside the protectors that others use, each in turn in one run.

Thresholds are relative to what is used now: a line 600 MB under what is available, and a hog that
would stop by itself at 3 GB, so that the machine is never near its end. Measured from outside, by
a look at /proc/meminfo every half millisecond: when the line is crossed, when the hog stops
growing or is gone, when memory is back. The hog offers itself with the highest oom_score_adj, so
that no other process can be chosen by anyone.

earlyoom and nohang are Debian's; ``OMNITRAY_RIVALS`` may name a folder they were unpacked to.
nohang allows no line over half of the memory: a copy with that one check widened is run.

All of it runs as a user of its own, who has no other processes: once the hog is gone, a protector
that still sees too little memory would end somebody else's. So it needs root to begin with.
"""

import os
import re
import select
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from support.bench import Row, spread, table

RUNS = 10
DISTANCE_BYTES = 600 << 20
HOG_BYTES = 3 << 30
LEAST_FREE_BYTES = 10 << 30
PATIENCE_S = 15.0
PAUSED_S = 2.0  # who stands still for so long is paused; an end stops its victim for a moment
_TRIES = 4
STEADY_BYTES = 32 << 20
LOOK_S = 0.0005
SUPPORT = Path(__file__).resolve().parents[1] / "support"
NOBODY_ELSE = 61234  # a user id that nothing else has
PYTHON = "/usr/bin/python3"  # ours may lie where that user cannot go
ANCHORS = Path(os.environ.get("OMNITRAY_RIVALS", "/"))


class Relief(NamedTuple):
    """Seconds from the crossing of the line; None for what did not happen."""

    acted_s: float | None
    back_s: float | None
    speed_bps: float  # of the hog until it crossed the line or was held
    is_void: bool = False  # ended before the line was crossed: others' memory moved it


class Line(NamedTuple):
    """Available bytes at which everybody is to act, and as a share of all memory."""

    bytes: int
    percent: float


def main() -> int:
    """Print the section; 1 where it cannot be measured safely."""
    if os.geteuid() != 0:
        sys.stderr.write("bench_hog: needs root, to run the protectors as a user of their own\n")
        return 1
    if available() < LEAST_FREE_BYTES:
        sys.stderr.write("bench_hog: less than 10 GB available; not measured\n")
        return 1
    print("## A memory hog\n")
    reliefs = _in_turn()
    speed = statistics.median(each.speed_bps for runs in reliefs.values() for each in runs)
    print(
        f"A hog of {speed / 2**30:.1f} GB/s, a line {DISTANCE_BYTES >> 20} MB under what is "
        f"available; {RUNS} runs each, in turn. Nought: it was held before it crossed the line.\n"
    )
    print(table([row for name, runs in reliefs.items() for row in _rows(name, runs)]))
    return 0


def protectors() -> list[tuple[str, Callable[[Line, Path], "Protector"]]]:
    """Those that are there, by name."""
    found: list[tuple[str, Callable[[Line, Path], Protector]]] = [
        ("OmniTray, pauses first", omnitray),
        (
            "OmniTray, where only an end is left",
            lambda line, folder: omnitray(line, folder, "ends"),
        ),
    ]
    if (ANCHORS / "usr/bin/earlyoom").exists():
        found.append(("earlyoom", earlyoom))
    if (ANCHORS / "usr/sbin/nohang").exists():
        found.append(("nohang", nohang))
    return found


class Protector(NamedTuple):
    """A program to start, and what it says when it watches."""

    command: list[str]
    ready: str


def omnitray(line: Line, folder: Path, *more: str) -> Protector:
    """Our loop: reading, forecast, decision, levers, journal."""
    driver = str(SUPPORT / "protector_driver.py")
    floor = f"{line.percent:.3f}"
    return Protector([PYTHON, driver, floor, str(folder), str(os.getpid()), *more], "ready")


def earlyoom(line: Line, _folder: Path) -> Protector:
    """TERM at the line."""
    program = str(ANCHORS / "usr/bin/earlyoom")
    levels = f"{line.percent:.2f},{line.percent / 2:.2f}"
    return Protector([program, "-m", levels, "-s", "100,100", "-r", "3600"], "sending")


def nohang(line: Line, folder: Path) -> Protector:
    """TERM at the line; its own configuration with that line in it."""
    text = (ANCHORS / "usr/share/nohang/nohang.conf").read_text()
    for key, percent in (("soft", line.percent), ("hard", line.percent / 2)):
        text = re.sub(
            rf"^{key}_threshold_min_mem .*$",
            f"{key}_threshold_min_mem = {percent:.2f} %",
            text,
            flags=re.MULTILINE,
        )
    config = folder / "nohang.conf"
    config.write_text(text)
    source = (ANCHORS / "usr/sbin/nohang").read_text()
    program = folder / "nohang"
    program.write_text(source.replace("mem_total * 0.5", "mem_total * 1.0"))
    command = [PYTHON, "-u", str(program), "--monitor", "--config", str(config)]
    return Protector(command, "Monitoring has started")


def _in_turn() -> dict[str, list[Relief]]:
    """Each protector once, then each again, so that all see the same machine."""
    reliefs: dict[str, list[Relief]] = {}
    for turn in range(RUNS):
        for name, begin in protectors():
            reliefs.setdefault(name, []).append(_run_until_valid(begin))
            sys.stderr.write(f"{turn + 1}/{RUNS} {name}: {reliefs[name][-1]}\n")
    return reliefs


def _run_until_valid(begin: Callable[[Line, Path], Protector]) -> Relief:
    """Again, a few times, where others' memory moved the line under the hog."""
    for _ in range(_TRIES):
        relief = _run(begin)
        if not relief.is_void:
            break
    return relief


def _rows(name: str, reliefs: list[Relief]) -> list[Row]:
    acted = [each.acted_s * 1e3 for each in reliefs if each.acted_s is not None]
    back = [each.back_s * 1e3 for each in reliefs if each.back_s is not None]
    rows = [Row(f"{name}: line crossed → acted on", _told(acted))]
    if back:
        rows.append(Row(f"{name}: line crossed → memory back", _told(back)))
    return rows


def _told(figures: list[float]) -> str:
    missed = RUNS - len(figures)
    late = f"; {missed} of {RUNS} not within {PATIENCE_S:.0f} s" if missed else ""
    return (spread(figures).told("ms", 0) if figures else "never") + late


def _run(begin: Callable[[Line, Path], Protector]) -> Relief:
    settle()
    total = meminfo(b"MemTotal")
    line_bytes = available() - DISTANCE_BYTES
    line = Line(line_bytes, 100.0 * line_bytes / total)
    # Our guardian writes its last line when the driver is gone: into a folder being emptied.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        os.chown(folder, NOBODY_ELSE, NOBODY_ELSE)
        with hog() as process, watching(begin(line, folder)):
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
            return measure(process.pid, line)


@contextmanager
def hog() -> Iterator[subprocess.Popen[str]]:
    """Ready to grow; gone afterwards."""
    command = [PYTHON, str(SUPPORT / "hog.py"), str(HOG_BYTES)]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        user=NOBODY_ELSE,
        group=NOBODY_ELSE,
        extra_groups=[],
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def watching(protector: Protector) -> Iterator[None]:
    """The protector, once it watches; gone afterwards."""
    with subprocess.Popen(
        protector.command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        user=NOBODY_ELSE,
        group=NOBODY_ELSE,
        extra_groups=[],
        env=_environment(),
    ) as process:
        assert process.stdout is not None
        said: list[str] = []
        for text in process.stdout:
            said.append(text)
            if protector.ready in text:
                break
        else:
            raise RuntimeError(f"{protector.command[0]} did not start:\n{''.join(said)}")
        time.sleep(1.5)  # until it sleeps at its own pace
        try:
            yield
        finally:
            process.terminate()


def _environment() -> dict[str, str]:
    """Our libraries for that user's Python."""
    path = os.pathsep.join(each for each in sys.path if each)
    return {"PYTHONPATH": path, "PATH": os.environ.get("PATH", ""), "HOME": "/nonexistent"}


def measure(pid: int, line: Line) -> Relief:
    """Look until memory is back or patience ends."""
    pidfd = os.pidfd_open(pid)
    crossed_s = acted_s = back_s = None
    began_s, most, speed_bps = time.monotonic(), available(), 0.0
    deadline = began_s + PATIENCE_S
    while (now := time.monotonic()) < deadline and back_s is None:
        free = available()
        if crossed_s is None and free <= line.bytes:
            crossed_s = now
            speed_bps = (most - free) / (now - began_s)
        if acted_s is None and is_held(pid, pidfd):
            acted_s = now
            speed_bps = speed_bps or max(0, most - free) / (now - began_s)
        if acted_s is not None and now - acted_s >= PAUSED_S and state(pid) == "T":
            break  # it is paused: memory stands still, and does not come back
        is_over = acted_s is not None and crossed_s is not None
        if is_over and free > line.bytes + DISTANCE_BYTES // 2:
            back_s = now
        time.sleep(LOOK_S)
    os.close(pidfd)
    since = crossed_s if crossed_s is not None else acted_s
    return Relief(
        None if acted_s is None or since is None else acted_s - since,
        None if back_s is None or since is None else back_s - since,
        speed_bps,
        crossed_s is None and state(pid) == "Z",
    )


def settle() -> None:
    """Wait, within bounds, until memory that was given back has come back."""
    before, deadline = 0, time.monotonic() + PATIENCE_S
    while abs(available() - before) > STEADY_BYTES and time.monotonic() < deadline:
        before = available()
        time.sleep(1.0)


def is_held(pid: int, pidfd: int) -> bool:
    """Whether it is stopped or gone."""
    if select.select([pidfd], [], [], 0)[0]:
        return True
    return state(pid) == "T"


def state(pid: int) -> str:
    """Its letter in /proc, Z for one that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def available() -> int:
    """Bytes that could be had without swapping."""
    return meminfo(b"MemAvailable")


def meminfo(name: bytes) -> int:
    """One figure in bytes."""
    with Path("/proc/meminfo").open("rb") as file:
        found = re.search(rb"^%b: +(\d+) kB" % name, file.read(512), re.MULTILINE)
    assert found
    return int(found[1]) * 1024

"""What runs in the machine beside the program: hogs, a growing job, a counter, and the probe.

``python workload.py busy N | grow FILE | count FILE | fork | probe SECONDS``
"""
# ruff: noqa: T201 - what it prints is what it is for

import os
import signal
import sys
import time
from pathlib import Path

PIECE_BYTES = 8 << 20


def busy(count: int) -> None:
    """So many busy loops, as children of one process."""
    for _ in range(count):
        if os.fork() == 0:
            while True:
                pass
    while True:
        time.sleep(60)


def grow(path: Path) -> None:
    """Take 8 MB every twentieth of a second and touch them; write how much there is."""
    held: list[bytes] = []
    while True:
        held.append(b"x" * PIECE_BYTES)
        path.write_text(str(len(held) * PIECE_BYTES))
        time.sleep(0.05)


def count(path: Path) -> None:
    """Write a number that grows as long as this runs."""
    number = 0
    while True:
        number += 1
        path.write_text(str(number))
        time.sleep(0.01)


def probe(seconds: float) -> None:
    """How much longer than its own processor time a small task takes, sorted, one line.

    The machine's host has other things to do, which makes the processor itself slow at times;
    dividing by what the task used leaves what it waited for others in here.
    """
    deadline = time.monotonic() + seconds
    waited = []
    while time.monotonic() < deadline:
        time.sleep(0.02)
        began, used = time.monotonic(), time.thread_time()
        sum(number * number for number in range(40_000))
        waited.append((time.monotonic() - began) / (time.thread_time() - used))
    print(" ".join(f"{each:.3f}" for each in sorted(waited)))


def fork() -> None:
    """Start a child every twentieth of a second, each of which lives for two; ignore TERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        if os.fork() == 0:
            time.sleep(2)
            os._exit(0)
        time.sleep(0.05)


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "busy":
        busy(int(rest[0]))
    elif what == "grow":
        grow(Path(rest[0]))
    elif what == "count":
        count(Path(rest[0]))
    elif what == "fork":
        fork()
    else:
        probe(float(rest[0]))

"""What runs in the machine beside the program: hogs, a growing job, a counter, and the probe.

``python workload.py busy N | grow | count FILE | probe SECONDS``
"""
# ruff: noqa: T201 - what it prints is what it is for

import os
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


def grow() -> None:
    """Take 8 MB every twentieth of a second and touch them; say how much each time."""
    held: list[bytearray] = []
    while True:
        held.append(bytearray(os.urandom(4096) * (PIECE_BYTES // 4096)))
        print(len(held) * PIECE_BYTES, flush=True)
        time.sleep(0.05)


def count(path: Path) -> None:
    """Write a number that grows as long as this runs."""
    number = 0
    while True:
        number += 1
        path.write_text(str(number))
        time.sleep(0.01)


def probe(seconds: float) -> None:
    """How many milliseconds a small task takes, sorted, one line."""
    deadline = time.monotonic() + seconds
    took = []
    while time.monotonic() < deadline:
        time.sleep(0.02)
        began = time.monotonic()
        sum(number * number for number in range(40_000))
        took.append((time.monotonic() - began) * 1000)
    print(" ".join(f"{each:.2f}" for each in sorted(took)))


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "busy":
        busy(int(rest[0]))
    elif what == "grow":
        grow()
    elif what == "count":
        count(Path(rest[0]))
    else:
        probe(float(rest[0]))

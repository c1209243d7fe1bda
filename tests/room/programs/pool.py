"""multiprocessing.Pool: pool.py workers|parent|shared: who of them grows, or none."""

import multiprocessing
import sys
import time

_PAGE = 4096
_WORKERS = 4
SHARED = bytearray(0)


def filled(megabytes: int) -> bytearray:
    """Memory that is really taken."""
    block = bytearray(megabytes << 20)
    block[::_PAGE] = b"\1" * len(block[::_PAGE])
    return block


def work(number: int, grows: bool) -> int:  # noqa: FBT001 - one flag of a program
    """Grow in one worker where it is asked for; else hold a little."""
    held = [filled(60)]
    for _ in range(400):
        time.sleep(0.2)
        if grows and number == 0:
            held.append(filled(25))
        elif len(SHARED):
            sum(SHARED[:: _PAGE * 8])
    return len(held)


def main(who: str) -> None:
    """Start the pool, grow in the parent where it is asked for."""
    global SHARED  # noqa: PLW0603 - what the children share
    if who == "shared":
        SHARED = filled(500)
    with multiprocessing.get_context("fork").Pool(_WORKERS) as pool:
        done = pool.starmap_async(work, [(each, who == "workers") for each in range(_WORKERS)])
        held: list[bytearray] = []
        while not done.ready():
            time.sleep(0.2)
            if who == "parent" and len(held) < 150:
                held.append(filled(25))


main(sys.argv[1])

"""So many loops that take all they get: busy.py LOOPS."""

import multiprocessing
import sys


def loop() -> None:
    """Take a core."""
    while True:
        pass


loops = [multiprocessing.Process(target=loop) for _ in range(int(sys.argv[1]))]
for each in loops:
    each.start()
for each in loops:
    each.join()

"""Grows: hog.py MEGABYTES STEP EVERY_S [HOLD_S]."""

import sys
import time

_PAGE = 4096
total, step = int(sys.argv[1]), int(sys.argv[2])
every_s = float(sys.argv[3])
hold_s = float(sys.argv[4]) if len(sys.argv) > 4 else 300.0
held = []
for _ in range(0, total, step):
    block = bytearray(step << 20)
    block[::_PAGE] = b"\1" * len(block[::_PAGE])
    held.append(block)
    time.sleep(every_s)
time.sleep(hold_s)

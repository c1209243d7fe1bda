"""Holds so many megabytes and does nothing: steady.py MEGABYTES."""

import sys
import time

block = bytearray(int(sys.argv[1]) << 20)
block[::4096] = b"\1" * len(block[::4096])
time.sleep(600)

"""Asks a server again and again: asks.py PORT COUNT EVERY_S."""

import sys
import time
import urllib.error
import urllib.request

port, count, every_s = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
for _ in range(count):
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/keep", timeout=5).read()
    except (OSError, urllib.error.URLError):
        time.sleep(0.5)
    time.sleep(every_s)

"""A server that starts forty workers at once and then none: prefork.py."""

import os
import time

for _ in range(40):
    if os.fork() == 0:
        time.sleep(600)
time.sleep(600)

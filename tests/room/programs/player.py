"""Needs 20 ms of a processor each 40 ms, and says how late it was: player.py SECONDS."""

import sys
import time

_EVERY_S, _NEEDS_S = 0.04, 0.02
late = []
due = time.monotonic()
end = due + float(sys.argv[1])
while time.monotonic() < end:
    began = time.thread_time()
    while time.thread_time() - began < _NEEDS_S:
        pass
    due += _EVERY_S
    now = time.monotonic()
    if now < due:
        time.sleep(due - now)
    else:
        late.append((now, now - due))
        due = max(due, now - 1.0)
        print(f"{now:.2f} {now - due:.3f}", flush=True)  # noqa: T201 - what it is for

"""Takes memory as fast as one core can, up to a bound, and offers itself to every killer first.

``python hog.py BOUND_BYTES``: waits for a line, then grows; at the bound it only sleeps.
"""

import sys
import time
from pathlib import Path

PIECE_BYTES = 8 << 20


def main(bound_bytes: int) -> None:
    """Grow to the bound."""
    Path("/proc/self/oom_score_adj").write_text("1000")
    print("ready", flush=True)  # noqa: T201 - what the benchmark waits for
    sys.stdin.readline()
    held = [b"x" * PIECE_BYTES for _ in range(bound_bytes // PIECE_BYTES)]
    time.sleep(60)
    del held


if __name__ == "__main__":
    main(int(sys.argv[1]))

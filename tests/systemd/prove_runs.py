"""Proves that a run's budget is kept by the kernel in a real systemd user session.

Run inside the machine that ``packaging/systemd_vm.py`` boots, as ``prove.py``.
"""
# ruff: noqa: T201 - what it prints is what it is for

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUN = (sys.executable, "-m", "omnitray", "run")
EATS = (
    "import time\n"
    "held = []\n"
    "for _ in range(40):\n"
    "    held.append(bytearray(10_000_000)); time.sleep(0.02)\n"
    "print('whole')\n"
)
SPINS = "import time; end = time.time() + 8\nwhile time.time() < end: pass"
BOMB = "bomb() { bomb | bomb & }; bomb; sleep 20"  # what it starts has no end
OUTER_S = 120.0


def main() -> int:
    """Each claim on a line; 1 when one failed."""
    home = Path(tempfile.mkdtemp())
    os.environ["OMNITRAY_HOME"] = str(home)
    failed = 0

    def claim(text: str, *, holds: bool) -> None:
        nonlocal failed
        failed += not holds
        print(f"  {'ok    ' if holds else 'FAILED'} {text}")

    print("runs")
    status, record = run(home, "--memory", "100M", "--", sys.executable, "-c", EATS)
    claim(f"a scope holds it ({record.get('held_by')})", holds=record.get("held_by") == "scope")
    claim(
        f"over its budget it is ended by the kernel: exit {status}, {record.get('verdict')}",
        holds=status != 0 and "memory" in str(record.get("verdict")),
    )
    peak = float(str(record.get("peak_bytes", 0)))
    # MemoryMax is 110 MB, and the kernel charges pages in batches a processor.
    claim(f"its peak is {peak / 1e6:.0f} MB of 100", holds=0 < peak <= 120e6)
    status, record = run(home, "--cpu", "25", "--", sys.executable, "-c", SPINS)
    percent = float(str(record.get("cpu_percent", 0)))
    claim(f"a loop takes {percent:.0f} % of a core of 25 allowed", holds=0 < percent <= 30)
    began = time.monotonic()
    status, record = run(home, "--memory", "120M", "--timeout", "30", "--", "bash", "-c", BOMB)
    claim(
        f"a fork bomb is over after {time.monotonic() - began:.0f} s: exit {status}, "
        f"{record.get('verdict')}",
        holds=status != 0,
    )
    left = bombs()
    until = time.monotonic() + 60.0
    while bombs() and time.monotonic() < until:
        time.sleep(0.5)
    waited = time.monotonic() - until + 60.0
    claim(f"{left} of it are left at once, {bombs()} after {waited:.0f} s", holds=not bombs())
    return int(bool(failed))


def bombs() -> int:
    """How many of the fork bomb live."""
    found = subprocess.run(["pgrep", "-fc", "bomb"], capture_output=True, text=True, check=False)
    return int(found.stdout.strip() or 0)


def run(home: Path, *words: str) -> tuple[int, dict[str, object]]:
    """The exit status, and the newest record."""
    done = subprocess.run([*RUN, *words], check=False, timeout=OUTER_S)
    files = sorted((home / "data" / "runs").glob("*.json"))
    return done.returncode, json.loads(files[-1].read_text()) if files else {}


if __name__ == "__main__":
    sys.exit(main())

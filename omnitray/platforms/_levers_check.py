"""Starts the child on which the start-up self-test pulls the levers, and puts it away."""

import subprocess
import sys

from omnitray.core.acting.lever import Lever
from omnitray.core.acting.levers_report import LeverRow, levers_report
from omnitray.core.acting.system import System

_SLEEPER = ("-I", "-S", "-c", "import time\nprint(flush=True)\ntime.sleep(60)")


def check_levers(levers: tuple[Lever, ...], system: System) -> tuple[LeverRow, ...]:
    """Which levers work here. Takes about 0.2 s; blocking, so not on the main thread."""
    with subprocess.Popen(
        [sys.executable, *_SLEEPER],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as child:
        try:
            if child.stdout is not None:
                child.stdout.readline()  # it runs its own program now, not a copy of ours
            return levers_report(levers, system, system.identify([child.pid])[0])
        finally:
            child.kill()

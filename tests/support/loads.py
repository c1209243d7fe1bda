"""Real loads that the test starts and ends itself: busy loops and a process that holds memory."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Self

import psutil

BUSY = """
import os, sys
for _ in range(int(sys.argv[1]) - 1):
    if os.fork() == 0:
        break
while True:
    pass
"""
HOLD = """
import sys, time
held = bytearray(int(sys.argv[1]))
for at in range(0, len(held), 4096):
    held[at] = 1
print("held", flush=True)
time.sleep(600)
"""


class Load:
    """Processes of the test's own; always ended."""

    def __init__(self, *commands: Sequence[str]) -> None:
        self._commands = commands
        self._processes: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        for command in self._commands:
            self._processes.append(
                subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
            )
        return self

    @property
    def lineage(self) -> set[int]:
        """The load's leader and its ancestors: a job is named after the run it belongs to."""
        leader = psutil.Process(self._processes[0].pid)
        return {leader.pid, *(parent.pid for parent in leader.parents())}

    def wait_until_held(self) -> None:
        """Until the memory is really taken."""
        for process in self._processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            os.killpg(process.pid, signal.SIGKILL)
        for process in self._processes:
            process.communicate(timeout=10)


def busy(count: int) -> Load:
    """One job of so many processes that never rest."""
    return Load((sys.executable, "-c", BUSY, str(count)))


def holding(size_bytes: int) -> Load:
    """One process that holds so much memory."""
    return Load((sys.executable, "-c", HOLD, str(size_bytes)))

"""Real loads that the test starts and ends itself, as Python programs with arguments.

Busy loops, processes that hold memory, leak it, share it out among workers, bring it back as soon
as it is taken, write to a disk, or come and go like the commands of a build.
"""

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

# BYTES RATE: grows so fast up to so much, then sleeps.
GROW = """
import sys, time
held, piece = [], min(8_000_000, int(sys.argv[2]) // 10)
while sum(map(len, held)) < int(sys.argv[1]):
    held.append(b"x" * piece)
    time.sleep(piece / int(sys.argv[2]))
time.sleep(600)
"""
# BYTES MORE RATE: takes so much within seconds, then leaks so much more at that rate, then sleeps.
LEAK = """
import sys, time
held = []
for piece, whole in (20_000_000, int(sys.argv[1])), (int(sys.argv[3]) // 10, int(sys.argv[2])):
    for _ in range(whole // piece):
        time.sleep(0.1)
        held.append(b"x" * piece)
time.sleep(600)
"""
# WORKERS BYTES GATE: a parent and its workers; once the file GATE is there, the last of them takes
# BYTES at once, which no pause can come between. None of them listens to TERM.
RUN = """
import mmap, os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
def work(last):
    while last and not os.path.exists(sys.argv[3]):
        time.sleep(0.02)
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE
    held = mmap.mmap(-1, int(sys.argv[2]) if last else 4096, flags=flags)
    while True:
        time.sleep(60)
for number in range(int(sys.argv[1])):
    if os.fork() == 0:
        work(number == int(sys.argv[1]) - 1)
while True:
    try:
        os.wait()
    except ChildProcessError:
        time.sleep(60)
"""
# WORKERS BYTES GATE: so many workers at a time; once the file GATE is there, each takes BYTES at
# once, which no pause can come between; one that ends is started again at once.
RESPAWN = """
import mmap, os, sys, time
def start():
    if os.fork() == 0:
        while not os.path.exists(sys.argv[3]):
            time.sleep(0.02)
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE
        held = mmap.mmap(-1, int(sys.argv[2]), flags=flags)
        while True:
            time.sleep(60)
for _ in range(int(sys.argv[1])):
    start()
while True:
    os.wait()
    start()
"""
# FILE RATE: appends so many bytes a second, durably.
WRITE = """
import os, sys, time
with open(sys.argv[1], "ab", buffering=0) as file:
    while True:
        file.write(os.urandom(int(sys.argv[2]) // 10))
        os.fsync(file.fileno())
        time.sleep(0.1)
"""
# AT_A_TIME: keeps so many commands running, each of which takes a moment of processor time.
BUILD = """
import os, sys, time
running = 0
while True:
    while running < int(sys.argv[1]):
        if os.fork() == 0:
            until = time.process_time() + 0.05
            while time.process_time() < until:
                pass
            os._exit(0)
        running += 1
    os.wait()
    running -= 1
"""
# FOLDER OUTSIDE: puts a link to another folder in the place of one, and takes it away, for ever.
SWAP = """
import os, sys
folder, aside = sys.argv[1], sys.argv[1] + ".aside"
while True:
    os.rename(folder, aside)
    os.symlink(sys.argv[2], folder)
    os.unlink(folder)
    os.rename(aside, folder)
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

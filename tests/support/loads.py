"""Real loads that the test starts and ends itself, as Python programs with arguments.

Busy loops, processes that hold memory, leak it, share it out among workers, bring it back as soon
as it is taken, write to a disk, or come and go like the commands of a build.
"""

BUSY = """
import os, sys
for _ in range(int(sys.argv[1]) - 1):
    if os.fork() == 0:
        break
while True:
    pass
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

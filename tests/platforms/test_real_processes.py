"""The process table of each platform, with real children."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from omnitray.base.facts import ProcessFacts
from omnitray.processes.process_table import ProcessTable

Child = Callable[..., int]


@pytest.fixture
def child() -> Iterator[Child]:
    """Starts ``python -c code`` and gives its pid when it has printed a line."""
    running: list[subprocess.Popen[bytes]] = []

    def start(code: str) -> int:
        process = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stdin=subprocess.PIPE
        )
        running.append(process)
        assert process.stdout is not None
        process.stdout.readline()
        return process.pid

    yield start
    for process in running:
        process.kill()
        process.communicate()


def until(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 40
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def by_pid(table: ProcessTable) -> dict[int, ProcessFacts]:
    return {facts.pid: facts for facts in table.scan()}


def test_a_real_busy_child_shows_its_cpu_and_a_sleeping_one_none(
    table: ProcessTable, child: Child
) -> None:
    busy = child("print(flush=True)\nwhile True: pass")
    asleep = child("print(flush=True); input()")
    by_pid(table)
    until(lambda: (by_pid(table)[busy].cpu_percent or 0) > 1)
    until(lambda: by_pid(table)[asleep].cpu_percent == 0.0)  # it may still be falling asleep


def test_a_real_child_that_grows_is_seen_to_grow(table: ProcessTable, child: Child) -> None:
    pid = child(
        "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})\n"
        "print(flush=True); signal.sigwait({signal.SIGUSR1})\n"
        "kept = [bytearray(1 << 20) for _ in range(40)]\ninput()"
    )
    before = by_pid(table)[pid].rss_bytes
    os.kill(pid, signal.SIGUSR1)
    until(lambda: by_pid(table)[pid].rss_bytes > before + (20 << 20))


def test_a_real_zombie_is_a_zombie_until_it_is_reaped(table: ProcessTable) -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    until(lambda: by_pid(table)[pid].state == "Z")
    os.waitpid(pid, 0)
    assert pid not in by_pid(table)


def test_a_real_stopped_child_is_stopped(table: ProcessTable, child: Child) -> None:
    pid = child("print(flush=True); input()")
    by_pid(table)
    os.kill(pid, signal.SIGSTOP)
    until(lambda: by_pid(table)[pid].state == "T")
    os.kill(pid, signal.SIGCONT)
    until(lambda: by_pid(table)[pid].state == "S")


@pytest.mark.parametrize("name", [b"foo) Z ", b"a\nb", b"\xff\xfe", b"<b>&\x1b[31m"])
def test_a_real_hostile_name_is_printable_text(
    table: ProcessTable, child: Child, name: bytes
) -> None:
    pid = child(
        f"import ctypes\nctypes.CDLL(None).prctl(15, {name!r}, 0, 0, 0)\nprint(flush=True); input()"
    )
    facts = by_pid(table)[pid]
    assert facts.name.isprintable()
    assert facts.ppid == os.getpid()
    assert facts.state in {"S", "R"}


def test_a_real_orphan_gets_its_new_parent(table: ProcessTable) -> None:
    libc = ctypes.CDLL(None)
    libc.prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: what init is to others
    try:
        code = (
            "import subprocess, sys\n"
            "print(subprocess.Popen(['sleep', '60'], stdout=-3).pid, flush=True)\ninput()"
        )
        parent = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stdin=subprocess.PIPE
        )
        assert parent.stdout is not None
        orphan = int(parent.stdout.readline())
        assert by_pid(table)[orphan].ppid == parent.pid
        parent.kill()
        parent.communicate()
        assert by_pid(table)[orphan].ppid == os.getpid()
        os.kill(orphan, signal.SIGKILL)
        os.waitpid(orphan, 0)
    finally:
        libc.prctl(36, 0, 0, 0, 0)


def test_scanning_leaks_no_descriptors(table: ProcessTable) -> None:
    table.scan()
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for _ in range(5):
        table.scan()
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208

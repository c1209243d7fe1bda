"""What a test must not leave behind or cause unasked: log records, threads, child processes.

``tests/conftest.py`` turns these into fixtures that watch every test.
"""

import contextlib
import logging
import os
import re
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Kind = TypeVar("Kind")

SETTLE_S = 2.0  # a thread or child that was told to end may need a moment


class LogWatch(logging.Handler):
    """Collects records from WARNING up and compares them with what the test expected."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []
        self._expected: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def expect(self, *patterns: str) -> None:
        """Each pattern must be found in at least one record; records it is found in are fine."""
        self._expected.extend(patterns)

    def complaint(self) -> str | None:
        """What was logged unasked, or asked for and not logged."""
        texts = [f"{record.levelname} {record.getMessage()}" for record in self.records]
        unasked = [text for text in texts if not self._is_expected(text)]
        if unasked:
            return "unexpected log records:\n  " + "\n  ".join(unasked)
        missing = [each for each in self._expected if not any(re.search(each, t) for t in texts)]
        return f"expected in the log, not found: {missing}" if missing else None

    def _is_expected(self, text: str) -> bool:
        return any(re.search(pattern, text) for pattern in self._expected)


def running_threads() -> set[threading.Thread]:
    """Python threads, and foreign ones (QThread) that ran Python and are still there."""
    return {each for each in threading.enumerate() if each.is_alive() and _exists(each)}


def _exists(thread: threading.Thread) -> bool:
    # Python never forgets a foreign thread that once ran its code; the kernel knows better.
    tasks = Path("/proc/self/task")
    return not tasks.exists() or (tasks / str(thread.native_id)).exists()


def running_children() -> set[int]:
    """Process ids of our children, and of theirs, zombies too."""
    found: set[int] = set()
    waiting = [os.getpid()]
    while waiting:
        new = set(_children_of(waiting.pop())) - found
        found |= new
        waiting.extend(new)
    return found


def _children_of(pid: int) -> list[int]:
    children: list[int] = []
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # the process or its thread has just ended
            children += [int(each) for each in listing.read_text().split()]
    return children


def left_over(before: set[Kind], look: Callable[[], set[Kind]]) -> set[Kind]:
    """What ``look`` still finds beyond ``before`` after a bounded time to settle."""
    deadline = time.monotonic() + SETTLE_S
    while (extra := look() - before) and time.monotonic() < deadline:
        time.sleep(0.01)
    return extra


def describe_process(pid: int) -> str:
    """Process id and command line."""
    with contextlib.suppress(OSError):
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
        return f"{pid} {command.decode(errors='replace').strip() or '(zombie)'}"
    return str(pid)


def end_process(pid: int) -> None:
    """End a leaked child so that it disturbs no later test."""
    with contextlib.suppress(ProcessLookupError, ChildProcessError):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)

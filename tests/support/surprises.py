"""What a test must not leave behind or cause unasked: log records, threads, child processes.

``tests/conftest.py`` turns these into fixtures that watch every test.
"""

import contextlib
import faulthandler
import gc
import logging
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

Kind = TypeVar("Kind")

SETTLE_S = 2.0  # a thread or child that was told to end may need a moment


def take_ctrl_c() -> None:
    """Have Ctrl-C as it is by default: what a script starts in the background has it ignored.

    What the tests start would inherit that.
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


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


def end_qt_threads() -> None:
    """End the QThreads that a failed test left running: the collector would abort the process."""
    if (qt := sys.modules.get("PySide6.QtCore")) is None:
        return
    # By type: a weak proxy that is asked for its class raises when what it stands for is gone.
    for thread in [each for each in gc.get_objects() if issubclass(type(each), qt.QThread)]:
        if thread.isRunning() and thread is not qt.QThread.currentThread():
            thread.quit()
            thread.wait(int(SETTLE_S * 1000))


class RunLimit:
    """Says which tests run and ends the run when it takes too long, whatever hangs in it.

    For the process that reports: a worker that hangs in one test is ended by pytest's own
    ``faulthandler_timeout``.
    """

    def __init__(self, limit_s: float) -> None:
        self._running: dict[str, float] = {}  # node id -> monotonic time
        self._limit_s = limit_s
        self._timer = threading.Timer(limit_s, self._end)
        self._timer.daemon = True
        self._timer.start()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._running[nodeid] = time.monotonic()

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self._running.pop(nodeid, None)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A failure is on record at once: the summary does not come when the run is cut off."""
        if report.failed:
            text = f"\n{report.nodeid} failed ({report.when}):\n{report.longreprtext}\n"
            os.write(1, text.encode(errors="backslashreplace"))

    def pytest_unconfigure(self) -> None:
        self._timer.cancel()

    def _end(self) -> None:
        now = time.monotonic()
        lines = [f"  {name} ({now - since:.0f} s)" for name, since in self._running.items()]
        text = "\n".join([f"The tests take more than {self._limit_s:.0f} s. Running:", *lines])
        os.write(2, f"\n{text}\n".encode())
        faulthandler.dump_traceback()
        os._exit(3)

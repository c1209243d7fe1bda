"""Watches the test that runs now: reports it when it is slow, and just before it is timed out.

One thread a process. It sleeps until the earlier of the two moments, so that starting and ending
a test costs two assignments; it is woken only where a limit is nearer than what it waits for.
"""

import math
import os
import sys
import threading
import traceback
from collections.abc import Callable

from omnitray.pytest_plugin.reporter import Reporter

STACK_LIMIT = 8000  # characters: some 100 lines, what a person scrolls through
# pytest-timeout's thread method ends the process at the limit: the report must be on disk before.
# Writing it takes 5 ms, and 150 ms were seen beside 9 busy processes on 2 cores.
MARGIN_S, MARGIN_SHARE = 0.5, 0.25
IDLE_S = 3600.0


class RunningTest:
    """The test that runs now; times are monotonic seconds."""

    __slots__ = ("limit_s", "nodeid", "slow_said", "started_mono_s", "timeout_said", "times_out")

    def __init__(self, nodeid: str, started_mono_s: float) -> None:
        self.nodeid = nodeid
        self.started_mono_s = started_mono_s
        self.limit_s: float | None = None
        self.times_out: float | None = None
        self.slow_said = False
        self.timeout_said = False


class TestClock:
    """Calls ``on_slow`` and ``on_timeout`` with the test and the stacks of all other threads."""

    __test__ = False

    def __init__(
        self,
        slow_s: float | None,
        on_slow: Callable[[RunningTest, str], None],
        on_timeout: Callable[[RunningTest, str], None],
        reporter: Reporter,
    ) -> None:
        self._guard = reporter.guard
        self._monotonic = reporter.clock.monotonic
        self._slow_s = slow_s
        self._on_slow = on_slow
        self._on_timeout = on_timeout
        self._condition = threading.Condition()
        self._test: RunningTest | None = None
        self._wakes_mono_s = math.inf
        self._pid = 0
        self._closing = False
        self._thread: threading.Thread | None = None

    def start(self, nodeid: str) -> None:
        """A test begins, its set-up included."""
        if self._test is not None and self._test.nodeid == nodeid:
            return  # pytest-timeout has set its limit before the start is announced
        self._test = RunningTest(nodeid, self._monotonic())
        if self._slow_s is not None:
            self._wake_by(self._test.started_mono_s + self._slow_s)

    def set_limit(self, nodeid: str, limit_s: float) -> None:
        """The test will be timed out ``limit_s`` from now."""
        if self._test is None or self._test.nodeid != nodeid:
            self.start(nodeid)
        if (test := self._test) is None:  # start() has just set it; for the type checker
            return
        test.limit_s = limit_s
        margin_s = min(MARGIN_S, limit_s * MARGIN_SHARE)
        test.times_out = self._monotonic() + limit_s - margin_s
        self._wake_by(test.times_out)

    def lift_limit(self, nodeid: str) -> None:
        """It will not be timed out."""
        if (test := self._test) is not None and test.nodeid == nodeid:
            test.times_out = None

    def end(self) -> RunningTest | None:
        """The test is over; what was said of it."""
        test, self._test = self._test, None
        return test

    def close(self) -> None:
        """End the thread."""
        with self._condition:
            self._closing = True
            self._condition.notify()
        if self._thread is not None and self._pid == os.getpid():
            self._thread.join()
        self._thread = None

    def _wake_by(self, moment_mono_s: float) -> None:
        if self._pid != os.getpid():  # a fork takes no threads along
            self._pid = os.getpid()
            self._condition = threading.Condition()
            self._thread = None
        with self._condition:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="omnitray-tests", daemon=True)
                thread.start()
                self._thread = thread
            elif moment_mono_s < self._wakes_mono_s:
                self._condition.notify()

    def _run(self) -> None:
        while True:
            with self._guard:
                self._report_due()
            with self._condition:
                if self._closing:
                    return
                if (test := self._test) is not None and test.timeout_said:
                    # pytest-timeout shows the stacks of all threads next: this one is no news.
                    self._thread = None
                    return
                wait_s = self._wait_s()
                self._wakes_mono_s = self._monotonic() + wait_s
                self._condition.wait(wait_s)

    def _report_due(self) -> None:
        test, now = self._test, self._monotonic()
        if test is None:
            return
        if test.times_out is not None and not test.timeout_said and now >= test.times_out:
            test.timeout_said = True
            self._on_timeout(test, stacks())
        slow_at = self._slow_at(test)
        if slow_at is not None and not test.slow_said and now >= slow_at:
            test.slow_said = True
            if not test.timeout_said:
                self._on_slow(test, stacks())

    def _wait_s(self) -> float:
        """Seconds until the next moment at which something may be due."""
        test = self._test
        if test is None:
            return self._slow_s or IDLE_S
        moments = [
            moment
            for moment, said in (
                (test.times_out, test.timeout_said),
                (self._slow_at(test), test.slow_said),
            )
            if moment is not None and not said
        ]
        return max(0.0, min(moments) - self._monotonic()) if moments else self._slow_s or IDLE_S

    def _slow_at(self, test: RunningTest) -> float | None:
        return None if self._slow_s is None else test.started_mono_s + self._slow_s


def stacks() -> str:
    """Where each thread of this process is, the main thread first; bounded."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    ours = threading.get_ident()
    main = threading.main_thread().ident
    frames = sys._current_frames()  # noqa: SLF001 - the documented way to see other threads
    parts: list[str] = []
    for ident in sorted(frames, key=lambda each: each != main):
        name = names.get(ident, str(ident))
        if ident == ours or name.startswith("omnitray-"):
            continue
        parts.append(f"Thread {name}:")
        parts += [line.rstrip() for line in traceback.format_stack(frames[ident])]
    text = "\n".join(parts)
    # The end of a stack is where it hangs: of a long one the beginning gives way.
    return text if len(text) <= STACK_LIMIT else f"[…]\n{text[-STACK_LIMIT:]}"

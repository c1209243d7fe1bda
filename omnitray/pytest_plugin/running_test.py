"""Watches the test that runs now: reports it when it is slow, and just before it is timed out.

What only the test's own process knows travels with its report. The processes of a run leave each
other notes in a folder of the run: timed-out tests, the server.

One thread a process. It sleeps until the earlier of the two moments, so that starting and ending
a test costs two assignments; it is woken only where a limit is nearer than what it waits for.
"""

import contextlib
import hashlib
import math
import os
import shutil
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from omnitray.base.durable import make_folder
from omnitray.base.facts import AlertType, Severity
from omnitray.pytest_plugin.failures import first_line, permission_facts, said_by
from omnitray.pytest_plugin.reporter import FAULTS, Reporter
from omnitray.pytest_plugin.summary import PeakOfTests, TreeSampler

STACK_LIMIT = 8000  # characters: some 100 lines, what a person scrolls through
# pytest-timeout's thread method ends the process at the limit: the report must be on disk before.
# Writing it takes 5 ms, and 150 ms were seen beside 9 busy processes on 2 cores.
MARGIN_S, MARGIN_SHARE = 0.5, 0.25
IDLE_S = 3600.0
WRONG_KEY = "omnitray_wrong"


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


class TestProcess:
    """Watches the tests of this process, and adds facts to their reports."""

    __test__ = False

    def __init__(
        self, reporter: Reporter, facts: dict[str, str], marks: Path, slow_s: float | None
    ) -> None:
        self._reporter = reporter
        self._facts = facts
        self._marks = marks
        self._phase = "setup"
        self._peak = PeakOfTests()
        self.sampler: TreeSampler | None = None
        self._clock = TestClock(slow_s, self._on_slow, self._on_timeout, reporter)

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None]:
        """A test begins and ends in this process, whatever runs it: it need not log that."""
        with self._reporter.guard:
            self._clock.start(item.nodeid)
            self._peak.begin()
        yield
        with self._reporter.guard:
            self._end(item.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self) -> None:
        """Its set-up is done."""
        self._phase = "call"

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self) -> None:
        """Its body is done."""
        self._phase = "teardown"

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, Any, None]:
        """Add to the report what only this process knows."""
        outcome = yield
        report = outcome.get_result()
        with self._reporter.guard:
            report.omnitray = {"worker": self._facts["worker"], "raised": self._reporter.raised}
            error = None if call.excinfo is None else call.excinfo.value
            if report.failed and error is not None:
                report.omnitray["error"] = first_line(error)
                report.omnitray["timed_out"] = self._timed_out(item.nodeid, error)
                if (denied := permission_facts(error)) is not None:
                    report.omnitray["permission"] = denied
            if call.when == "teardown":  # of all phases
                report.omnitray.update(self._peak.look())

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_timeout_set_timer(self, item: pytest.Item, settings: Any) -> None:
        """pytest-timeout arms its own timer next; None lets it."""
        with self._reporter.guard:
            if settings.timeout and settings.timeout > 0:
                self._clock.set_limit(item.nodeid, float(settings.timeout))

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_timeout_cancel_timer(self, item: pytest.Item) -> None:
        """It counts no longer: of the body alone where the project wants that."""
        with self._reporter.guard:
            self._clock.lift_limit(item.nodeid)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """All that tests have changed is as it was; a worker of xdist says what is still wrong."""
        self._reporter.deliver_owed(at_once=True)
        output: dict[str, object] = getattr(session.config, "workeroutput", {})
        output[WRONG_KEY] = self._reporter.wrong

    def pytest_unconfigure(self) -> None:
        """End the watching thread."""
        self._clock.close()

    def _end(self, nodeid: str) -> None:
        """A timeout that was announced and did not come is taken back."""
        test = self._clock.end()
        self._phase = "setup"
        if test is None or not test.timeout_said:
            return
        if self.sampler is not None:
            self.sampler.start()
        if not self._mark(nodeid).exists():
            self._reporter.resolve(f"timeout:{nodeid}")

    def _timed_out(self, nodeid: str, error: BaseException) -> bool:
        """Whether pytest-timeout has ended this test: its alert stays, and no other comes."""
        timed_out = type(error).__name__ == "Failed" and said_by(error).startswith("Timeout")
        if timed_out:
            self._mark(nodeid).touch()
        return timed_out

    def _mark(self, nodeid: str) -> Path:
        """A file that stands while a test of that name has been reported as timed out."""
        return mark_of(self._marks, nodeid)

    def _on_slow(self, test: RunningTest, stack: str) -> None:
        took = self._reporter.clock.monotonic() - test.started_mono_s
        self._reporter.report(
            f"slow:{test.nodeid}",
            AlertType.TEST_TIMEOUT,
            f"Slow test: {test.nodeid}",
            f"The test runs for {took:.0f} s and goes on.",
            {**self._facts, "nodeid": test.nodeid, "phase": self._phase, "stack": stack},
            Severity.WARNING,
        )

    def _on_timeout(self, test: RunningTest, stack: str) -> None:
        """Report in time: where the process ends at the limit, no other moment comes."""
        limit = f"{test.limit_s:g} s"
        title = f"Test timed out: {test.nodeid}"
        message = f"The test reaches its limit of {limit} in its {self._phase}."
        context = {
            **self._facts,
            "nodeid": test.nodeid,
            "phase": self._phase,
            "error": f"Timeout: more than {limit}",
            "limit_s": test.limit_s,
            "stack": stack,
        }
        self._mark(test.nodeid).with_suffix(".due").touch()  # should the process end meanwhile
        self._reporter.report(
            f"timeout:{test.nodeid}", AlertType.TEST_TIMEOUT, title, message, context
        )
        if self.sampler is not None:
            self.sampler.stop()  # pytest-timeout shows the stack of every thread next


def own_marks(above: Path) -> Path:
    """A folder for this process; removes those of processes that were killed, with their server.

    Where the state folder cannot be written, it is a temporary one.
    """
    try:
        make_folder(above)
    except FAULTS:
        return Path(tempfile.mkdtemp(prefix="omnitray-run-"))
    for folder in above.iterdir():
        if folder.name.isdecimal() and not Path(f"/proc/{folder.name}").exists():
            _end_server_of(folder)
            shutil.rmtree(folder, ignore_errors=True)
    own = above / str(os.getpid())
    make_folder(own)
    return own


def _end_server_of(folder: Path) -> None:
    """A run that was killed leaves its server, and that has the port of the next run's."""
    if (folder / "servers.json").exists():
        from omnitray.servers.local import end_left  # noqa: PLC0415 - only where one was left

        with contextlib.suppress(*FAULTS):
            end_left(folder)


def mark_of(marks: Path, nodeid: str) -> Path:
    """Where the processes of a run note that a test timed out."""
    name = nodeid.encode(errors="surrogatepass")
    return marks / hashlib.blake2b(name, digest_size=12).hexdigest()

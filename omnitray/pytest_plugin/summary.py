"""The lines at the end of a run (restarts of its server, alerts, what the run took), and its peak.

CPU and time are those of the session, from the moment at which pytest's own time begins to these
lines, the start of its server included: what importing plugins took before is in neither. A peak
counts shared pages once.
"""

import contextlib
import os
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from omnitray.base.amounts import size
from omnitray.pytest_plugin.reporter import Reporter
from omnitray.runs.tree import RunTree

if TYPE_CHECKING:
    from omnitray.pytest_plugin.server import ServerProbe

# A test is named as the one that held most where it has raised the peak by so much: a suite that is
# largest while it is collected has none.
RAISED_FROM = 1.01
EVERY_S = 0.5  # a peak shorter than this can be missed; each test's own peak comes from the kernel


def peak_of_this_process() -> int:
    """Bytes; ``ru_maxrss`` would count what the parent held when it started us (getrusage(2))."""
    with open("/proc/self/status", "rb") as file:  # noqa: PTH123 - 25 to 190 µs
        for line in file:
            if line.startswith(b"VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


class PeakOfTests:
    """In each process that runs tests: how far a test has raised the peak of its process."""

    def __init__(self) -> None:
        self._before = 0

    def begin(self) -> None:
        """The first test of this process begins."""
        self._before = self._before or peak_of_this_process()

    def look(self) -> dict[str, Any]:
        """The peak in bytes, and whether the test has raised it."""
        now = peak_of_this_process()
        raised = now >= RAISED_FROM * self._before
        if raised:
            self._before = now
        return {"peak_bytes": now, "raised_peak": raised}


class TreeSampler:
    """Samples what this process and all that it has started take, on a thread of its own."""

    def __init__(self, reporter: Reporter) -> None:
        self._monotonic = reporter.clock.monotonic
        self._tree = RunTree(os.getpid())
        self._begin()
        self._is_begun = False
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def peak_bytes(self) -> int:
        """The most it has held; what processes share counts once, as forked workers do."""
        return self._tree.peak_bytes

    @property
    def cpu_s(self) -> float:
        """Processor time of all of them since the sampling began, in seconds."""
        return self._tree.cpu_s - self._cpu_before_s

    @property
    def elapsed_s(self) -> float:
        """Seconds since the sampling began."""
        return self._monotonic() - self._started_mono_s

    def look(self) -> None:
        """Sample now, where no thread does."""
        if self._thread is None:
            self._tree.sample()

    def start(self) -> None:
        """Sample from now on; also once more after :meth:`stop`."""
        if self._thread is not None:
            return
        if not self._is_begun:
            self._begin()
            self._is_begun = True
        self._ended.clear()
        thread = threading.Thread(target=self._run, name="omnitray-tree", daemon=True)
        thread.start()
        self._thread = thread

    def stop(self) -> None:
        """Sample once more and end."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _begin(self) -> None:
        """What was taken so far does not count: most of it went into imports."""
        self._tree.sample()
        self._cpu_before_s = self._tree.cpu_s
        self._started_mono_s = self._monotonic()

    def _run(self) -> None:
        while True:
            ended = self._ended.wait(EVERY_S)
            with contextlib.suppress(Exception):  # a test may have replaced open() or os
                self._tree.sample()
            if ended:
                return


class RunSummary:
    """Collects what the lines say."""

    def __init__(self, reporter: Reporter, sampler: TreeSampler) -> None:
        self._reporter = reporter
        self._sampler = sampler
        self._peak_bytes = 0  # the most that one process of tests has held
        self._peak_test = ""  # which has raised it to that
        self._raised_by: dict[str, int] = {}
        self.wrong_elsewhere = ""  # what the first worker of xdist that had a fault says of it

    def add(self, nodeid: str, worker: str, more: dict[str, Any], *, elsewhere: bool) -> None:
        """A phase of a test has ended; ``elsewhere``: in another process than this one."""
        if (peak := more.get("peak_bytes", 0)) > self._peak_bytes:
            if more.get("raised_peak"):
                self._peak_test = nodeid
            elif peak >= RAISED_FROM * self._peak_bytes:  # before the tests of another process
                self._peak_test = ""
            self._peak_bytes = peak
        if elsewhere:
            self._raised_by[worker] = more.get("raised", 0)

    def lines(self, followed: "ServerProbe | None") -> Iterator[str]:
        """At most three lines; ``followed`` is the plugin of the server, if there is one."""
        if followed is not None and (restarts := followed.restarts):
            times = "once" if restarts == 1 else f"{restarts} times"
            yield f"the server {followed.server.name} was restarted {times}"
        if wrong := self._reporter.wrong or self.wrong_elsewhere:
            yield wrong
        elif number := self._reporter.raised + sum(self._raised_by.values()):
            count = "1 alert" if number == 1 else f"{number} alerts"
            yield f"{count} raised; see omnitray alerts"
        # A peak between two looks is seen in each process alone.
        peak = max(self._sampler.peak_bytes, self._peak_bytes, peak_of_this_process())
        if peak:
            most = f" in {self._peak_test}" if self._peak_test else ""
            cpu_s, took_s = self._sampler.cpu_s, self._sampler.elapsed_s
            yield f"peak memory {size(peak)}{most}, CPU {cpu_s:.1f} s in {took_s:.1f} s"

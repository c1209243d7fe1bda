"""Memory and CPU of this process and all that it has started, sampled while the tests run."""

import contextlib
import os
import threading

from omnitray.pytest_plugin.reporter import Reporter
from omnitray.runs.tree import RunTree

EVERY_S = 0.5  # a peak shorter than this can be missed; each test's own peak comes from the kernel


class TreeSampler:
    """Samples the tree on a thread of its own."""

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

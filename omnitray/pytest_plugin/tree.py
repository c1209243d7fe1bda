"""Memory and CPU of this process and all that it has started, sampled while the tests run."""

import threading
import time
from pathlib import Path

import psutil

EVERY_S = 0.5  # a peak shorter than this can be missed; each test's own peak comes from the kernel


class TreeSampler:
    """Samples the tree; ``peak_bytes`` counts once what processes share, as forked workers do."""

    def __init__(self) -> None:
        self.peak_bytes = 0
        self.cpu_s = 0.0
        self._started_mono_s = time.monotonic()
        self._own = psutil.Process()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._cpu_of: dict[tuple[int, float], float] = {}

    @property
    def elapsed_s(self) -> float:
        """Seconds since the sampling began."""
        return time.monotonic() - self._started_mono_s

    def start(self) -> None:
        """Sample from now on."""
        self._thread = threading.Thread(target=self._run, name="omnitray-tree", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Sample once more and end."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while True:
            ended = self._ended.wait(EVERY_S)
            self._sample()
            if ended:
                return

    def _sample(self) -> None:
        private, shared = 0, 0
        for pid in descendants(self._own.pid):
            try:
                process = psutil.Process(pid)
                with process.oneshot():
                    memory, times = process.memory_info(), process.cpu_times()
                    key = (process.pid, process.create_time())
            except psutil.Error:
                continue
            of_others = getattr(memory, "shared", 0)
            private += memory.rss - of_others
            shared = max(shared, of_others)
            self._cpu_of[key] = times.user + times.system
        self.peak_bytes = max(self.peak_bytes, private + shared)
        self.cpu_s = sum(self._cpu_of.values())


def descendants(pid: int) -> list[int]:
    """The process and all below it.

    ``/proc/PID/task/TID/children`` (proc(5)) costs some 20 µs a process; psutil reads all
    processes of the machine instead, 34 ms with 1,000 of them.
    """
    found, queue = [pid], [pid]
    while queue:
        each = queue.pop()
        try:
            tasks = list(Path(f"/proc/{each}/task").iterdir())
            children = {int(word) for task in tasks for word in _children(task)}
        except OSError:  # it has ended, or this system has no such files
            continue
        queue += children
        found += children
    return found


def _children(task: Path) -> list[str]:
    try:
        return (task / "children").read_text(encoding="ascii").split()
    except OSError:
        return []

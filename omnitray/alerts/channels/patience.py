"""Waits for what comes first, but not for ever: a notification comes while a disk hangs, too.

The thread lives while something is waited for, which is some milliseconds on a disk that works.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future

import msgspec

# A sync takes 10 to 100 ms, a second under heavy load; a person who waits longer thinks it is lost.
PATIENCE_S = 2.0


class Awaited(msgspec.Struct, eq=False):
    """What is to be done once; None when it was."""

    until_m: float
    do: Callable[[], None] | None


class Patience:
    """Does something when a future is done, or after :data:`PATIENCE_S`, whichever is first."""

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._lock = threading.Lock()
        self._awaited: deque[Awaited] = deque()
        self._thread: threading.Thread | None = None

    def after(self, future: "Future[None]", do: Callable[[], None]) -> None:
        """Do it once: at once where the future is done already."""
        if future.done():
            do()
            return
        awaited = Awaited(time.monotonic() + self._patience_s, do)
        with self._lock:
            self._awaited.append(awaited)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="patience", daemon=True)
                self._thread.start()
        future.add_done_callback(lambda _: self._once(awaited))

    def _once(self, awaited: Awaited) -> None:
        with self._lock:
            do, awaited.do = awaited.do, None
            while self._awaited and self._awaited[0].do is None:
                self._awaited.popleft()
        if do is not None:
            do()

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._awaited:
                    self._thread = None
                    return
                first = self._awaited[0]
            rest_s = first.until_m - time.monotonic()
            if rest_s > 0:
                # In portions, so that the thread ends soon after the last future is done.
                time.sleep(min(rest_s, self._patience_s / 10))
            else:
                self._once(first)

"""Stopping in stages: each one runs once, in order, whatever the ones before it did."""

import logging
import time
from collections.abc import Callable

log = logging.getLogger(__name__)


class Stages:
    """What has to be done at the end, in the order in which it was added."""

    def __init__(self) -> None:
        self._stages: list[tuple[str, Callable[[], object]]] = []
        self._run = False

    def add(self, name: str, act: Callable[[], object]) -> None:
        """Do this at the end, after what was added before. ``act`` must be bounded in time."""
        self._stages.append((name, act))

    def add_first(self, name: str, act: Callable[[], object]) -> None:
        """Do this at the end, before everything else."""
        self._stages.insert(0, (name, act))

    def run(self, why: str) -> None:
        """End everything; a second call does nothing."""
        if self._run:
            return
        self._run = True
        log.info("stopping: %s", why)
        for name, act in self._stages:
            start = time.monotonic()
            try:
                act()
            except Exception:  # one stage that fails must not keep the next from running
                log.exception("stopping %s failed", name)
            log.info("stopped %s in %.0f ms", name, 1000 * (time.monotonic() - start))

"""What the alert store queues, and what it says of itself."""

from concurrent.futures import Future
from pathlib import Path

import msgspec

from omnitray.alerts.model import Alert


class Job(msgspec.Struct, gc=False):
    """An alert that waits to be written, and who waits for that."""

    alert: Alert
    due_m: float
    futures: tuple[Future[Path], ...] = ()


class StoreStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """For doctor: how much was written, waits, or is in memory alone."""

    written: int
    waiting: int
    unsaved: int
    live: int
    fault: str | None

"""Cleaning caches in a thread of its own: the tools' commands take as long as they take."""

import functools
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future

import msgspec
from PySide6.QtCore import QObject, QTimer, Signal, Slot

from omnitray.base.amounts import size
from omnitray.cleanup.cleaner import CacheCleaner, Disk
from omnitray.cleanup.facts import CleanPlan, CleanResult
from omnitray.protector.engine import CleanRequest

log = logging.getLogger(__name__)


class Cleaned(msgspec.Struct, frozen=True, kw_only=True):
    """What a run found and did; ``result`` None where it only looked, ``asked`` by the person."""

    mount: str
    plan: CleanPlan
    result: CleanResult | None = None
    asked: bool = False


class Cleaning(QObject):
    """One run at a time; what its signals say arrives on the main thread."""

    finished = Signal(object)
    progressed = Signal(str)
    failed = Signal(str)

    def __init__(self, cleaner: Callable[[], CacheCleaner], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._make = cleaner
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    @property
    def busy(self) -> bool:
        """Whether a run is under way."""
        return self._thread is not None and self._thread.is_alive()

    def start(
        self, mount: str, target_percent: float, *, dry_run: bool, asked: bool = False
    ) -> "Future[Cleaned]":
        """Look, and clean unless ``dry_run``; a future that holds RuntimeError while one runs."""
        future: Future[Cleaned] = Future()
        if self.busy:
            future.set_exception(RuntimeError("a cleaning is under way already"))
            return future
        run = functools.partial(self._cleaned, mount, target_percent, dry_run=dry_run)
        self._thread = threading.Thread(
            target=self._run, args=(mount, run, future, asked), name="cleaning"
        )
        self._thread.daemon = True
        self._thread.start()
        return future

    def stop(self, timeout_s: float = 2.0) -> bool:
        """Stop between two files, with a tool's own command; False if that takes longer."""
        self._stop.set()
        if self._thread is None:
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(
        self,
        mount: str,
        run: Callable[[], Cleaned],
        future: "Future[Cleaned]",
        asked: bool,  # noqa: FBT001 - passed on by the thread
    ) -> None:
        try:
            done = msgspec.structs.replace(run(), asked=asked)
        except Exception as error:  # the person hears of it, the protector goes on
            log.exception("cleaning %s failed", mount)
            self.failed.emit(f"Cleaning failed: {error}")
            future.set_exception(error)
            return
        self.finished.emit(done)
        future.set_result(done)

    def _cleaned(self, mount: str, target_percent: float, *, dry_run: bool) -> Cleaned:
        cleaner, disk = self._make(), Disk(mount)
        plan = cleaner.plan(disk, target_percent)
        if dry_run:
            return Cleaned(mount=mount, plan=plan)
        steps = cleaner.cleaning(plan, disk)
        while not self._stop.is_set():
            try:
                progress = next(steps)
            except StopIteration as end:
                return Cleaned(mount=mount, plan=plan, result=end.value)
            self.progressed.emit(f"{progress.name}, {size(progress.freed_bytes)} freed")
        steps.close()
        return Cleaned(mount=mount, plan=plan)


_LOOK_AGAIN_MS = 100


class CleaningQueue(QObject):
    """Starts the runs, one after the other; what they say comes from ``Cleaning``'s signals."""

    def __init__(
        self, cleaning: Cleaning, target_percent: Callable[[], float], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._cleaning = cleaning
        self._target_percent = target_percent
        self._waiting: dict[str, CleanRequest] = {}
        self._again = QTimer(self, singleShot=True, interval=_LOOK_AGAIN_MS)
        self._again.timeout.connect(self._next)

    @property
    def waiting(self) -> tuple[str, ...]:
        """The mounts whose turn has not come, in order."""
        return tuple(self._waiting)

    def ask(self, request: CleanRequest) -> None:
        """Clean this disk as soon as nothing else is cleaned."""
        self._waiting[request.mount] = request
        self._next()

    def forget(self) -> None:
        """Drop all waiting requests."""
        self._again.stop()
        self._waiting.clear()

    @Slot()
    def _next(self) -> None:
        if self._waiting and not self._cleaning.busy:
            request = self._waiting.pop(next(iter(self._waiting)))
            dry_run = request.dry_run or request.preview
            self._cleaning.start(request.mount, self._target_percent(), dry_run=dry_run)
        if self._waiting:
            self._again.start()

"""Worker objects on plain QThreads: they own the timers, the core owns the steps."""

import logging
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from PySide6.QtCore import QObject, Qt, QThread, QTimer, Signal, Slot

from omnitray.base.facts import MonitorLevel
from omnitray.base.policy import MonitorPolicy
from omnitray.monitor.disk_watch import DiskWatch
from omnitray.monitor.monitor import ProgressiveMonitor
from omnitray.protector.inspection import JobInspection, JobInspector, Wanted

log = logging.getLogger(__name__)

_AFTER_FAILURE_S = 5.0
_STOP_MS = 2000


class MonitorWorker(QObject):
    """Steps the monitor at the delays that it asks for."""

    stepped = Signal(object)  # monitor.Step
    disks_read = Signal(object)  # disk_watch.DiskLook
    level_changed = Signal(object)  # levels.LevelChange, when it came from a command
    failed = Signal(str)

    def __init__(self, monitor: ProgressiveMonitor, disks: DiskWatch | None = None) -> None:
        super().__init__()
        self._monitor = monitor
        self._disks = disks
        self._disk_timer = QTimer(self)
        self._disk_timer.setSingleShot(True)
        self._disk_timer.timeout.connect(self.look_at_disks)
        self._failure = ""  # of the last step: the log gets each once
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setTimerType(Qt.TimerType.CoarseTimer)
        self._timer.timeout.connect(self.tick)

    @Slot()
    def start(self) -> None:
        """Take the first step."""
        self.tick()
        self.look_at_disks()

    @Slot()
    def tick(self) -> None:
        """Take a step and set the alarm for the next one, whatever happened."""
        delay_s = _AFTER_FAILURE_S
        try:
            step = self._monitor.step()
            delay_s = step.next_delay_s
            self.stepped.emit(step)
            self._failure = ""
        except Exception as error:  # the watcher must outlive a bad reading
            if self._failure != str(error):
                log.exception("the monitor's step failed")
            self._failure = str(error)
            self.failed.emit(f"Reading the machine failed: {error}")
        self._timer.start(round(delay_s * 1000))

    @Slot()
    def look_at_disks(self) -> None:
        """Read the disks, as often as they ask for it."""
        if self._disks is None:
            return
        delay_s = _AFTER_FAILURE_S
        try:
            look = self._disks.look()
            delay_s = look.next_s
            self.disks_read.emit(look)
        except Exception:  # as in a step: the watcher must outlive a bad reading
            log.exception("the disks cannot be read")
        self._disk_timer.start(round(delay_s * 1000))

    @Slot()
    def stop(self) -> None:
        """Stop the timers in their own thread."""
        self._timer.stop()
        self._disk_timer.stop()

    @Slot(object)
    def choose_level(self, level: MonitorLevel | None) -> None:
        """Take the person's level; the next look is not later than its rhythm."""
        self._announce(lambda: self._monitor.set_level(level))

    @Slot(object)
    def take_policy(self, policy: MonitorPolicy) -> None:
        """Apply changed settings."""
        self._monitor.set_policy(policy)

    @Slot()
    def escalate(self) -> None:
        """Look closely for a while."""
        self._announce(self._monitor.escalate)

    def _announce(self, command: Callable[[], object]) -> None:
        change = command()
        if change is not None:
            self.level_changed.emit(change)
            self.tick()


class TimerWorker(Protocol):
    """A QObject whose timer lives in its thread: begun there, stopped there."""

    def start(self) -> None:
        """Begin, on the worker's thread."""
        ...

    def stop(self) -> None:
        """Stop the timer, on the worker's thread."""
        ...

    def moveToThread(self, thread: QThread, /) -> object:  # noqa: N802 - Qt's name
        """The method of QObject."""
        ...


W = TypeVar("W", bound=TimerWorker)


class WorkerThread(Generic[W]):
    """A worker on a thread of its own: started, and stopped within two seconds."""

    def __init__(self, name: str, worker: W) -> None:
        self.name = name
        self.worker = worker
        self._thread = QThread()
        self._thread.setObjectName(name)
        worker.moveToThread(self._thread)
        self._thread.started.connect(worker.start)
        # The timer lives in the worker's thread and has to be stopped there.
        self._thread.finished.connect(worker.stop, Qt.ConnectionType.DirectConnection)

    def start(self) -> None:
        """Start the thread and the first step."""
        self._thread.start()

    def stop(self) -> bool:
        """End the thread; False (and one log line) when it does not end in time."""
        self._thread.quit()
        if self._thread.wait(_STOP_MS):
            return True
        log.error("%s did not stop within %d ms", self.name, _STOP_MS)
        return False


class InspectionWorker(QObject):
    """Looks when it is asked to."""

    looked = Signal(object)  # JobInspection

    def __init__(self, build: Callable[[], JobInspector]) -> None:
        super().__init__()
        self._build = build
        self._looker: JobInspector | None = None

    @Slot()
    def start(self) -> None:
        """Nothing to begin with: it is asked."""

    @Slot()
    def stop(self) -> None:
        """Nothing to stop: it has no timer."""

    @Slot(object)
    def look(self, wanted: Wanted) -> None:
        """Look, and say what was seen; a look that fails shows nothing, and is logged."""
        seen = JobInspection()
        try:
            self._looker = self._looker or self._build()
            seen = self._looker.look(wanted)
        except OSError as error:
            log.warning("the closer look at the jobs failed: %s", error)
        self.looked.emit(seen)


class InspectionThread(QObject):
    """Asks the worker, one look at a time; ``newest`` is what was seen last."""

    seen = Signal(object)  # JobInspection
    _wanted = Signal(object)  # Wanted, to the worker's thread

    def __init__(self, build: Callable[[], JobInspector], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thread = WorkerThread("closer look", InspectionWorker(build))
        self._thread.worker.looked.connect(self._on_looked)
        self._wanted.connect(self._thread.worker.look)
        self._started = self._busy = False
        self.newest = JobInspection()

    def look(self, wanted: Wanted) -> None:
        """Look at these, unless a look is under way."""
        if self._busy:
            return
        if not self._started:
            self._started = True
            self._thread.start()
        self._busy = True
        self._wanted.emit(wanted)

    def stop(self) -> bool:
        """End the thread; False if it did not in time. Idempotent."""
        self._busy = True  # no more looks
        return self._thread.stop()

    @Slot(object)
    def _on_looked(self, seen: JobInspection) -> None:
        self._busy = False
        self.newest = seen
        self.seen.emit(seen)

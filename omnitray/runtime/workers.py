"""Worker objects on plain QThreads: they own the timers, the core owns the steps.

Recordings of the protector are written to ``data/recordings`` on a thread of their own. Taking the
person out of two minutes takes a second of a core, of a browser of a hundred processes twenty: that
is done when the incident is over, and then in small parts, so that it is a tenth of a core for
longer. Where a person waits for it there are no pauses. For each kind of incident the newest ten
are kept.
"""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from PySide6.QtCore import QObject, Qt, QThread, QTimer, Signal, Slot

from omnitray.api import facade, wire
from omnitray.base.durable import StorageError
from omnitray.base.facts import MonitorLevel
from omnitray.base.paths import FolderError, private_folder
from omnitray.base.policy import MonitorPolicy
from omnitray.monitor.monitor import ProgressiveMonitor
from omnitray.monitor.sampler import DiskWatch
from omnitray.protector.inspection import JobInspection, JobInspector, Wanted
from omnitray.protector.recorder import Recording

log = logging.getLogger(__name__)

_AFTER_FAILURE_S = 5.0
_STOP_MS = 2000


# With 12 threads in all a headless program starts all of its own; with 6 Qt ends the process.
LEAST_THREADS = 12


def lacking_threads() -> str:
    """What stands against a start: too few threads; empty where nothing does.

    They are started to know it, this one among them, and gone again when this returns.
    """
    over = threading.Event()
    started: list[threading.Thread] = []
    try:
        for _ in range(LEAST_THREADS - 1):
            thread = threading.Thread(target=over.wait, daemon=True)
            thread.start()
            started.append(thread)
    except RuntimeError:  # "can't start new thread"
        return f"no {LEAST_THREADS} threads can be started (see ulimit -u, memory, and pids.max)"
    finally:
        over.set()
        for thread in started:
            thread.join()
    return ""


class MonitorWorker(QObject):
    """Steps the monitor at the delays that it asks for."""

    stepped = Signal(object)  # monitor.Step
    disks_read = Signal(object)  # sampler.DiskLook
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

    @Slot(object, str)
    def choose_level(self, level: MonitorLevel | None, by: str) -> None:
        """Take what the person, or ``by`` for a while, asks for; the next look is in its rhythm."""
        self._announce(lambda: self._monitor.set_level(level, by))

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


class _EventThread(QThread):
    """A thread whose event loop is entered from Python.

    CPython makes a state for a thread that it does not know at each call into Python and drops it
    afterwards, with its stack of 16 KiB, which is mapped again. A thread that came from Python
    keeps its state: with a file that is missing no longer looked for, a quick check of the guard
    takes 0.15 ms in place of 0.26.
    """

    def run(self) -> None:
        """The method of QThread."""
        self.exec()


class WorkerThread(Generic[W]):
    """A worker on a thread of its own: started, and stopped within two seconds."""

    def __init__(self, name: str, worker: W) -> None:
        self.name = name
        self.worker = worker
        self._thread = _EventThread()
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


MOST_OF_A_KIND = 10
ASKED = "asked"
# Of a core, for recordings that were not asked for. An incident of a browser of a hundred
# processes takes 0.9 s of processor time: 19 s, while the incident itself may go on.
_SHARE = 0.05


class RecordingWorker(QObject):
    """Writes one after the other."""

    failed = Signal(str, str)  # the file's name, and why it could not be written

    def __init__(self, folder: Path, home: str) -> None:
        super().__init__()
        self._folder = folder
        self._home = home
        self._paid_s = 0.0
        self.ends = False  # set from the main thread: what is being written is given up
        self.hurries = threading.Event()  # so too: there is no time for pauses

    @Slot()
    def start(self) -> None:
        """Nothing to begin with: it is asked."""

    @Slot()
    def stop(self) -> None:
        """Nothing to stop: it has no timer."""

    @Slot(object)
    def write(self, recording: Recording) -> None:
        """Write it; a disk that refuses costs this recording alone."""
        from omnitray.protector.replay import save  # noqa: PLC0415 - lzma, seldom

        name = file_name(recording.why, recording.name)
        self._paid_s = time.thread_time()
        path = self._folder / name
        try:
            private_folder(self._folder)
            if is_asked := recording.why == ASKED:
                self.hurries.clear()
            goes_on = self._is_wanted if is_asked else self._is_wanted_slowly
            if save(recording, path, self._home, goes_on):
                self._drop_oldest(recording.why)
        except (OSError, StorageError, FolderError) as error:
            log.warning("a recording could not be written: %s", error)
            self.failed.emit(name, f"the recording could not be written: {error}")

    def _is_wanted(self) -> bool:
        return not self.ends

    def _is_wanted_slowly(self) -> bool:
        """The same, after a pause for what the last part took."""
        used_s = time.thread_time() - self._paid_s
        self.hurries.wait(used_s * (1.0 / _SHARE - 1.0))
        self._paid_s = time.thread_time()
        return not self.ends

    def _drop_oldest(self, why: str) -> None:
        oldest_first = sorted(
            self._folder.glob(file_name(why, "*")), key=lambda each: each.stat().st_mtime
        )
        for path in oldest_first[:-MOST_OF_A_KIND]:
            path.unlink(missing_ok=True)


class RecordingThread(QObject):
    """Starts the thread with the first recording."""

    _wanted = Signal(object)  # Recording, to the worker's thread

    def __init__(self, folder: Path, home: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder = folder
        self._asked: dict[str, str] = {}  # by file: why it could not be written, or nothing
        self._worker = RecordingWorker(folder, home)
        self._worker.failed.connect(self._on_failed)
        self._thread = WorkerThread("recordings", self._worker)
        self._wanted.connect(self._worker.write)
        self._started = self._stopped = False

    def write(self, recording: Recording) -> None:
        """Write it when there is time."""
        if self._stopped:
            return
        if not self._started:
            self._started = True
            self._thread.start()
        if recording.why == ASKED:
            self._worker.hurries.set()
        self._wanted.emit(recording)

    def expect(self, name: str) -> None:
        """Keep what becomes of this file: a client waits for it and will ask."""
        self._asked[name] = ""
        if len(self._asked) > MOST_OF_A_KIND:
            del self._asked[next(iter(self._asked))]

    def state(self, name: str) -> wire.RecordingState:
        """What became of a file that was asked for."""
        why = self._asked.get(name)
        if why is None:
            detail = f"No recording {name} was asked for."
            raise facade.CommandRefused(facade.Refusal.NOT_FOUND, detail)
        if why:
            return wire.RecordingState(name=name, state="failed", why=why)
        there = (self._folder / name).is_file()
        return wire.RecordingState(name=name, state="written" if there else "recording")

    @Slot(str, str)
    def _on_failed(self, name: str, why: str) -> None:
        if name in self._asked:
            self._asked[name] = why

    def stop(self) -> bool:
        """End the thread; False if it did not in time. Idempotent."""
        self._stopped = self._worker.ends = True
        self._worker.hurries.set()
        return self._thread.stop()


def file_name(why: str, name: str) -> str:
    """``pause_3fa2c1-1.jsonl.xz``."""
    return f"{why}_{name}.jsonl.xz"

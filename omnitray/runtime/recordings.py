"""Writes recordings of the protector to ``data/recordings``, on a thread of their own.

Taking the person out of two minutes takes a second of a core, of a browser of a hundred processes
twenty: that is done when the incident is over, and then in small parts, so that it is a tenth of a
core for longer. Where a person waits for it there are no pauses. For each kind of incident the
newest ten are kept.
"""

import logging
import threading
import time
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from omnitray.api import facade, wire
from omnitray.base.durable import StorageError
from omnitray.base.paths import FolderError, private_folder
from omnitray.protector.recorder import Recording
from omnitray.runtime.workers import WorkerThread

log = logging.getLogger(__name__)

MOST_OF_A_KIND = 10
ASKED = "asked"
_SHARE = 0.1  # of a core, for what was recorded without anybody asking


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

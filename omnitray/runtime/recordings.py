"""Writes recordings of the protector to ``data/recordings``, on a thread of their own.

Taking the person out of two minutes takes a second of a core: that is done when the incident is
over, never while memory runs out. For each kind of incident the newest ten are kept.
"""

import logging
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from omnitray.base.durable import StorageError
from omnitray.base.paths import FolderError, private_folder
from omnitray.protector.recorder import Recording
from omnitray.runtime.workers import WorkerThread

log = logging.getLogger(__name__)

MOST_OF_A_KIND = 10
ASKED = "asked"


class RecordingWorker(QObject):
    """Writes one after the other."""

    def __init__(self, folder: Path, home: str) -> None:
        super().__init__()
        self._folder = folder
        self._home = home
        self.ends = False  # set from the main thread: what is being written is given up

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

        path = self._folder / file_name(recording.why, recording.name)
        try:
            private_folder(self._folder)
            if save(recording, path, self._home, lambda: not self.ends):
                self._drop_oldest(recording.why)
        except (OSError, StorageError, FolderError) as error:
            log.warning("a recording could not be written: %s", error)

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
        self._worker = RecordingWorker(folder, home)
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
        self._wanted.emit(recording)

    def stop(self) -> bool:
        """End the thread; False if it did not in time. Idempotent."""
        self._stopped = self._worker.ends = True
        return self._thread.stop()


def file_name(why: str, name: str) -> str:
    """``pause_3fa2c1-1.jsonl.xz``."""
    return f"{why}_{name}.jsonl.xz"

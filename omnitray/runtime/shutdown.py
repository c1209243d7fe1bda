"""Stopping in stages: each one runs once, in order, whatever the ones before it did.

Each stage is bounded, and :class:`Deadline` bounds all of them and what is stuck elsewhere.
"""

import contextlib
import faulthandler
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import IO

from PySide6.QtCore import QObject, Signal

from omnitray.base.process_environment import hearable
from omnitray.runtime.logs import open_log

log = logging.getLogger(__name__)

# Half of what desktops wait for at the end of a session (GNOME 10 s), a tenth of systemd's 90 s.
LIMIT_S = 5.0


class Deadline:
    """Ends the process when it has not ended by itself in time, whatever its threads do.

    The time is kept by a thread of the interpreter that needs neither Python nor the main thread
    (``faulthandler``); it also covers what Python waits for after the last stage. Where every
    thread stood is written to ``file`` then. What was promised is on the disk before it is
    promised, and the watchdog takes back what the protector holds, so that nothing is lost.
    """

    def __init__(self, file: Path | None, limit_s: float = LIMIT_S) -> None:
        self._file = file
        self._limit_s = limit_s
        self._lock = threading.Lock()
        self._output: IO[bytes] | None = None

    def begin(self) -> None:
        """From now on; a second call changes nothing. Any thread."""
        with self._lock:
            if self._output is not None:
                return
            self._output = self._open()
            faulthandler.dump_traceback_later(self._limit_s, exit=True, file=self._output.fileno())

    def _open(self) -> IO[bytes]:
        if self._file is not None:
            with contextlib.suppress(OSError):
                return open_log(self._file)
        return Path(os.devnull).open("wb")


class Stages:
    """What has to be done at the end, in the order in which it was added."""

    def __init__(self) -> None:
        self._stages: list[tuple[str, Callable[[], object]]] = []
        self._run = False
        self._unfinished: list[str] = []
        self.deadline: Deadline | None = None

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
        if self.deadline is not None:
            self.deadline.begin()
        log.info("stopping: %s", why)
        for name, act in self._stages:
            start = time.monotonic()
            try:
                ended = act() is not False
            except Exception:  # one stage that fails must not keep the next from running
                log.exception("stopping %s failed", name)
                ended = False
            if not ended:
                self._unfinished.append(name)
            log.info("stopped %s in %.0f ms", name, 1000 * (time.monotonic() - start))

    def leave(self, code: int) -> int:
        """The exit status; ends the process here where something runs on: Qt would abort it."""
        if self._unfinished:
            log.error("OmniTray ends although these have not: %s", ", ".join(self._unfinished))
            logging.shutdown()
            os._exit(code)
        return code


_MAY_BE_IGNORED = ("SIGINT", "SIGHUP")


class StopSignals(QObject):
    """Emits ``asked(name)`` when the process is asked to end, and begins the deadline then.

    The system's byte is read by a thread of its own: it comes whatever the main thread does.
    """

    asked = Signal(str)

    def __init__(self, stages: Stages, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._stages = stages
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        self._thread = threading.Thread(target=self._listen, name="signals", daemon=True)
        self._before: dict[signal.Signals, signal._HANDLER] = {}
        self._before_fd = -1

    def install(self) -> None:
        """Install the handlers."""
        self._before_fd = signal.set_wakeup_fd(self._writer.fileno())
        for number in (signal.SIGTERM, *hearable(_MAY_BE_IGNORED)):
            self._before[number] = signal.signal(number, _ignore)
        self._thread.start()

    def remove(self) -> None:
        """Restore the handlers from before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()
        signal.set_wakeup_fd(self._before_fd)
        self._writer.close()
        self._thread.join()
        self._reader.close()

    def _listen(self) -> None:
        while numbers := self._reader.recv(64):
            for number in numbers:
                if self._stages.deadline is not None:
                    self._stages.deadline.begin()
                self.asked.emit(signal.Signals(number).name)


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """The byte in the wake-up descriptor is what counts."""

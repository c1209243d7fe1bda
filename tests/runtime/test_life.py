import errno
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import cast

import pytest
from PySide6.QtCore import QObject, QThread, Signal, Slot, qWarning
from pytestqt.qtbot import QtBot

from omnitray.base.policy import MonitorPolicy
from omnitray.monitor.monitor import MonitorStep, ProgressiveMonitor
from omnitray.runtime import logs
from omnitray.runtime.shutdown import Stages, StopSignals
from omnitray.runtime.workers import (
    LEAST_THREADS,
    MonitorWorker,
    WorkerThread,
    lacking_threads,
)
from support.clock import FakeClock
from support.told_machine import ToldMachine, told_monitor


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_a_signal_of_the_system_arrives_on_the_main_thread(name: str, qtbot: QtBot) -> None:
    signals = StopSignals(Stages())
    signals.install()
    before = signal.getsignal(signal.SIGTERM)
    try:
        with qtbot.waitSignal(signals.asked, timeout=5000) as asked:
            os.kill(os.getpid(), signal.Signals[name])
        assert asked.args == [name]
    finally:
        signals.remove()
    assert signal.getsignal(signal.SIGTERM) is not before


class Broken:
    """A monitor whose first step fails."""

    def __init__(self) -> None:
        self.steps = 0
        self.threads: set[QThread] = set()

    def step(self) -> MonitorStep:
        self.steps += 1
        self.threads.add(QThread.currentThread())
        raise OSError("the machine cannot be read")


@pytest.mark.expect_log("the monitor's step failed")
def test_a_failed_step_is_said_and_does_not_end_the_watching(qtbot: QtBot) -> None:
    monitor = Broken()
    worker = MonitorWorker(cast("ProgressiveMonitor", monitor))
    said: list[str] = []
    worker.failed.connect(said.append)
    worker.tick()
    assert said == ["Reading the machine failed: the machine cannot be read"]
    assert worker._timer.isActive()
    worker.stop()
    qtbot.wait(0)


def test_a_worker_steps_in_its_own_thread_and_stops_in_time(qtbot: QtBot) -> None:
    monitor = told_monitor(ToldMachine(FakeClock()), MonitorPolicy())
    thread = WorkerThread("monitor", MonitorWorker(monitor))
    seen: list[MonitorStep] = []
    thread.worker.stepped.connect(seen.append)
    thread.start()
    qtbot.waitUntil(lambda: len(monitor.ring) > 0, timeout=5000)
    assert thread.stop()
    assert thread.stop()


class Remembering(QObject):
    """A worker that keeps something for its thread."""

    remembered = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self._of_thread = threading.local()

    @Slot()
    def start(self) -> None:
        """Nothing to begin with: it is asked."""

    @Slot()
    def stop(self) -> None:
        """Nothing to stop."""

    @Slot()
    def look(self) -> None:
        """Keep it, and say whether an earlier call has."""
        before = hasattr(self._of_thread, "kept")
        self._of_thread.kept = True
        self.remembered.emit(before)


class Asking(QObject):
    asked = Signal()


def test_python_keeps_its_state_of_a_workers_thread_between_two_calls(qtbot: QtBot) -> None:
    thread, asking = WorkerThread("remembering", Remembering()), Asking()
    said: list[bool] = []
    asking.asked.connect(thread.worker.look)
    thread.worker.remembered.connect(said.append)
    thread.start()
    asking.asked.emit()
    asking.asked.emit()
    qtbot.waitUntil(lambda: len(said) > 1, timeout=5000)
    assert thread.stop()
    assert said == [False, True]


def test_an_uncaught_exception_is_logged_and_told_once_for_each_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for hook in ("excepthook",):
        monkeypatch.setattr(sys, hook, getattr(sys, hook))
        monkeypatch.setattr(threading, hook, getattr(threading, hook))
    told: list[str] = []
    records: list[logging.LogRecord] = []
    monkeypatch.setattr(logs.log, "critical", lambda *a, **_: records.append(a[0]))
    logs.Uncaught(told.append).install()

    def fail() -> None:
        raise LookupError

    for _ in range(2):
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
    assert told == ["OmniTray met an error of its own (LookupError); the log has it"]
    assert len(records) == 2


def test_the_log_file_is_private_and_survives_hostile_text(tmp_path: Path) -> None:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        logs.start(tmp_path / "log" / "omnitray.log", verbose=False)
        logging.getLogger("test").info("a name \udcff that is no text")
        for error in (OSError(errno.EMFILE, "used up"), OSError(errno.EIO, "broken")):
            logging.getLogger("test").info("a part failed", exc_info=error)
    finally:
        for handler in root.handlers[:]:
            if handler not in before:
                root.removeHandler(handler)
                handler.close()
        root.setLevel(level)
        logging.captureWarnings(capture=False)
    file = tmp_path / "log" / "omnitray.log"
    assert file.stat().st_mode & 0o777 == 0o600
    said = file.read_text()
    assert "\\udcff" in said
    # What lacks descriptors is said by the protector alone, in one line.
    assert "used up" not in said
    assert "broken" in said


@pytest.mark.expect_log("something about a timer")
def test_what_qt_says_goes_into_the_log() -> None:
    logs.take_qt_messages()
    qWarning("something about a timer")


@pytest.mark.parametrize("possible", [0, 5, LEAST_THREADS - 2, LEAST_THREADS - 1])
def test_it_starts_only_with_as_many_threads_as_it_needs(
    monkeypatch: pytest.MonkeyPatch, possible: int
) -> None:
    start = threading.Thread.start
    started: list[threading.Thread] = []

    def limited(thread: threading.Thread) -> None:
        if len(started) == possible:
            raise RuntimeError("can't start new thread")
        start(thread)
        started.append(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    assert ("threads" in lacking_threads()) is (possible < LEAST_THREADS - 1)
    assert not any(thread.is_alive() for thread in started)

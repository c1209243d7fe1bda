"""Minutes on their way to the database: what the disk does not take waits for it."""

import sqlite3
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from PySide6.QtCore import QCoreApplication

from omnitray.api.metric_calls import MetricsQuery, read_metrics
from omnitray.metrics.aggregate import Period
from omnitray.metrics.store import MetricsStore, read_points
from omnitray.protector.view import ActionOutcome, ProtectionView
from omnitray.runtime import metrics as metrics_module
from omnitray.runtime.metrics import Metrics
from support import fake_door
from support.hub_program import Program

MINUTE = 60 * (int(fake_door.MOMENT) // 60)
LONG_S = 20.0


class Desk:
    """The metrics of a program whose readings come by hand; ``tried`` counts writes."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.file = folder / "metrics.db"
        self.program = Program(folder)
        self.metrics = Metrics(self.program.hub, self.file)
        self.tried = threading.Semaphore(0)
        real = MetricsStore.write

        def write(store: MetricsStore, *args: object) -> None:
            try:
                real(store, *args)  # type: ignore[arg-type]  # handed on as they came
            finally:
                self.tried.release()

        monkeypatch.setattr(MetricsStore, "write", write)

    def minutes(self, first: int, last: int) -> None:
        """One reading in each; a minute is over when the next begins."""
        for minute in range(first, last + 1):
            shot = fake_door.snapshot(MINUTE + 60 * minute, 10.0)
            self.program.hub.snapshot_taken.emit(
                msgspec.structs.replace(shot, interval_s=5.0, monotonic_s=60.0 * minute)
            )

    def wait(self, times: int = 1) -> None:
        for _ in range(times):
            assert self.tried.acquire(timeout=LONG_S)

    def written(self) -> list[int]:
        points = read_points(self.file, "cpu", Period.MINUTE, 0, MINUTE * 2)
        return [(each.at - MINUTE) // 60 for each in points]


@pytest.fixture
def desk(qapp: QCoreApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    del qapp
    desk = Desk(tmp_path, monkeypatch)
    yield desk
    assert desk.metrics.stop()
    desk.program.end()


def test_a_minute_is_written_when_it_is_over_and_the_last_at_the_end(desk: Desk) -> None:
    desk.minutes(0, 2)
    desk.wait(2)
    assert desk.written() == [0, 1]
    assert desk.metrics.stop()
    assert desk.written() == [0, 1, 2]


def test_each_step_of_a_hold_is_counted_once_and_what_only_would_be_done_is_not(desk: Desk) -> None:
    held = fake_door.journal_line()
    paused = msgspec.structs.replace(held, steps=("slow_down", "pause"))
    joined = msgspec.structs.replace(held, steps=("slow_down", "pause", "pause"))
    watched = msgspec.structs.replace(held, action_id="x2", outcome=ActionOutcome.WOULD_HAVE)
    for line in ((), (held,), (held,), (paused,), (joined,), (joined, watched)):
        desk.metrics.show_actions(ProtectionView(journal=line))
    assert desk.metrics.totals.actions == {"slow_down": 1, "pause": 2}


@pytest.mark.expect_log("kept in memory, 12 h at most: database is locked")
@pytest.mark.expect_log("the metrics are written again")
def test_what_a_locked_database_does_not_take_is_written_after_in_order(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("omnitray.metrics.store.BUSY_S", 0.01)
    desk.minutes(0, 1)
    desk.wait()
    other = sqlite3.connect(desk.file)
    other.execute("BEGIN IMMEDIATE")
    for minute in (1, 2, 3):
        desk.minutes(minute + 1, minute + 1)
        desk.wait()
    assert desk.written() == [0]
    assert caplog.text.count("is locked") == 1
    other.rollback()
    other.close()
    desk.minutes(5, 5)
    desk.wait(4)
    assert desk.metrics.stop()
    assert desk.written() == [0, 1, 2, 3, 4, 5]


@pytest.mark.expect_log("newer version")
def test_beside_a_newer_database_nothing_is_written_and_the_program_goes_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics_module, "MOST_PENDING", 3)
    with sqlite3.connect(desk.file) as newer:
        newer.execute("PRAGMA user_version = 7")
    newer.close()
    before = desk.file.read_bytes()
    desk.minutes(0, 10)
    desk.wait()
    assert desk.metrics.stop()
    assert desk.file.read_bytes() == before


@pytest.mark.expect_log("a minute of the metrics cannot be written")
def test_one_minute_that_cannot_be_written_costs_no_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = MetricsStore.write

    def write(store: MetricsStore, at: int, *args: object) -> None:
        if at == MINUTE + 60:
            desk.tried.release()
            raise OverflowError("too large")
        real(store, at, *args)  # type: ignore[arg-type]  # handed on as they came

    monkeypatch.setattr(MetricsStore, "write", write)
    desk.minutes(0, 3)
    desk.wait(3)
    assert desk.written() == [0, 2]


@pytest.mark.expect_log("no minute is kept: this Python has no SQLite")
def test_a_python_without_sqlite_keeps_no_minute_and_says_so(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "sqlite3", None)
    monkeypatch.delitem(sys.modules, "omnitray.metrics.store")
    sentence = "this Python has no SQLite, which keeps the trends"
    with pytest.raises(OSError, match=sentence):
        read_metrics(desk.file, MetricsQuery(), fake_door.MOMENT)
    desk.minutes(0, 3)
    assert desk.metrics.stop()
    assert [each.message.partition(": import")[0] for each in caplog.records] == [
        f"no minute is kept: {sentence}"
    ]

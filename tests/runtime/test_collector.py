"""Garbage is collected on the main thread alone.

Free memory goes back to the system.
"""

import ctypes
import gc
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from omnitray.runtime import cycle_collector
from omnitray.runtime.cycle_collector import Collector, due

THRESHOLD = (700, 10, 10)


@pytest.fixture
def collector(qapp: QObject) -> Iterator[Collector]:
    made = Collector(qapp)
    made.start()
    yield made
    made.stop()
    gc.unfreeze()


class Knot:
    """Garbage that only the cycle collector finds; says which thread deleted it."""

    def __init__(self, deleted_by: list[str]) -> None:
        self.itself = self
        self._deleted_by = deleted_by

    def __del__(self) -> None:
        self._deleted_by.append(threading.current_thread().name)


def allocate_much() -> None:
    kept = [[number] for number in range(20_000)]
    assert kept


def in_a_thread() -> None:
    thread = threading.Thread(target=allocate_much, name="worker")
    thread.start()
    thread.join()


def test_another_thread_collects_nothing(collector: Collector) -> None:
    deleted_by: list[str] = []
    Knot(deleted_by)
    in_a_thread()
    assert deleted_by == []
    kept = [[number] for number in range(2_000)]
    collector.collect()
    assert deleted_by == ["MainThread"]
    assert kept


def test_without_it_another_thread_does() -> None:
    gc.enable()  # as Python comes; the tests have it off
    deleted_by: list[str] = []
    Knot(deleted_by)
    in_a_thread()
    assert deleted_by == ["worker"]


@pytest.mark.usefixtures("collector")
def test_it_comes_back_by_itself(qtbot: QtBot) -> None:
    deleted_by: list[str] = []
    Knot(deleted_by)
    kept = [[number] for number in range(2_000)]

    def deleted() -> None:
        assert deleted_by == ["MainThread"]

    qtbot.waitUntil(deleted, timeout=40_000)  # looks become rarer
    assert kept


def test_python_has_its_collector_back_afterwards(collector: Collector) -> None:
    assert not gc.isenabled()
    collector.stop()
    collector.stop()
    assert gc.isenabled()


@pytest.mark.parametrize(
    ("count", "generation"),
    [
        ((700, 99, 99), None),
        ((701, 0, 0), 0),
        ((701, 10, 10), 0),
        ((701, 11, 0), 1),
        ((701, 0, 11), 2),
    ],
)
def test_as_far_as_python_would(count: tuple[int, int, int], generation: int | None) -> None:
    assert due(count, THRESHOLD) == generation


def test_where_nothing_is_due_it_looks_ever_more_seldom(collector: Collector) -> None:
    collector.start()
    gc.collect()
    for _ in range(5):
        collector.collect()
    assert collector._timer.interval() == 16_000

    kept = [[] for _ in range(2000)]  # type: ignore[var-annotated]  # more than a threshold
    collector.collect()

    assert collector._timer.interval() == 2_000
    assert len(kept) == 2000


CODE = """
import ctypes
from omnitray.runtime.cycle_collector import give_back, use_few_arenas
assert use_few_arenas()
def rss():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
blocks = [libc.malloc(50_000) for _ in range(1000)]
for each in blocks:
    ctypes.memset(each, 1, 50_000)
full = rss()
for each in blocks[:-1]:
    libc.free(ctypes.c_void_p(each))
assert full - rss() < 10_000_000
assert give_back()
assert full - rss() > 40_000_000
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's own")
def test_what_is_free_below_something_that_lives_is_given_back() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    assert not cycle_collector.use_few_arenas()
    assert not cycle_collector.give_back()

    def unknown(_name: object) -> object:
        raise TypeError

    monkeypatch.setattr(ctypes, "CDLL", unknown)
    assert not cycle_collector.give_back()

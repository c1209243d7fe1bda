"""Two disks over their limit: both are cleaned, one after the other."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from omnitray.cleanup.cleaner import CacheCleaner, Disk
from omnitray.cleanup.facts import CleanPlan
from omnitray.protector.engine import CleanRequest
from omnitray.runtime.cleaning import Cleaned, Cleaning, CleaningQueue


class Slow(CacheCleaner):
    """Looks at a disk for as long as the test wants."""

    def __init__(self) -> None:
        self.may_end = threading.Event()
        self.seen: list[tuple[str, float]] = []

    def plan(self, disk: Disk, target_percent: float, **_: Any) -> CleanPlan:
        self.seen.append((disk.mount, target_percent))
        self.may_end.wait(10.0)
        return CleanPlan(made_at=0.0, used_percent=90.0, target_percent=target_percent)


class Room:
    def __init__(self) -> None:
        self.cleaner = Slow()
        self.cleaning = Cleaning(lambda: self.cleaner)
        self.queue = CleaningQueue(self.cleaning, lambda: 75.0)
        self.done: list[str] = []
        self.cleaning.finished.connect(self._on_finished)

    def _on_finished(self, cleaned: Cleaned) -> None:
        self.done.append(cleaned.mount)

    def ask(self, *mounts: str) -> None:
        for mount in mounts:
            self.queue.ask(CleanRequest(mount=mount, preview=True, dry_run=False))


@pytest.fixture
def room(qtbot: QtBot) -> Iterator[Room]:  # noqa: ARG001 - an application must be there
    made = Room()
    yield made
    made.cleaner.may_end.set()
    made.queue.forget()
    made.cleaning.stop(10.0)


def test_a_disk_waits_for_the_one_before_it(room: Room, qtbot: QtBot) -> None:
    room.ask("/", "/data", "/home")
    assert room.queue.waiting == ("/data", "/home")
    room.cleaner.may_end.set()
    qtbot.waitUntil(lambda: room.done == ["/", "/data", "/home"])
    assert room.cleaner.seen == [("/", 75.0), ("/data", 75.0), ("/home", 75.0)]


def test_a_disk_that_waits_is_cleaned_once(room: Room, qtbot: QtBot) -> None:
    room.ask("/", "/data", "/data")
    room.cleaner.may_end.set()
    qtbot.waitUntil(lambda: room.done == ["/", "/data"])
    assert room.queue.waiting == ()


def test_what_somebody_else_cleans_is_waited_for(room: Room, qtbot: QtBot) -> None:
    room.cleaning.start("/media", 80.0, dry_run=True, asked=True)
    room.ask("/data")
    assert room.queue.waiting == ("/data",)
    room.cleaner.may_end.set()
    qtbot.waitUntil(lambda: room.done == ["/media", "/data"])


def test_in_the_end_nobody_waits(room: Room, qtbot: QtBot) -> None:
    room.ask("/", "/data")
    room.queue.forget()
    room.cleaner.may_end.set()
    qtbot.waitUntil(lambda: room.done == ["/"])
    assert room.cleaner.seen == [("/", 75.0)]

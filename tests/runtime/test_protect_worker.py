"""The guard's pace on its thread: whole steps where something goes on, quick checks where not."""

import errno
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import cast

import pytest
from pytestqt.qtbot import QtBot

from omnitray.base import process_environment
from omnitray.base.clock import SystemClock
from omnitray.protector.engine import ProtectStep
from omnitray.protector.view import QuestionView
from omnitray.runtime.protection_worker import Engine, ProtectWorker, _same

MANY = 20


class Counted:
    """A protector and its source: they answer as they are told, and count."""

    def __init__(self, *, idle: bool, quick_check: Callable[[], float | None]) -> None:
        self._idle = idle
        self._quick_check = quick_check
        self.steps = 0
        self.quick_checks = 0

    def step(self) -> ProtectStep:
        self.steps += 1
        return ProtectStep(next_delay_s=0.001, idle=self._idle)

    def quick_check(self) -> float | None:
        self.quick_checks += 1
        return self._quick_check()

    def engine(self) -> Engine:
        nothing = SimpleNamespace(
            restore_after_crash=tuple,
            triggers=tuple,
            quick_check=self.quick_check,
            close=lambda: None,
        )
        protecting = SimpleNamespace(step=self.step, undo_all=lambda *_: None, close=lambda: None)
        parts = SimpleNamespace(
            protecting=protecting,
            actions=nothing,
            journal=nothing,
            source=nothing,
            check_levers=tuple,
        )
        return cast("Engine", parts)


class Driven(ProtectWorker):
    """A worker that shows nothing."""

    def _tell(self, engine: Engine, *, changed: bool) -> None:
        """There is no page here."""


@pytest.fixture
def drive(qtbot: QtBot) -> Iterator[Callable[[Counted], None]]:
    """Begin, on the test's own thread."""
    assert qtbot
    workers: list[Driven] = []

    def begin(counted: Counted) -> None:
        workers.append(Driven(counted.engine, SystemClock()))
        workers[-1].start()

    yield begin
    for worker in workers:
        worker.stop()


def test_at_rest_quick_checks_come_instead_of_steps(
    qtbot: QtBot, drive: Callable[[Counted], None]
) -> None:
    counted = Counted(idle=True, quick_check=lambda: 1.0)
    drive(counted)
    qtbot.waitUntil(lambda: counted.quick_checks >= MANY)
    assert counted.steps == 1


def test_a_quick_check_that_sees_something_move_is_followed_by_a_step_at_once(
    qtbot: QtBot, drive: Callable[[Counted], None]
) -> None:
    counted = Counted(idle=True, quick_check=lambda: None)
    drive(counted)
    qtbot.waitUntil(lambda: counted.quick_checks >= MANY)
    assert counted.steps == counted.quick_checks + 1


def test_an_old_reading_is_followed_by_a_step(
    qtbot: QtBot, drive: Callable[[Counted], None]
) -> None:
    counted = Counted(idle=True, quick_check=lambda: 5.0)
    drive(counted)
    qtbot.waitUntil(lambda: counted.quick_checks >= MANY)
    assert counted.steps == counted.quick_checks + 1


def test_while_something_goes_on_every_time_is_a_step(
    qtbot: QtBot, drive: Callable[[Counted], None]
) -> None:
    counted = Counted(idle=False, quick_check=lambda: 1.0)
    drive(counted)
    qtbot.waitUntil(lambda: counted.steps >= MANY)
    assert counted.quick_checks == 0


def test_a_quick_check_that_fails_does_not_end_the_guard(
    qtbot: QtBot, drive: Callable[[Counted], None], expect_log: Callable[..., None]
) -> None:
    expect_log("a quick check at memory failed")

    def broken() -> float | None:
        raise ValueError("no memory")

    counted = Counted(idle=True, quick_check=broken)
    drive(counted)
    qtbot.waitUntil(lambda: counted.steps >= MANY)


def asked_until(deadline: float | None) -> tuple[QuestionView, ...]:
    return (QuestionView(id="q", job_key="make", title="make", text="?", deadline=deadline),)


@pytest.mark.parametrize(
    ("before", "now", "same"),
    [
        (asked_until(1000.0), asked_until(1000.2), True),
        (asked_until(1000.0), asked_until(4600.0), False),
        (asked_until(None), asked_until(None), True),
        ((), asked_until(None), False),
    ],
)
def test_a_countdown_that_a_sleep_put_off_is_told_anew(
    before: tuple[QuestionView, ...],
    now: tuple[QuestionView, ...],
    same: bool,  # noqa: FBT001 - a parameter
) -> None:
    assert _same(now, before) is same


@pytest.mark.parametrize(("idle", "rest_ms"), [(True, 20_000), (False, 2_000)])
def test_triggers_rest_longer_where_what_they_told_of_was_nothing(
    qtbot: QtBot,
    idle: bool,  # noqa: FBT001 - a parameter of the test
    rest_ms: int,
) -> None:
    assert qtbot
    worker = Driven(Counted(idle=idle, quick_check=lambda: 5.0).engine, SystemClock())
    worker.start()

    worker._on_triggered()

    assert worker._rest.interval() == rest_ms
    worker.stop()


def test_a_step_that_finds_something_lets_the_triggers_listen_again(qtbot: QtBot) -> None:
    assert qtbot
    counted = Counted(idle=True, quick_check=lambda: 5.0)
    worker = Driven(counted.engine, SystemClock())
    worker.start()
    worker._on_triggered()

    counted._idle = False
    worker.tick()

    assert worker._rest.interval() == 2_000
    worker.stop()


def test_a_step_that_lacks_descriptors_is_repeated_with_the_reserve(
    qtbot: QtBot,
    drive: Callable[[Counted], None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    expect_log: Callable[..., None],
) -> None:
    expect_log("all file descriptors are used up; protection goes on with its reserve")

    class UsedUp(Counted):
        """All file descriptors go within its first step."""

        def step(self) -> ProtectStep:
            self.steps += 1
            if self.steps == 1:
                monkeypatch.setattr(process_environment, "_one_is_left", lambda: False)
                raise OSError(errno.EMFILE, "Too many open files")
            monkeypatch.setattr(process_environment, "_one_is_left", lambda: True)
            return ProtectStep(next_delay_s=0.001, idle=False)

    caplog.set_level("INFO")
    counted = UsedUp(idle=False, quick_check=lambda: 1.0)
    drive(counted)
    qtbot.waitUntil(lambda: counted.steps >= MANY)
    assert caplog.messages[0] == (
        "all file descriptors are used up; protection goes on with its reserve"
    )
    assert all(each.exc_info is None for each in caplog.records)

"""Thousands of alerts moved at once: in slices, linear, with an end that can be chosen."""

import gc
import time

import pytest
from PySide6.QtCore import QTimer
from pytestqt.qtbot import QtBot

from omnitray.base.facts import AlertMove, AlertType
from omnitray.runtime.bulk import AlertMoves
from support.alerting import World

MANY = 4800  # several slices also on a quick machine, and under the bound of open alerts
FRAME_S = 0.05
KINDS = tuple(AlertType)


def raised(world: World, count: int) -> list[str]:
    """Open alerts of all types, among them the types that inhibit others."""
    return [
        world.alerts.raise_(KINDS[n % len(KINDS)], f"alert {n}", labels={"n": str(n)}).alert.id
        for n in range(count)
    ]


def test_no_turn_of_the_event_loop_takes_a_frame_however_many_are_moved(qtbot: QtBot) -> None:
    world = World()
    ids = raised(world, MANY)
    moves = AlertMoves(world.alerts.move, lambda: None)
    turns: list[float] = []
    gc.collect()
    gc.freeze()  # as the program does; a collection is not what is measured
    heartbeat = QTimer(interval=0)
    last = time.thread_time()

    def beat() -> None:
        nonlocal last
        now = time.thread_time()  # of this thread alone: neighbours on the machine do not count
        turns.append(now - last)
        last = now

    heartbeat.timeout.connect(beat)
    heartbeat.start()
    with qtbot.waitSignal(moves.ended, timeout=20_000) as caught:
        moves.add(ids, AlertMove.ACKNOWLEDGE)
    heartbeat.stop()
    gc.unfreeze()
    assert caught.args == [MANY, MANY]
    assert {each.state for each in world.alerts.open_alerts()} == {"acknowledged"}
    assert len(turns) > 3
    assert max(turns) < FRAME_S


@pytest.mark.parametrize("move", list(AlertMove))
def test_the_time_grows_with_the_number_and_not_with_its_square(move: AlertMove) -> None:
    def seconds(count: int) -> float:
        world = World()
        ids = raised(world, count)
        start = time.thread_time()
        for each in ids:
            world.alerts.move(each, move)
        world.alerts.tick()
        return time.thread_time() - start

    few = min(seconds(500) for _ in range(3))
    assert seconds(4000) < 8 * 3 * few  # eight times as many; 64 times as long were it quadratic


def test_what_is_cancelled_leaves_the_rest_as_it_is(qtbot: QtBot) -> None:
    world = World()
    ids = raised(world, MANY)
    moves = AlertMoves(world.alerts.move, lambda: None)
    moves.progressed.connect(moves.cancel)
    with qtbot.waitSignal(moves.ended) as caught:
        moves.add(ids, AlertMove.RESOLVE)
    done, total = caught.args
    assert 0 < done < total == MANY
    assert len(world.alerts.open_alerts()) == MANY - done
    assert not moves.busy


def test_what_comes_while_others_are_moved_is_moved_too(qtbot: QtBot) -> None:
    world = World()
    ids = raised(world, MANY)
    moves = AlertMoves(world.alerts.move, lambda: None)
    with qtbot.waitSignal(moves.ended) as caught:
        moves.add(ids[: MANY - 200], AlertMove.ACKNOWLEDGE)
        moves.add(ids[MANY - 200 :], AlertMove.RESOLVE)
    assert caught.args == [MANY, MANY]
    states = [each.state for each in world.alerts.open_alerts()]
    assert states == ["acknowledged"] * (MANY - 200)

"""How an end goes on after TERM."""

from pathlib import Path

import pytest

from omnitray.core.acting.system import Sign
from omnitray.core.deciding.identity import Rung
from support.deeds import Bench, job, order


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_term_becomes_kill_by_time(bench: Bench) -> None:
    processes = job(bench.system, count=1)
    processes[0].ignores_term = True
    bench.actions.perform(order([processes[0].identity], Rung.END))
    bench.clock.advance(9.9)
    assert bench.actions.step().ended == ()
    assert processes[0].heard == [Sign.TERM]
    bench.clock.advance(0.1)
    bench.actions.step()
    assert processes[0].heard == [Sign.TERM, Sign.KILL]
    (ended,) = bench.actions.step().ended
    assert ended.killed
    assert bench.actions.step().next_s is None
    (record,) = bench.journal.records()
    assert record.result is not None
    assert record.result.outcome == "ended"


def test_kill_comes_sooner_while_memory_still_falls(bench: Bench) -> None:
    processes = job(bench.system, count=1)
    processes[0].ignores_term = True
    bench.actions.perform(order([processes[0].identity], Rung.END))
    bench.actions.step(hurry=True)
    assert processes[0].heard == [Sign.TERM, Sign.KILL]


def test_what_kill_does_not_end_is_said_to_have_survived(bench: Bench) -> None:
    processes = job(bench.system, count=1)
    processes[0].unkillable = True
    bench.actions.perform(order([processes[0].identity], Rung.END))
    bench.actions.step(hurry=True)
    bench.clock.advance(10.0)
    (ended,) = bench.actions.step().ended
    assert ended.survived
    assert bench.actions.active() == ()


def test_a_paused_worker_is_continued_so_that_term_can_work(bench: Bench) -> None:
    processes = job(bench.system)
    bench.actions.perform(order([processes[0].identity], Rung.PAUSE))
    bench.actions.perform(order([processes[1].identity], Rung.END))
    assert processes[1].heard == [Sign.STOP, Sign.TERM, Sign.CONT]
    assert [process.alive for process in processes] == [True, False, True]


def test_a_frozen_worker_is_killed_for_it_cannot_hear_anything_else(bench: Bench) -> None:
    bench.system.units.absent = ""
    processes = job(bench.system)
    bench.actions.perform(order([processes[0].identity], Rung.PAUSE))
    bench.actions.perform(order([processes[1].identity], Rung.END))
    assert processes[1].heard == [Sign.KILL]


def test_only_the_named_worker_ends_its_parent_lives(bench: Bench) -> None:
    processes = job(bench.system)
    bench.actions.perform(order([processes[2].identity], Rung.END))
    assert [process.alive for process in processes] == [True, True, False]


def test_what_ends_at_once_has_ended_all_the_same(bench: Bench) -> None:
    processes = job(bench.system, count=1)
    bench.actions.perform(order([processes[0].identity], Rung.END))
    (ended,) = bench.actions.step().ended
    assert (ended.killed, ended.survived) == (False, False)

"""Decisions are carried out, and what is in force is reported in the facts of deciding."""

from pathlib import Path

import pytest

from omnitray.base.facts import Resource
from omnitray.protector.actuators.executor import FAILED_FOR_S, Executor
from omnitray.protector.model import (
    ActionState,
    EscalationStep,
)
from support.deeds import Bench, action, job


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def executor(bench: Bench) -> Executor:
    return Executor(bench.actions, bench.clock)


def test_an_action_is_held_until_it_is_restored(bench: Bench, executor: Executor) -> None:
    processes = job(bench.system)
    wanted = action((processes[0].identity,), EscalationStep.PAUSE)
    executor.carry_out([wanted])
    (active,) = executor.active()
    assert (active.action, active.state) == (wanted, ActionState.HELD)
    (record,) = bench.journal.records()
    assert record.began.id == "run.1-1"
    assert record.began.evidence["value"] == 97.0
    executor.undo("run.1-1", "there is enough again")
    assert executor.active() == ()
    assert not processes[0].stopped


def test_an_end_is_told_when_it_is_over(bench: Bench, executor: Executor) -> None:
    processes = job(bench.system)
    processes[1].ignores_term = True
    executor.carry_out([action((processes[1].identity,), EscalationStep.END)])
    executor.look()
    assert [each.state for each in executor.active()] == [ActionState.ENDING]
    executor.look(hurry=True)
    executor.look()
    assert executor.active() == ()
    (ended,) = executor.take_ended()
    assert (ended.action_id, ended.survived) == ("run.1-1", False)
    assert executor.take_ended() == ()


def test_telling_touches_nobody(bench: Bench, executor: Executor) -> None:
    processes = job(bench.system)
    assert executor.carry_out([action((processes[0].identity,), EscalationStep.TELL)]) == ()
    assert executor.active() == ()


def test_a_failure_is_reported_for_a_while(bench: Bench, executor: Executor) -> None:
    processes = job(bench.system)
    gone = (processes[0].identity,)
    for process in processes:
        process.alive = False
    executor.carry_out([action(gone, EscalationStep.PAUSE)])
    executor.look()
    assert [each.state for each in executor.active()] == [ActionState.FAILED]
    bench.clock.advance(FAILED_FOR_S)
    executor.look()
    assert executor.active() == ()


def test_a_dry_run_is_watched(bench: Bench, executor: Executor) -> None:
    processes = job(bench.system)
    executor.carry_out([action((processes[0].identity,), EscalationStep.PAUSE, dry_run=True)])
    assert [each.state for each in executor.active()] == [ActionState.WATCHED]
    assert processes[0].heard == []


def test_an_action_with_two_levers_is_over_with_both(bench: Bench, executor: Executor) -> None:
    bench.system.units.absent = ""
    processes = job(bench.system)
    executor.carry_out(
        [action((processes[0].identity,), EscalationStep.SLOW_DOWN, Resource.MEMORY)]
    )
    assert len(bench.actions.active()) == 2
    for process in processes:
        process.alive = False
    executor.look()
    assert executor.active() == ()


def test_what_could_not_be_undone_stays_in_force(bench: Bench, executor: Executor) -> None:
    processes = job(bench.system, count=1)
    executor.carry_out([action((processes[0].identity,), EscalationStep.PAUSE)])
    processes[0].untouchable = True
    executor.undo_all("at exit")
    assert len(executor.active()) == 1
    processes[0].untouchable = False
    executor.undo_all("at exit")
    assert executor.active() == ()


def test_a_notice_that_comes_again_while_only_watching_is_not_in_force(
    bench: Bench, executor: Executor
) -> None:
    who = (job(bench.system)[0].identity,)
    executor.note_watched(action(who, EscalationStep.TELL, dry_run=True))
    executor.note_watched(action(who, EscalationStep.PAUSE, dry_run=True))
    assert [each.action.step for each in executor.active()] == [EscalationStep.PAUSE]

"""A pause that somebody else has ended is over: it counts as held no longer, and was their will."""

from pathlib import Path

import pytest

from omnitray.base.facts import Resource
from omnitray.protector.actuators.executor import Executor
from omnitray.protector.actuators.results import ActuationOutcome
from omnitray.protector.actuators.system import Sign
from omnitray.protector.model import (
    Action,
    EscalationStep,
    Evidence,
    ProtectReason,
    Signal,
    UndoneByUser,
)
from omnitray.protector.view import Answer
from support.deeds import Bench, job, order
from support.fake_system import FakeProcess
from support.protect_desk import ProtectDesk


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def continue_all(bench: Bench, processes: list[FakeProcess]) -> None:
    for process in processes:
        bench.system.send(process.identity, Sign.CONT)


def test_what_somebody_else_has_continued_is_held_no_longer(bench: Bench) -> None:
    processes = job(bench.system)
    (done,) = bench.actions.perform(order([processes[0].identity], EscalationStep.PAUSE))
    continue_all(bench, processes)
    step = bench.actions.step()
    assert (step.let_run, step.gone) == ((done.action_id,), (done.action_id,))
    assert bench.actions.active() == ()
    assert bench.guard.held == {}
    (record,) = bench.journal.records()
    assert record.undone is not None
    assert record.undone.outcome == ActuationOutcome.CHANGED
    assert record.undone.why == "somebody else has continued it"
    assert bench.actions.step().let_run == ()


def test_a_scope_that_somebody_else_has_thawed_is_held_no_longer(bench: Bench) -> None:
    bench.system.units.absent = ""
    processes = job(bench.system)
    bench.actions.perform(order([processes[0].identity], EscalationStep.PAUSE))
    assert bench.actions.step().let_run == ()
    bench.system.units.frozen.clear()
    assert len(bench.actions.step().let_run) == 1


def test_as_long_as_one_process_stands_still_it_is_held(bench: Bench) -> None:
    processes = job(bench.system)
    bench.actions.perform(order([processes[0].identity], EscalationStep.PAUSE))
    continue_all(bench, processes[:2])
    assert bench.actions.step().let_run == ()
    processes[2].alive = False
    assert len(bench.actions.step().let_run) == 1


def test_who_stands_still_though_it_looked_otherwise_is_continued(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes = job(bench.system)
    bench.actions.perform(order([processes[0].identity], EscalationStep.PAUSE))
    monkeypatch.setattr(bench.system, "is_stopped", lambda _: False)
    assert len(bench.actions.step().let_run) == 1
    assert not any(process.stopped for process in processes)


def test_who_has_ended_was_not_let_run(bench: Bench) -> None:
    processes = job(bench.system)
    (done,) = bench.actions.perform(order([processes[0].identity], EscalationStep.PAUSE))
    for process in processes:
        process.alive = False
    step = bench.actions.step()
    assert (step.gone, step.let_run) == ((done.action_id,), ())


def test_another_value_that_somebody_has_changed_stays_in_the_list(bench: Bench) -> None:
    bench.system.privileged = True
    processes = job(bench.system, count=1)
    bench.actions.perform(order([processes[0].identity]))
    processes[0].nice = 5
    assert bench.actions.step().let_run == ()
    assert len(bench.actions.active()) == 1


def test_the_protector_is_told_once_that_somebody_has_let_it_run(bench: Bench) -> None:
    processes = job(bench.system)
    executor = Executor(bench.actions, bench.clock)
    pause = Action(
        id="run.1-1",
        step=EscalationStep.PAUSE,
        resource=Resource.MEMORY,
        reason=ProtectReason.MEMORY_RUNS_OUT,
        evidence=Evidence(signal=Signal.FORECAST, value=9.0, threshold=30.0),
        job_key="hogs",
        title="hogs · ~/shop",
        targets=(processes[0].identity,),
    )
    executor.carry_out([pause])
    continue_all(bench, processes)
    executor.look()
    assert executor.active() == ()
    let_run = UndoneByUser(job_key="hogs", step=EscalationStep.PAUSE, title="hogs · ~/shop")
    assert executor.take_let_run() == (let_run,)
    assert executor.take_let_run() == ()


def test_what_somebody_has_let_run_counts_as_taken_back(tmp_path: Path) -> None:
    desk = ProtectDesk(tmp_path)
    desk.press(Answer.PAUSE)
    assert desk.protecting.protector.kept == {"hogs"}
    continue_all(desk.bench, desk.processes)
    desk.clock.advance(3.0)  # the order is past by then
    assert desk.protecting.step().changed
    assert desk.protecting.active == ()
    assert desk.protecting.protector.kept == frozenset()
    scene = desk.protecting.context()
    assert scene is not None
    assert ("hogs", EscalationStep.PAUSE) in scene.excluded_steps

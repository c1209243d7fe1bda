"""How an end goes on after TERM."""

from pathlib import Path

import pytest

from omnitray.protector.actuators.signals import TerminationScope
from omnitray.protector.actuators.system import Sign
from omnitray.protector.model import EscalationStep
from support.deeds import Bench, job, order
from support.fake_system import FakeProcess, FakeSystem

ASKED = [Sign.STOP, Sign.TERM, Sign.CONT]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_term_becomes_kill_by_time(bench: Bench) -> None:
    processes = job(bench.system, count=1)
    processes[0].ignores_term = True
    bench.actions.perform(order([processes[0].identity], EscalationStep.END))
    bench.clock.advance(9.9)
    assert bench.actions.step().ended == ()
    assert processes[0].heard == ASKED
    bench.clock.advance(0.1)
    bench.actions.step()
    assert processes[0].heard == [*ASKED, Sign.STOP, Sign.KILL]
    (ended,) = bench.actions.step().ended
    assert ended.killed
    assert bench.actions.step().next_s is None
    (record,) = bench.journal.records()
    assert record.result is not None
    assert record.result.outcome == "ended"


def test_kill_comes_sooner_while_memory_still_falls(bench: Bench) -> None:
    processes = job(bench.system, count=1)
    processes[0].ignores_term = True
    bench.actions.perform(order([processes[0].identity], EscalationStep.END))
    bench.actions.step(hurry=True)
    assert processes[0].heard == [*ASKED, Sign.STOP, Sign.KILL]


def test_what_kill_does_not_end_is_said_to_have_survived(bench: Bench) -> None:
    processes = job(bench.system, count=1)
    processes[0].unkillable = True
    bench.actions.perform(order([processes[0].identity], EscalationStep.END))
    bench.actions.step(hurry=True)
    bench.clock.advance(10.0)
    (ended,) = bench.actions.step().ended
    assert ended.survived
    assert bench.actions.active() == ()


def test_a_paused_worker_is_continued_so_that_term_can_work(bench: Bench) -> None:
    processes = job(bench.system)
    bench.actions.perform(order([processes[0].identity], EscalationStep.PAUSE))
    bench.actions.perform(order([processes[1].identity], EscalationStep.END))
    assert processes[1].heard == [Sign.STOP, *ASKED]
    assert [process.alive for process in processes] == [True, False, True]


def test_a_frozen_worker_is_killed_for_it_cannot_hear_anything_else(bench: Bench) -> None:
    bench.system.units.absent = ""
    processes = job(bench.system)
    bench.actions.perform(order([processes[0].identity], EscalationStep.PAUSE))
    bench.actions.perform(order([processes[1].identity], EscalationStep.END))
    assert processes[1].heard == [Sign.STOP, Sign.KILL]


def test_only_the_named_worker_ends_its_parent_lives(bench: Bench) -> None:
    processes = job(bench.system)
    bench.actions.perform(order([processes[2].identity], EscalationStep.END))
    assert [process.alive for process in processes] == [True, True, False]


def test_what_ends_at_once_has_ended_all_the_same(bench: Bench) -> None:
    processes = job(bench.system, count=1)
    bench.actions.perform(order([processes[0].identity], EscalationStep.END))
    (ended,) = bench.actions.step().ended
    assert (ended.killed, ended.survived) == (False, False)


def test_what_the_victim_has_started_ends_with_it(bench: Bench) -> None:
    processes = job(bench.system)
    bench.actions.perform(order([processes[0].identity], EscalationStep.END))
    assert not any(process.alive for process in processes)


def test_a_child_forked_while_we_looked_is_ended_too(bench: Bench) -> None:
    victim = job(bench.system, count=1)[0]
    late = bench.system.forks_when_stopped = FakeProcess(60)
    bench.actions.perform(order([victim.identity], EscalationStep.END))
    assert late.heard == ASKED
    assert not late.alive


def test_children_born_after_term_are_asked_and_then_killed(bench: Bench) -> None:
    victim = job(bench.system, count=1)[0]
    victim.ignores_term = True
    bench.actions.perform(order([victim.identity], EscalationStep.END))
    born = bench.system.add(77, parent=50, session=50)
    born.ignores_term = True
    bench.clock.advance(0.3)
    bench.actions.step()
    assert born.heard == [Sign.TERM]
    last = bench.system.add(78, parent=77, session=50)
    bench.actions.step(hurry=True)
    assert not victim.alive
    assert not born.alive
    assert not last.alive
    (ended,) = bench.actions.step().ended
    assert (ended.killed, ended.born) == (True, 1)
    (record,) = bench.journal.records()
    assert record.result is not None
    assert record.result.notes == ("killed after 0.30 s, with 1 more that it started meanwhile",)


def test_an_orphan_is_found_by_the_session_that_its_parent_led(bench: Bench) -> None:
    victim = job(bench.system, count=1)[0]
    bench.actions.perform(order([victim.identity], EscalationStep.END))
    orphan = bench.system.add(77, parent=1, session=50)
    assert bench.actions.step().ended == ()
    assert not orphan.alive
    (ended,) = bench.actions.step().ended
    assert ended.born == 1


def test_who_was_in_the_session_before_and_is_no_child_is_left_alone(bench: Bench) -> None:
    victim = job(bench.system, count=1)[0]
    stranger = bench.system.add(77, parent=1, session=50)
    bench.actions.perform(order([victim.identity], EscalationStep.END))
    assert bench.actions.step().ended != ()
    assert stranger.heard == []


def test_a_session_led_by_somebody_else_is_not_the_victims(bench: Bench) -> None:
    processes = job(bench.system)
    bench.actions.perform(order([processes[1].identity], EscalationStep.END))
    sibling = bench.system.add(77, parent=50, session=50)
    assert bench.actions.step().ended != ()
    assert sibling.heard == []


def test_what_is_protected_is_spared_with_all_that_it_started(tmp_path: Path) -> None:
    system = FakeSystem()
    bench = Bench(tmp_path, system, spares=lambda who: "a database" if who.pid == 60 else "")
    victim = job(system, count=1)[0]
    victim.ignores_term = True
    before = system.add(60, parent=50, session=50)
    below = system.add(61, parent=60, session=50)
    bench.actions.perform(order([victim.identity], EscalationStep.END))
    bench.actions.step(hurry=True)
    (ended,) = bench.actions.step().ended
    assert (victim.alive, ended.killed) == (False, True)
    assert (before.heard, below.heard) == ([], [])


def test_a_unit_of_its_own_is_killed_as_one(bench: Bench) -> None:
    processes = job(bench.system)
    for process in processes:
        process.unit = "app-make-1.scope"
        process.ignores_term = True
    bench.actions.perform(order([processes[0].identity], EscalationStep.END))
    bench.actions.step(hurry=True)
    assert bench.system.units.ended == ["app-make-1.scope"]
    assert bench.actions.step().ended != ()


@pytest.mark.parametrize("refuses", [True, False])
def test_a_unit_that_holds_others_too_is_not_killed(bench: Bench, *, refuses: bool) -> None:
    processes = job(bench.system)
    for process in processes:
        process.unit = "app-make-1.scope"
        process.ignores_term = True
    bystander = bench.system.add(40)
    bystander.unit = "app-make-1.scope" if not refuses else None
    bench.system.units.refuses = {"end"} if refuses else set()
    bench.actions.perform(order([processes[0].identity], EscalationStep.END))
    bench.actions.step(hurry=True)
    assert bench.system.units.ended == []
    assert not any(process.alive for process in processes)
    assert bystander.heard == []


def test_a_run_that_died_on_the_way_leaves_nobody_stopped(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    victim = job(bench.system, count=1)[0]
    victim.ignores_term = True
    bench.actions.perform(order([victim.identity], EscalationStep.END))
    victim.stopped = True
    after = bench.restarted(tmp_path)
    after.actions.restore_after_crash()
    assert not victim.stopped
    (record,) = after.journal.records()
    assert record.result is not None
    assert record.result.outcome == "failed"
    victim.stopped = True
    bench.restarted(tmp_path).actions.restore_after_crash()
    assert victim.stopped


def test_who_is_born_while_we_look_around_is_no_stranger(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = job(bench.system, count=1)[0]
    members = bench.system.session_members

    def while_it_forks(session: int) -> frozenset[int]:
        bench.system.add(77, parent=50, session=50)
        return members(session)

    with monkeypatch.context() as patch:
        patch.setattr(bench.system, "session_members", while_it_forks)
        assert TerminationScope(bench.system).grounds([victim.identity]).others == frozenset()

"""Whose session it is that autogroup nice was given to, when the process named is gone."""

from pathlib import Path

import pytest

from omnitray.protector.actuators.results import ActuationOutcome
from support.deeds import Bench, job, order
from support.fake_system import FakeProcess


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.system.autogroup = {}
    return bench


def slowed(bench: Bench) -> list[FakeProcess]:
    """A job in session 50, all of it at autogroup nice 19; then its run of ours dies."""
    processes = job(bench.system)
    bench.actions.perform(order([processes[0].identity]))
    assert bench.system.autogroup == {50: 19}
    bench.journal.close()
    return processes


def test_what_is_left_of_the_session_stands_in_for_its_leader(bench: Bench, tmp_path: Path) -> None:
    slowed(bench)[0].alive = False
    (undone,) = bench.restarted(tmp_path).actions.restore_after_crash()
    assert undone.outcome is ActuationOutcome.RESTORED
    assert bench.system.autogroup == {50: 0}


def test_a_stranger_s_session_under_the_old_number_is_left_alone(
    bench: Bench, tmp_path: Path
) -> None:
    for process in slowed(bench):
        process.alive = False
    bench.system.add(50, start_ticks=5000, session=50)
    (undone,) = bench.restarted(tmp_path).actions.restore_after_crash()
    assert undone.outcome is ActuationOutcome.GONE
    assert bench.system.autogroup == {50: 19}
    assert bench.system.processes[50].heard == []


def test_a_leader_that_is_older_than_the_process_named_is_the_same_one(
    bench: Bench, tmp_path: Path
) -> None:
    leader, worker, _ = job(bench.system)
    worker = bench.system.add(51, parent=50, start_ticks=900, session=50)
    leader.alive = False  # so that the worker is named
    bench.actions.perform(order([worker.identity, bench.system.processes[52].identity]))
    assert bench.system.autogroup == {50: 19}
    bench.journal.close()
    worker.alive, leader.alive = False, True
    bench.system.add(53, parent=50, start_ticks=950, session=50)
    (undone,) = bench.restarted(tmp_path).actions.restore_after_crash()
    assert undone.outcome is ActuationOutcome.RESTORED

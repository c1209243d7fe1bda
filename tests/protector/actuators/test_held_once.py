"""However often a process is taken hold of, it is held once and let go once."""

from pathlib import Path

import pytest

from omnitray.base.facts import ProcessIdentity
from omnitray.protector.actuators.results import ActuationOutcome
from omnitray.protector.actuators.system import Sign
from omnitray.protector.model import ActuatorKind, EscalationStep
from support.deeds import Bench, job, order
from support.fake_system import FakeProcess


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_who_is_paused_twice_is_held_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stops late, with another program, while its sibling starts a child."""
    processes = job(bench.system)
    bench.system.forks_when_stopped = FakeProcess(60)
    late, looks = processes[2], iter(range(3))

    def is_stopped(identity: ProcessIdentity) -> bool:
        if identity.pid == late.identity.pid and next(looks, 3) < 2:
            late.identity = ProcessIdentity(pid=52, start_ticks=100, exe="/usr/bin/other")
            return False
        return bench.system.process(identity).stopped

    monkeypatch.setattr(bench.system, "is_stopped", is_stopped)
    (done,) = bench.actions.perform(order([processes[0].identity], EscalationStep.PAUSE))
    assert late.heard == [Sign.STOP, Sign.STOP]
    (active,) = bench.actions.active()
    held = [change.process.pid for change in active.record.changes if change.process]
    assert sorted(held) == [50, 51, 52, 60]
    (undone,) = bench.actions.undo(done.action_id, "calm")
    assert undone.outcome is ActuationOutcome.RESTORED


def test_what_a_stranger_has_stopped_is_so_already_beside_what_is_held(bench: Bench) -> None:
    _, held, stopped = job(bench.system)
    bench.system.units.absent = "no units here"
    (first,) = bench.actions.perform(order([held.identity], EscalationStep.PAUSE))
    stopped.stopped = True
    (second,) = bench.actions.perform(order([stopped.identity], EscalationStep.PAUSE))
    assert (second.outcome, second.lever) == (ActuationOutcome.ALREADY, ActuatorKind.STOP)
    assert [each.action_id for each in bench.actions.active()] == [first.action_id]

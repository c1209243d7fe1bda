"""A run that is killed at any point of taking hold of a job leaves nothing to the next start."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from omnitray.base.facts import Resource
from omnitray.protector.model import EscalationStep
from support.deeds import Bench, job, order

STEPS = [
    *((EscalationStep.SLOW_DOWN, step) for step in ("adopt", "set_cpu_weight", "set_memory_high")),
    *((EscalationStep.PAUSE, step) for step in ("adopt", "freeze")),
]


class Killed(BaseException):
    """As sudden as ``kill -9``."""


def dies(act: Callable[..., None], *, before: bool) -> Callable[..., None]:
    def dying(*arguments: Any) -> None:
        if not before:
            act(*arguments)
        raise Killed

    return dying


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize(("escalation", "step"), STEPS)
def test_nothing_stays_held(
    tmp_path: Path,
    step: str,
    escalation: EscalationStep,
    *,
    before: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench(tmp_path)
    units = bench.system.units
    units.absent = ""
    processes = job(bench.system)
    with monkeypatch.context() as patch:
        patch.setattr(units, step, dies(getattr(units, step), before=before))
        with pytest.raises(Killed):
            bench.actions.perform(order([processes[0].identity], escalation, Resource.MEMORY))
    bench.journal.close()
    after = bench.restarted(tmp_path)
    after.actions.restore_after_crash()
    assert units.frozen == set()
    assert set(units.weights.values()) <= {None, 100}
    assert set(units.limits.values()) <= {None}
    assert after.journal.unfinished("boot-1") == ()
    assert bench.restarted(tmp_path).actions.restore_after_crash() == ()


def test_a_scope_that_was_only_made_gets_its_fair_weight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path)
    units = bench.system.units
    units.absent = ""
    leader = job(bench.system)[0]
    with monkeypatch.context() as patch:
        patch.setattr(units, "set_cpu_weight", dies(units.set_cpu_weight, before=True))
        with pytest.raises(Killed):
            bench.actions.perform(order([leader.identity]))
    bench.restarted(tmp_path).actions.restore_after_crash()
    assert units.weights == {leader.unit: 100}


def test_after_a_reboot_nothing_is_touched(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    leader = job(bench.system, count=1)[0]
    bench.actions.perform(order([leader.identity], EscalationStep.PAUSE))
    bench.system.boot = "boot-2"  # and by chance there is a process of that pid and start
    after = bench.restarted(tmp_path)
    assert after.actions.restore_after_crash() == ()
    assert leader.stopped

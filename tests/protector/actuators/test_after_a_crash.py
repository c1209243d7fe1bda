"""What the next start does with what a crash left behind."""

from pathlib import Path

import pytest

from omnitray.protector.actuators.results import ActuationOutcome, Initiator
from omnitray.protector.actuators.system import Sign
from omnitray.protector.model import EscalationStep
from support.deeds import Bench, job, order


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_the_next_start_restores_what_a_crash_left(bench: Bench, tmp_path: Path) -> None:
    bench.system.autogroup = {}
    processes = job(bench.system)
    bench.actions.perform(order([processes[0].identity]))
    bench.actions.perform(order([processes[0].identity], EscalationStep.PAUSE))
    after = bench.restarted(tmp_path)
    restored = after.actions.restore_after_crash()
    assert [each.outcome for each in restored] == [
        ActuationOutcome.RESTORED,
        ActuationOutcome.RESTORED,
    ]
    assert bench.system.autogroup == {50: 0}
    assert not any(process.stopped for process in processes)
    assert after.actions.restore_after_crash() == ()
    assert {record.undone.who for record in after.journal.records() if record.undone} == {
        Initiator.NEXT_START
    }


def test_a_crash_between_the_first_line_and_the_act_is_harmless(
    bench: Bench, tmp_path: Path
) -> None:
    processes = job(bench.system)
    bench.actions.perform(order([processes[0].identity], EscalationStep.PAUSE))
    path = tmp_path / "actions.jsonl"
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    for process in processes:
        process.stopped = False
    (restored,) = bench.restarted(tmp_path).actions.restore_after_crash()
    assert restored.outcome is ActuationOutcome.CHANGED
    assert not any(Sign.CONT in process.heard for process in processes)


def test_another_boot_restores_nothing(bench: Bench, tmp_path: Path) -> None:
    processes = job(bench.system)
    bench.actions.perform(order([processes[0].identity], EscalationStep.PAUSE))
    bench.system.boot = "boot-2"
    assert bench.restarted(tmp_path).actions.restore_after_crash() == ()

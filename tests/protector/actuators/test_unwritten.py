"""A journal that cannot be written stops nothing, and the action says so."""

import os
from pathlib import Path

import msgspec
import pytest

from omnitray.protector.actuators.results import ActuationOutcome
from omnitray.protector.model import EscalationStep
from support.deeds import Bench, job, order

pytestmark = pytest.mark.expect_log("journal of actions cannot be written")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.journal.path.mkdir()  # nothing can be appended to a folder
    return bench


@pytest.mark.parametrize(
    "step", [EscalationStep.SLOW_DOWN, EscalationStep.PAUSE, EscalationStep.END]
)
def test_it_is_done_and_said(bench: Bench, step: EscalationStep) -> None:
    bench.system.privileged = True
    victim = job(bench.system, count=1)[0]
    (done,) = bench.actions.perform(order([victim.identity], step))
    assert done.outcome is ActuationOutcome.APPLIED
    assert done.notes[-1].startswith("the journal cannot be written (")
    assert done.notes[-1].endswith("; this is kept in memory until it can")
    assert (victim.nice, victim.stopped, victim.alive) == {
        EscalationStep.SLOW_DOWN: (19, False, True),
        EscalationStep.PAUSE: (0, True, True),
        EscalationStep.END: (0, False, False),
    }[step]


def test_it_is_taken_back_and_written_once_the_disk_gives_in(bench: Bench) -> None:
    victim = job(bench.system, count=1)[0]
    (done,) = bench.actions.perform(order([victim.identity], EscalationStep.PAUSE))
    bench.journal.path.rmdir()
    bench.actions.undo(done.action_id, "calm")
    assert not victim.stopped
    lines = bench.journal.path.read_bytes().splitlines()
    assert [msgspec.json.decode(line)["event"] for line in lines] == ["begin", "result", "undone"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_disk_that_is_really_full_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path)
    real = os.write
    with Path("/dev/full").open("wb", buffering=0) as full:
        monkeypatch.setattr("os.write", lambda _, data: real(full.fileno(), data))
        victim = job(bench.system, count=1)[0]
        (done,) = bench.actions.perform(order([victim.identity], EscalationStep.PAUSE))
    assert victim.stopped
    assert done.notes[-1].startswith("the journal cannot be written (No space left on device)")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device")
def test_a_journal_that_is_a_device_is_not_written_to(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.journal.path.symlink_to("/dev/full")
    victim = job(bench.system, count=1)[0]
    (done,) = bench.actions.perform(order([victim.identity], EscalationStep.PAUSE))
    assert victim.stopped
    assert done.notes[-1].startswith("the journal cannot be written (it is a device)")

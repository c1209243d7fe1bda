"""What a slowed job starts is slowed too, and is given back with it."""

from pathlib import Path

import pytest

from omnitray.base.facts import Resource
from omnitray.protector.model import ActuatorKind, EscalationStep
from support.deeds import Bench, job, order
from support.fake_system import FakeProcess


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    ours = Bench(tmp_path)
    ours.system.privileged = True
    return ours


def born(bench: Bench, parent: FakeProcess, pid: int) -> FakeProcess:
    """A child with its parent's priorities, as the kernel gives them."""
    child = bench.system.add(pid, parent=parent.identity.pid, session=parent.session)
    child.nice, child.io = parent.nice, parent.io
    return child


@pytest.mark.parametrize(
    ("resource", "lever"),
    [(Resource.CPU, ActuatorKind.NICE), (Resource.DISK, ActuatorKind.IO_CLASS)],
)
def test_children_that_were_born_slow_are_given_back_with_their_job(
    bench: Bench, resource: Resource, lever: ActuatorKind
) -> None:
    leader = job(bench.system, count=1)[0]
    (done,) = bench.actions.perform(order([leader.identity], EscalationStep.SLOW_DOWN, resource))
    assert done.lever is lever
    child = born(bench, leader, 77)
    changed = born(bench, leader, 78)
    changed.nice = 3
    bench.actions.undo_all("calm")
    assert (leader.nice, child.nice) == (0, 0)
    assert leader.io.io_class == child.io.io_class == 0
    assert changed.nice == 3


def test_nice_that_cannot_be_lowered_is_left_on_children_too(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.system.privileged = True
    leader = job(bench.system, count=1)[0]
    bench.actions.perform(order([leader.identity], EscalationStep.SLOW_DOWN, Resource.CPU))
    child = born(bench, leader, 77)
    bench.system.privileged = False  # meanwhile
    bench.actions.undo_all("calm")
    assert (leader.nice, child.nice) == (19, 19)

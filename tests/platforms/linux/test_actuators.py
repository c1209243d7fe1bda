"""Actuators that Linux alone has, and what it alone can tell, on children of the test alone."""

import os
from pathlib import Path

import psutil
import pytest

from omnitray.base.facts import ProcessIdentity, Resource
from omnitray.platforms import Platform
from omnitray.platforms.linux.platform import LinuxPlatform
from omnitray.platforms.linux.system import LinuxSystem
from omnitray.protector.actuators.executor import ActionPerformer
from omnitray.protector.actuators.results import ActuationOutcome
from omnitray.protector.actuators.system import IO_IDLE, IoPriority
from omnitray.protector.model import ActuatorKind, EscalationStep
from support.children import SLEEP, child, identity, order, state

IGNORES_TERM = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"
FORKS = f"import os; [os.fork() for _ in range(2)]; {SLEEP}"
# Its parent waits in the kernel, for a child that shares its memory: no signal but KILL is heard.
IN_THE_KERNEL = f"import ctypes; ctypes.CDLL(None).vfork(); {SLEEP}"
THREADS = (
    f"import threading, time; threading.Thread(target=time.sleep, args=(60,)).start(); {SLEEP}"
)


@pytest.fixture
def platform() -> Platform:
    return LinuxPlatform()


@pytest.mark.parametrize(("second", "stops"), [("T", True), ("S", False)])
def test_a_stop_that_one_thread_has_taken_holds_them_all(
    tmp_path: Path, second: str, *, stops: bool
) -> None:
    """The first thread waits for a disk meanwhile, and nothing is told to it any more."""
    for place, letter in (("50", "D"), ("50/task/50", "D"), ("50/task/51", second)):
        folder = tmp_path / place
        folder.mkdir(parents=True)
        numbers = " ".join(["0"] * 18)
        (folder / "stat").write_text(f"50 (hog) {letter} {numbers} 100 0\n")
    (tmp_path / "50/status").write_text("Name:\thog\nShdPnd:\t0000000000000000\n")
    system = LinuxSystem(tmp_path)
    assert system.is_stopped(ProcessIdentity(pid=50, start_ticks=100)) is stops
    system.close()


def test_a_stop_that_comes_late_is_held_and_taken_back_all_the_same(
    system: LinuxSystem, actions: ActionPerformer
) -> None:
    with child(IN_THE_KERNEL) as process:
        waiting = identity(system, process)
        assert state(process.pid) == "D"
        (done,) = actions.perform(order((waiting,), EscalationStep.PAUSE, Resource.MEMORY))
        assert done.outcome is ActuationOutcome.APPLIED
        assert actions.step().let_run == ()
        assert system.is_stopped(waiting)
        assert state(process.pid) == "D"
        (undone,) = actions.undo(done.action_id, "calm")
        assert undone.outcome is ActuationOutcome.RESTORED
        assert not system.is_stopped(waiting)


def test_autogroup_goes_up_and_back(system: LinuxSystem, actions: ActionPerformer) -> None:
    with child() as process:
        target = identity(system, process)
        why_not = system.autogroup_why_not(target)
        (done,) = actions.perform(order((target,), EscalationStep.SLOW_DOWN))
        assert done.others.get(ActuatorKind.AUTOGROUP, "") == why_not
        if why_not:
            return
        assert done.lever is ActuatorKind.AUTOGROUP
        assert system.autogroup_nice(target) == 19
        actions.undo(done.action_id, "calm")
        assert system.autogroup_nice(target) == 0


def test_another_program_changing_autogroup_before_undo_wins(
    system: LinuxSystem, actions: ActionPerformer
) -> None:
    with child() as process:
        target = identity(system, process)
        (done,) = actions.perform(order((target,), EscalationStep.SLOW_DOWN))
        if system.autogroup_why_not(target):
            assert done.lever is not ActuatorKind.AUTOGROUP
            return
        system.set_autogroup_nice(target, 7)
        (undone,) = actions.undo(done.action_id, "calm")
        assert undone.outcome is ActuationOutcome.CHANGED
        assert system.autogroup_nice(target) == 7


def test_the_io_class_goes_idle_and_back_for_every_thread(
    system: LinuxSystem, actions: ActionPerformer
) -> None:
    with child(THREADS) as process:
        target = identity(system, process)
        before = system.io_priority(target)
        (done,) = actions.perform(order((target,), EscalationStep.SLOW_DOWN, Resource.DISK))
        threads = [Path(path).name for path in Path(f"/proc/{process.pid}/task").iterdir()]
        assert len(threads) == 2
        assert system.io_priority(target) == IO_IDLE
        assert {psutil.Process(int(each)).ionice().ioclass for each in threads} == {3}
        actions.undo(done.action_id, "calm")
        assert system.io_priority(target) == before


def test_nice_reaches_every_thread(system: LinuxSystem) -> None:
    with child(THREADS) as process:
        system.set_nice(identity(system, process), 5)
        threads = [int(path.name) for path in Path(f"/proc/{process.pid}/task").iterdir()]
        assert [os.getpriority(os.PRIO_PROCESS, each) for each in threads] == [5, 5]


def test_the_self_test_finds_the_io_class(platform: Platform, system: LinuxSystem) -> None:
    rows = {row.kind: row for row in platform.check_actuators(platform.actuators(system), system)}
    assert rows[ActuatorKind.STOP].works
    assert rows[ActuatorKind.IO_CLASS].works
    assert all(bool(row.why_not) is not row.works for row in rows.values())


def test_an_io_class_that_somebody_else_has_changed_is_left_alone(
    system: LinuxSystem, actions: ActionPerformer
) -> None:
    with child() as process:
        who = identity(system, process)
        (done,) = actions.perform(order((who,), EscalationStep.SLOW_DOWN, Resource.DISK))
        assert system.io_priority(who) == IO_IDLE
        system.set_io_priority(who, IoPriority(2, 6))
        (undone,) = actions.undo(done.action_id, "calm")
        now = (undone.outcome, system.io_priority(who))
        assert now == (ActuationOutcome.CHANGED, IoPriority(2, 6))

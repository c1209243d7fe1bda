"""The levers as they really work, on children of the test alone."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from omnitray.base.clock import SystemClock
from omnitray.base.facts import Resource
from omnitray.base.readings import ProcessIdentity
from omnitray.platforms._levers_check import check_levers
from omnitray.platforms.linux.system import LinuxSystem
from omnitray.platforms.watchdog import GuardianKeeper
from omnitray.protector.actuators.actuator import Target
from omnitray.protector.actuators.executor import ActionPerformer
from omnitray.protector.actuators.journal import ActionJournal
from omnitray.protector.actuators.registry import linux_actuators
from omnitray.protector.actuators.results import ActionRequest, ActuationOutcome
from omnitray.protector.actuators.system import IO_IDLE, AccessRefused, Gone, Sign
from omnitray.protector.steps import ActuatorKind, EscalationStep
from support.children import PATIENCE_S, SLEEP, child, eventually

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")

IGNORES_TERM = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"
FORKS = f"import os; [os.fork() for _ in range(2)]; {SLEEP}"
# Its parent waits in the kernel, for a child that shares its memory: no signal but KILL is heard.
IN_THE_KERNEL = f"import ctypes; ctypes.CDLL(None).vfork(); {SLEEP}"
THREADS = (
    f"import threading, time; threading.Thread(target=time.sleep, args=(60,)).start(); {SLEEP}"
)


@pytest.fixture
def system() -> Iterator[LinuxSystem]:
    system = LinuxSystem()
    yield system
    system.close()


@pytest.fixture
def actions(system: LinuxSystem, tmp_path: Path) -> Iterator[ActionPerformer]:
    path = tmp_path / "actions.jsonl"
    keeper = GuardianKeeper(path)
    actions = ActionPerformer(
        ActionJournal(path), linux_actuators(system), system, SystemClock(), keeper
    )
    yield actions
    actions.undo_all("the test is over")
    keeper.close()


def identity(system: LinuxSystem, process: subprocess.Popen[bytes]) -> ProcessIdentity:
    (found,) = system.identify([process.pid])
    return found


def order(
    processes: tuple[ProcessIdentity, ...], rung: EscalationStep, resource: Resource = Resource.CPU
) -> ActionRequest:
    target = Target(job_key="job", title="a job", processes=processes)
    return ActionRequest(target=target, rung=rung, resource=resource, reason="a test")


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_job_with_workers_is_paused_and_goes_on(
    system: LinuxSystem, actions: ActionPerformer
) -> None:
    with child(FORKS, lines=4) as process:
        workers = system.family([identity(system, process)])
        (done,) = actions.perform(order(workers[:1], EscalationStep.PAUSE, Resource.MEMORY))
        assert done.outcome is ActuationOutcome.APPLIED
        assert len(workers) == 4
        eventually(lambda: {state(each.pid) for each in workers} == {"T"})  # a stop may come late
        (undone,) = actions.undo(done.action_id, "calm")
        assert undone.outcome is ActuationOutcome.RESTORED
        eventually(lambda: "T" not in {state(each.pid) for each in workers})


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


def test_term_ends_a_worker_and_its_parent_lives(
    system: LinuxSystem, actions: ActionPerformer
) -> None:
    with child(FORKS, lines=4) as process:
        parent, *workers = system.family([identity(system, process)])
        actions.perform(order((workers[-1],), EscalationStep.END))
        eventually(lambda: bool(actions.step().ended))
        assert system.is_there(parent)
        assert [system.is_there(each) for each in workers] == [True, True, False]


def test_what_ignores_term_is_killed(system: LinuxSystem, actions: ActionPerformer) -> None:
    with child(IGNORES_TERM) as process:
        target = identity(system, process)
        actions.perform(order((target,), EscalationStep.END))
        assert actions.step().ended == ()
        assert system.is_there(target)
        actions.step(hurry=True)
        eventually(lambda: not system.is_there(target))
        (ended,) = actions.step().ended
        assert ended.killed


def test_a_paused_process_can_act_on_term(system: LinuxSystem, actions: ActionPerformer) -> None:
    with child() as process:
        target = identity(system, process)
        actions.perform(order((target,), EscalationStep.PAUSE))
        actions.perform(order((target,), EscalationStep.END))
        eventually(lambda: not system.is_there(target))
        assert process.wait(PATIENCE_S) == -signal.SIGTERM


@pytest.mark.parametrize("sign", list(Sign))
def test_a_start_time_that_does_not_fit_gets_no_signal(system: LinuxSystem, sign: Sign) -> None:
    with child() as process:
        real = identity(system, process)
        other = ProcessIdentity(pid=real.pid, start_ticks=real.start_ticks - 1, exe=real.exe)
        with pytest.raises(Gone):
            system.send(other, sign)
        assert state(process.pid) in {"R", "S"}


def test_a_process_that_became_another_program_is_not_stopped(system: LinuxSystem) -> None:
    with child() as process:
        real = identity(system, process)
        other = ProcessIdentity(pid=real.pid, start_ticks=real.start_ticks, exe="/usr/bin/vim")
        with pytest.raises(AccessRefused, match=r"runs .* now, not /usr/bin/vim"):
            system.send(other, Sign.STOP)
        system.send(other, Sign.CONT)


def test_a_zombie_is_gone(system: LinuxSystem) -> None:
    with child("print(flush=True)") as process:
        target = system.identify([process.pid])
        eventually(lambda: state(process.pid) == "Z")
        assert system.identify([process.pid]) == ()
        assert not any(system.is_there(each) for each in target)


def test_the_self_test_finds_what_works_and_leaves_nothing(system: LinuxSystem) -> None:
    rows = {row.kind: row for row in check_levers(linux_actuators(system), system)}
    assert rows[ActuatorKind.STOP].works
    assert rows[ActuatorKind.IO_CLASS].works
    assert all(bool(row.why_not) is not row.works for row in rows.values())

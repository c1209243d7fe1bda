"""The actuators as they really work, on children of the test alone, on each platform."""

import os
import signal

import psutil
import pytest

from omnitray.base.facts import ProcessIdentity, Resource
from omnitray.platforms import Platform
from omnitray.protector.actuators.actuator import Target
from omnitray.protector.actuators.executor import ActionPerformer
from omnitray.protector.actuators.results import ActuationOutcome
from omnitray.protector.actuators.system import AccessRefused, Gone, Sign, System
from omnitray.protector.model import ActuatorKind, EscalationStep
from support.children import PATIENCE_S, SLEEP, child, eventually, identity, order, state

IGNORES_TERM = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"
FORKS = f"import os; [os.fork() for _ in range(2)]; {SLEEP}"
# Its parent waits in the kernel, for a child that shares its memory: no signal but KILL is heard.
IN_THE_KERNEL = f"import ctypes; ctypes.CDLL(None).vfork(); {SLEEP}"
THREADS = (
    f"import threading, time; threading.Thread(target=time.sleep, args=(60,)).start(); {SLEEP}"
)


def test_a_job_with_workers_is_paused_and_goes_on(system: System, actions: ActionPerformer) -> None:
    with child(FORKS, lines=4) as process:
        workers = system.family([identity(system, process)])
        (done,) = actions.perform(order(workers[:1], EscalationStep.PAUSE, Resource.MEMORY))
        assert done.outcome is ActuationOutcome.APPLIED
        assert len(workers) == 4
        eventually(lambda: {state(each.pid) for each in workers} == {"T"})  # a stop may come late
        (undone,) = actions.undo(done.action_id, "calm")
        assert undone.outcome is ActuationOutcome.RESTORED
        eventually(lambda: "T" not in {state(each.pid) for each in workers})


def test_term_ends_a_worker_and_its_parent_lives(system: System, actions: ActionPerformer) -> None:
    with child(FORKS, lines=4) as process:
        parent, *workers = system.family([identity(system, process)])
        actions.perform(order((workers[-1],), EscalationStep.END))
        eventually(lambda: bool(actions.step().ended))
        assert system.is_there(parent)
        assert [system.is_there(each) for each in workers] == [True, True, False]


def test_what_ignores_term_is_killed(system: System, actions: ActionPerformer) -> None:
    with child(IGNORES_TERM) as process:
        target = identity(system, process)
        actions.perform(order((target,), EscalationStep.END))
        assert actions.step().ended == ()
        assert system.is_there(target)
        actions.step(hurry=True)
        eventually(lambda: not system.is_there(target))
        (ended,) = actions.step().ended
        assert ended.killed


def test_a_paused_process_can_act_on_term(system: System, actions: ActionPerformer) -> None:
    with child() as process:
        target = identity(system, process)
        actions.perform(order((target,), EscalationStep.PAUSE))
        actions.perform(order((target,), EscalationStep.END))
        eventually(lambda: not system.is_there(target))
        assert process.wait(PATIENCE_S) == -signal.SIGTERM


@pytest.mark.parametrize("sign", list(Sign))
def test_a_start_time_that_does_not_fit_gets_no_signal(system: System, sign: Sign) -> None:
    with child() as process:
        real = identity(system, process)
        other = ProcessIdentity(pid=real.pid, start_ticks=real.start_ticks - 1, exe=real.exe)
        with pytest.raises(Gone):
            system.send(other, sign)
        assert state(process.pid) in {"R", "S"}


def test_a_process_that_became_another_program_is_not_stopped(system: System) -> None:
    with child() as process:
        real = identity(system, process)
        other = ProcessIdentity(pid=real.pid, start_ticks=real.start_ticks, exe="/usr/bin/vim")
        with pytest.raises(AccessRefused, match=r"runs .* now, not /usr/bin/vim"):
            system.send(other, Sign.STOP)
        system.send(other, Sign.CONT)


def test_a_zombie_is_gone(system: System) -> None:
    with child("print(flush=True)") as process:
        target = system.identify([process.pid])
        eventually(lambda: state(process.pid) == "Z")
        assert system.identify([process.pid]) == ()
        assert not any(system.is_there(each) for each in target)


def test_nice_goes_up_and_says_whether_it_comes_back(system: System) -> None:
    with child() as process:
        target = identity(system, process)
        system.set_nice(target, 17)
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == 17
        assert system.nice(target) == 17
        if system.may_set_nice(target, 0):
            system.set_nice(target, 0)
            assert system.nice(target) == 0
        else:
            with pytest.raises(AccessRefused):
                system.set_nice(target, 0)


def test_a_nice_value_is_not_set_on_a_later_process_with_the_same_pid(system: System) -> None:
    with child() as process:
        real = identity(system, process)
        other = ProcessIdentity(pid=real.pid, start_ticks=real.start_ticks - 1, exe=real.exe)
        with pytest.raises(Gone):
            system.set_nice(other, 17)
        own = os.getpriority(os.PRIO_PROCESS, 0)
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == own


def test_a_process_without_a_terminal_and_a_display_has_no_ties_and_may_be_paused(
    platform: Platform, system: System
) -> None:
    (stop,) = [each for each in platform.actuators(system) if each.kind is ActuatorKind.STOP]
    with child() as process:
        target = identity(system, process)
        assert system.ties([target]) == {process.pid: frozenset()}
        assert stop.plan(Target(job_key="j", title="a job", processes=(target,))).changes


def test_the_self_test_finds_the_pause_and_leaves_nothing(
    platform: Platform, system: System
) -> None:
    before = set(psutil.Process().children())
    rows = {row.kind: row for row in platform.check_actuators(platform.actuators(system), system)}
    assert rows[ActuatorKind.STOP].works
    assert all(bool(row.why_not) is not row.works for row in rows.values())
    assert set(psutil.Process().children()) == before

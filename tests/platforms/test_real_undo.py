"""What somebody else has changed before we undo is left alone, lever by lever, on real processes.

The levers of units are proved in a machine of their own (``tests/systemd``).
"""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from omnitray.base.facts import ProcessIdentity, Resource
from omnitray.protector.actuators.actuator import Target
from omnitray.protector.actuators.executor import ActionPerformer
from omnitray.protector.actuators.results import ActionRequest, ActuationOutcome, ActuationResult
from omnitray.protector.actuators.system import System
from omnitray.protector.model import ActuatorKind, EscalationStep
from support.children import child, eventually, living_in, state

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")

Only = Callable[[ActuatorKind], ActionPerformer]
WORKER = "import os, time; os.fork(); print(flush=True); time.sleep(60)"
# Forks a child every millisecond, each of which lives on, until there are so many.
FORKS_ON = """
import os, sys, time
print(flush=True)
for _ in range(400):
    if os.fork() == 0:
        time.sleep(60)
        os._exit(0)
    time.sleep(0.001)
time.sleep(60)
"""


def perform(
    actions: ActionPerformer, who: ProcessIdentity, step: EscalationStep, resource: Resource
) -> ActuationResult:
    target = Target(job_key="job", title="a job", processes=(who,))
    order = ActionRequest(target=target, step=step, resource=resource, reason="a test")
    (done,) = actions.perform(order)
    assert done.outcome is ActuationOutcome.APPLIED, done
    return done


def refusal(actions: ActionPerformer, who: ProcessIdentity) -> str:
    """Why the one lever that there is was not taken."""
    target = Target(job_key="job", title="a job", processes=(who,))
    order = ActionRequest(
        target=target, step=EscalationStep.SLOW_DOWN, resource=Resource.CPU, reason="a test"
    )
    (done,) = actions.perform(order)
    assert done.outcome is ActuationOutcome.FAILED, done
    return "; ".join(done.others.values())


def test_nice(system: System, only: Only) -> None:
    with child() as process:
        (who,) = system.identify([process.pid])
        if not system.may_set_nice(who, 0):
            assert "nice could not be given back" in refusal(only(ActuatorKind.NICE), who)
            return
        actions = only(ActuatorKind.NICE)
        done = perform(actions, who, EscalationStep.SLOW_DOWN, Resource.CPU)
        os.setpriority(os.PRIO_PROCESS, process.pid, 12)
        (undone,) = actions.undo(done.action_id, "calm")
        assert (undone.outcome, system.nice(who)) == (ActuationOutcome.CHANGED, 12)
        assert undone.notes == (f"process {process.pid} has 12 now, not our 19: left alone",)


def test_a_pause_that_the_person_ended(system: System, only: Only) -> None:
    with child() as process:
        (who,) = system.identify([process.pid])
        actions = only(ActuatorKind.STOP)
        done = perform(actions, who, EscalationStep.PAUSE, Resource.MEMORY)
        os.kill(process.pid, signal.SIGCONT)
        eventually(lambda: state(process.pid) != "T")
        (undone,) = actions.undo(done.action_id, "calm")
        assert undone.outcome is ActuationOutcome.CHANGED


def test_who_was_stopped_by_the_person_before_stays_so(system: System, only: Only) -> None:
    with child(WORKER, lines=2) as process:
        leader, worker = system.family(system.identify([process.pid]))
        os.kill(worker.pid, signal.SIGSTOP)
        eventually(lambda: state(worker.pid) == "T")
        actions = only(ActuatorKind.STOP)
        done = perform(actions, leader, EscalationStep.PAUSE, Resource.MEMORY)
        eventually(lambda: state(leader.pid) == "T")  # a stop may come late
        (undone,) = actions.undo(done.action_id, "calm")
        assert undone.outcome is ActuationOutcome.RESTORED
        eventually(lambda: state(leader.pid) != "T")
        assert state(worker.pid) == "T"


def test_a_job_that_forks_while_it_is_paused_is_paused_whole(system: System, only: Only) -> None:
    with child(FORKS_ON) as process:
        (who,) = system.identify([process.pid])
        eventually(lambda: len(living_in(process.pid)) > 10)
        actions = only(ActuatorKind.STOP)
        done = perform(actions, who, EscalationStep.PAUSE, Resource.MEMORY)
        everybody = living_in(process.pid)
        eventually(lambda: {state(pid) for pid in everybody} == {"T"})
        actions.undo(done.action_id, "calm")
        eventually(lambda: "T" not in {state(pid) for pid in everybody})

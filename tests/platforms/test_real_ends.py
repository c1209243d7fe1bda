"""An end reaches everybody whom the victim has started, on real processes, on each platform."""

import os
import shutil
import signal
from pathlib import Path

import pytest

from omnitray.base.facts import ProcessIdentity, Resource
from omnitray.protector.actuators.actuator import Target
from omnitray.protector.actuators.executor import ActionPerformer
from omnitray.protector.actuators.results import ActionRequest, ActuationOutcome
from omnitray.protector.actuators.system import System
from omnitray.protector.model import EscalationStep
from support.children import child, eventually, living_in, state

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")

IGNORE = "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
# Starts a child a hundred times a second, each of which lives for a while; ignores TERM throughout.
FORKS_ON = f"""
{IGNORE}
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
print(flush=True)
while True:
    if os.fork() == 0:
        time.sleep(1)
        os._exit(0)
    time.sleep(0.01)
"""
ORPHANS = f"""
{IGNORE}
def again(*_):
    for _ in range(3):
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(60)
    os._exit(0)
signal.signal(signal.SIGTERM, again)
print(flush=True)
time.sleep(60)
"""
# A worker that becomes another program when it is told to; both ignore TERM.
BECOMES = f"""
{IGNORE}
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
if os.fork() == 0:
    print(flush=True)
    signal.sigwait([signal.SIGUSR1])
    os.execv("/bin/sleep", ["sleep", "60"])
print(flush=True)
time.sleep(60)
"""
COPIED = f"""
{IGNORE}
os.execv("PLACE", ["sleep", "60"])
"""


def ended(processes: tuple[ProcessIdentity, ...]) -> ActionRequest:
    target = Target(job_key="job", title="a job", processes=processes)
    return ActionRequest(
        target=target, step=EscalationStep.END, resource=Resource.MEMORY, reason="a test"
    )


def test_nobody_outlives_a_victim_that_ignores_term_and_forks_on(
    system: System, actions: ActionPerformer
) -> None:
    with child(FORKS_ON) as process:
        eventually(lambda: len(living_in(process.pid)) > 5)
        (done,) = actions.perform(ended(system.identify([process.pid])))
        assert done.outcome is ActuationOutcome.APPLIED
        before = living_in(process.pid)
        eventually(lambda: len(living_in(process.pid) - before) > 5)  # it forks on
        actions.step(hurry=True)
        eventually(lambda: bool(actions.step().ended))
        assert living_in(process.pid) == set()


def test_what_is_born_while_its_parent_acts_on_term_ends_too(
    system: System, actions: ActionPerformer
) -> None:
    with child(ORPHANS) as process:
        actions.perform(ended(system.identify([process.pid])))
        eventually(lambda: process.poll() is not None)
        assert len(living_in(process.pid)) == 3
        assert actions.step().ended == ()
        actions.step(hurry=True)
        eventually(lambda: bool(actions.step().ended))
        assert living_in(process.pid) == set()


def test_the_parent_of_a_victim_that_forks_on_lives_and_so_do_its_others(
    system: System, actions: ActionPerformer
) -> None:
    code = (
        "import os, time\nif os.fork() == 0:\n    exec(WORKER)\nprint(flush=True); time.sleep(60)"
    )
    with child(f"WORKER = {FORKS_ON!r}\n{code}", lines=2) as process:
        (parent,) = system.identify([process.pid])
        worker = system.family([parent])[1]
        eventually(lambda: len(living_in(process.pid)) > 6)
        actions.perform(ended((worker,)))
        actions.step(hurry=True)
        eventually(lambda: bool(actions.step().ended))
        assert living_in(process.pid) == {parent.pid}
        assert state(parent.pid) == "S"


def test_a_worker_that_has_become_another_program_since_ends_too(
    system: System, actions: ActionPerformer
) -> None:
    with child(BECOMES, lines=2) as process:
        victim, worker = system.family(system.identify([process.pid]))
        actions.perform(ended((victim,)))
        os.kill(worker.pid, signal.SIGUSR1)
        eventually(lambda: program(worker.pid).endswith("sleep"))
        assert actions.step().ended == ()
        actions.step(hurry=True)
        eventually(lambda: bool(actions.step().ended))
        assert living_in(process.pid) == set()


def test_a_victim_whose_program_s_file_is_gone_by_then_is_killed_all_the_same(
    system: System, actions: ActionPerformer, tmp_path: Path
) -> None:
    copy = Path(shutil.copy("/bin/sleep", tmp_path / "sleep"))
    with child(COPIED.replace("PLACE", str(copy)), lines=0) as process:
        eventually(lambda: program(process.pid) == str(copy))
        actions.perform(ended(system.identify([process.pid])))
        copy.unlink()
        assert program(process.pid) == f"{copy} (deleted)"
        actions.step(hurry=True)
        eventually(lambda: bool(actions.step().ended))
        assert living_in(process.pid) == set()


def program(pid: int) -> str:
    return str(Path(f"/proc/{pid}/exe").readlink())

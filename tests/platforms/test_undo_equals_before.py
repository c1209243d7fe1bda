"""After an undo `/proc` is as before, lever by lever, on real processes.

So too of children that were born during the hold, and after OmniTray was killed with `kill -9`. The
levers of units (weight, memory limit, freezer) are compared in a machine of their own
(``tests/systemd``).
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import psutil
import pytest

from omnitray.base.clock import SystemClock
from omnitray.base.facts import Resource
from omnitray.platforms import Platform
from omnitray.protector.actuators.actuator import Target
from omnitray.protector.actuators.executor import ActionPerformer
from omnitray.protector.actuators.journal import ActionJournal
from omnitray.protector.actuators.results import ActionRequest, ActuationOutcome
from omnitray.protector.actuators.system import System
from omnitray.protector.model import ActuatorKind, EscalationStep
from support.children import child, eventually, living_in

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")

ROOT = Path(__file__).parents[2]
Only = Callable[[ActuatorKind], ActionPerformer]
STEPS = {
    ActuatorKind.NICE: (EscalationStep.SLOW_DOWN, Resource.CPU),
    ActuatorKind.AUTOGROUP: (EscalationStep.SLOW_DOWN, Resource.CPU),
    ActuatorKind.IO_CLASS: (EscalationStep.SLOW_DOWN, Resource.DISK),
    ActuatorKind.STOP: (EscalationStep.PAUSE, Resource.MEMORY),
}
# Two processes from the start, and one more each time it is asked for one.
FAMILY = """
import os, signal, time
def born(*_):
    if os.fork() == 0:
        signal.signal(signal.SIGUSR1, signal.SIG_DFL)
        time.sleep(60)
        os._exit(0)
signal.signal(signal.SIGUSR1, born)
born()
print(flush=True)
while True:
    time.sleep(60)
"""
DRIVER = """
import sys, time
from pathlib import Path
import msgspec
from omnitray.base.clock import SystemClock
from omnitray.platforms.linux.platform import LinuxPlatform
from omnitray.platforms.portable import PortablePlatform
from omnitray.protector.actuators.executor import ActionPerformer
from omnitray.protector.actuators.journal import ActionJournal
from omnitray.protector.actuators.results import ActionRequest
platform = {"LinuxPlatform": LinuxPlatform, "PortablePlatform": PortablePlatform}[sys.argv[1]]()
system = platform.system()
levers = [each for each in platform.actuators(system) if each.kind == sys.argv[3]]
actions = ActionPerformer(ActionJournal(Path(sys.argv[2])), levers, system, SystemClock())
order = msgspec.json.decode(sys.argv[4], type=ActionRequest)
(done,) = actions.perform(order)
print(done.outcome.value, "; ".join(done.others.values()), flush=True)
time.sleep(60)
"""


class Standing(msgspec.Struct, frozen=True):
    """What levers change of a process, and what they must not."""

    nice: int
    io: tuple[int, int]
    autogroup: str
    stopped: bool
    policy: int
    cgroup: str
    oom_score_adj: str
    processors: tuple[int, ...]
    limits: str
    session: int


def standing(pid: int) -> Standing:
    """As the kernel shows it."""
    folder, process = Path(f"/proc/{pid}"), psutil.Process(pid)
    stat = (folder / "stat").read_text().rpartition(")")[2].split()
    priority = process.ionice()
    autogroup = ""
    with contextlib.suppress(OSError):  # a kernel without it
        autogroup = (folder / "autogroup").read_text()
    return Standing(
        nice=int(stat[16]),
        io=(int(priority.ioclass), int(priority.value)),
        autogroup=autogroup,
        stopped=stat[0] == "T",
        policy=int(stat[38]),
        cgroup=(folder / "cgroup").read_text(),
        oom_score_adj=(folder / "oom_score_adj").read_text(),
        processors=tuple(process.cpu_affinity() or ()),
        limits=(folder / "limits").read_text(),
        session=int(stat[3]),
    )


def of_all(session: int) -> dict[int, Standing]:
    return {pid: standing(pid) for pid in sorted(living_in(session))}


def order(system: System, pid: int, kind: ActuatorKind) -> ActionRequest:
    step, resource = STEPS[kind]
    target = Target(job_key="job", title="a job", processes=system.identify([pid]))
    return ActionRequest(target=target, step=step, resource=resource, reason="a test")


def bear(pid: int) -> None:
    """Have it start one more."""
    before = len(living_in(pid))
    os.kill(pid, signal.SIGUSR1)
    eventually(lambda: len(living_in(pid)) > before)


@pytest.mark.parametrize("kind", list(STEPS))
def test_an_undo_leaves_every_process_as_it_was_and_its_children_like_it(
    system: System, only: Only, kind: ActuatorKind
) -> None:
    with child(FAMILY) as process:
        os.setpriority(os.PRIO_PROCESS, process.pid, 3)  # a value of its own has to come back
        eventually(lambda: len(living_in(process.pid)) == 2)
        before = of_all(process.pid)
        actions = only(kind)
        (done,) = actions.perform(order(system, process.pid, kind))
        if done.outcome is ActuationOutcome.FAILED:
            assert done.others, "it says why it does not work here"
            assert of_all(process.pid) == before
            return
        assert of_all(process.pid) != before
        if kind is not ActuatorKind.STOP:  # what stands still starts nothing
            bear(process.pid)
        undone = actions.undo(done.action_id, "calm")

        assert [each.outcome for each in undone] == [ActuationOutcome.RESTORED]
        eventually(lambda: not any(each.stopped for each in of_all(process.pid).values()))
        after = of_all(process.pid)
        assert {pid: after[pid] for pid in before} == before
        for pid in after.keys() - before.keys():
            assert after[pid] == before[process.pid], "it was born during the hold"


@pytest.mark.parametrize("kind", list(STEPS))
def test_after_a_kill_of_omnitray_the_next_start_leaves_every_process_as_it_was(
    platform: Platform, system: System, tmp_path: Path, kind: ActuatorKind
) -> None:
    path = tmp_path / "actions.jsonl"
    with child(FAMILY) as process:
        os.setpriority(os.PRIO_PROCESS, process.pid, 3)
        eventually(lambda: len(living_in(process.pid)) == 2)
        before = of_all(process.pid)
        wanted = msgspec.json.encode(order(system, process.pid, kind)).decode()
        command = [sys.executable, "-c", DRIVER, type(platform).__name__, str(path), kind, wanted]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as omnitray:
            assert omnitray.stdout is not None
            outcome, _, why = omnitray.stdout.readline().strip().partition(" ")
            omnitray.kill()
        if outcome == ActuationOutcome.FAILED:
            assert why, "it says why it does not work here"
            assert of_all(process.pid) == before
            return
        assert of_all(process.pid) != before
        if kind is not ActuatorKind.STOP:
            bear(process.pid)
        levers = platform.actuators(system)
        next_run = ActionPerformer(ActionJournal(path), levers, system, SystemClock())
        restored = next_run.restore_after_crash()

        assert [each.outcome for each in restored] == [ActuationOutcome.RESTORED]
        eventually(lambda: not any(each.stopped for each in of_all(process.pid).values()))
        after = of_all(process.pid)
        assert {pid: after[pid] for pid in before} == before
        for pid in after.keys() - before.keys():
            assert after[pid] == before[process.pid], "it was born during the hold"

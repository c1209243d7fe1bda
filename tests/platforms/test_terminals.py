"""What an interactive shell on a real terminal sees of a pause and of an end."""

import contextlib
import os
import pty
import select
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from omnitray.base.facts import ProcessIdentity, Resource
from omnitray.platforms.linux.platform import LinuxPlatform
from omnitray.platforms.linux.proc import Proc
from omnitray.processes.process_roles import ShellJob
from omnitray.protector.actuators.actuator import Target
from omnitray.protector.actuators.executor import ActionPerformer
from omnitray.protector.actuators.results import ActionRequest, ActuationOutcome
from omnitray.protector.actuators.signals import stops_hand_over
from omnitray.protector.actuators.system import System
from omnitray.protector.model import ActuatorKind, EscalationStep
from support.children import eventually

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")

Only = Callable[[ActuatorKind], ActionPerformer]


def children_of(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def name_of(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()


class Shell:
    """An interactive bash on a terminal of its own."""

    def __init__(self) -> None:
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            os.execvpe(  # noqa: S606 - the shell that is looked at
                "bash",
                ["bash", "--norc", "--noprofile", "-i"],
                {**os.environ, "PS1": "READY> ", "TERM": "dumb"},
            )
        self.shown = ""
        self.until("READY> ")

    def type(self, line: str) -> None:
        os.write(self._terminal, f"{line}\n".encode())

    def until(self, wanted: str, timeout_s: float = 20.0) -> None:
        """Read what it shows until this is among it."""
        end = time.monotonic() + timeout_s
        while wanted not in self.shown:
            assert time.monotonic() < end, self.shown
            if select.select([self._terminal], [], [], 0.1)[0]:
                self.shown += os.read(self._terminal, 4096).decode(errors="replace")

    def run(self, command: str) -> ProcessIdentity:
        """Type a command that prints ``up``; the process that the shell waits for."""
        self.type(command)
        self.until("\r\nup")
        (pid,) = children_of(self.pid)
        # Between its fork and its exec a child is still the shell: another program to who asks.
        eventually(lambda: all(name_of(each) == "sleep" for each in children_of(pid)))
        (job,) = Proc().identify([pid])
        return job

    def end(self) -> None:
        for pid in (*Proc().session_members(self.pid), self.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._terminal)


@pytest.fixture
def shell() -> Iterator[Shell]:
    ours = Shell()
    yield ours
    ours.end()


@pytest.fixture
def platform() -> LinuxPlatform:
    return LinuxPlatform()


def order(job: ProcessIdentity, step: EscalationStep) -> ActionRequest:
    target = Target(job_key="job", title="sleep", processes=(job,))
    return ActionRequest(target=target, step=step, resource=Resource.MEMORY, reason="a test")


def test_a_job_that_was_typed_is_known_and_what_it_starts_is_not(
    shell: Shell, system: System
) -> None:
    job = shell.run("sh -c 'sleep 60 & echo up; wait'")
    (below,) = system.family([job])[1:]
    assert system.shell_job(job) is ShellJob.FOREGROUND
    assert system.shell_job(below) is ShellJob.NONE
    (bash,) = system.identify([shell.pid])
    assert system.shell_job(bash) is ShellJob.NONE
    if system.units.why_not():
        assert stops_hand_over(system, [job.pid, below.pid, bash.pid]) == {job.pid}


def test_after_a_stop_it_is_said_that_fg_is_needed_and_never_that_it_is_restored(
    shell: Shell, system: System, only: Only
) -> None:
    # It reads from its terminal when it goes on, as a program does that asks something.
    job = shell.run("sh -c 'trap \"read line\" CONT; sleep 60 & echo up; wait'")
    actions = only(ActuatorKind.STOP)
    (done,) = actions.perform(order(job, EscalationStep.PAUSE))
    assert done.outcome is ActuationOutcome.APPLIED
    shell.until("Stopped")  # the shell has the keyboard now
    (undone,) = actions.undo(done.action_id, "you asked for it")
    assert undone.outcome is ActuationOutcome.WAITS
    assert undone.sentence == "sleep: continued, its terminal has stopped it again: type fg there"
    shell.type("fg")
    eventually(lambda: system.shell_job(job) is ShellJob.FOREGROUND)
    eventually(lambda: not system.is_stopped(job))


def test_one_that_asks_for_no_key_runs_on_in_the_background_and_that_is_said(
    shell: Shell, only: Only
) -> None:
    job = shell.run("sh -c 'sleep 60 & echo up; wait'")
    actions = only(ActuatorKind.STOP)
    (done,) = actions.perform(order(job, EscalationStep.PAUSE))
    shell.until("Stopped")
    (undone,) = actions.undo(done.action_id, "you asked for it")
    assert undone.outcome is ActuationOutcome.RESTORED
    assert undone.notes == ("it runs in the background of its terminal: type fg there",)


def test_an_end_shows_as_an_end_and_not_as_stopped(
    shell: Shell, system: System, actions: ActionPerformer
) -> None:
    job = shell.run("sh -c 'sleep 60 & echo up; wait'")
    (done,) = actions.perform(order(job, EscalationStep.END))
    assert done.outcome is ActuationOutcome.APPLIED
    eventually(lambda: not system.is_there(job))
    shell.until("Terminated")
    shell.type("echo still here")
    shell.until("\r\nstill here")
    assert "Stopped" not in shell.shown

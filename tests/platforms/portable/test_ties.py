"""What psutil can tell of a process's ties: enough to leave alone what may have a window."""

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from omnitray.base.facts import ProcessIdentity
from omnitray.platforms.macos import MacosPlatform
from omnitray.platforms.portable import PortablePlatform
from omnitray.platforms.portable.system import PsutilSystem
from omnitray.platforms.windows import WindowsPlatform
from omnitray.processes.process_roles import Tie
from omnitray.protector.actuators.actuator import CannotPlan, Target
from omnitray.protector.actuators.system import AccessRefused, Gone, Sign
from omnitray.protector.model import ActuatorKind
from support.children import SLEEP, child
from support.psutil_stand_in import StandIn, thing


@contextmanager
def sleeper(**environment: str) -> Iterator[int]:
    command = [sys.executable, "-S", "-c", SLEEP]
    displays = {"DISPLAY": "", "WAYLAND_DISPLAY": ""}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, env={**os.environ, **displays, **environment}
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process.pid
        finally:
            process.kill()


@pytest.mark.parametrize("name", ["DISPLAY", "WAYLAND_DISPLAY"])
def test_a_process_with_a_display_in_its_environment_is_unknown_and_never_paused(name: str) -> None:
    platform = PortablePlatform()
    system = platform.system()
    (stop,) = [each for each in platform.actuators(system) if each.kind is ActuatorKind.STOP]
    with sleeper(**{name: ":7"}) as pid:
        assert platform.ties_of()((pid,)) == {pid: {Tie.UNKNOWN}}
        target = Target(job_key="j", title="a job", processes=system.identify([pid]))
        with pytest.raises(CannotPlan, match=Tie.UNKNOWN):
            stop.plan(target)
    with sleeper() as pid:
        assert platform.ties_of()((pid,)) == {pid: frozenset()}


def test_the_leader_on_a_terminal_that_is_new_is_typed_into() -> None:
    psutil.Process().terminal()  # psutil remembers the terminals of its first answer
    pid, terminal = pty.fork()
    if pid == 0:
        for name in ("DISPLAY", "WAYLAND_DISPLAY"):
            os.environ.pop(name, None)
        os.execv(sys.executable, [sys.executable, "-S", "-c", SLEEP])  # noqa: S606 - the child itself
    os.read(terminal, 1)
    try:
        assert PortablePlatform().ties_of()((pid,)) == {pid: {Tie.TYPED_INTO}}
    finally:
        psutil.Process(pid).kill()
        os.waitpid(pid, 0)
        os.close(terminal)


@pytest.mark.parametrize("kind", [MacosPlatform, WindowsPlatform])
def test_where_every_program_may_have_windows_all_are_unknown(
    kind: type[PortablePlatform],
) -> None:
    with child() as process:
        assert kind().ties_of()((process.pid,)) == {process.pid: {Tie.UNKNOWN}}
        (identity,) = kind().system().identify([process.pid])
        assert kind().system().ties([identity]) == {process.pid: {Tie.UNKNOWN}}


def test_a_process_that_is_gone_has_no_ties_and_one_that_may_not_be_read_is_unknown() -> None:
    stand_in = StandIn()

    def closed() -> None:
        raise psutil.AccessDenied(8)

    stand_in.processes = {8: thing(pid=8, terminal=closed)}
    ties = PsutilSystem(system=stand_in).ties_of((7, 8))
    assert ties == {7: frozenset(), 8: {Tie.UNKNOWN}}


def test_a_refusal_is_a_sentence_and_an_end_is_gone() -> None:
    stand_in = StandIn()

    def refuses() -> None:
        raise psutil.AccessDenied(8)

    known = {"create_time": lambda: 5.0, "status": lambda: "running", "exe": lambda: "/bin/x"}
    stand_in.processes = {8: thing(terminate=refuses, **known)}
    system = PsutilSystem(system=stand_in)
    identity = ProcessIdentity(pid=8, start_ticks=500, exe="/bin/x")
    with pytest.raises(AccessRefused, match="process 8"):
        system.send(identity, Sign.TERM)
    stand_in.processes.clear()
    with pytest.raises(Gone):
        system.send(identity, Sign.TERM)

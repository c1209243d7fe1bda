"""The self-test of the levers at the start: whatever happens, it ends and leaves nothing."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from omnitray.platforms.linux.system import LinuxSystem
from omnitray.platforms.programs import check_actuators, sleeper_command
from omnitray.protector.actuators.executor import linux_actuators
from omnitray.protector.actuators.priority import NiceActuator
from omnitray.protector.actuators.self_test import actuators_report
from support.children import eventually, has_ended
from support.fake_system import FakeSystem

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")

# Starts the sleeper, stops it, says its pid and is gone as by kill -9.
DIES = """
import os, signal, subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, start_new_session=True)
child.stdout.readline()
child.send_signal(signal.SIGSTOP)
print(child.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def system() -> Iterator[LinuxSystem]:
    system = LinuxSystem()
    yield system
    system.close()


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (["/not/there"], "nothing to try it on: No such file or directory"),
        ([sys.executable, "-S", "-c", ""], "the test's own process ended at once"),
    ],
)
def test_without_a_process_to_try_it_on_no_lever_is_said_to_work(
    system: LinuxSystem, command: list[str], why: str
) -> None:
    levers = linux_actuators(system)
    rows = check_actuators(levers, system, lambda: command)
    assert [row.kind for row in rows] == [lever.kind for lever in levers]
    assert {(row.works, row.why_not) for row in rows} == {(False, why)}


def test_it_dies_with_us_even_while_it_is_stopped() -> None:

    command = [sys.executable, "-c", DIES, *sleeper_command()]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    eventually(lambda: has_ended(int(said)))


def test_a_lever_that_would_work_one_way_is_not_used_and_says_so() -> None:
    fake = FakeSystem()
    child = fake.add(50)
    (row,) = actuators_report((NiceActuator(fake),), fake, child.identity)
    assert (row.works, row.why_not) == (False, "nice could not be given back by this user")
    fake.privileged = True
    (row,) = actuators_report((NiceActuator(fake),), fake, fake.add(51).identity)
    assert (row.works, row.note) == (True, "")
    fake.autogroup = {}
    (row,) = actuators_report((NiceActuator(fake),), fake, fake.add(52).identity)
    assert (row.works, row.note) == (True, "acts inside its session only")

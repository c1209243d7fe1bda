"""Starts the child on which the start-up self-test tries the actuators, and ends it."""

import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from omnitray.protector.actuators.actuator import Actuator
from omnitray.protector.actuators.self_test import ActuatorRow, actuators_report, no_child
from omnitray.protector.actuators.system import System

_BEGINS_WITHIN_S = 5.0
# Dies with us even while it is stopped (PR_SET_PDEATHSIG; elsewhere it just sleeps its time out).
_SLEEPER = """
import time
try:
    import ctypes
    ctypes.CDLL(None).prctl(1, 9)
except (ImportError, OSError, AttributeError, TypeError):
    pass
print(flush=True)
time.sleep(60)
"""


def sleeper_command() -> list[str]:
    """A small Python that sleeps."""
    return [sys.executable, "-I", "-S", "-c", _SLEEPER]


def check_actuators(
    actuators: tuple[Actuator, ...],
    system: System,
    command: Callable[[], list[str]] = sleeper_command,
) -> tuple[ActuatorRow, ...]:
    """Which actuators work here. Blocks for about 0.1 s: not for the main thread."""
    try:
        with _child(command()) as pid:
            child = system.identify([pid] if pid else [])
            if child:
                return actuators_report(actuators, system, child[0])
    except OSError as error:
        return no_child(actuators, f"nothing to try it on: {error.strerror}")
    return no_child(actuators, "the test's own process ended at once")


@contextmanager
def _child(command: list[str]) -> Iterator[int | None]:
    """Its pid; None where it has ended, which shows on its output before the pid is gone."""
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as child:
        try:
            yield child.pid if _has_begun(child) else None
        finally:
            child.kill()


def _has_begun(child: "subprocess.Popen[bytes]") -> bool:
    """Whether it runs its own program, not a copy of ours; also true after 5 s without a word."""
    if child.stdout is None:
        return False
    if hasattr(select, "poll"):  # elsewhere only sockets can be waited for
        ready, _, _ = select.select([child.stdout], [], [], _BEGINS_WITHIN_S)
        if not ready:
            return True
    return bool(child.stdout.readline())

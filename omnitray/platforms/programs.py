"""What Linux and the portable platform do alike: our priority, programs, the self-test's child.

Other people's programs run without a shell and without input, and never without a time limit.

The start-up self-test tries the actuators on a child that is started and ended here.
"""

import logging
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from omnitray.base import process_environment
from omnitray.base.bounded import open_reader
from omnitray.cleanup.search import CommandResult, Tools
from omnitray.protector.actuators.actuator import Actuator
from omnitray.protector.actuators.self_test import ActuatorRow, actuators_report, no_child
from omnitray.protector.actuators.system import System

_log = logging.getLogger(__name__)
LIMIT_S = 600.0  # emptying a large cache on a slow disk takes minutes
NOT_RUN = 127
_TEXT = 64 * 1024  # bytes: no settings file of an OOM daemon is as long


class PathPrograms:
    """Programs on the person's PATH, started in the home folder."""

    def __init__(self, limit_s: float = LIMIT_S, home: Path | None = None) -> None:
        self._limit_s = limit_s
        self._home = home or process_environment.home()

    def has(self, name: str) -> bool:
        """Whether it is there."""
        return shutil.which(name) is not None

    def run(self, command: Sequence[str]) -> CommandResult:
        """Run it to its end. What it says in errors counts only when it says nothing else."""
        program = shutil.which(command[0])
        if program is None:
            return CommandResult(NOT_RUN, f"{command[0]}: not found")
        try:
            done = subprocess.run(
                [program, *command[1:]],
                cwd=self._home,
                env=os.environ | {"LC_ALL": "C.UTF-8", "NO_COLOR": "1"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=self._limit_s,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            _log.info("%s did not answer: %s", command[0], error)
            return CommandResult(NOT_RUN, str(error))
        output = done.stdout.strip() or done.stderr.strip()
        return CommandResult(done.returncode, output.decode(errors="replace"))


def programs() -> Tools:
    """The programs of this machine."""
    return PathPrograms()


def small_text(path: str) -> str:
    """A small file's text, such as a program's settings; empty where it cannot be read.

    Another user's command line may name any path: a FIFO, a device.
    """
    try:
        with open_reader(path) as file:
            return file.read(_TEXT).decode(errors="replace")
    except OSError:
        return ""


def keep_own_priority() -> str | None:
    """Return to nice 0 where that is allowed; a sentence where it is not.

    Started at a lower priority (by a desktop's autostart, or from a shell that was), the program
    would stall just when it is needed. An unprivileged process cannot raise itself.
    """
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    if nice <= 0:
        return None
    try:
        os.setpriority(os.PRIO_PROCESS, 0, 0)
    except PermissionError:
        return f"started at priority {nice}, which only an administrator can raise again"
    return None


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

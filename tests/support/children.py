"""Real children of a test that do what they are told, and all of their session ends with it."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from omnitray.base.facts import ProcessIdentity, Resource
from omnitray.protector.actuators.actuator import Target
from omnitray.protector.actuators.results import ActionRequest
from omnitray.protector.actuators.system import System
from omnitray.protector.model import EscalationStep

PATIENCE_S = 20.0
SLEEP = "import time; print(flush=True); time.sleep(60)"


def eventually(what: Callable[[], bool]) -> None:
    """Wait until it is true."""
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.005)


def has_ended(pid: int) -> bool:
    """Whether it is gone, or only waits for whoever inherited it to reap it."""
    try:
        return state(pid) == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@contextmanager
def child(code: str = SLEEP, lines: int = 1) -> Iterator[subprocess.Popen[bytes]]:
    """A Python of its own session that has begun: it has printed so many lines.

    It has no display: where nothing tells more, one with a display counts as having a window.
    """
    command = [sys.executable, "-I", "-S", "-c", code]
    displays = {"DISPLAY", "WAYLAND_DISPLAY"}
    environment = {name: value for name, value in os.environ.items() if name not in displays}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, start_new_session=True, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            for _ in range(lines):
                process.stdout.readline()
            yield process
        finally:
            end_session(process.pid)


def end_session(session: int) -> None:
    """Kill everything in it, also what forks and what is stopped."""
    while living := living_in(session):
        for pid in living:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def living_in(session: int) -> set[int]:
    """Pids of the session that live."""
    return {
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and _is_of(entry, session)
    }


def state(pid: int) -> str:
    """``T`` when it is stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def _is_of(entry: Path, session: int) -> bool:
    try:
        fields = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return False
    return fields[3] == str(session) and fields[0] not in {"Z", "X"}


def identity(system: System, process: subprocess.Popen[bytes]) -> ProcessIdentity:
    """The child as the platform tells it apart."""
    (found,) = system.identify([process.pid])
    return found


def order(
    processes: tuple[ProcessIdentity, ...], step: EscalationStep, resource: Resource = Resource.CPU
) -> ActionRequest:
    """An order for these processes, as one job."""
    target = Target(job_key="job", title="a job", processes=processes)
    return ActionRequest(target=target, step=step, resource=resource, reason="a test")

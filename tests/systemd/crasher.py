"""Takes hold of the process named in its arguments, and is killed.

With ``pause`` it waits for that, with ``half`` it does it itself, in the middle: the process has
been adopted into a scope, and the weight not yet been set.
"""
# ruff: noqa: T201 - what it prints is what it is for

import os
import signal
import sys
import time
from pathlib import Path

from omnitray.base.clock import SystemClock
from omnitray.base.facts import Resource
from omnitray.platforms.linux.platform import LinuxPlatform
from omnitray.platforms.linux.system import LinuxSystem
from omnitray.platforms.linux.units import UserUnits
from omnitray.protector.actuators.actuator import Target
from omnitray.protector.actuators.executor import ActionPerformer
from omnitray.protector.actuators.journal import ActionJournal
from omnitray.protector.actuators.results import ActionRequest
from omnitray.protector.model import EscalationStep

linux = LinuxPlatform()

PATIENCE_S = 60.0  # everything is slow on an emulated machine


class HalfUnits(UserUnits):
    """Units that end this program when it comes to the weight."""

    def set_cpu_weight(self, unit: str, weight: int | None) -> None:
        """No more."""
        del unit, weight
        os.kill(os.getpid(), signal.SIGKILL)


def main(journal: Path, pid: int, step: EscalationStep) -> None:
    """Act on it by whatever lever comes first here."""
    system = LinuxSystem(patience_s=PATIENCE_S)
    if step is EscalationStep.SLOW_DOWN:
        system.units.__class__ = HalfUnits
    guard = linux.watchdog(journal)
    actions = ActionPerformer(
        ActionJournal(journal), linux.actuators(system), system, SystemClock(), guard
    )
    target = Target(job_key="crash", title="a job", processes=system.identify([pid]))
    order = ActionRequest(target=target, step=step, resource=Resource.MEMORY, reason="a test")
    (done,) = actions.perform(order)
    actions.step()
    print(done.lever, flush=True)
    time.sleep(600)


if __name__ == "__main__":
    step = EscalationStep.SLOW_DOWN if sys.argv[1] == "half" else EscalationStep.PAUSE
    main(Path(sys.argv[2]), int(sys.argv[3]), step)

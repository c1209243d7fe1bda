"""Pauses the process named in its argument and waits to be killed; says the guardian's pid."""
# ruff: noqa: T201 - what it prints is what it is for

import sys
import time
from pathlib import Path

from omnitray.core.acting.deed import Order
from omnitray.core.acting.journal import Journal
from omnitray.core.acting.lever import Target
from omnitray.core.actions import Actions
from omnitray.core.clock import SystemClock
from omnitray.core.deciding.identity import Rung
from omnitray.core.facts import Resource
from omnitray.platforms import linux
from omnitray.platforms._linux_levers import LinuxSystem

PATIENCE_S = 60.0  # everything is slow on an emulated machine


def main(journal: Path, pid: int) -> None:
    """Pause it by whatever lever comes first here."""
    system = LinuxSystem(patience_s=PATIENCE_S)
    guard = linux.guardian(journal)
    actions = Actions(Journal(journal), linux.levers(system), system, SystemClock(), guard)
    target = Target(job_key="crash", title="a job", processes=system.identify([pid]))
    order = Order(target=target, rung=Rung.PAUSE, resource=Resource.MEMORY, reason="a test")
    (done,) = actions.perform(order)
    actions.step()
    print(done.lever, flush=True)
    time.sleep(600)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))

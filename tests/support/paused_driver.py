"""A program that pauses the processes named in its arguments and waits to be killed.

``python paused_driver.py JOURNAL PID...``: prints the watchdog's pid when all of them stand still.
"""

import sys
import time
from pathlib import Path

from omnitray.base.clock import SystemClock
from omnitray.base.facts import Resource
from omnitray.platforms import current
from omnitray.platforms.watchdog import WatchdogKeeper
from omnitray.protector.actuators.actuator import Target
from omnitray.protector.actuators.executor import ActionPerformer
from omnitray.protector.actuators.journal import ActionJournal
from omnitray.protector.actuators.results import ActionRequest
from omnitray.protector.model import EscalationStep


def main(journal: Path, pids: list[int]) -> None:
    platform = current()
    system, keeper = platform.system(), platform.watchdog(journal)
    assert isinstance(keeper, WatchdogKeeper)
    actions = ActionPerformer(
        ActionJournal(journal), platform.actuators(system), system, SystemClock(), keeper
    )
    target = Target(job_key="job", title="a job", processes=system.identify(pids))
    actions.perform(
        ActionRequest(
            target=target, step=EscalationStep.PAUSE, resource=Resource.MEMORY, reason="a test"
        )
    )
    print(keeper.pid, flush=True)  # noqa: T201 - what the test waits for
    while True:
        time.sleep(0.05)
        actions.step()
        print(keeper.pid, flush=True)  # noqa: T201 - likewise


if __name__ == "__main__":
    main(Path(sys.argv[1]), [int(pid) for pid in sys.argv[2:]])

"""A task at logon that runs OmniTray headless. Never run on Windows yet.

A task of the scheduler and not a service of the system: those run as another user, without this
one's session and files.
"""

import subprocess
from collections.abc import Sequence

from omnitray.platforms._service import Runner, ServiceReport, report, run

TASK = "OmniTray headless"


def service(command: Sequence[str], template: str) -> "ScheduledTask":
    """The task of this user; ``template`` is systemd's and not used."""
    del template
    return ScheduledTask(command)


class ScheduledTask:
    """A :class:`~omnitray.platforms._service.Service` by schtasks.exe."""

    def __init__(self, command: Sequence[str], runner: Runner = run) -> None:
        self._line = subprocess.list2cmdline([*command, "--headless"])
        self._run = runner

    def install(self) -> ServiceReport:
        """Create the task and run it."""
        created = self._run(
            (
                *("schtasks", "/Create", "/F", "/TN", TASK, "/SC", "ONLOGON"),
                *("/RL", "LIMITED", "/TR", self._line),
            )
        )
        started = self._run(("schtasks", "/Run", "/TN", TASK))
        return report([(f"created the task {TASK!r}", created), ("started it", started)])

    def remove(self) -> ServiceReport:
        """End the task and delete it."""
        ended = self._run(("schtasks", "/End", "/TN", TASK))
        deleted = self._run(("schtasks", "/Delete", "/F", "/TN", TASK))
        return report([("ended it", ended), (f"deleted the task {TASK!r}", deleted)])

    def status(self) -> ServiceReport:
        """Whether the task is there."""
        found = self._run(("schtasks", "/Query", "/TN", TASK))
        return ServiceReport(works=found.works, done=(found.said or "not installed",))

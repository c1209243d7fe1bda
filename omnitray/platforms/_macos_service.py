"""A LaunchAgent that keeps OmniTray running headless. Never run on a Mac yet."""

import os
import plistlib
from collections.abc import Sequence
from pathlib import Path

from omnitray.base.durable import StorageError, make_folder, write_atomic
from omnitray.platforms._service import Ran, Runner, ServiceReport, report, run

LABEL = "org.omnitray.headless"


def service(command: Sequence[str], template: str) -> "LaunchdService":
    """The agent of this user; ``template`` is systemd's and not used."""
    del template
    return LaunchdService(Path.home() / "Library" / "LaunchAgents", command)


class LaunchdService:
    """A :class:`~omnitray.platforms._service.Service` by launchctl(1)."""

    def __init__(self, folder: Path, command: Sequence[str], runner: Runner = run) -> None:
        self._file = folder / f"{LABEL}.plist"
        self._command = [*command, "--headless"]
        self._run = runner
        self._domain = f"gui/{os.getuid()}"

    def install(self) -> ServiceReport:
        """Write the agent and load it."""
        agent = {
            "Label": LABEL,
            "ProgramArguments": self._command,
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "ProcessType": "Interactive",
            "Umask": 0o077,
        }
        try:
            make_folder(self._file.parent)
            write_atomic(self._file, plistlib.dumps(agent))
        except StorageError as error:
            return ServiceReport(works=False, done=(f"{error}",))
        loaded = self._run(("launchctl", "bootstrap", self._domain, str(self._file)))
        return report([(f"wrote {self._file}", Ran(works=True, said="")), ("loaded it", loaded)])

    def remove(self) -> ServiceReport:
        """Unload the agent and remove its file."""
        if not self._file.exists():
            return ServiceReport(done=("there is no service to remove",))
        unloaded = self._run(("launchctl", "bootout", f"{self._domain}/{LABEL}"))
        self._file.unlink(missing_ok=True)
        removed = (f"removed {self._file}", Ran(works=True, said=""))
        return report([("unloaded it", unloaded), removed])

    def status(self) -> ServiceReport:
        """Whether it is there and loaded."""
        if not self._file.exists():
            return ServiceReport(works=False, done=("not installed",))
        found = self._run(("launchctl", "print", f"{self._domain}/{LABEL}"))
        return ServiceReport(
            works=found.works, done=(f"{self._file}", "loaded" if found.works else "not loaded")
        )

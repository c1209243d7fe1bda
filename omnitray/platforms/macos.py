"""macOS: the portable platform with launchd's agents. Never run on a Mac.

Whether a program has a window cannot be seen from outside, so that none is paused by itself.

A LaunchAgent (launchd.plist(5)) that starts the tray at login is written and removed as a file
only: launchd reads ``~/Library/LaunchAgents`` at the next login. ``Disabled`` in it is respected.
"""

import os
import plistlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

import psutil

from omnitray.base.bounded import read_bounded
from omnitray.base.durable import StorageError, make_folder, write_atomic
from omnitray.base.process_environment import home
from omnitray.platforms.autostart import (
    Autostart,
    Ran,
    Runner,
    Service,
    ServiceReport,
    remove_entry,
    report,
    run,
    write_entry,
)
from omnitray.platforms.portable import PortablePlatform
from omnitray.platforms.portable.system import all_unknown
from omnitray.processes.process_roles import Tie
from omnitray.protector.exclusions.common import ProgramTables
from omnitray.protector.exclusions.programs import MACOS

LABEL = "org.omnitray.OmniTray"
HEADLESS_LABEL = "org.omnitray.headless"


class MacosPlatform(PortablePlatform):
    """What differs from the portable platform."""

    def has_display(self, environment: Mapping[str, str] = os.environ) -> bool:
        """Always, but for a login over the network: it has no window server."""
        return "SSH_CONNECTION" not in environment

    def autostart(self, command: Sequence[str], /) -> Autostart:
        """A LaunchAgent."""
        return MacAutostart(_agents(), command)

    def service(self, command: Sequence[str], template: str, /) -> Service:
        """A LaunchAgent that launchctl loads; ``template`` is systemd's and not used."""
        del template
        return LaunchdService(_agents(), command)

    def protected_programs(self) -> ProgramTables:
        """Those of macOS."""
        return MACOS

    def _ties(self, process: psutil.Process) -> frozenset[Tie]:
        return all_unknown(process)


def _agents() -> Path:
    return home() / "Library" / "LaunchAgents"


class MacAutostart:
    """An :class:`~omnitray.platforms.autostart.Autostart` by a property list in ``folder``."""

    def __init__(self, folder: Path, command: Sequence[str]) -> None:
        self._file = folder / f"{LABEL}.plist"
        self._command = list(command)

    def is_enabled(self) -> bool:
        """Whether the agent is there, runs at load and is not disabled."""
        agent = self._read()
        return bool(agent.get("RunAtLoad")) and not agent.get("Disabled")

    def enable(self) -> None:
        """Write the agent; raises AutostartError."""
        agent = {
            "Label": LABEL,
            "ProgramArguments": self._command,
            "RunAtLoad": True,
            "ProcessType": "Interactive",  # not throttled as a background job would be
        }
        write_entry(self._file, plistlib.dumps(agent))

    def disable(self) -> None:
        """Remove the agent; raises AutostartError."""
        remove_entry(self._file)

    def heal(self) -> bool:
        """Write the agent again when its program is gone."""
        command = self._read().get("ProgramArguments") or []
        if not self.is_enabled() or not command or Path(command[0]).exists():
            return False
        self.enable()
        return True

    def _read(self) -> dict[str, Any]:
        try:
            agent = plistlib.loads(read_bounded(self._file, 1_000_000))
        except (OSError, ValueError, ExpatError):  # ValueError covers plistlib's own error
            return {}
        return agent if isinstance(agent, dict) else {}


class LaunchdService:
    """A :class:`~omnitray.platforms.autostart.Service` by launchctl(1)."""

    def __init__(self, folder: Path, command: Sequence[str], runner: Runner = run) -> None:
        self._file = folder / f"{HEADLESS_LABEL}.plist"
        self._command = [*command, "--headless"]
        self._run = runner
        self._domain = f"gui/{os.getuid()}"

    def install(self) -> ServiceReport:
        """Write the agent and load it."""
        agent = {
            "Label": HEADLESS_LABEL,
            "ProgramArguments": self._command,
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "ProcessType": "Interactive",
            "Umask": 0o077,
        }
        try:
            make_folder(self._file.parent)
            write_atomic(self._file, plistlib.dumps(agent), follow=True)
        except StorageError as error:
            return ServiceReport(works=False, done=(f"{error}",))
        loaded = self._run(("launchctl", "bootstrap", self._domain, str(self._file)))
        return report([(f"wrote {self._file}", Ran(works=True, said="")), ("loaded it", loaded)])

    def remove(self) -> ServiceReport:
        """Unload the agent and remove its file."""
        if not self._file.exists():
            return ServiceReport(done=("there is no service to remove",))
        unloaded = self._run(("launchctl", "bootout", f"{self._domain}/{HEADLESS_LABEL}"))
        self._file.unlink(missing_ok=True)
        removed = (f"removed {self._file}", Ran(works=True, said=""))
        return report([("unloaded it", unloaded), removed])

    def is_installed(self) -> bool:
        """Whether it is there, running or not."""
        return self._file.exists()

    def status(self) -> ServiceReport:
        """Whether it is there and loaded."""
        if not self._file.exists():
            return ServiceReport(works=False, done=("not installed",))
        found = self._run(("launchctl", "print", f"{self._domain}/{HEADLESS_LABEL}"))
        return ServiceReport(
            works=found.works, done=(f"{self._file}", "loaded" if found.works else "not loaded")
        )

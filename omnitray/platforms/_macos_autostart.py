"""Start at login by a LaunchAgent (launchd.plist(5)) of this user. Never run on a Mac yet.

The agent is written and removed as a file only: launchd reads ``~/Library/LaunchAgents`` at the
next login, which is when it is wanted. ``Disabled`` in the file is respected.
"""

import plistlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

from omnitray.base.durable import StorageError, make_folder, write_atomic
from omnitray.platforms._autostart import AutostartError

LABEL = "org.omnitray.OmniTray"


def autostart(command: Sequence[str]) -> "MacAutostart":
    """The agent of this user; ``command`` is what launchd is to run."""
    return MacAutostart(Path.home() / "Library" / "LaunchAgents", command)


class MacAutostart:
    """An :class:`~omnitray.platforms._autostart.Autostart` by a property list in ``folder``."""

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
        try:
            make_folder(self._file.parent)
            write_atomic(self._file, plistlib.dumps(agent))
        except StorageError as error:
            raise AutostartError(str(error)) from error

    def disable(self) -> None:
        """Remove the agent; raises AutostartError."""
        try:
            self._file.unlink(missing_ok=True)
        except OSError as error:
            raise AutostartError(f"{self._file} cannot be removed: {error.strerror}") from error

    def heal(self) -> bool:
        """Write the agent anew when its program is gone."""
        command = self._read().get("ProgramArguments") or []
        if not self.is_enabled() or not command or Path(command[0]).exists():
            return False
        self.enable()
        return True

    def _read(self) -> dict[str, Any]:
        try:
            agent = plistlib.loads(self._file.read_bytes())
        except (OSError, ValueError, ExpatError):  # ValueError covers plistlib's own error
            return {}
        return agent if isinstance(agent, dict) else {}

"""A systemd user unit; its text is the resource ``service/omnitray.service``."""

import os
from collections.abc import Sequence
from pathlib import Path

from omnitray.base.durable import StorageError, make_folder, write_atomic
from omnitray.platforms.linux.autostart import config_home
from omnitray.platforms.service import Ran, Runner, ServiceReport, report, run

UNIT = "omnitray.service"
CTL = ("systemctl", "--user")


def service(command: Sequence[str], template: str) -> "SystemdService":
    """The unit of this user."""
    return SystemdService(config_home(os.environ) / "systemd" / "user", command, template)


class SystemdService:
    """A :class:`~omnitray.platforms.service.Service` by a unit file in ``folder``."""

    def __init__(
        self, folder: Path, command: Sequence[str], template: str, runner: Runner = run
    ) -> None:
        self._file = folder / UNIT
        self._text = template.replace("@COMMAND@", " ".join(_quoted(word) for word in command))
        self._run = runner

    def install(self) -> ServiceReport:
        """Write the unit, enable and start it."""
        try:
            make_folder(self._file.parent)
            write_atomic(self._file, self._text.encode(), follow=True)
        except StorageError as error:
            return ServiceReport(works=False, done=(f"{error}",))
        return report(
            [
                (f"wrote {self._file}", Ran(works=True, said="")),
                ("systemd read it", self._run((*CTL, "daemon-reload"))),
                ("enabled and started it", self._run((*CTL, "enable", "--now", UNIT))),
            ]
        )

    def remove(self) -> ServiceReport:
        """Stop and disable the unit, remove its file."""
        if not self._file.exists():
            return ServiceReport(done=("there is no service to remove",))
        stopped = self._run((*CTL, "disable", "--now", UNIT))
        try:
            self._file.unlink(missing_ok=True)
        except OSError as error:
            return ServiceReport(works=False, done=(f"{self._file}: {error.strerror}",))
        return report(
            [
                ("stopped and disabled it", stopped),
                (f"removed {self._file}", Ran(works=True, said="")),
                ("systemd forgot it", self._run((*CTL, "daemon-reload"))),
            ]
        )

    def is_installed(self) -> bool:
        """Whether it is there, running or not."""
        return self._file.exists()

    def status(self) -> ServiceReport:
        """Whether it is there, enabled, and runs."""
        if not self._file.exists():
            return ServiceReport(works=False, done=("not installed",))
        enabled = self._run((*CTL, "is-enabled", UNIT)).said or "unknown"
        active = self._run((*CTL, "is-active", UNIT))
        return ServiceReport(
            works=active.works, done=(f"{self._file}", enabled, active.said or "unknown")
        )


def _quoted(word: str) -> str:
    """As systemd.syntax(7) wants it in ExecStart; % and $ have meanings of their own there."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if any(mark in word for mark in " \t'\"\\;") else escaped

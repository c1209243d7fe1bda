"""Start at login by an XDG autostart entry, and as a service by a systemd user unit.

The entry (Desktop Application Autostart Specification 0.5) is ``omnitray.desktop`` in
``$XDG_CONFIG_HOME/autostart``. A desktop may switch it off by
``Hidden=true`` or ``X-GNOME-Autostart-enabled=false``; that is respected and kept until the person
asks for it again. ``Exec`` is quoted as the Desktop Entry Specification 1.5 wants it. The unit's
text is the resource ``service/omnitray.service``.
"""

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from omnitray.base.bounded import read_bounded
from omnitray.base.durable import StorageError, make_folder, write_atomic
from omnitray.base.process_environment import home
from omnitray.platforms.autostart import AutostartError, Ran, Runner, ServiceReport, report, run

_NAME = "omnitray.desktop"
_MOST_BYTES = 1_000_000
_RESERVED = re.compile(r"[\s\"'\\><~|&;$*?#()`]")
_ESCAPED_IN_QUOTES = re.compile(r'(["`$\\])')
_UNESCAPED = re.compile(r"\\(.)")
_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')

_ENTRY = """[Desktop Entry]
Type=Application
Version=1.5
Name=OmniTray
Comment=Keeps the machine usable while tests, builds and agents run wild on it
Exec={command}
Icon=omnitray
Terminal=false
X-GNOME-Autostart-enabled=true
"""
UNIT = "omnitray.service"
CTL = ("systemctl", "--user")


def autostart(command: Sequence[str]) -> "LinuxAutostart":
    """The entry of this user; ``command`` is what the session is to run."""
    return LinuxAutostart(config_home(os.environ) / "autostart", command)


def config_home(environment: Mapping[str, str]) -> Path:
    """``$XDG_CONFIG_HOME``; a relative one does not count (Base Directory Specification)."""
    given = Path(environment.get("XDG_CONFIG_HOME", ""))
    return given if given.is_absolute() else home() / ".config"


class LinuxAutostart:
    """An :class:`~omnitray.platforms.autostart.Autostart` by a file in ``folder``."""

    def __init__(self, folder: Path, command: Sequence[str]) -> None:
        self._file = folder / _NAME
        self._command = tuple(command)

    def is_enabled(self) -> bool:
        """Whether the entry is there and not switched off."""
        entry = self._read()
        if not entry.get("Exec"):
            return False
        hidden = entry.get("Hidden", "false").lower() == "true"
        return not hidden and entry.get("X-GNOME-Autostart-enabled", "true").lower() != "false"

    def enable(self) -> None:
        """Write the entry; raises AutostartError."""
        text = _ENTRY.format(command=exec_value(self._command))
        try:
            make_folder(self._file.parent)
            write_atomic(self._file, text.encode(), follow=True)
        except StorageError as error:
            raise AutostartError(str(error)) from error

    def disable(self) -> None:
        """Remove the entry; raises AutostartError."""
        try:
            self._file.unlink(missing_ok=True)
        except OSError as error:
            raise AutostartError(f"{self._file} cannot be removed: {error.strerror}") from error

    def heal(self) -> bool:
        """Write the entry again when its program is gone (moved, or installed elsewhere)."""
        command = parsed_exec(self._read().get("Exec", ""))
        if not self.is_enabled() or not command or shutil.which(command[0]):
            return False
        self.enable()
        return True

    def _read(self) -> dict[str, str]:
        try:
            text = read_bounded(self._file, _MOST_BYTES).decode(errors="replace")
        except OSError:
            return {}
        return main_group(text)


def exec_value(command: Sequence[str]) -> str:
    """The value of ``Exec`` for a command; raises AutostartError for what no entry can hold."""
    if any("\n" in word or "\r" in word for word in command):
        raise AutostartError("a program with a line break in its path cannot start at login")
    line = " ".join(_quoted(word) for word in command)
    # Escapes of the value itself come on top of those of the arguments.
    return line.replace("\\", "\\\\")


def parsed_exec(value: str) -> list[str]:
    """The command in an ``Exec`` value, without field codes."""
    line = _UNESCAPED.sub(r"\1", value)
    words = [
        _UNESCAPED.sub(r"\1", quoted) if quoted else plain for quoted, plain in _WORD.findall(line)
    ]
    return [word.replace("%%", "%") for word in words if not re.fullmatch(r"%[a-zA-Z]", word)]


def _quoted(word: str) -> str:
    word = word.replace("%", "%%")
    if word and not _RESERVED.search(word):
        return word
    return '"' + _ESCAPED_IN_QUOTES.sub(r"\\\1", word) + '"'


def main_group(text: str) -> dict[str, str]:
    """The keys of ``[Desktop Entry]``; of a key that stands there twice the first counts."""
    entry: dict[str, str] = {}
    inside = False
    for line in text.splitlines():
        if line.startswith("["):
            inside = line.strip() == "[Desktop Entry]"
        elif inside and "=" in line and not line.startswith("#"):
            key, _equals, value = line.partition("=")
            entry.setdefault(key.strip(), value.strip())
    return entry


def service(command: Sequence[str], template: str) -> "SystemdService":
    """The unit of this user."""
    return SystemdService(config_home(os.environ) / "systemd" / "user", command, template)


class SystemdService:
    """A :class:`~omnitray.platforms.autostart.Service` by a unit file in ``folder``."""

    def __init__(
        self, folder: Path, command: Sequence[str], template: str, runner: Runner = run
    ) -> None:
        self._file = folder / UNIT
        self._text = template.replace(
            "@COMMAND@", " ".join(_quoted_for_unit(word) for word in command)
        )
        self._run = runner

    def install(self) -> ServiceReport:
        """Write the unit, enable and start it; nothing where no manager would read it."""
        if why := self._why_not():
            return ServiceReport(works=False, done=(why,))
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

    def _why_not(self) -> str:
        """Why no systemd of this user would run the unit; empty where one answers."""
        asked = self._run((*CTL, "show-environment"))
        if asked.works:
            return ""
        return (
            "no service was installed: no systemd of this user answers here"
            f" ({asked.said}); start OmniTray at login instead, from its menu, or with: omnitray"
            " --headless"
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


def _quoted_for_unit(word: str) -> str:
    """As systemd.syntax(7) wants it in ExecStart; % and $ have meanings of their own there."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if any(mark in word for mark in " \t'\"\\;") else escaped

"""Start at login by an XDG entry, as a service by a systemd user unit, and the entry in the menu.

The entry (Desktop Application Autostart Specification 0.5) is ``omnitray.desktop`` in
``$XDG_CONFIG_HOME/autostart``. A desktop may switch it off by
``Hidden=true`` or ``X-GNOME-Autostart-enabled=false``; that is respected and kept until the person
asks for it again. ``Exec`` is quoted as the Desktop Entry Specification 1.5 wants it. The unit's
text is the resource ``service/omnitray.service``.

The menu has a desktop entry and icons in the user's data folder: ``applications/omnitray.desktop``
(Desktop Entry Specification 1.5) and ``icons/hicolor/SIZE/apps/omnitray.png`` (Icon Theme
Specification 0.13) below ``$XDG_DATA_HOME``, the text and the pictures being our resources. Nothing
is written where a folder of ``$XDG_DATA_DIRS`` has the entry already. What is ours is marked in the
entry, and only that is rewritten or removed: a person's own version stays.
"""

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from omnitray.base.bounded import read_bounded
from omnitray.base.durable import StorageError, make_folder, write_atomic
from omnitray.base.process_environment import home
from omnitray.platforms.autostart import (
    AutostartError,
    MenuEntry,
    NoMenuEntry,
    Ran,
    Runner,
    ServiceReport,
    remove_entry,
    report,
    run,
    write_entry,
)

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
        write_entry(self._file, text.encode())

    def disable(self) -> None:
        """Remove the entry; raises AutostartError."""
        remove_entry(self._file)

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


NAME = "omnitray.desktop"
MARK = "X-OmniTray-Written"
_MOST_ENTRY_BYTES = 1_000_000
_SYSTEM = "/usr/local/share:/usr/share"  # the default of the Base Directory Specification


def menu_entry(command: Sequence[str], resources: Path) -> MenuEntry:
    """The entry of this user; ``resources`` holds ``omnitray.desktop`` and ``icons``.

    None where ``OMNITRAY_HOME`` puts everything below one folder: nothing is written elsewhere.
    """
    if os.environ.get("OMNITRAY_HOME"):
        return NoMenuEntry()
    system = os.environ.get("XDG_DATA_DIRS") or _SYSTEM
    folders = [each for each in map(Path, system.split(os.pathsep)) if each.is_absolute()]
    return LinuxMenuEntry(data_home(os.environ), folders, command, resources)


def data_home(environment: Mapping[str, str]) -> Path:
    """``$XDG_DATA_HOME``; a relative one does not count."""
    given = Path(environment.get("XDG_DATA_HOME", ""))
    return given if given.is_absolute() else home() / ".local" / "share"


class LinuxMenuEntry:
    """A :class:`~omnitray.platforms.autostart.MenuEntry` by files below ``folder``."""

    def __init__(
        self, folder: Path, system: Sequence[Path], command: Sequence[str], resources: Path
    ) -> None:
        self._folder = folder
        self._entry = folder / "applications" / NAME
        self._system = tuple(system)
        self._command = tuple(command)
        self._resources = resources

    def ensure(self) -> bool:
        """Write entry and icons where there are none, or where the entry's program is gone."""
        if any((each / "applications" / NAME).is_file() for each in self._system):
            return False
        found = self._read()
        if found and (MARK not in found or self._is_current(found)):
            return False
        try:
            for target, picture in self._icons().items():
                make_folder(target.parent)
                write_atomic(target, picture.read_bytes(), sync=False)
            make_folder(self._entry.parent)
            write_atomic(self._entry, self._text().encode(), sync=False)
        except StorageError as error:
            raise OSError(str(error)) from error
        return True

    def present(self) -> tuple[Path, ...]:
        """Entry and icons, when the entry is ours."""
        if MARK not in self._read():
            return ()
        return tuple(each for each in (self._entry, *self._icons()) if each.is_file())

    def remove(self) -> tuple[Path, ...]:
        """Take them away, the entry last: an attempt that fails can be made again."""
        there = self.present()
        for each in reversed(there):
            each.unlink(missing_ok=True)
        return there

    def _icons(self) -> dict[Path, Path]:
        """Where each picture goes."""
        theme = self._folder / "icons" / "hicolor"
        places: dict[Path, Path] = {}
        for picture in sorted((self._resources / "icons").iterdir()):
            size = picture.stem.rpartition("-")[2]
            sub = f"{size}x{size}" if picture.suffix == ".png" else "scalable"
            places[theme / sub / "apps" / f"omnitray{picture.suffix}"] = picture
        return places

    def _text(self) -> str:
        text = (self._resources / NAME).read_text(encoding="utf-8")
        lines = [
            f"Exec={exec_value(self._command)}" if line.startswith("Exec=") else line
            for line in text.splitlines()
        ]
        return "\n".join([*lines, f"{MARK}=true", ""])

    def _is_current(self, found: Mapping[str, str]) -> bool:
        """Whether the program that it starts is there, and every icon beside it."""
        command = parsed_exec(found.get("Exec", ""))
        starts = bool(command) and shutil.which(command[0]) is not None
        return starts and all(each.is_file() for each in self._icons())

    def _read(self) -> dict[str, str]:
        try:
            return main_group(read_bounded(self._entry, _MOST_ENTRY_BYTES).decode(errors="replace"))
        except OSError:
            return {}

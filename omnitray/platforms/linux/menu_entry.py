"""A desktop entry and icons in the user's data folder, by the freedesktop.org specifications.

``applications/omnitray.desktop`` (Desktop Entry Specification 1.5) and
``icons/hicolor/SIZE/apps/omnitray.png`` (Icon Theme Specification 0.13) below ``$XDG_DATA_HOME``,
the text and the pictures being our resources. Nothing is written where a folder of
``$XDG_DATA_DIRS`` has the entry already. What is ours is marked in the entry, and only that is
rewritten or removed: a person's own version stays.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from omnitray.base.bounded import read_bounded
from omnitray.base.durable import StorageError, make_folder, write_atomic
from omnitray.base.process_environment import home
from omnitray.platforms.linux.autostart import exec_value, main_group, parsed_exec
from omnitray.platforms.menu_entry import MenuEntry, NoMenuEntry

NAME = "omnitray.desktop"
MARK = "X-OmniTray-Written"
_MOST_BYTES = 1_000_000
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
    """A :class:`~omnitray.platforms.menu_entry.MenuEntry` by files below ``folder``."""

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
            return main_group(read_bounded(self._entry, _MOST_BYTES).decode(errors="replace"))
        except OSError:
            return {}

r"""Start at login by the Run key of this user. Never run on Windows yet.

``HKCU\Software\Microsoft\Windows\CurrentVersion\Run`` holds the command line. Task Manager
switches an entry off elsewhere: in ``Explorer\StartupApproved\Run``, a binary value whose first
byte is odd when the entry is disabled; that is respected. The registry is a seam
(:class:`Registry`), so that the rules are tested everywhere.
"""

import importlib
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from omnitray.platforms._autostart import AutostartError

RUN_KEY = r"Software\Microsoft\Windows\CurrentVersion\Run"
APPROVED_KEY = r"Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run"
VALUE = "OmniTray"


class Registry(Protocol):
    """The values under ``HKEY_CURRENT_USER``; every method may raise OSError."""

    def read(self, key: str, name: str) -> str | bytes | None:
        """A value; None when it is not there."""
        ...

    def write(self, key: str, name: str, value: str) -> None:
        """Set a text."""
        ...

    def delete(self, key: str, name: str) -> None:
        """Remove a value, if it is there."""
        ...


def autostart(command: Sequence[str]) -> "WindowsAutostart":
    """The entry of this user; ``command`` is what Windows is to run."""
    return WindowsAutostart(_CurrentUser(), command)


class WindowsAutostart:
    """An :class:`~omnitray.platforms._autostart.Autostart` by the Run key."""

    def __init__(self, registry: Registry, command: Sequence[str]) -> None:
        self._registry = registry
        self._command = tuple(command)

    def is_enabled(self) -> bool:
        """Whether there is an entry that Task Manager has not switched off."""
        try:
            approved = self._registry.read(APPROVED_KEY, VALUE)
            entry = self._registry.read(RUN_KEY, VALUE)
        except OSError:
            return False
        switched_off = isinstance(approved, bytes) and bool(approved) and approved[0] % 2 == 1
        return isinstance(entry, str) and bool(entry) and not switched_off

    def enable(self) -> None:
        """Write the entry; raises AutostartError."""
        try:
            self._registry.write(RUN_KEY, VALUE, subprocess.list2cmdline(self._command))
            self._registry.delete(APPROVED_KEY, VALUE)
        except OSError as error:
            raise AutostartError(f"the Run key cannot be written: {error}") from error

    def disable(self) -> None:
        """Remove the entry; raises AutostartError."""
        try:
            self._registry.delete(RUN_KEY, VALUE)
        except OSError as error:
            raise AutostartError(f"the Run key cannot be written: {error}") from error

    def heal(self) -> bool:
        """Write the entry anew when its program is gone."""
        if not self.is_enabled():
            return False
        entry = self._registry.read(RUN_KEY, VALUE)
        program = _program(str(entry))
        if not program or Path(program).exists():
            return False
        self.enable()
        return True


def _program(command_line: str) -> str:
    words = shlex.split(command_line, posix=False)
    return words[0].strip('"') if words else ""


class _CurrentUser:
    """The real registry."""

    def read(self, key: str, name: str) -> str | bytes | None:
        """A value; None when it is not there."""
        winreg = _winreg()
        try:
            with winreg.OpenKey(winreg.HKEY_CURRENT_USER, key) as opened:
                value: str | bytes = winreg.QueryValueEx(opened, name)[0]
                return value
        except FileNotFoundError:
            return None

    def write(self, key: str, name: str, value: str) -> None:
        """Set a text."""
        winreg = _winreg()
        with winreg.CreateKey(winreg.HKEY_CURRENT_USER, key) as opened:
            winreg.SetValueEx(opened, name, 0, winreg.REG_SZ, value)

    def delete(self, key: str, name: str) -> None:
        """Remove a value, if it is there."""
        winreg = _winreg()
        access = winreg.KEY_SET_VALUE
        try:
            with winreg.OpenKey(winreg.HKEY_CURRENT_USER, key, access=access) as opened:
                winreg.DeleteValue(opened, name)
        except FileNotFoundError:
            return


def _winreg() -> Any:
    try:
        return importlib.import_module("winreg")
    except ImportError as error:
        raise OSError("there is no registry here") from error

r"""Windows: the portable platform with the Run key and the task scheduler. Never run there.

Whether a program has a window is not looked up, so that none is paused by itself.

``HKCU\Software\Microsoft\Windows\CurrentVersion\Run`` holds what starts at login. Task Manager
switches an entry off elsewhere: in ``Explorer\StartupApproved\Run``, a binary value whose first
byte is odd when the entry is disabled; that is respected. The registry is a seam
(:class:`Registry`), so that the rules are tested everywhere. Headless it is a task of the
scheduler and not a service of the system: those run as another user, without this one's files.
"""

import importlib
import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import psutil

from omnitray.platforms.autostart import (
    Autostart,
    AutostartError,
    Runner,
    Service,
    ServiceReport,
    report,
    run,
)
from omnitray.platforms.portable import PortablePlatform
from omnitray.platforms.portable.system import all_unknown
from omnitray.processes.process_roles import Tie
from omnitray.protector.exclusions.common import ProgramTables
from omnitray.protector.exclusions.programs import WINDOWS

RUN_KEY = r"Software\Microsoft\Windows\CurrentVersion\Run"
APPROVED_KEY = r"Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run"
VALUE = "OmniTray"
TASK = "OmniTray headless"


class WindowsPlatform(PortablePlatform):
    """What differs from the portable platform."""

    def has_display(self, environment: Mapping[str, str] = os.environ) -> bool:
        """Always, but for services and logins by ssh: they have no desktop."""
        return environment.get("SESSIONNAME", "Console") != "Services" and (
            "SSH_CONNECTION" not in environment
        )

    def keep_own_priority(self, *, system: Any = psutil) -> str | None:
        """Return to the normal class: the task scheduler starts programs below it."""
        own = system.Process()
        try:
            if own.nice() in {system.BELOW_NORMAL_PRIORITY_CLASS, system.IDLE_PRIORITY_CLASS}:
                own.nice(system.NORMAL_PRIORITY_CLASS)
        except psutil.Error as error:
            return f"started below normal priority, which cannot be raised: {error}"
        return None

    def autostart(self, command: Sequence[str], /) -> Autostart:
        """An entry of the Run key."""
        return WindowsAutostart(CurrentUser(), command)

    def service(self, command: Sequence[str], template: str, /) -> Service:
        """A task at logon; ``template`` is systemd's and not used."""
        del template
        return ScheduledTask(command)

    def protected_programs(self) -> ProgramTables:
        """Those of Windows."""
        return WINDOWS

    def _ties(self, process: psutil.Process) -> frozenset[Tie]:
        return all_unknown(process)


class Registry(Protocol):
    """The values under ``HKEY_CURRENT_USER``; every method may raise OSError."""

    def read(self, key: str, name: str) -> str | bytes | None:
        """A value; None when it is not there."""
        ...

    def write(self, key: str, name: str, value: str) -> None:
        """Set a text value."""
        ...

    def delete(self, key: str, name: str) -> None:
        """Remove a value, if it is there."""
        ...


class WindowsAutostart:
    """An :class:`~omnitray.platforms.autostart.Autostart` by the Run key."""

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
        """Write the entry again when its program is gone."""
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


class CurrentUser:
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


class ScheduledTask:
    """A :class:`~omnitray.platforms.autostart.Service` by schtasks.exe."""

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

    def is_installed(self) -> bool:
        """Whether it is there, running or not."""
        return self.status().works

    def status(self) -> ServiceReport:
        """Whether the task is there."""
        found = self._run(("schtasks", "/Query", "/TN", TASK))
        return ServiceReport(works=found.works, done=(found.said or "not installed",))

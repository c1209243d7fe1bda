"""One class a platform with the same functions in each, chosen once.

``current()`` is asked by ``app`` and ``cli`` alone; all others are handed what they need.
``OMNITRAY_PLATFORM=portable`` chooses the platform by psutil alone, on any system: the tests run
it on Linux, and it helps to tell whether a fault is of Linux or of the rest.
"""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from omnitray.base.facts import OwnFacts, ProcessFacts, ProcessReport
from omnitray.cleanup.facts import FileId
from omnitray.cleanup.search import Tools
from omnitray.monitor.machine import Machine
from omnitray.platforms.autostart import Autostart, MenuEntry, Service
from omnitray.processes.process_roles import Tie
from omnitray.processes.process_table import ProcessDetails, ProcessTable
from omnitray.protector.actuators.actuator import Actuator
from omnitray.protector.actuators.self_test import ActuatorRow
from omnitray.protector.actuators.system import System
from omnitray.protector.actuators.watchdog import ResumeWatchdog
from omnitray.protector.exclusions.common import ProgramTables
from omnitray.protector.exclusions.foreground import Foreground
from omnitray.protector.guard import GuardSource
from omnitray.protector.oom_events.watch import Logs, Source
from omnitray.servers.processes import Scopes

VARIABLE = "OMNITRAY_PLATFORM"


class Platform(Protocol):
    """What each platform has."""

    def machine(self) -> Machine:
        """What the sampler reads."""
        ...

    def process_table(self) -> ProcessTable:
        """What scans the processes; one for each thread that scans."""
        ...

    def process_details(self) -> ProcessDetails:
        """What is asked about single processes."""
        ...

    def open_files(self) -> frozenset[FileId]:
        """What programs of ours have open, run from, or work in."""
        ...

    def mount_id(self, descriptor: int) -> int:
        """Tells mounts apart by an open descriptor."""
        ...

    def programs(self) -> Tools:
        """Programs on the search path."""
        ...

    def has_display(self) -> bool:
        """Whether there is a screen to show something on."""
        ...

    def autostart(self, command: Sequence[str], /) -> Autostart:
        """Starting ``command`` at login."""
        ...

    def menu_entry(self, command: Sequence[str], resources: Path, /) -> MenuEntry:
        """The entry in the menu of programs that starts ``command``, from our resources."""
        ...

    def service(self, command: Sequence[str], template: str, /) -> Service:
        """Running ``command`` headless as a service of this user."""
        ...

    def keep_own_priority(self) -> str | None:
        """Do not let ourselves be slowed down; a sentence where that cannot be had."""
        ...

    def own_rss_bytes(self) -> int | None:
        """Resident memory of this process; None where it cannot be read."""
        ...

    def own_facts(self) -> OwnFacts:
        """Our pids, those that we were started by, and our user."""
        ...

    def protected_programs(self) -> ProgramTables:
        """Programs that are never acted on."""
        ...

    def small_text(self, path: str, /) -> str:
        """A small file's text; empty where it cannot be read."""
        ...

    def foreign_logs(self) -> Logs:
        """Where the system tells what others have ended; one for each thread that asks."""
        ...

    def log_sources(self) -> tuple[Source, ...]:
        """The logs that tell of ends, and whether they can be read."""
        ...

    def foreground(self) -> Foreground:
        """What tells whose window is active; one for each thread that asks."""
        ...

    def foreground_known(self) -> tuple[str, str]:
        """What can be known of the active window, and what keeps us from the rest; for people."""
        ...

    def guard_source(self) -> GuardSource:
        """What the protector's guard reads, and what wakes it."""
        ...

    def system(self) -> System:
        """What can be done to other processes; one for each thread that acts."""
        ...

    def actuators(self, system: System, /) -> tuple[Actuator, ...]:
        """The means of acting, as far as they work here."""
        ...

    def check_actuators(
        self, actuators: tuple[Actuator, ...], system: System, /
    ) -> tuple[ActuatorRow, ...]:
        """Which of them work here, tried on a child of our own; blocks for some tenths."""
        ...

    def ties_of(self) -> Callable[[tuple[int, ...]], dict[int, frozenset[Tie]]]:
        """Finds the ties of processes to the person; one for each thread that asks."""
        ...

    def written_bytes(self, process: ProcessFacts, /) -> int | None:
        """What a process has caused to be written to disks."""
        ...

    def server_scopes(self) -> Scopes | None:
        """What keeps the processes of a watched server together; one for the thread that asks."""
        ...

    def watchdog(self, journal: Path, /) -> ResumeWatchdog:
        """Continues what is paused if we die."""
        ...


def current() -> Platform:
    """The platform of this system, or the one that ``OMNITRAY_PLATFORM`` names.

    Ends the program with a sentence where there is no platform for the system or the name: only the
    program itself and its commands call this.
    """
    named = os.environ.get(VARIABLE, "")
    if named not in {"", "portable"}:
        raise SystemExit(f'omnitray: {VARIABLE} may be "portable" or empty, not {named!r}')
    name = named or sys.platform
    if name == "linux":
        from omnitray.platforms.linux.platform import LinuxPlatform  # noqa: PLC0415 - one of four

        return LinuxPlatform()
    if name == "portable":
        from omnitray.platforms.portable import PortablePlatform  # noqa: PLC0415

        return PortablePlatform()
    if name == "darwin":
        from omnitray.platforms.macos import MacosPlatform  # noqa: PLC0415

        return MacosPlatform()
    if name == "win32":
        from omnitray.platforms.windows import WindowsPlatform  # noqa: PLC0415

        return WindowsPlatform()
    raise SystemExit(f"omnitray: there is no part for the platform {name!r}")


def describe_process(pid: int, start_ticks: int, *, environment: bool) -> ProcessReport | None:
    """What a person asks of one process; psutil is loaded when the first asks."""
    from omnitray.platforms.process_report import process_report  # noqa: PLC0415 - seldom used

    return process_report(pid, start_ticks, environment=environment)

"""One file a platform with the same functions in each, chosen once.

``current()`` is asked by the composition root alone; everybody else is handed what they need.
"""

import importlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, cast

from omnitray.base.facts import ProcessFacts
from omnitray.base.readings import OwnFacts
from omnitray.cleanup.cache_tools import Tools
from omnitray.cleanup.facts import FileId
from omnitray.monitor.machine import Machine
from omnitray.platforms._autostart import Autostart
from omnitray.platforms._service import Service
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

_MODULES = {"linux": "linux.capabilities", "darwin": "macos", "win32": "windows"}


class Platform(Protocol):
    """What each of linux, macos and windows has."""

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
        """Other people's programs, for their own commands."""
        ...

    def has_display(self) -> bool:
        """Whether there is a screen to show something on."""
        ...

    def autostart(self, command: Sequence[str], /) -> Autostart:
        """Starting ``command`` at login."""
        ...

    def service(self, command: Sequence[str], template: str, /) -> Service:
        """Running ``command`` headless as a service of this user."""
        ...

    def keep_own_priority(self) -> str | None:
        """Do not let ourselves be slowed down; a sentence where that cannot be had."""
        ...

    def lock_file(self, descriptor: int, /) -> bool:
        """Take an exclusive lock that dies with the process; False when it is taken."""
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
        """Where it is told what others have ended; one for each thread that asks."""
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

    def levers(self, system: System, /) -> tuple[Actuator, ...]:
        """The means of acting, as far as they work here."""
        ...

    def check_levers(
        self, levers: tuple[Actuator, ...], system: System, /
    ) -> tuple[ActuatorRow, ...]:
        """Which levers work here, tried on a child of our own; blocks for some tenths."""
        ...

    def ties_of(self) -> Callable[[tuple[int, ...]], dict[int, frozenset[Tie]]]:
        """What finds the ties of processes to the person; one for each thread that asks."""
        ...

    def written_bytes(self, process: ProcessFacts, /) -> int | None:
        """What a process has caused to be written to disks."""
        ...

    def guardian(self, journal: Path, /) -> ResumeWatchdog:
        """Continues what is paused if we die."""
        ...


def current() -> Platform:
    """The platform that this is; raises RuntimeError on one that nothing is written for."""
    name = _MODULES.get(sys.platform)
    if name is None:
        raise RuntimeError(f"OmniTray has no part for the platform {sys.platform!r}")
    return cast("Platform", importlib.import_module(f"omnitray.platforms.{name}"))

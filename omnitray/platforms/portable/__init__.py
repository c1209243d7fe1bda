"""The platform by psutil alone: on any system, and on Linux with ``OMNITRAY_PLATFORM=portable``.

It has no units, no freezer, no pressure, no log of ended processes, and does not know whose window
is active. ``macos`` and ``windows`` override what differs there. The contract tests run it on
Linux beside ``linux``.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from omnitray.base.clock import SystemClock
from omnitray.base.facts import OwnFacts, ProcessFacts
from omnitray.cleanup.cache_tools import Tools
from omnitray.cleanup.facts import FileId
from omnitray.cleanup.walk import device_of, path_identity
from omnitray.monitor.machine import Machine
from omnitray.platforms.actuator_check import check_actuators
from omnitray.platforms.autostart import Autostart, NoAutostart, NoService, Service
from omnitray.platforms.menu_entry import MenuEntry, NoMenuEntry
from omnitray.platforms.portable.processes import PsutilProcessDetails, PsutilProcessTable
from omnitray.platforms.portable.sampling import PsutilMachine
from omnitray.platforms.portable.system import PsutilSystem, ties_without_display
from omnitray.platforms.programs import PathPrograms, keep_own_priority, small_text
from omnitray.platforms.watchdog import WatchdogKeeper, psutil_watchdog_command
from omnitray.processes.process_roles import Tie
from omnitray.processes.process_table import ProcessDetails, ProcessTable
from omnitray.protector.actuators.actuator import Actuator
from omnitray.protector.actuators.priority import NiceActuator
from omnitray.protector.actuators.self_test import ActuatorRow
from omnitray.protector.actuators.signals import StopActuator
from omnitray.protector.actuators.system import System
from omnitray.protector.actuators.watchdog import ResumeWatchdog
from omnitray.protector.exclusions.common import ProgramTables
from omnitray.protector.exclusions.foreground import Foreground, NoForeground
from omnitray.protector.exclusions.programs import LINUX
from omnitray.protector.guard import GuardSource, NoWakeupTriggers
from omnitray.protector.oom_events.watch import Logs, NoLogs, Source
from omnitray.servers.scopes import Scopes

_DISPLAYS = ("WAYLAND_DISPLAY", "DISPLAY")


class PortablePlatform:
    """A :class:`~omnitray.platforms.Platform`; the protocol says what each function is for."""

    def machine(self) -> Machine:
        """The machine through psutil."""
        return PsutilMachine()

    def process_table(self) -> ProcessTable:
        """Through ``psutil.process_iter``."""
        return PsutilProcessTable()

    def process_details(self) -> ProcessDetails:
        """Through ``psutil.Process``."""
        return PsutilProcessDetails()

    def open_files(self) -> frozenset[FileId]:
        """Through ``psutil.Process.open_files``: some tenths of a second."""
        paths: set[str] = set()
        for process in psutil.process_iter(["cwd", "exe", "open_files"]):
            known = process.info
            paths.update(path for path in (known["cwd"], known["exe"]) if path)
            paths.update(each.path for each in known["open_files"] or ())
        identities = (path_identity(path) for path in paths)
        return frozenset(each for each in identities if each is not None)

    def mount_id(self, descriptor: int) -> int:
        """The device: bind mounts of one file system count as one."""
        return device_of(descriptor)

    def programs(self) -> Tools:
        """Those on the search path."""
        return PathPrograms()

    def has_display(self, environment: Mapping[str, str] = os.environ) -> bool:
        """Whether the environment names a display."""
        return any(environment.get(name) for name in _DISPLAYS)

    def autostart(self, command: Sequence[str], /) -> Autostart:
        """None."""
        del command
        return NoAutostart()

    def menu_entry(self, command: Sequence[str], resources: Path, /) -> MenuEntry:
        """None: an installer makes it."""
        del command, resources
        return NoMenuEntry()

    def service(self, command: Sequence[str], template: str, /) -> Service:
        """None."""
        del command, template
        return NoService()

    def keep_own_priority(self) -> str | None:
        """Return to nice 0 by ``setpriority``."""
        return keep_own_priority()

    def own_rss_bytes(self) -> int | None:
        """Resident set of this process."""
        return int(psutil.Process().memory_info().rss)

    def own_facts(self) -> OwnFacts:
        """Through psutil; no user where users have no numbers."""
        own = psutil.Process()
        return OwnFacts(
            pids=frozenset({own.pid, *(child.pid for child in own.children())}),
            ancestors=frozenset(parent.pid for parent in own.parents()),
            uid=own.uids().real if hasattr(own, "uids") else None,
        )

    def protected_programs(self) -> ProgramTables:
        """Those of Linux: the others override it."""
        return LINUX

    def small_text(self, path: str, /) -> str:
        """A small file's text; empty where it cannot be read."""
        return small_text(path)

    def foreign_logs(self) -> Logs:
        """None."""
        return NoLogs()

    def log_sources(self) -> tuple[Source, ...]:
        """None."""
        return ()

    def foreground(self) -> Foreground:
        """No window is known."""
        return NoForeground()

    def foreground_known(self) -> tuple[str, str]:
        """Not known."""
        return "", "this platform does not tell whose window is active"

    def guard_source(self) -> GuardSource:
        """The machine alone; no trigger wakes the guard."""
        return GuardSource(self.machine(), NoWakeupTriggers(), SystemClock())

    def system(self) -> System:
        """Processes through psutil."""
        return PsutilSystem(self._ties)

    def actuators(self, system: System, /) -> tuple[Actuator, ...]:
        """Nice, and a pause by suspending each process."""
        return (NiceActuator(system), StopActuator(system))

    def check_actuators(
        self, actuators: tuple[Actuator, ...], system: System, /
    ) -> tuple[ActuatorRow, ...]:
        """Each tried on a child of our own."""
        return check_actuators(actuators, system)

    def ties_of(self) -> Callable[[tuple[int, ...]], dict[int, frozenset[Tie]]]:
        """What psutil can tell; UNKNOWN where it cannot."""
        return PsutilSystem(self._ties).ties_of

    def written_bytes(self, process: ProcessFacts, /) -> int | None:
        """What the process has written; None where psutil cannot tell."""
        return PsutilProcessDetails().written_bytes(process)

    def server_scopes(self) -> Scopes | None:
        """A session is all there is."""
        return None

    def watchdog(self, journal: Path, /) -> ResumeWatchdog:
        """A process that resumes through psutil."""
        return WatchdogKeeper(journal, command=psutil_watchdog_command)

    def _ties(self, process: psutil.Process) -> frozenset[Tie]:
        """What ties a process to the person."""
        return ties_without_display(process)

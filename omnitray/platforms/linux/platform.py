"""The platform of Linux, composed of the modules beside it."""

from collections.abc import Callable, Sequence
from pathlib import Path

from omnitray.base.clock import SystemClock
from omnitray.base.facts import OwnFacts, ProcessFacts
from omnitray.cleanup.facts import FileId
from omnitray.cleanup.search import Tools
from omnitray.monitor.machine import Machine
from omnitray.platforms.autostart import Autostart, MenuEntry, Service
from omnitray.platforms.linux import active_window, autostart, logs, mounts, proc
from omnitray.platforms.linux.processes import LinuxProcessDetails, LinuxProcessTable, NewestPid
from omnitray.platforms.linux.sampling import LinuxMachine, LinuxWakers
from omnitray.platforms.linux.system import LinuxSystem
from omnitray.platforms.linux.units import ServerScopes, own_scope
from omnitray.platforms.programs import PathPrograms, check_actuators, keep_own_priority, small_text
from omnitray.platforms.watchdog import WatchdogKeeper
from omnitray.processes.process_roles import Tie
from omnitray.processes.process_table import ProcessDetails, ProcessTable
from omnitray.protector.actuators.actuator import Actuator
from omnitray.protector.actuators.executor import linux_actuators
from omnitray.protector.actuators.self_test import ActuatorRow
from omnitray.protector.actuators.system import System
from omnitray.protector.actuators.watchdog import ResumeWatchdog
from omnitray.protector.exclusions.common import ProgramTables
from omnitray.protector.exclusions.foreground import Foreground
from omnitray.protector.exclusions.programs import LINUX
from omnitray.protector.guard import GuardSource
from omnitray.protector.oom_events.watch import Logs, Source
from omnitray.servers.processes import Scopes


class LinuxPlatform:
    """A :class:`~omnitray.platforms.Platform`; the protocol says what each function is for."""

    def machine(self) -> Machine:
        """From /proc and /sys."""
        return LinuxMachine()

    def process_table(self) -> ProcessTable:
        """From /proc, reading only what has run."""
        return LinuxProcessTable(newest_pid=NewestPid().read)

    def process_details(self) -> ProcessDetails:
        """From /proc."""
        return LinuxProcessDetails()

    def open_files(self) -> frozenset[FileId]:
        """From the links in /proc/PID."""
        return mounts.open_files()

    def mount_id(self, descriptor: int) -> int:
        """The mount; bind mounts of one file system count separately."""
        return mounts.mount_id(descriptor)

    def programs(self) -> Tools:
        """Those on the search path."""
        return PathPrograms()

    def has_display(self) -> bool:
        """Whether the environment names a display."""
        return active_window.has_display()

    def autostart(self, command: Sequence[str], /) -> Autostart:
        """An XDG autostart entry."""
        return autostart.autostart(command)

    def menu_entry(self, command: Sequence[str], resources: Path, /) -> MenuEntry:
        """A desktop entry and icons in the user's data folder."""
        return autostart.menu_entry(command, resources)

    def service(self, command: Sequence[str], template: str, /) -> Service:
        """A systemd user unit."""
        return autostart.service(command, template)

    def keep_own_priority(self) -> str | None:
        """Return to nice 0 by ``setpriority``."""
        return keep_own_priority()

    def own_rss_bytes(self) -> int | None:
        """From /proc/self/statm."""
        return proc.own_rss_bytes()

    def own_facts(self) -> OwnFacts:
        """From /proc."""
        return proc.own_facts()

    def protected_programs(self) -> ProgramTables:
        """Those of Linux."""
        return LINUX

    def small_text(self, path: str, /) -> str:
        """A small file's text; empty where it cannot be read."""
        return small_text(path)

    def foreign_logs(self) -> Logs:
        """The kernel's count and log, and the journal."""
        return logs.LinuxLogs()

    def log_sources(self) -> tuple[Source, ...]:
        """Which of them can be read."""
        return logs.log_sources()

    def foreground(self) -> Foreground:
        """From sway, or the X display."""
        return active_window.foreground()

    def foreground_known(self) -> tuple[str, str]:
        """Derived from the environment."""
        return active_window.foreground_known()

    def guard_source(self) -> GuardSource:
        """The machine, and the kernel's pressure triggers."""
        return GuardSource(LinuxMachine(), LinuxWakers(), SystemClock())

    def system(self) -> System:
        """Processes under pidfds, units of the user's manager."""
        return LinuxSystem()

    def actuators(self, system: System, /) -> tuple[Actuator, ...]:
        """All that a Linux session has."""
        return linux_actuators(system)

    def check_actuators(
        self, actuators: tuple[Actuator, ...], system: System, /
    ) -> tuple[ActuatorRow, ...]:
        """Each tried on a child of our own."""
        return check_actuators(actuators, system)

    def ties_of(self) -> Callable[[tuple[int, ...]], dict[int, frozenset[Tie]]]:
        """By sockets, bus names and terminals."""
        return LinuxSystem().ties_of

    def written_bytes(self, process: ProcessFacts, /) -> int | None:
        """From /proc/PID/io."""
        return proc.written_bytes(process)

    def server_scopes(self) -> Scopes | None:
        """Scopes of the user's manager."""
        return ServerScopes()

    def watchdog(self, journal: Path, /) -> ResumeWatchdog:
        """A process in a scope of its own where there are any."""
        return WatchdogKeeper(journal, placed=own_scope)

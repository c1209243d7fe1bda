"""Windows, through psutil. Tested on Linux with stand-ins; never run there yet."""

from collections.abc import Callable
from pathlib import Path

from omnitray.base.clock import SystemClock
from omnitray.monitor.machine import Machine
from omnitray.platforms._levers_check import check_levers
from omnitray.platforms._programs import programs, small_text
from omnitray.platforms._psutil_open_files import mount_id, open_files
from omnitray.platforms._psutil_processes import PsutilProcessDetails, PsutilProcessTable
from omnitray.platforms._psutil_self import own_facts, own_rss_bytes
from omnitray.platforms._psutil_system import PsutilSystem, written_bytes
from omnitray.platforms._windows_autostart import autostart
from omnitray.platforms._windows_foreground import foreground
from omnitray.platforms._windows_guard import windows_wakers
from omnitray.platforms._windows_guardian import WindowsKeeper
from omnitray.platforms._windows_kernel import windows_kernel
from omnitray.platforms._windows_levers import WindowsSystem, windows_levers
from omnitray.platforms._windows_sampling import windows_machine
from omnitray.platforms._windows_self import lock_file
from omnitray.platforms._windows_service import service
from omnitray.platforms._windows_session import has_display, keep_own_priority
from omnitray.platforms._windows_ties import window_owners
from omnitray.processes.process_roles import Tie
from omnitray.processes.process_table import ProcessDetails, ProcessTable
from omnitray.protector.actuators.actuator import Actuator
from omnitray.protector.actuators.system import System
from omnitray.protector.actuators.watchdog import ResumeWatchdog
from omnitray.protector.exclusions.common import ProgramTables
from omnitray.protector.exclusions.programs import WINDOWS
from omnitray.protector.guard import GuardSource
from omnitray.protector.oom_events.watch import Logs, NoLogs, Source

__all__ = [
    "autostart",
    "check_levers",
    "foreground",
    "foreground_known",
    "foreign_logs",
    "guard_source",
    "guardian",
    "has_display",
    "keep_own_priority",
    "levers",
    "lock_file",
    "log_sources",
    "machine",
    "mount_id",
    "open_files",
    "own_facts",
    "own_rss_bytes",
    "process_details",
    "process_table",
    "programs",
    "protected_programs",
    "service",
    "small_text",
    "system",
    "ties_of",
    "written_bytes",
]


def machine() -> Machine:
    """What the sampler reads."""
    return windows_machine()


def process_table() -> ProcessTable:
    """What scans the processes; one for each thread that scans."""
    return PsutilProcessTable()


def process_details() -> ProcessDetails:
    """What is asked about single processes."""
    return PsutilProcessDetails()


def protected_programs() -> ProgramTables:
    """Programs that are never acted on."""
    return WINDOWS


def guard_source() -> GuardSource:
    """What the protector's guard reads, and what wakes it."""
    return GuardSource(windows_machine(), windows_wakers(), SystemClock())


def system() -> System:
    """What can be done to other processes; one for each thread that acts."""
    return WindowsSystem(windows_kernel(), window_owners())


def levers(system: System) -> tuple[Actuator, ...]:
    """The means of acting."""
    if not isinstance(system, PsutilSystem):
        raise TypeError("these levers are for the system of this platform")
    return windows_levers(system, windows_kernel())


def ties_of() -> Callable[[tuple[int, ...]], dict[int, frozenset[Tie]]]:
    """What finds the ties of processes to the person."""
    return WindowsSystem(windows_kernel(), window_owners()).ties_of


def guardian(journal: Path) -> ResumeWatchdog:
    """Continues what is paused if we die."""
    return WindowsKeeper(journal)


def foreign_logs() -> Logs:
    """Nobody tells of ends here."""
    return NoLogs()


def log_sources() -> tuple[Source, ...]:
    """There are none to be read here."""
    return ()


def foreground_known() -> tuple[str, str]:
    """The system tells."""
    return "the system tells whose window is active", ""

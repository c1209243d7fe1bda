"""Linux: /proc, /sys and the services of the session. What it does stands in ``_linux_*``."""

from collections.abc import Callable
from pathlib import Path

from omnitray.base.clock import SystemClock
from omnitray.monitor.machine import Machine
from omnitray.platforms._levers_check import check_levers
from omnitray.platforms._posix_self import lock_file
from omnitray.platforms._posix_session import keep_own_priority
from omnitray.platforms._programs import programs, small_text
from omnitray.platforms.linux.active_window import foreground, foreground_known
from omnitray.platforms.linux.autostart import autostart
from omnitray.platforms.linux.details import LinuxProcessDetails
from omnitray.platforms.linux.guard_source import LinuxWakers
from omnitray.platforms.linux.logs import LinuxLogs, log_sources
from omnitray.platforms.linux.open_files import mount_id, open_files
from omnitray.platforms.linux.own_process import own_facts, own_rss_bytes
from omnitray.platforms.linux.own_scope import own_scope
from omnitray.platforms.linux.proc import written_bytes
from omnitray.platforms.linux.processes import LinuxProcessTable
from omnitray.platforms.linux.sampling import LinuxMachine
from omnitray.platforms.linux.service import service
from omnitray.platforms.linux.session import has_display
from omnitray.platforms.linux.system import LinuxSystem
from omnitray.platforms.watchdog import GuardianKeeper
from omnitray.processes.process_roles import Tie
from omnitray.processes.process_table import ProcessDetails, ProcessTable
from omnitray.protector.actuators.actuator import Actuator
from omnitray.protector.actuators.registry import linux_actuators
from omnitray.protector.actuators.system import System
from omnitray.protector.actuators.watchdog import ResumeWatchdog
from omnitray.protector.exclusions.common import ProgramTables
from omnitray.protector.exclusions.programs import LINUX
from omnitray.protector.guard import GuardSource
from omnitray.protector.oom_events.watch import Logs

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
    return LinuxMachine()


def process_table() -> ProcessTable:
    """What scans the processes; one for each thread that scans."""
    return LinuxProcessTable()


def process_details() -> ProcessDetails:
    """What is asked about single processes."""
    return LinuxProcessDetails()


def guard_source() -> GuardSource:
    """What the protector's guard reads, and what wakes it."""
    return GuardSource(LinuxMachine(), LinuxWakers(), SystemClock())


def system() -> System:
    """What can be done to other processes; one for each thread that acts."""
    return LinuxSystem()


def levers(system: System) -> tuple[Actuator, ...]:
    """The means of acting, as far as they work here."""
    return linux_actuators(system)


def guardian(journal: Path) -> ResumeWatchdog:
    """Continues what is paused if we die; in a scope of its own where there are any."""
    return GuardianKeeper(journal, placed=own_scope)


def ties_of() -> Callable[[tuple[int, ...]], dict[int, frozenset[Tie]]]:
    """What finds the ties of processes to the person; one for each thread that asks."""
    return LinuxSystem().ties_of


def protected_programs() -> ProgramTables:
    """Programs that are never acted on."""
    return LINUX


def foreign_logs() -> Logs:
    """The kernel's count and log, and the journal."""
    return LinuxLogs()

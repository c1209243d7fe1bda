"""Linux: /proc, /sys and the services of the session. What it does stands in ``_linux_*``."""

from omnitray.core.machine import Machine
from omnitray.core.process_table import ProcessDetails, ProcessTable
from omnitray.platforms._linux_autostart import autostart
from omnitray.platforms._linux_details import LinuxProcessDetails
from omnitray.platforms._linux_open_files import mount_id, open_files
from omnitray.platforms._linux_processes import LinuxProcessTable
from omnitray.platforms._linux_sampling import LinuxMachine
from omnitray.platforms._linux_self import own_rss_bytes
from omnitray.platforms._linux_service import service
from omnitray.platforms._linux_session import has_display
from omnitray.platforms._posix_self import lock_file
from omnitray.platforms._posix_session import keep_own_priority
from omnitray.platforms._programs import programs

__all__ = [
    "autostart",
    "has_display",
    "keep_own_priority",
    "lock_file",
    "machine",
    "mount_id",
    "open_files",
    "own_rss_bytes",
    "process_details",
    "process_table",
    "programs",
    "service",
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

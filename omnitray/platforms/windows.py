"""Windows, through psutil. Tested on Linux with stand-ins; never run there yet."""

from omnitray.core.machine import Machine
from omnitray.core.process_table import ProcessDetails, ProcessTable
from omnitray.core.protected_programs import WINDOWS, Programs
from omnitray.platforms._programs import programs
from omnitray.platforms._psutil_open_files import mount_id, open_files
from omnitray.platforms._psutil_processes import PsutilProcessDetails, PsutilProcessTable
from omnitray.platforms._psutil_self import own_facts, own_rss_bytes
from omnitray.platforms._windows_autostart import autostart
from omnitray.platforms._windows_sampling import windows_machine
from omnitray.platforms._windows_self import lock_file
from omnitray.platforms._windows_service import service
from omnitray.platforms._windows_session import has_display, keep_own_priority

__all__ = [
    "autostart",
    "has_display",
    "keep_own_priority",
    "lock_file",
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


def protected_programs() -> Programs:
    """Programs that are never acted on."""
    return WINDOWS

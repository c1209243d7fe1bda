"""macOS, through psutil. Tested on Linux with stand-ins; never run there yet."""

from omnitray.core.machine import Machine
from omnitray.core.process_table import ProcessDetails, ProcessTable
from omnitray.core.protected_programs import MACOS, Programs
from omnitray.platforms._macos_autostart import autostart
from omnitray.platforms._macos_sampling import mac_machine
from omnitray.platforms._macos_service import service
from omnitray.platforms._macos_session import has_display
from omnitray.platforms._posix_self import lock_file
from omnitray.platforms._posix_session import keep_own_priority
from omnitray.platforms._programs import programs
from omnitray.platforms._psutil_open_files import mount_id, open_files
from omnitray.platforms._psutil_processes import PsutilProcessDetails, PsutilProcessTable
from omnitray.platforms._psutil_self import own_facts, own_rss_bytes

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
    return mac_machine()


def process_table() -> ProcessTable:
    """What scans the processes; one for each thread that scans."""
    return PsutilProcessTable()


def process_details() -> ProcessDetails:
    """What is asked about single processes."""
    return PsutilProcessDetails()


def protected_programs() -> Programs:
    """Programs that are never acted on."""
    return MACOS

"""Why a process that a victim has started must not end with it: its program is protected."""

from collections.abc import Callable

from omnitray.base.facts import ProcessFacts
from omnitray.processes.process_table import ProcessDetails
from omnitray.protector.actuators.quarry import Spares
from omnitray.protector.exclusions.rules import Protection
from omnitray.protector.identity import Identity


def spares(
    protection: Protection, details: ProcessDetails, protected: Callable[[], tuple[str, ...]]
) -> Spares:
    """What asks ``protection`` about one process; ``protected`` is what the person added."""

    def why(process: Identity) -> str:
        seen = ProcessFacts(
            pid=process.pid, ppid=0, start_ticks=process.start_ticks, name="", state=""
        )
        arguments = details.cmdline(seen) or ()
        reason = protection.newborn(process.exe, arguments, protected())
        return reason.sentence if reason else ""

    return why

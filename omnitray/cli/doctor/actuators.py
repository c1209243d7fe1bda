"""The protector's means for ``omnitray doctor``: each lever pulled on a child of our own.

And what it can know of what others do here: other guardians, logs, whose window is active.
"""

from collections.abc import Iterator

from omnitray import platforms
from omnitray.base.policy import ModeLimits
from omnitray.cli.doctor.report import Finding, ok, warn
from omnitray.protector.actuators.self_test import ActuatorRow
from omnitray.protector.oom_events.daemons import other_oom_daemons
from omnitray.protector.oom_events.watch import Source


def levers(limits: ModeLimits) -> Iterator[Finding]:
    """A line for each lever, and one for each other guardian that runs here."""
    platform = platforms.current()
    system = platform.system()
    for row in platform.check_actuators(platform.actuators(system), system):
        yield _finding(row)
    processes = platform.process_table().scan()
    details = platform.process_details()
    for each in other_oom_daemons(processes, details.cmdline, platform.small_text):
        yield ok("other guardian", each.sentence(limits.memory_floor_percent))
    yield from (_log(each) for each in platform.log_sources())
    yield _foreground(*platform.foreground_known())


def _finding(row: ActuatorRow) -> Finding:
    topic = f"lever {row.name.lower()}"
    if not row.works:
        return warn(topic, row.why_not or "does not work here", "the other levers are used")
    return ok(topic, "works" if row.reversible else "works; cannot be taken back")


def _log(source: Source) -> Finding:
    if source.why_not:
        return warn(source.name, source.why_not, source.remedy)
    return ok(source.name, "tells what others end here")


def _foreground(known: str, why_not: str) -> Finding:
    if why_not:
        return warn("foreground", why_not, "protect what you work with by name: protect.protected")
    return ok("foreground", known)

"""The protector's means for ``omnitray doctor``: each lever pulled on a child of our own."""

from collections.abc import Iterator

from omnitray import platforms
from omnitray.core.acting.levers_report import LeverRow
from omnitray.core.policy import ModeLimits
from omnitray.core.watching.neighbours import neighbours
from omnitray.doctor import Finding, ok, warn


def levers(limits: ModeLimits) -> Iterator[Finding]:
    """A line for each lever, and one for each other guardian that runs here."""
    platform = platforms.current()
    system = platform.system()
    for row in platform.check_levers(platform.levers(system), system):
        yield _finding(row)
    processes = platform.process_table().scan()
    details = platform.process_details()
    for each in neighbours(processes, details.cmdline, platform.small_text):
        yield ok("other guardian", each.sentence(limits.memory_floor_percent))


def _finding(row: LeverRow) -> Finding:
    topic = f"lever {row.name.lower()}"
    if not row.works:
        return warn(topic, row.why_not or "does not work here", "the other levers are used")
    return ok(topic, "works" if row.reversible else "works; cannot be taken back")

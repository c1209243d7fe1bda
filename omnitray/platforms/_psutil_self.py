"""This process itself by psutil, where there is no /proc."""

import psutil

from omnitray.base.readings import OwnFacts


def own_rss_bytes() -> int | None:
    """Resident set of this process."""
    return int(psutil.Process().memory_info().rss)


def own_facts() -> OwnFacts:
    """Our pids, those that we were started by, and our user where users have numbers."""
    own = psutil.Process()
    return OwnFacts(
        pids=frozenset({own.pid, *(child.pid for child in own.children())}),
        ancestors=frozenset(parent.pid for parent in own.parents()),
        uid=own.uids().real if hasattr(own, "uids") else None,
    )

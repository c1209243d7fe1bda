"""This process itself by psutil, where there is no /proc."""

import psutil


def own_rss_bytes() -> int | None:
    """Resident set of this process."""
    return int(psutil.Process().memory_info().rss)

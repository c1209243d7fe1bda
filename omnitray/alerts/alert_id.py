"""Names for alerts: sortable by time, unique across processes."""

import os
from collections.abc import Callable

from omnitray.base.clock import Clock


def id_maker(clock: Clock) -> Callable[[], str]:
    """Ids of 22 hexadecimal digits: 12 of milliseconds since the epoch, 10 of chance."""
    return lambda: f"{int(clock.wall() * 1000):012x}{os.urandom(5).hex()}"

"""Which alerts that are in memory alone may go, where a disk refuses or hangs for long. Pure.

What the next start must know stays: an alert that is open, and one that is over while its file
still says that it is open. Of these the context and the message go first; all others may go whole,
the least severe and oldest first.
"""

from collections.abc import Callable, Iterable

import msgspec

from omnitray.alerts.model import Alert
from omnitray.base.amounts import context_removed

LIGHT_TITLE = 200  # letters; a context and a message are what makes an alert large


class Bounded(msgspec.Struct, frozen=True):
    """The ids of those that go, and lighter versions of some that stay."""

    gone: frozenset[str]
    lighter: dict[str, Alert]


def bounded(
    alerts: Iterable[Alert],
    most: int,
    most_bytes: int,
    *,
    says_open: Callable[[str], bool] = lambda _: False,
) -> Bounded:
    """What is to go so that ``most`` alerts with ``most_bytes`` are left, as far as may be.

    ``says_open``: the file of the alert with this id says that it is open.
    """
    gone: set[str] = set()
    lighter: dict[str, Alert] = {}
    count = size = 0
    full = False
    for alert in sorted(alerts, key=_importance, reverse=True):
        needed = alert.state != "resolved" or says_open(alert.id)
        weight = weight_of(alert)
        full = full or count >= most or size + weight > most_bytes
        if full and not needed:
            gone.add(alert.id)
            continue
        if full:
            lighter[alert.id] = lightened(alert, weight)
            weight = weight_of(lighter[alert.id])
        count += 1
        size += weight
    return Bounded(frozenset(gone), lighter)


def weight_of(alert: Alert) -> int:
    """Its size as JSON; in memory it takes about three times as much."""
    try:
        return len(msgspec.json.encode(alert))
    except (TypeError, ValueError):  # the one that cannot be written is refused elsewhere
        return 0


def lightened(alert: Alert, weight: int) -> Alert:
    """Without what makes it large."""
    context = context_removed(f"the alert had {weight} bytes, and the disk takes nothing")
    if alert.context == context:
        return alert
    title = alert.title[:LIGHT_TITLE]
    return msgspec.structs.replace(alert, title=title, message="", context=context)


def _importance(alert: Alert) -> tuple[bool, int, str]:
    return alert.state != "resolved", alert.severity.rank, alert.last_seen

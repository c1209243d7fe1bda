"""What can be asked of the alert history: a filter that is a value, and whether an alert fits."""

import msgspec

from omnitray.alerts.model import Alert, State
from omnitray.base.clock import epoch
from omnitray.base.facts import AlertType, Severity


class AlertQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A filter; what is empty or None lets everything through.

    ``text`` is looked for in title, message, source and culprits, without regard to case; every
    word of it must occur. ``since`` and ``until`` are wall-clock seconds of ``last_seen``. The
    answer is ordered by ``last_seen``, newest first; ``offset`` and ``limit`` cut a page out.
    """

    text: str = ""
    types: frozenset[AlertType] = frozenset()
    severities: frozenset[Severity] = frozenset()
    states: frozenset[State] = frozenset()
    since: float | None = None
    until: float | None = None
    offset: int = 0
    limit: int | None = None


def fits(alert: Alert, query: AlertQuery) -> bool:
    """Whether an alert passes the filter."""
    return (
        (not query.types or alert.type in query.types)
        and (not query.severities or alert.severity in query.severities)
        and (not query.states or alert.state in query.states)
        and _in_time(alert, query)
        and _says(alert, query.text)
    )


def _in_time(alert: Alert, query: AlertQuery) -> bool:
    if query.since is None and query.until is None:
        return True
    seen = epoch(alert.last_seen)
    return (query.since is None or seen >= query.since) and (
        query.until is None or seen <= query.until
    )


def _says(alert: Alert, text: str) -> bool:
    words = text.casefold().split()
    if not words:
        return True
    culprits = alert.context.get("culprits") or ()
    jobs = [str(each.get("job", "")) for each in culprits if isinstance(each, dict)]
    body = " ".join((alert.title, alert.message, alert.source, alert.type, *jobs)).casefold()
    return all(word in body for word in words)

"""The words of a notification: one alert, a group of one kind, a digest of many kinds."""

import heapq
from collections.abc import Sequence

from omnitray.alerts.model import Alert
from omnitray.base.facts import AlertType, Severity

_NAMED = 3
_MANY: dict[str, str] = {
    AlertType.PERMISSION_ERROR: "{} permission errors",
    AlertType.SERVER_DOWN: "{} servers down",
    AlertType.SERVER_SLOW: "{} servers slow to start",
    AlertType.RESOURCE_CRITICAL: "{} resources critical",
    AlertType.TEST_TIMEOUT: "{} tests timed out",
    AlertType.TEST_FAILED: "{} tests failed",
    AlertType.CRITICAL: "{} critical alerts",
}


def kind(alert: Alert) -> str:
    """The word for an alert's kind in a list.

    Its type; but the type ``CRITICAL``, for what has no type of its own, reads as a severity:
    beside "warning" it is ``RUN``, where ``omnitray run`` has raised it, else ``OTHER``.
    """
    if alert.type is not AlertType.CRITICAL or alert.severity is Severity.CRITICAL:
        return alert.type.value
    return "RUN" if alert.source == "cli" and "run" in alert.context else "OTHER"


def one_body(alert: Alert, suppressed: int) -> str:
    """Its message, and how often it came back untold."""
    more = f"Raised {suppressed} × more without being shown." if suppressed else ""
    return "\n".join(part for part in (alert.message, more) if part)


def many_title(alerts: Sequence[Alert], total: int) -> str:
    """``12 tests failed``, or ``12 alerts`` where they are of several kinds.

    ``alerts`` may be only some of the ``total``.
    """
    kinds = {kind(alert) for alert in alerts}
    named = _MANY.get(kinds.pop()) if len(kinds) == 1 else None
    return (named or "{} alerts").format(total)


def many_body(alerts: Sequence[Alert], total: int) -> str:
    """The worst and newest by name, and how many more there are."""
    foremost = heapq.nlargest(_NAMED, alerts, key=worst_and_newest)
    lines = [alert.title for alert in foremost]
    if (rest := total - len(lines)) > 0:
        lines.append(f"and {rest} more")
    return "\n".join(lines)


def worst_and_newest(alert: Alert) -> tuple[int, str]:
    """The order in which alerts stand for others."""
    return alert.severity.rank, alert.last_seen

"""An alert, on disk and on the wire: schema 1; and the words of one, of a group and of a digest.

Field names, their order and their spelling are a contract; golden tests hold them.

Two alerts with the same fingerprint are the same: type, source and stable labels, never text with
numbers.
"""

import heapq
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from omnitray.base.clock import Clock
from omnitray.base.facts import AlertType, Resource, Severity, Snapshot
from omnitray.monitor.thresholds import Watched, values

SCHEMA = 1
# In a context, while the monitor's figure heads the alert: the job or disk in its title, or "".
NAMED = "named"
State = Literal["firing", "acknowledged", "resolved"]


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One incident: the life of a fingerprint from firing to resolved.

    Times are UTC, RFC 3339 with milliseconds and ``Z``. ``count`` is how often it was raised,
    ``suppressed`` how many of these produced no notification of their own since the last one.
    ``context`` holds JSON values only.
    """

    schema: int = SCHEMA
    id: str
    type: AlertType
    severity: Severity
    state: State
    title: str
    message: str
    source: str
    fingerprint: str
    count: int = 1
    first_seen: str
    last_seen: str
    resolved_at: str | None = None
    context: dict[str, Any] = {}
    channels: tuple[str, ...] = ()
    suppressed: int = 0


def id_maker(clock: Clock) -> Callable[[], str]:
    """Ids of 22 hexadecimal digits: 12 of milliseconds since the epoch, 10 of chance."""
    return lambda: f"{int(clock.wall() * 1000):012x}{os.urandom(5).hex()}"


STABLE_KEYS = ("server", "test", "nodeid", "project", "resource", "mount", "job")

# quoted numbers, long hexadecimal ids (with at least one digit) and digit runs
_CHANGING = re.compile(r"""(['"])\d+\1|\b(?:0x)?(?=[0-9a-f]*\d)[0-9a-f]{6,}\b|\d+""", re.IGNORECASE)


def without_numbers(text: str) -> str:
    """The text with everything that changes from one report to the next replaced by ``#``."""
    return _CHANGING.sub("#", text)


def stable_labels(title: str, context: Mapping[str, Any]) -> dict[str, str]:
    """The labels an alert has when its raiser names none.

    One that names a list of failed tests is the same whichever of them comes first, and however
    many its title counts and names: ``group`` says what it is about.
    """
    keys = [key for key in STABLE_KEYS if context.get(key) is not None]
    if isinstance(context.get("failed"), list | tuple):
        keys = [key for key in keys if key != "nodeid"]
        title = str(context.get("group") or title)
    labels = {key: str(context[key]) for key in keys}
    labels["title"] = without_numbers(title)
    return labels


def fingerprint(type_: AlertType, source: str, labels: Mapping[str, str]) -> str:
    """16 hexadecimal digits; the order of the labels does not matter."""
    import hashlib  # noqa: PLC0415 - OpenSSL comes with it, 4 MB: not before there is an alert

    parts = (str(type_), source, sorted(labels.items()))
    # repr keeps the parts apart whatever they hold: ("ab", "c") is not ("a", "bc").
    data = repr(parts).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def server_of(source: str, context: Mapping[str, Any]) -> str | None:
    """The server that an alert is about: ``server:NAME`` as source, or the context's server."""
    if source.startswith("server:"):
        return source.removeprefix("server:") or None
    named = context.get("server")
    return named if isinstance(named, str) and named else None


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
    times = "once more" if suppressed == 1 else f"{suppressed} × more"
    more = f"Raised {times} without being shown." if suppressed else ""
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


def resource_title(watched: Watched, value: float, name: str, now: str = "") -> str:
    """``CPU 98 %: pytest · ~/shop``; the figure stands in each."""
    label = {"cpu": "CPU", "memory": "Memory", "disk": "Disk"}[watched.resource.value]
    figure = f"{label} {now}{value:.0f} %"
    return f"{figure}: {name}" if name else f"{figure} in use"


def title_now(alert: Alert, shot: Snapshot) -> str:
    """The title of an alert with the figure of this reading instead of its own.

    For what stands beside the reading. A title without such a figure stays as it is.
    """
    context = alert.context
    resource, name = context.get("resource"), context.get(NAMED)
    if name is None or resource not in set(Resource):
        return alert.title
    watched = Watched(Resource(resource), str(context.get("mount", "")))
    value = values(shot).get(watched)
    if value is None:
        return alert.title
    threshold = context.get("threshold")
    falls = isinstance(threshold, int | float) and value < threshold
    return resource_title(watched, value, str(name), "back to " if falls else "")

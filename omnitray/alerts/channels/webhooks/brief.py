"""An alert for a person at one glance: title, severity, machine, culprit, figures. Pure.

Text from outside is made plain here (one line, bounded, nothing invisible); what would be markup
to a receiver is escaped where its form is written.
"""

import datetime as dt
from collections.abc import Sequence

import msgspec

from omnitray.alerts.channels.notification import printable
from omnitray.alerts.channels.webhooks.model import EventAction, WebhookEvent
from omnitray.alerts.model import Alert
from omnitray.base.amounts import duration, size
from omnitray.base.clock import epoch

TITLE_LIMIT, TEXT_LIMIT, NAME_LIMIT = 150, 500, 80
DIGEST_NAMED = 20  # lines of a digest; what is beyond is counted
SHAPES = {"critical": "▲", "warning": "◆", "info": "●", "over": "✓"}


class Brief(msgspec.Struct, frozen=True, kw_only=True):
    """``tone`` is the severity, or ``over``; ``facts`` are names and values."""

    title: str
    tone: str
    machine: str
    text: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    link: str = ""

    @property
    def headline(self) -> str:
        """``▲ Server “api” is down``."""
        return f"{SHAPES[self.tone]} {self.title}"

    @property
    def plain(self) -> str:
        """Everything below the title as plain text."""
        told = " · ".join(f"{name} {value}" for name, value in self.facts)
        return "\n".join(part for part in (self.text, told, self.link) if part)


def brief_of(event: WebhookEvent, machine: str, link: str = "") -> Brief:
    """One event in words."""
    alert = event.alert
    over = event.action is EventAction.RESOLVE
    title = printable(alert.title, TITLE_LIMIT)
    if over:
        title = f"Over: {title}"
    elif event.action is EventAction.ACKNOWLEDGE:
        title = f"Acknowledged: {title}"
    return Brief(
        title=title,
        tone="over" if over else alert.severity.value,
        machine=printable(machine, NAME_LIMIT),
        text="" if over else printable(alert.message, TEXT_LIMIT, keep_lines=True),
        facts=_facts(event, machine),
        link=link,
    )


def digest_of(events: Sequence[WebhookEvent], machine: str, link: str = "") -> Brief:
    """Many events in one message, in their order, each on a line."""
    if len(events) == 1:
        return brief_of(events[0], machine, link)
    lines = [brief_of(event, machine).headline for event in events[:DIGEST_NAMED]]
    if (more := len(events) - DIGEST_NAMED) > 0:
        lines.append(f"and {more} more")
    firing = sum(event.action is EventAction.TRIGGER for event in events)
    over = sum(event.action is EventAction.RESOLVE for event in events)
    said = [f"{firing} new" if firing else "", f"{over} over" if over else ""]
    worst = max((event.alert.severity for event in events), key=lambda each: each.rank)
    return Brief(
        title=f"{len(events)} alerts: {', '.join(each for each in said if each) or 'changed'}",
        tone=worst.value if firing else "over",
        machine=printable(machine, NAME_LIMIT),
        text="\n".join(lines),
        facts=(("Machine", printable(machine, NAME_LIMIT)),),
        link=link,
    )


def _facts(event: WebhookEvent, machine: str) -> tuple[tuple[str, str], ...]:
    alert = event.alert
    facts = [
        ("Machine", printable(machine, NAME_LIMIT)),
        ("Severity", alert.severity.value),
        ("Culprit", _culprit(alert)),
        ("Figures", _figures(alert)),
        ("Times", str(alert.count) if alert.count > 1 else ""),
        ("Since", _local(alert.first_seen)),
        ("Lasted", _lasted(alert) if event.action is EventAction.RESOLVE else ""),
    ]
    return tuple((name, value) for name, value in facts if value)


def _culprit(alert: Alert) -> str:
    found = alert.context.get("culprits")
    first = found[0] if isinstance(found, list | tuple) and found else None
    if not isinstance(first, dict):
        server = alert.context.get("server") or alert.context.get("nodeid")
        return printable(str(server), NAME_LIMIT) if isinstance(server, str) else ""
    name = printable(str(first.get("job", "")), NAME_LIMIT)
    cpu, rss = first.get("cpu"), first.get("rss_bytes")
    figures = [
        f"{cpu:.0f} %" if isinstance(cpu, int | float) else "",
        size(float(rss)) if isinstance(rss, int | float) and rss else "",
    ]
    return " · ".join(part for part in (name, *figures) if part)


def _figures(alert: Alert) -> str:
    named = (("cpu", "CPU"), ("memory", "RAM"), ("disk", "Disk"))
    parts = [
        f"{word} {value:.0f} %"
        for key, word in named
        if isinstance(value := alert.context.get(key), int | float)
    ]
    return " · ".join(parts)


def _local(stamp: str) -> str:
    return dt.datetime.fromtimestamp(epoch(stamp)).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def _lasted(alert: Alert) -> str:
    if alert.resolved_at is None:
        return ""
    seconds = max(0.0, epoch(alert.resolved_at) - epoch(alert.first_seen))
    return duration(seconds)

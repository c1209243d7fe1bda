"""``alerts``, ``alert``, ``ack``, ``resolve``, ``export``."""

import argparse
import contextlib
from pathlib import Path
from typing import Any

import msgspec

from omnitray.api.messages import AlertMessage, alert_of
from omnitray.api.wire import Alerts
from omnitray.commands.context import Context
from omnitray.commands.times import moment, rfc3339, shown
from omnitray.core.alert import Alert
from omnitray.remote import quoted
from omnitray.stream import stream

EXPORT_PAGE = 5000


def alerts(args: argparse.Namespace, context: Context) -> int:
    """List alerts, the newest first, or follow them as they come."""
    if args.follow:
        return _follow(args, context)
    query: dict[str, Any] = {
        "type": args.type,
        "severity": args.severity,
        "text": args.text,
        "active": "true" if args.active else None,
        "since": rfc3339(moment(args.since, context.now)) if args.since else None,
        "limit": args.limit,
    }
    found = context.get("/alerts", Alerts, as_json=args.json, **query)
    if found is not None:
        _show(found.alerts, context)
    return 0


def _show(found: list[Alert], context: Context) -> None:
    if not found:
        context.terminal.line("no alerts")
        return
    rows = [_row(alert, context) for alert in found]
    context.terminal.table(rows, [_colour(alert) for alert in found])


def _row(alert: Alert, context: Context) -> tuple[str, ...]:
    times = f" ({alert.count} times)" if alert.count > 1 else ""
    return (
        shown(alert.last_seen, context.now),
        alert.severity.value,
        alert.state,
        alert.type.value,
        alert.title + times,
    )


def _colour(alert: Alert) -> str:
    return "dim" if alert.state == "resolved" else alert.severity.value


def _follow(args: argparse.Namespace, context: Context) -> int:
    with contextlib.closing(stream(context.remote().address, ["alert"])) as messages:
        for text in messages:
            if '"event":"alert"' in text[:20]:
                _show_message(text, args, context)
    return 0


def _show_message(text: str, args: argparse.Namespace, context: Context) -> None:
    message = msgspec.json.decode(text, type=AlertMessage)
    if args.type not in (None, message.alert_type):
        return
    if args.json:
        context.terminal.json(text.encode())
    else:
        _show([alert_of(message)], context)


def alert(args: argparse.Namespace, context: Context) -> int:
    """Raise an alert."""
    body = {"type": args.type, "title": args.title, "message": args.message, "source": args.source}
    if args.severity is not None:
        body["severity"] = args.severity
    stored = context.post("/alerts", body, Alert, as_json=args.json)
    if stored is not None:
        context.terminal.line(f"{stored.id}  {stored.severity}  {stored.title}")
    return 0


def ack(args: argparse.Namespace, context: Context) -> int:
    """Acknowledge an alert."""
    return _move(args, context, "ack")


def resolve(args: argparse.Namespace, context: Context) -> int:
    """Say that an alert is over."""
    return _move(args, context, "resolve")


def _move(args: argparse.Namespace, context: Context, verb: str) -> int:
    path = f"/alerts/{quoted(args.id)}/{verb}"
    moved = context.post(path, None, Alert, as_json=args.json)
    if moved is not None:
        context.terminal.line(f"{moved.state}: {moved.title}")
    return 0


def export(args: argparse.Namespace, context: Context) -> int:
    """Write the history to a file: ``.csv``, ``.json``, or JSON lines."""
    from omnitray.core.export import export_alerts  # noqa: PLC0415 - needed here alone

    remote = context.remote()
    found: list[Alert] = []
    until = None
    while True:
        page = remote.get("/alerts", Alerts, limit=EXPORT_PAGE, until=until).alerts
        known = {each.id for each in found}
        found += [each for each in page if each.id not in known]
        if len(page) < EXPORT_PAGE or all(each.id in known for each in page):
            break
        until = page[-1].last_seen
    count = export_alerts(found, Path(args.file))
    report = {"file": str(Path(args.file).absolute()), "alerts": count}
    if args.json:
        context.terminal.json(msgspec.json.encode(report))
    else:
        context.terminal.line(f"{count} alerts written to {args.file}")
    return 0

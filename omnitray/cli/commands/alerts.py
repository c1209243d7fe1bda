"""``alerts``, ``alert``, ``ack``, ``resolve``, ``export``.

While no OmniTray answers, alerts are written to the history's files and read from them. One line on
standard error says so; what is printed else is as if one ran.
"""

import argparse
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from omnitray.alerts.model import Alert, kind
from omnitray.alerts.storage.query import AlertQuery, fits
from omnitray.api.requests import ACTIVE, NewAlert
from omnitray.api.wire import Alerts
from omnitray.base.facts import AlertType, Severity
from omnitray.cli.dispatch import CommandContext, Stopped
from omnitray.cli.times import bad_value, moment, rfc3339, shown
from omnitray.client.http import NotAnswering, NotRunning, Remote, RequestFailed, lost, quoted

if TYPE_CHECKING:
    from omnitray.alerts.storage.export import AlertSpool
    from omnitray.client.offline import Files

EXPORT_PAGE = 5000
SHORT = 6  # the end of an id: chance, where its beginning is the time
MOST = {"title": 16_384, "message": 20_000, "source": 200}
NARROW = 100  # columns: with fewer the type, which the title says as well, gives it its room
NARROWEST = 70  # with fewer the id, which the culprit in the title is worth more than
ENDINGS = (".jsonl", ".json", ".csv")
NOT_FOUND = 404
NOBODY = "no OmniTray answers"
T = TypeVar("T")


def alerts(args: argparse.Namespace, context: CommandContext) -> int:
    """List alerts, the newest first, or follow them as they come."""
    if args.follow:
        return _follow(args, context)
    query: dict[str, Any] = {
        "type": args.type,
        "severity": args.severity,
        "text": args.text,
        "active": "true" if args.active else None,
        "state": args.state,
        "since": rfc3339(moment(args.since, context.now)) if args.since else None,
        "until": rfc3339(moment(args.until, context.now)) if args.until else None,
        "limit": args.limit,
    }
    try:
        found = context.get("/alerts", Alerts, as_json=args.json, **query)
    except NotRunning:
        found = _found_in_files(args, context)
    if found is not None:
        _show(found.alerts, context)
    return 0


def _show(found: list[Alert], context: CommandContext) -> None:
    if not found:
        context.terminal.line("no alerts")
        return
    rows = [_row(alert, context) for alert in found]
    state = (len(rows[0]) - 2,) if context.terminal.width < NARROWEST else ()
    colours = [_colour(alert) for alert in found]
    context.terminal.table(rows, colours, middle=True, drop=state)


def _row(alert: Alert, context: CommandContext) -> tuple[str, ...]:
    title = f"{alert.title} ({alert.count} times)" if alert.count > 1 else alert.title
    width = context.terminal.width
    about = (kind(alert),) if width >= NARROW else ()
    name = (alert.id[-SHORT:],) if width >= NARROWEST else ()
    return (
        *name,
        shown(alert.last_seen, context.now),
        alert.severity.value,
        alert.state,
        *about,
        title,
    )


def _colour(alert: Alert) -> str:
    return "dim" if alert.state == "resolved" else alert.severity.value


def _follow(args: argparse.Namespace, context: CommandContext) -> int:
    # The messages bring along what only the program itself needs: twice the imports of a list.
    from omnitray.api.messages import AlertMessage, alert_of  # noqa: PLC0415
    from omnitray.client.websocket import stream  # noqa: PLC0415

    if args.since or args.until:
        raise ValueError("--follow prints what comes; --since and --until ask for what was")
    query = _query(args, context)
    with contextlib.closing(stream(context.remote().address, ["alert"])) as messages:
        for text in messages:
            if '"event":"alert"' not in text[:20]:
                continue
            alert = alert_of(msgspec.json.decode(text, type=AlertMessage))
            if not fits(alert, query):
                continue
            if args.json:
                context.terminal.json(text.encode())
            else:
                _show([alert], context)
    raise Stopped


def alert(args: argparse.Namespace, context: CommandContext) -> int:
    """Raise an alert."""
    new = _new_alert(args)
    try:
        raised = context.post("/alerts", new, Alert, as_json=args.json)
    except (NotRunning, RequestFailed) as error:
        if not lost(error):
            raise
        raised = _stored_in_files(new, args, context, error)
    if raised is not None:
        context.terminal.row(f"{raised.id}  {raised.severity}  {raised.title}")
    return 0


def _new_alert(args: argparse.Namespace) -> NewAlert:
    for name, most in MOST.items():
        if not getattr(args, name).strip() and name != "message":
            raise ValueError(f"the {name} is empty")
        if len(getattr(args, name)) > most:
            raise ValueError(f"the {name} is too long; at most {most} characters")
    return NewAlert(
        type=AlertType(args.type),
        title=args.title,
        message=args.message,
        severity=args.severity and Severity(args.severity),
        source=args.source,
    )


def move(args: argparse.Namespace, context: CommandContext) -> int:
    """Acknowledge an alert, or say that it is over."""
    try:
        moved = _posted(args.id, args, context)
    except RequestFailed as error:
        if error.status != NOT_FOUND or len(args.id) < SHORT:
            raise
        whole = _whole_id(args.id, context)
        if whole is None:
            raise
        moved = _posted(whole, args, context)
    if moved is not None:
        context.terminal.row(f"{moved.state}: {moved.title}")
    return 0


def _posted(name: str, args: argparse.Namespace, context: CommandContext) -> Alert | None:
    return context.post(f"/alerts/{quoted(name)}/{args.move}", None, Alert, as_json=args.json)


def _whole_id(part: str, context: CommandContext) -> str | None:
    """The one id that begins or ends so; raises ValueError when there are several."""
    newest = context.remote().get("/alerts", Alerts, limit=EXPORT_PAGE).alerts
    found = [each.id for each in newest if each.id.startswith(part) or each.id.endswith(part)]
    if len(found) > 1:
        raise ValueError(f"{part} fits {len(found)} alerts; one of them is {found[0]}")
    return found[0] if found else None


def export(args: argparse.Namespace, context: CommandContext) -> int:
    """Write the history to a file: ``.csv``, ``.json``, or JSON lines."""
    from omnitray.alerts.storage.export import AlertSpool, export_alerts  # noqa: PLC0415 - seldom

    file = _export_file(args)
    with AlertSpool() as spool:
        _collect(spool, context)
        count = export_alerts(spool, file, context.terminal.progress)
    context.terminal.progress_ends()
    report = {"file": str(file.absolute()), "alerts": count}
    if args.json:
        context.terminal.json(msgspec.json.encode(report))
    else:
        context.terminal.line(f"{count} alerts written to {args.file}")
    return 0


def _export_file(args: argparse.Namespace) -> Path:
    """Where to; raises ValueError for an ending of another kind, NotExported for no place."""
    from omnitray.alerts.storage.export import NotExported, refuse_place  # noqa: PLC0415 - as above

    file = Path(args.file)
    if file.suffix.lower() not in ENDINGS:
        allowed = f"a name that ends in {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}"
        raise ValueError(bad_value(args.file, allowed))
    refuse_place(file)
    if not args.force and file.exists() and file.stat().st_size:  # an empty one holds nothing
        raise NotExported(f"{args.file} is there already; --force replaces it")
    return file


def _collect(spool: "AlertSpool", context: CommandContext) -> None:
    """The files, and what the running instance has beyond them."""
    files_failed: OSError | None = None
    try:
        spool.add(_files(context).versions())
    except OSError as error:
        files_failed = error
    try:
        _add_pages(spool, context.remote())
    except (NotRunning, RequestFailed) as error:
        if files_failed is not None:
            raise files_failed from error
        context.terminal.problem(f"{_why_files(error)}; read from its files")


def _add_pages(spool: "AlertSpool", remote: Remote) -> None:
    """Pages of the newest alerts, until one holds nothing that the files did not."""
    until = None
    while True:
        page = remote.get("/alerts", Alerts, limit=EXPORT_PAGE, until=until).alerts
        if not spool.add(page) or len(page) < EXPORT_PAGE:
            return
        until = page[-1].last_seen


def _files(context: CommandContext) -> "Files":
    from omnitray.client.offline import Files  # noqa: PLC0415 - only without a running instance

    return Files(context.paths)


def _why_files(error: NotRunning | RequestFailed) -> str:
    """Why the files are used: no instance runs, it hangs, or it refused."""
    if isinstance(error, RequestFailed):
        return f"OmniTray refused ({error.status}: {error.detail or error.error})"
    return f"{error}" if isinstance(error, NotAnswering) else NOBODY


def _stored_in_files(
    new: NewAlert,
    args: argparse.Namespace,
    context: CommandContext,
    error: NotRunning | RequestFailed,
) -> Alert | None:
    """Write an alert down; with ``--json`` it is printed, and None."""
    alert = _files(context).raise_alert(new)
    why = _why_files(error)
    context.terminal.problem(f"{why}; the alert is in the history, and nobody was notified")
    return _printed(alert, args, context)


def _query(args: argparse.Namespace, context: CommandContext) -> AlertQuery:
    """What the options ask for, as the history knows it."""
    return AlertQuery(
        types=frozenset({AlertType(args.type)} if args.type else ()),
        severities=frozenset({Severity(args.severity)} if args.severity else ()),
        states=frozenset({args.state}) if args.state else ACTIVE if args.active else frozenset(),
        text=args.text or "",
        since=moment(args.since, context.now).timestamp() if args.since else None,
        until=moment(args.until, context.now).timestamp() if args.until else None,
        limit=args.limit,
    )


def _found_in_files(args: argparse.Namespace, context: CommandContext) -> Alerts | None:
    """What ``alerts`` asks for, the newest first; with ``--json`` it is printed, and None."""
    found = _files(context).alerts(_query(args, context))
    context.terminal.problem(f"{NOBODY}; read from its files")
    return _printed(Alerts(count=len(found), alerts=found), args, context)


def _printed(value: T, args: argparse.Namespace, context: CommandContext) -> T | None:
    if not args.json:
        return value
    context.terminal.json(msgspec.json.encode(value))
    return None

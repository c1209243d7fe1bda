"""Alerts while no OmniTray answers: written to the history's files and read from them.

One line on standard error says so; what is printed else is as if one ran.
"""

import argparse
from collections.abc import Iterator
from typing import TypeVar

import msgspec

from omnitray.alerts.model import Alert
from omnitray.alerts.storage.query import AlertQuery
from omnitray.api.requests import ACTIVE, NewAlert
from omnitray.api.wire import Alerts
from omnitray.base.facts import AlertType, Severity
from omnitray.cli.dispatch import CommandContext
from omnitray.cli.times import moment
from omnitray.client.http import NotAnswering, NotRunning, RequestFailed
from omnitray.client.offline import Files

T = TypeVar("T")
NOBODY = "no OmniTray answers"


def why_files(error: NotRunning | RequestFailed) -> str:
    """Why the files are used: no instance runs, it hangs, or it refused."""
    if isinstance(error, RequestFailed):
        return f"OmniTray refused ({error.status}: {error.detail or error.error})"
    return f"{error}" if isinstance(error, NotAnswering) else NOBODY


def store(
    new: NewAlert,
    args: argparse.Namespace,
    context: CommandContext,
    error: NotRunning | RequestFailed,
) -> Alert | None:
    """Write an alert down; with ``--json`` it is printed, and None."""
    alert = Files(context.paths).raise_alert(new)
    why = why_files(error)
    context.terminal.problem(f"{why}; the alert is in the history, and nobody was notified")
    return _printed(alert, args, context)


def find(args: argparse.Namespace, context: CommandContext) -> Alerts | None:
    """What ``alerts`` asks for; with ``--json`` it is printed, and None."""
    query = AlertQuery(
        types=frozenset({AlertType(args.type)} if args.type else ()),
        severities=frozenset({Severity(args.severity)} if args.severity else ()),
        states=frozenset({args.state}) if args.state else ACTIVE if args.active else frozenset(),
        text=args.text or "",
        since=moment(args.since, context.now).timestamp() if args.since else None,
        until=moment(args.until, context.now).timestamp() if args.until else None,
        limit=args.limit,
    )
    found = read(query, context)
    return _printed(Alerts(count=len(found), alerts=found), args, context)


def read(query: AlertQuery, context: CommandContext) -> list[Alert]:
    """From the files, the newest first."""
    found = Files(context.paths).alerts(query)
    context.terminal.problem(f"{NOBODY}; read from its files")
    return found


def versions(context: CommandContext) -> Iterator[Alert]:
    """From the files, every version of every alert; raises OSError."""
    return Files(context.paths).versions()


def _printed(value: T, args: argparse.Namespace, context: CommandContext) -> T | None:
    if not args.json:
        return value
    context.terminal.json(msgspec.json.encode(value))
    return None

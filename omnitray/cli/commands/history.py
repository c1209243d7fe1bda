"""``history``: what the machine did, by minute, hour, day or month; ``dashboard`` in a browser.

``history --runs`` lists the remembered runs, the newest first, also as CSV and JSON.
"""

import argparse
import datetime as dt
import subprocess
import webbrowser

import msgspec

from omnitray.api.metric_calls import (
    DashboardAddress,
    MetricsBody,
    MetricsQuery,
    PointBody,
    SeriesBody,
    read_metrics,
    span,
)
from omnitray.base.amounts import size
from omnitray.base.clock import epoch, timestamp
from omnitray.base.csv_text import rows_as_csv
from omnitray.base.paths import typed
from omnitray.cli.dispatch import CommandContext
from omnitray.cli.times import moment, rfc3339, shown, stretch
from omnitray.client.http import NotRunning
from omnitray.metrics.aggregate import Period
from omnitray.runs.history import RunHistory, as_csv, as_json
from omnitray.runs.model import RunRecord
from omnitray.runs.words import cpu, peak, took

COLUMNS = ("min", "mean", "max", "p95")
_OPENER_S = 3.0  # measured: xdg-open gives up after 1.3 s where no browser starts


def history(args: argparse.Namespace, context: CommandContext) -> int:
    """Print the stretches of each series, the oldest first."""
    body = _asked(args, context)
    if body is None:
        return 0
    if args.csv:
        context.terminal.whole(_csv(body).rstrip("\n"))
        return 0
    if not any(each.points for each in body.series):
        context.terminal.line(_nothing(context))
        return 0
    for series in body.series:
        if series.points:
            _table(series, args.by, context)
    return 0


def _nothing(context: CommandContext) -> str:
    """Since when something is known, and what to do."""
    from omnitray.metrics.store import read_first  # noqa: PLC0415 - SQLite, for this answer

    first = read_first(context.paths.data / "metrics.db")
    if first is not None:
        since = dt.datetime.fromtimestamp(first, dt.UTC).astimezone(context.now.tzinfo)
        when = f"{since:%Y-%m-%dT%H:%M}"
        return f"nothing is known of that time, only since {when}; ask with: --since {when}"
    try:
        context.remote()
    except NotRunning:
        start = f"start it with: {typed()}"
        return f"nothing is known so far: a value a minute is kept while OmniTray runs; {start}"
    return "nothing is known so far: OmniTray keeps a value a minute while it runs; ask in a minute"


def _asked(args: argparse.Namespace, context: CommandContext) -> MetricsBody | None:
    """From the running instance, else from its file."""
    since = moment(args.since, context.now) if args.since else None
    wanted = MetricsQuery(series=args.series, by=Period(args.by), since=since)
    try:
        wanted.names()
        span(wanted, context.now.timestamp())
    except msgspec.ValidationError as error:
        raise ValueError(f"{error}") from error
    try:
        return context.get(
            "/metrics",
            MetricsBody,
            as_json=args.json,
            series=args.series,
            by=args.by,
            since=rfc3339(since) if since is not None else None,
        )
    except NotRunning:
        found = read_metrics(context.paths.data / "metrics.db", wanted, context.now.timestamp())
    if not args.json:
        return found
    context.terminal.json(msgspec.json.encode(found))
    return None


def dashboard(args: argparse.Namespace, context: CommandContext) -> int:
    """Open the dashboard in the browser; the address counts once."""
    found = context.remote().post("/dashboard", None, DashboardAddress)
    address = f"{context.remote().address.url}{found.path}"
    if args.json:
        context.terminal.json(msgspec.json.encode({"url": address}))
        return 0
    if not args.print and _opened(address):
        context.terminal.line("the dashboard is open in your browser")
        return 0
    context.terminal.whole(address)
    if args.print:
        return 0
    context.terminal.problem(
        "no browser could be opened; the address counts once and for half a minute"
    )
    return 1


def _opened(address: str) -> bool:
    """Whether a browser took it.

    WORKAROUND for CPython: ``webbrowser`` takes a program that it has started in the background for
    a success, also where it ends with an error right after, as ``xdg-open`` does without a browser.
    It can go when ``BackgroundBrowser.open`` is False then.
    """
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return False
    if not isinstance(browser, webbrowser.BackgroundBrowser):
        return browser.open(address)
    words = [browser.name, *(each.replace("%s", address) for each in browser.args)]
    quiet = subprocess.DEVNULL
    try:
        opener = subprocess.Popen(
            words, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True
        )
    except OSError:
        return False
    try:
        return opener.wait(_OPENER_S) == 0
    except subprocess.TimeoutExpired:  # it has become the browser, which outlives us
        opener.returncode = 0
        return True


def _table(series: SeriesBody, by: str, context: CommandContext) -> None:
    rows = [
        (
            stretch(each.at, context.now, by),
            *(figure(value, series.unit) for value in _values(each)),
        )
        for each in series.points
    ]
    head = (series.series, *COLUMNS)
    context.terminal.table([head, *rows], ["dim", *([""] * len(rows))], drop=(1,))


def figure(value: float, unit: str) -> str:
    """``34.2 %``, ``1.2 MB/s``, ``61 °C``."""
    if unit == "B":
        return size(value)
    if unit == "B/s":
        return f"{size(value)}/s"
    return f"{value:.1f} {unit}".rstrip()


def _values(point: PointBody) -> tuple[float, float, float, float]:
    return point.min, point.mean, point.max, point.p95


def _csv(body: MetricsBody) -> str:
    """One row a stretch and series, times in UTC, figures in the unit of the series."""
    head = ("at", "series", "unit", *COLUMNS, "covered_s")
    rows = [
        (epoch(point.at), (point.at, each.series, each.unit, *_values(point), point.covered_s))
        for each in body.series
        for point in each.points
    ]
    return rows_as_csv([head, *(row for _, row in sorted(rows, key=lambda found: found[0]))])


HEAD = ("when", "took", "peak", "last", "CPU", "verdict", "run")
COLOURS = {"passed": "", "failed": "critical", "out of memory": "critical", "timed out": "warning"}


def list_runs(args: argparse.Namespace, context: CommandContext) -> int:
    """Print them; with ``--json`` the records, without their samples, on one line."""
    since = moment(args.since, context.now).timestamp() if args.since else 0.0
    known = RunHistory(context.paths.data).runs()
    runs = [each for each in known if each.started_at >= since and _fits(each, args.match)]
    if getattr(args, "csv", False):
        context.terminal.whole(as_csv(runs).rstrip("\n"))
        return 0
    if args.json:
        context.terminal.json(as_json(runs))
        return 0
    if not runs and known:
        context.terminal.line("no run fits")
        return 0
    if not runs:
        context.terminal.line("no run is remembered; start one with: omnitray run -- COMMAND")
        return 0
    rows = [
        (
            shown(timestamp(each.started_at), context.now),
            took(each.took_s),
            peak(each.peak_bytes),
            size(each.last_peak_bytes) if each.last_peak_bytes else "–",
            cpu(each.cpu_percent, each.took_s),
            each.verdict or each.kind.value,
            f"{each.title} · {each.project}",
        )
        for each in runs
    ]
    colours = ["dim", *(COLOURS.get(each.kind.value, "") for each in runs)]
    context.terminal.table([HEAD, *rows], colours, drop=(3, 4, 1, 2))
    return 0


def _fits(run: RunRecord, words: str) -> bool:
    """Whether all the words are in what is shown of it."""
    shown_of_it = f"{run.title} {run.command} {run.project} {run.verdict or run.kind.value}".lower()
    return all(word in shown_of_it for word in words.lower().split())

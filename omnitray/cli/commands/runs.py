"""``history --runs``: the remembered runs, the newest first, also as CSV and JSON."""

import argparse

from omnitray.base.amounts import size
from omnitray.base.clock import timestamp
from omnitray.cli.dispatch import CommandContext
from omnitray.cli.times import moment, shown
from omnitray.runs.export import as_csv, as_json
from omnitray.runs.history import RunHistory
from omnitray.runs.model import RunRecord
from omnitray.runs.words import cpu, peak, took

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
    context.terminal.table([HEAD, *rows], colours)
    return 0


def _fits(run: RunRecord, words: str) -> bool:
    """Whether all the words are in what is shown of it."""
    shown_of_it = f"{run.title} {run.command} {run.project} {run.verdict or run.kind.value}".lower()
    return all(word in shown_of_it for word in words.lower().split())

"""``history --runs``: the remembered runs, the newest first."""

import argparse

import msgspec

from omnitray.base.amounts import size
from omnitray.base.clock import timestamp
from omnitray.cli.dispatch import CommandContext
from omnitray.cli.times import moment, shown
from omnitray.runs.history import RunHistory
from omnitray.runs.words import took

HEAD = ("when", "took", "peak", "last", "CPU", "verdict", "run")
COLOURS = {"passed": "", "failed": "critical", "out of memory": "critical", "timed out": "warning"}


def list_runs(args: argparse.Namespace, context: CommandContext) -> int:
    """Print them; with ``--json`` the records, without their samples, on one line."""
    since = moment(args.since, context.now).timestamp() if args.since else 0.0
    runs = [each for each in RunHistory(context.paths.data).runs() if each.started_at >= since]
    if args.json:
        short = [msgspec.structs.replace(each, samples=(), events=()) for each in runs]
        context.terminal.json(msgspec.json.encode({"count": len(short), "runs": short}))
        return 0
    if not runs:
        context.terminal.line("no run is remembered; start one with: omnitray run -- COMMAND")
        return 0
    rows = [
        (
            shown(timestamp(each.started_at), context.now),
            took(each.took_s),
            size(each.peak_bytes),
            size(each.last_peak_bytes) if each.last_peak_bytes else "–",
            f"{each.cpu_percent:.0f} %",
            each.verdict or each.kind.value,
            f"{each.title} · {each.project}",
        )
        for each in runs
    ]
    colours = ["dim", *(COLOURS.get(each.kind.value, "") for each in runs)]
    context.terminal.table([HEAD, *rows], colours)
    return 0

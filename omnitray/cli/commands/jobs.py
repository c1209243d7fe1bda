"""``jobs`` and ``top``: what weighs most on this machine, once or live."""

import argparse
import contextlib
from collections.abc import Callable

import msgspec

from omnitray.api.wire import JobBody, Jobs
from omnitray.base.amounts import count, rate, size
from omnitray.base.process_environment import terminal_lines
from omnitray.cli.dispatch import CommandContext, Stopped
from omnitray.cli.terminal import percent

SHOWN = 20
_FRAME_LINES = 4  # head line, titles, the line of the rest, and the prompt
_SILENT_BPS = 50_000.0  # growth under 0.05 MB/s is what every process does, as in the window
_WEIGHTS: dict[str, Callable[[JobBody], float]] = {
    "cpu": lambda job: job.cpu_percent or 0.0,
    "memory": lambda job: float(job.rss_bytes),
    "growth": lambda job: job.growth_bps or 0.0,
    "processes": lambda job: float(job.process_count),
}
_SAID = {
    "weight": "CPU and memory together",
    "cpu": "CPU",
    "memory": "memory",
    "growth": "growth of memory",
    "processes": "number of processes",
    "name": "name",
}


def jobs(args: argparse.Namespace, context: CommandContext) -> int:
    """The jobs of the last scan, in the order that is asked for."""
    _print(args, context, args.limit or (None if args.json else SHOWN))
    return 0


def top(args: argparse.Namespace, context: CommandContext) -> int:
    """The same at each look, until Ctrl-C; as many as the terminal has lines for."""
    from omnitray.client.websocket import stream  # noqa: PLC0415 - needed here alone

    lines = terminal_lines(SHOWN + _FRAME_LINES) - _FRAME_LINES
    most = args.limit or (max(1, lines) if context.terminal.interactive else SHOWN)
    with contextlib.closing(stream(context.remote().address, ["snapshot"])) as messages:
        for _ in messages:
            if not args.json:
                context.terminal.clear()
            _print(args, context, most)
    raise Stopped


def _print(args: argparse.Namespace, context: CommandContext, most: int | None) -> None:
    found = context.get("/jobs", Jobs, as_json=False)
    if found is None:
        return
    ordered = in_order(found.jobs, args.by)
    kept = ordered if most is None else ordered[:most]
    if args.json:
        context.terminal.json(msgspec.json.encode(Jobs(count=found.count, jobs=kept)))
    else:
        _show(kept, len(ordered), args.by, context)


def in_order(found: list[JobBody], by: str) -> list[JobBody]:
    """By name upwards, by all else the largest first; ``weight`` is the order of the API."""
    if by == "name":
        return sorted(found, key=lambda job: job.title.casefold())
    weight = _WEIGHTS.get(by)
    return found if weight is None else sorted(found, key=weight, reverse=True)


def _show(kept: list[JobBody], total: int, by: str, context: CommandContext) -> None:
    terminal = context.terminal
    first = "" if by == "name" else ", the most first"
    terminal.line(f"{count(total, 'job')} by {_SAID[by]}{first}", "dim")
    rows = [
        (
            percent(each.cpu_percent),
            size(each.rss_bytes),
            _growth(each.growth_bps),
            str(each.leader_pid),
            f"{each.title} · {count(each.process_count, 'process')}",
        )
        for each in kept
    ]
    titles = ("CPU", "memory", "growth", "leader", "job")
    terminal.table([titles, *rows], ["dim"], right=(0, 1, 2, 3))
    if more := total - len(kept):
        terminal.line(f"{count(more, 'more job')}; --limit {total} shows all of them", "dim")


def _growth(bps: float | None) -> str:
    if bps is None:
        return "–"
    if abs(bps) < _SILENT_BPS:
        return "0"
    return ("+" if bps > 0 else "−") + rate(abs(bps))

"""``status``, ``mode``, ``level``, ``snooze``, and ``jobs`` and ``top``: what weighs most."""

import argparse
import contextlib
from collections.abc import Callable
from functools import partial

import msgspec

from omnitray.api.wire import (
    JobBody,
    Jobs,
    LevelState,
    ModeState,
    SnapshotBody,
    SnoozeState,
    StatusBody,
)
from omnitray.base.amounts import count, rate, size
from omnitray.base.leases import asked_by
from omnitray.base.process_environment import terminal_lines
from omnitray.cli.dispatch import CommandContext, Stopped
from omnitray.cli.terminal import percent
from omnitray.cli.times import duration_s, local_now, shown
from omnitray.client.http import decoded

MOODS = {"good": "ok", "warning": "warning", "critical": "critical", "holding": "warning"}
WEEK_S = 604_800


def status(args: argparse.Namespace, context: CommandContext) -> int:
    """Print monitor, protector and alerts, once or at every change."""
    if args.watch:
        return _watch(args, context)
    body = context.get("/status", StatusBody, as_json=args.json)
    if body is not None:
        show_status(body, context)
    return 0


def _watch(args: argparse.Namespace, context: CommandContext) -> int:
    from omnitray.client.websocket import stream  # noqa: PLC0415 - needed here alone

    terminal, before = context.terminal, ""
    with contextlib.closing(stream(context.remote().address)) as messages:
        for _ in messages:
            answer = context.remote().raw("GET", "/status")
            body = decoded(answer, StatusBody)
            if terminal.interactive and not args.json:
                terminal.redraw(partial(show_status, body, context))
                continue
            said = answer.decode() if args.json else status_line(body)
            if said == before:
                continue
            before = said
            if args.json:
                terminal.json(answer)
            else:
                terminal.line(f"{local_now():%H:%M:%S}  {said}")
    raise Stopped


def status_line(body: StatusBody) -> str:
    """``All good · CPU 34 % · memory 56 % · disk 61 % · 0 alerts open``."""
    shot = body.monitor.snapshot
    figures = (
        []
        if shot is None
        else [
            f"CPU {percent(shot.cpu_percent)}",
            f"memory {percent(shot.memory_percent)}",
            f"disk {percent(shot.disk_percent)}",
        ]
    )
    return " · ".join([body.headline, *figures, f"{count(body.alerts.open, 'alert')} open"])


def show_status(body: StatusBody, context: CommandContext) -> None:
    """The page that ``status`` prints."""
    terminal = context.terminal
    terminal.line(body.headline, MOODS.get(body.mood, ""))
    terminal.line(body.detail, "dim")
    terminal.line()
    rows = [*_readings(body.monitor.snapshot), *_settings(body), *_rest(body)]
    terminal.table(rows, whole=True)
    for problem in body.problems:
        terminal.line(f"Problem   {problem}", "warning", 10)
    for alert in body.alerts.latest:
        when = shown(alert.last_seen, context.now)
        terminal.row(f"  {when}  {alert.severity:<8}  {alert.title}", alert.severity)


def _readings(shot: SnapshotBody | None) -> list[tuple[str, str, str]]:
    if shot is None:
        return [("Reading", "–", "not taken yet")]
    figures = " ".join(f"{each:.2f}" for each in shot.load or ())
    load = f"load {figures}" if figures else ""
    memory = shot.memory
    used = f"{size(memory.used_bytes)} of {size(memory.total_bytes)}" if memory else ""
    fullest = shot.disks[0] if shot.disks else None
    free = f"{size(fullest.free_bytes)} free on {fullest.mount}" if fullest else ""
    return [
        ("CPU", percent(shot.cpu_percent), load),
        ("Memory", percent(shot.memory_percent), used),
        ("Disk", percent(shot.disk_percent), free),
    ]


def _settings(body: StatusBody) -> list[tuple[str, str, str]]:
    limits = body.protector.limits
    protects = f"CPU limit {limits.cpu_percent:g} %, memory limit {limits.memory_percent:g} %"
    if body.mode_asked_by:
        protects = f"{protects}; {asked_by(body.mode_asked_by)}"
    # The level is how often it looks: its name stands where nobody reads it as a state.
    level = f"from look to look; monitor level {body.level}, {body.monitor.level_reason}"
    return [("Mode", body.mode, protects), ("Looks", f"{body.monitor.interval_s:g} s", level)]


def _rest(body: StatusBody) -> list[tuple[str, str, str]]:
    rows = [("Held", "", job) for job in body.protector.holding]
    if body.own is not None:
        cost = f"of one core, {size(body.own.rss_bytes)} of memory, process {body.pid}"
        rows.append(("OmniTray", f"{body.own.cpu_percent:.1f} %", cost))
    rows.append(("Alerts", str(body.alerts.open), f"open, {body.alerts.critical} critical"))
    return rows


def mode(args: argparse.Namespace, context: CommandContext) -> int:
    """Show or set the protector's mode."""
    if args.mode is None:
        return _show_state(args, context, "mode")
    state = context.post("/mode", {"mode": args.mode}, ModeState, as_json=args.json)
    if state is not None:
        limits = state.limits
        context.terminal.line(
            f"mode {state.mode}: CPU limit {limits.cpu_percent:g} %, "
            f"memory limit {limits.memory_percent:g} %"
        )
    return 0


def level(args: argparse.Namespace, context: CommandContext) -> int:
    """Show or set the monitor's level."""
    if args.level is None:
        return _show_state(args, context, "level")
    state = context.post("/level", {"level": args.level}, LevelState, as_json=args.json)
    if state is not None:
        context.terminal.line(_level_line(state))
    return 0


def snooze(args: argparse.Namespace, context: CommandContext) -> int:
    """Hold notifications back for a while."""
    body = {"duration_s": duration_s(args.duration)}
    if body["duration_s"] > WEEK_S:
        raise ValueError(f"{args.duration!r} is too long; at most 7 days")
    state = context.post("/snooze", body, SnoozeState, as_json=args.json)
    if state is not None:
        until = shown(state.until, context.now) if state.until else ""
        context.terminal.line(
            f"notifications are held back until {until}" if until else "notifications come again"
        )
    return 0


def _show_state(args: argparse.Namespace, context: CommandContext, what: str) -> int:
    body = context.remote().get("/status", StatusBody)
    limits, monitor = body.protector.limits, body.monitor
    state: ModeState | LevelState = ModeState(
        mode=body.mode, limits=limits, mode_asked_by=body.mode_asked_by
    )
    if what == "level":
        state = LevelState(
            level=monitor.level,
            chosen_level=monitor.chosen_level,
            interval_s=monitor.interval_s,
            level_reason=monitor.level_reason,
        )
    if args.json:
        import msgspec  # noqa: PLC0415 - loaded already; named here for this branch alone

        context.terminal.json(msgspec.json.encode(state))
    elif isinstance(state, LevelState):
        context.terminal.line(_level_line(state))
    else:
        by = state.mode_asked_by
        context.terminal.line(f"{state.mode} ({asked_by(by)})" if by else state.mode)
    return 0


def _level_line(state: LevelState) -> str:
    why = state.level_reason
    if state.chosen_level not in {"auto", state.level}:
        why = f"{why}; yours is {state.chosen_level}"
    return f"level {state.level} ({why}), looks every {state.interval_s:g} s"


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
    """The same at each change, until Ctrl-C; as many as the terminal has lines for."""
    from omnitray.client.websocket import stream  # noqa: PLC0415 - needed here alone

    lines = terminal_lines(SHOWN + _FRAME_LINES) - _FRAME_LINES
    most = args.limit or (max(1, lines) if context.terminal.interactive else SHOWN)
    with contextlib.closing(stream(context.remote().address, ["snapshot"])) as messages:
        for _ in messages:
            if args.json:
                _print(args, context, most)
            else:
                context.terminal.redraw(partial(_print, args, context, most), _time)
    raise Stopped


def _time() -> str:
    return f"{local_now():%H:%M:%S}"


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
    terminal.table([titles, *rows], ["dim"], right=(0, 1, 2, 3), drop=(3, 2, 0))
    if more := total - len(kept):
        terminal.line(f"{count(more, 'more job')}; --limit {total} shows all of them", "dim")


def _growth(bps: float | None) -> str:
    if bps is None:
        return "–"
    if abs(bps) < _SILENT_BPS:
        return "0"
    return ("+" if bps > 0 else "−") + rate(abs(bps))

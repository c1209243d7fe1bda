"""``run``: a command with a budget, measured and remembered, its exit status passed on.

Started before everything else, so this module imports next to nothing: see :mod:`omnitray.runs`.
Exit status: the command's; 128 + n for signal n, 124 for the time limit, 125 where we refuse or
cannot start anything, 126 and 127 as a shell.
"""

import os
import sys
import time

from omnitray.cli.run_options import NO_COMMAND, RunOptions, command_of, parsed
from omnitray.runs import records
from omnitray.runs.budget import RunScope
from omnitray.runs.child import REFUSED, NotStarted, has_terminal
from omnitray.runs.light import signal
from omnitray.runs.relay import STOPS, SignalRelay, close_all_but
from omnitray.runs.watch import ENDS, CommandRun, RunPlan

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from typing import NoReturn

    from omnitray.cli.dispatch import CommandContext
    from omnitray.runs import admission

WORTH_EXPECTING = 256_000_000  # a run that takes less does not decide whether another one fits
SAY_AGAIN_S = 60.0
ROOT = "/"
LEARNT_FROM = ("passed", "failed")
ENDED_FOR_MEMORY = ("ended at its memory budget", "killed for memory")
CUT_SHORT = (*ENDED_FOR_MEMORY, "timed out")


def main(argv: "list[str]") -> int:
    """``omnitray run``, called with what follows these words."""
    return start(parsed(argv, REFUSED))


def run(args: "argparse.Namespace", context: "CommandContext") -> int:
    """The same behind other options of ``omnitray``."""
    options = RunOptions()
    options.__dict__.update({key: vars(args)[key] for key in vars(options)})
    options.words = command_of(options.words)
    if options.words:
        return start(options)
    context.terminal.problem(NO_COMMAND)
    return REFUSED


def start(args: RunOptions) -> int:
    """Run the command of these options; the exit status."""
    relay = SignalRelay()
    files = records.RunFiles(records.data_folder())
    talks = args.summary or _is_terminal()
    plan, learnt = _plan(args, files)
    try:
        stopped = _admit(args, plan, learnt, files, relay, talks=talks)
        if stopped:
            return stopped
        scope, scoped = _scope(plan)
        one = CommandRun(plan, files, _on_event, scope)
        one.run(relay, own_session=not has_terminal(), scoped=scoped)
    except NotStarted as error:
        return _refuse(args, "not_started", f"{error}", error.status)
    except OSError as error:
        return _refuse(args, "failed", f"{error.strerror or error}", REFUSED)
    finally:
        plan.leave_queue()
    return _finish(one, args, plan, learnt, files, relay, talks=talks)


def _refuse(args: RunOptions, error: str, detail: str, status: int) -> int:
    if args.json:
        _print({"error": error, "detail": detail})
    else:
        _say(detail)
    return status


def _plan(args: RunOptions, files: records.RunFiles) -> "tuple[RunPlan, records.Record]":
    plan = RunPlan(command_of(args.words), records.given_environment())
    plan.name = " ".join(args.name.encode("utf-8", "replace").decode().split())
    plan.folder = records.working_folder()
    plan.project = records.project_of(plan.folder)
    plan.memory_bytes, plan.cpu_percent = args.memory, args.cpu
    plan.timeout_s, plan.may_end = args.timeout, not args.no_kill
    learnt = files.learnt(plan.project, plan.name or plan.command)
    plan.last_peak_bytes = int(records.number(learnt, "peak_bytes"))
    needed = plan.last_peak_bytes or plan.memory_bytes or 0
    if plan.memory_bytes:
        needed = min(needed, plan.memory_bytes)
    plan.expected_bytes = needed if needed >= WORTH_EXPECTING else 0
    return plan, learnt


def _admit(
    args: RunOptions,
    plan: RunPlan,
    learnt: "records.Record",
    files: records.RunFiles,
    relay: SignalRelay,
    *,
    talks: bool,
) -> int:
    """Wait or warn where memory is short; a status where the waiting was ended."""
    if not (plan.expected_bytes or args.wait or args.workers_from_memory):
        return 0
    from omnitray.runs import admission  # noqa: PLC0415 - where memory may be short

    machine = admission.MemInfo(narrowed=memory_group())
    if args.wait and (stopped := _wait(plan, files, relay, machine, talks=talks)):
        return stopped
    room = machine.room_bytes(files)
    if room is None:
        return 0
    if plan.expected_bytes > room and talks:
        from omnitray.runs import words  # noqa: PLC0415 - only where something is said

        _say(words.tight(_why(plan, room)))
    if args.workers_from_memory:
        most = min(room, plan.memory_bytes or room)
        each = int(records.number(learnt, "worker_bytes"))
        count = admission.how_many(most, each, _cores())
        plan.words = admission.told(count, plan.words, plan.environ)
        if talks:
            _say(f"{count} {'worker fits' if count == 1 else 'workers fit'} into memory")
    return 0


def memory_group() -> "Callable[[int, int], tuple[int, int]]":
    """All and available memory, or those of the tightest memory group that this process is in."""
    from pathlib import Path  # noqa: PLC0415 - where memory may be short

    from omnitray.base.facts import MemoryFacts  # noqa: PLC0415 - as above
    from omnitray.platforms.linux.cgroup import CgroupLimits  # noqa: PLC0415 - as above

    limits = CgroupLimits(Path(ROOT), time.monotonic)

    def narrowed(total: int, available: int) -> "tuple[int, int]":
        machine = MemoryFacts(
            total_bytes=total, available_bytes=available, swap_total_bytes=0, swap_free_bytes=0
        )
        found = limits.memory(machine)
        return found.total_bytes, found.available_bytes

    return narrowed


def _wait(
    plan: RunPlan,
    files: records.RunFiles,
    relay: SignalRelay,
    machine: "admission.MemInfo",
    *,
    talks: bool,
) -> int:
    """Wait until memory can hold it and no earlier run waits; a status where that is ended."""
    from omnitray.runs import admission, words  # noqa: PLC0415 - as above

    queue = admission.Queue(files.folder)
    queue.join(plan.name or plan.command)
    plan.leave_queue = queue.leave
    said_mono_s = float("-inf")
    while True:
        ahead, room = queue.ahead(), machine.room_bytes(files)
        if not ahead and (room is None or plan.expected_bytes <= room):
            return 0
        now = time.monotonic()
        if talks and now - said_mono_s >= SAY_AGAIN_S:
            said_mono_s = now
            _say(words.waiting(_why(plan, room or 0), ahead))
        found = relay.next(admission.LOOK_S)
        number = found[0] if found is not None else 0
        if number in STOPS:
            relay.stop_along(number)
        elif number in ENDS:
            return 128 + number


def _why(plan: RunPlan, room: int) -> str:
    from omnitray.runs import words  # noqa: PLC0415 - only where something is said

    return words.last_time(plan.expected_bytes, room, is_budget=not plan.last_peak_bytes)


def _scope(plan: RunPlan) -> "tuple[RunScope, bool]":
    if plan.memory_bytes or plan.cpu_percent:
        runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
        if os.path.exists(f"{runtime}/systemd/private"):  # a user session of systemd
            from omnitray.platforms.linux.run_scopes import (  # noqa: PLC0415 - D-Bus takes 40 ms
                UnitRunScope,
            )

            return UnitRunScope(plan), True
    return RunScope(), False


def _finish(
    one: CommandRun,
    args: RunOptions,
    plan: RunPlan,
    learnt: "records.Record",
    files: records.RunFiles,
    relay: SignalRelay,
    *,
    talks: bool,
) -> int:
    """Remember it, say it, report it; the exit status."""
    verdict = one.verdict()
    record = one.finish()
    try:
        one.remember(record)
        _learn(one, plan, learnt, files, verdict)
    except OSError as error:  # a full disk: the run itself was well
        if talks:
            _say(f"the run is not remembered: {error.strerror}")
    _show(one, record, talks=talks, as_json=args.json)
    news = "over" if one.was_paused else ""
    if verdict == "passed":
        news = "passed" if learnt.get("failed") else news
    elif verdict != "interrupted":
        news = "ended"

    def afterwards() -> None:
        files.sync(one.id)
        if news:
            _report(news, record)

    if os.fork() == 0:  # not waited for: we end, too
        _alone(afterwards)
    if verdict == "interrupted" and os.WIFSIGNALED(one.status) and has_terminal():
        relay.die_of(os.WTERMSIG(one.status))  # a script's shell ends with it, as without us
    return one.exit_status


def _show(one: CommandRun, record: "records.Record", *, talks: bool, as_json: bool) -> None:
    """The closing line where one is wanted; who finds a run killed reads why everywhere."""
    if talks or (record["verdict"] in CUT_SHORT and not as_json):
        from omnitray.runs import words  # noqa: PLC0415 - only where something is said

        _say(words.closing(record))
    if as_json:
        _print({**record, "exit_code": one.exit_status})


def _learn(
    one: CommandRun,
    plan: RunPlan,
    learnt: "records.Record",
    files: records.RunFiles,
    verdict: str,
) -> None:
    """A run that was cut short says nothing about what it takes, but that it takes as much."""
    whole = verdict.startswith(LEARNT_FROM)
    if verdict == "interrupted":
        return
    if not whole and verdict not in ENDED_FOR_MEMORY:
        ended = {"failed": True, "at": round(time.time(), 3)}  # the next one that passes ends that
        files.learn(plan.project, plan.name or plan.command, {**learnt, **ended})
        return
    before = 0 if whole else plan.last_peak_bytes
    figures: records.Record = {
        "peak_bytes": max(before, one.peak_bytes),
        "worker_bytes": one.worker_bytes or int(records.number(learnt, "worker_bytes")),
        "took_s": round(one.took_s, 3),
        "runs": int(records.number(learnt, "runs")) + 1,
        "failed": verdict != "passed",
        "at": round(time.time(), 3),
    }
    files.learn(plan.project, plan.name or plan.command, figures)


def _on_event(kind: str, one: CommandRun) -> None:
    """A budget was met."""
    plan = one.plan
    if _is_terminal() and plan.memory_bytes:
        from omnitray.runs import words  # noqa: PLC0415 - only where something is said

        _say(words.budget_line(kind, plan.memory_bytes))
    if kind in {"paused", "freed"}:
        facts: records.Record = {
            "id": one.id,
            "may_end": plan.may_end,
            "name": plan.name,
            "command": plan.command,
            "project": plan.project,
            "peak_bytes": one.peak_bytes,
            "memory_budget_bytes": plan.memory_bytes,
        }
        _in_background(lambda: _report(kind, facts))


def _report(kind: str, record: "records.Record") -> None:
    """Raise or end the alert."""
    from omnitray.cli.run_report import report  # noqa: PLC0415 - half a second of imports

    report(kind, record)


def _in_background(action: "Callable[[], None]") -> None:
    """Do something in a process of its own while the run goes on, without waiting for it."""
    first = os.fork()
    if first:
        os.waitpid(first, 0)
    elif os.fork():
        os._exit(0)
    else:
        _alone(action)


def _alone(action: "Callable[[], None]") -> "NoReturn":
    """In a process of its own: do it with nothing of the run's held open, and end."""
    try:
        os.setsid()
        close_all_but(set())
        os.open(os.devnull, os.O_RDWR)
        os.dup2(0, 1)
        os.dup2(0, 2)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        action()
    finally:
        os._exit(0)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


def _is_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


def _print(value: "records.Record") -> None:
    """One line on standard output, behind what the command wrote there; a closed one loses it."""
    import json  # noqa: PLC0415 - only where it is asked for

    line = f"{json.dumps(value, separators=(',', ':'))}\n".encode()
    try:
        while line:
            line = line[os.write(1, line) :]
    except OSError:
        return


def _say(text: str) -> None:
    """One line on standard error; a closed one loses it."""
    shown = "".join(mark if mark.isprintable() else "?" for mark in text)
    try:
        os.write(2, f"omnitray: {shown}\n".encode("utf-8", "replace"))
    except OSError:
        return

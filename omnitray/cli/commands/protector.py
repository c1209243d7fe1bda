"""``actions``, ``undo``, ``explain``, ``record``, ``clean``."""

import argparse
import time
from pathlib import Path

import msgspec

from omnitray.api.wire import (
    Actions,
    Done,
    ExplanationBody,
    ProtectionSettings,
    Questions,
    RecordingState,
)
from omnitray.base.amounts import duration, size
from omnitray.base.durable import StorageError, write_atomic
from omnitray.base.paths import why_no_place
from omnitray.cli.dispatch import CommandContext, CommandFailed
from omnitray.cli.terminal import Terminal, percent
from omnitray.cli.times import bad_value, duration_s, shown
from omnitray.client.http import quoted
from omnitray.protector.view import (
    ActionOutcome,
    Considered,
    Explanation,
    HoldKind,
    pid_words,
)

NARROW = 70  # columns: with fewer what was done goes on in the next line
RECORDED, LONGEST_RECORDED_S = ".jsonl.xz", 3600.0
# An hour of a busy desk takes some seconds to be written; the protector steps every five at rest.
_WRITTEN_WITHIN_S, _LOOK_S = 60.0, 0.5
# TERM, 10 s later KILL, and 10 s more until it is given up (protector/actuators/signals.py).
_ENDED_WITHIN_S = 25.0
_GOING_ON = (ActionOutcome.REVERSIBLE, ActionOutcome.FINAL)


def actions(args: argparse.Namespace, context: CommandContext) -> int:
    """What the protector holds and did."""
    body = context.get("/actions", Actions, as_json=args.json)
    if body is None:
        return 0
    terminal = context.terminal
    told = {each.action_id: each for each in body.explanations}
    for held in body.held:
        how = held.grip if held.grip == HoldKind.WOULD else f"is {held.grip}"
        whom = f"{held.title}{pid_words(held.pids)}"
        terminal.line(f"{whom} {how}: {held.why}", "warning")
        if (explained := told.get(held.action_id)) is not None:
            _explained(explained, terminal)
    rows = [
        (shown(each.at, context.now), each.outcome.value, each.id, f"{each.what} ({each.why})")
        for each in body.actions
    ]
    terminal.table(rows, drop=(0,), whole=terminal.width < NARROW)
    if not rows:
        terminal.line("nothing was done to any job")
    if body.breaker.state != "closed":
        why = body.breaker.why
        terminal.line(f"the circuit breaker is {body.breaker.state.value}: {why}", "critical")
    return 0


def _explained(told: Explanation, terminal: Terminal) -> None:
    """The reasons, the excluded jobs and the effect on the machine."""
    terminal.whole(terminal.wrapped(told.text, 2, "dim"))
    spared = [f"{each.title} ({each.verdict})" for each in told.considered if not each.chosen]
    if spared:
        terminal.whole(terminal.wrapped(f"spared: {', '.join(spared)}", 2, "dim"))
    for effect in told.effects:
        terminal.line(f"  {effect.name}: {effect.figure}", "dim")


def undo(args: argparse.Namespace, context: CommandContext) -> int:
    """Take one action back, or all of them."""
    path = "/actions/undo-all" if args.id == "all" else f"/actions/{quoted(args.id)}/undo"
    done = context.post(path, None, Done, as_json=args.json)
    if done is not None:
        _say(done, "nothing was left to undo", context)
    return 0


def explain(args: argparse.Namespace, context: CommandContext) -> int:
    """Who would be acted on now, in what order, and why."""
    body = context.get("/explain", ExplanationBody, as_json=args.json)
    if body is None:
        return 0
    terminal = context.terminal
    terminal.whole(terminal.wrapped(body.text))
    if not body.considered:
        return 0
    short = any(each.cause_share is not None for each in body.considered)
    rows: list[tuple[str, ...]] = [_EXPLAIN_HEAD, *map(_considered_row, body.considered)]
    if not short:  # then no job has a part in it
        rows = [(*row[:2], row[3]) for row in rows]
    notes = [_what_of_it(each) for each in body.considered]
    terminal.line()
    figures = range(len(rows[0]) - 1)
    terminal.table(rows, ("dim",), right=figures, below=["", *notes], drop=figures[1:])
    return 0


# Of all processors or of what used the memory up, whichever is short.
_EXPLAIN_HEAD = ("MEMORY", "CPU OF 1 CORE", "PART OF WHAT IS SHORT", "JOB")


def _considered_row(each: Considered) -> tuple[str, str, str, str]:
    part = "–" if each.cause_share is None else percent(100.0 * each.cause_share)
    return size(each.rss_bytes), percent(each.cpu_percent), part, each.title


def _what_of_it(each: Considered) -> str:
    """The verdict on a job, how far it may be touched, what would be next; each thing once."""
    said = [each.verdict, each.may, each.next_step]
    # ``would be ended`` stands in the sentence about the next step as well, and a reason with both.
    kept = [
        part
        for number, part in enumerate(said)
        if part and not any(part in later for later in said[number + 1 :])
    ]
    return "; ".join(kept)


def questions(args: argparse.Namespace, context: CommandContext) -> int:
    """What the protector asks now, with the answers that each question takes."""
    body = context.get("/questions", Questions, as_json=args.json)
    if body is None:
        return 0
    terminal = context.terminal
    for each in body.questions:
        terminal.row(f"{each.id}  {each.title}", "warning")
        terminal.whole(terminal.wrapped(each.text, 2))
        if each.unanswered:
            words = f"without an answer: {each.unanswered}"
            if each.deadline:
                words = f"{words} at {shown(each.deadline, context.now)}"
            terminal.whole(terminal.wrapped(words, 2))
        terminal.line(f"  omnitray answer {each.id} {'|'.join(each.answers)}", "dim")
    if not body.questions:
        terminal.line("nothing is asked")
    return 0


def answer(args: argparse.Namespace, context: CommandContext) -> int:
    """Answer an open question."""
    done = context.changed(f"/questions/{quoted(args.id)}", {"answer": args.answer}, Done)
    return _acted(done, args, context, ends=args.answer == "end")


def act(args: argparse.Namespace, context: CommandContext) -> int:
    """Pause, resume, slow down or end a job."""
    done = context.changed("/jobs/action", {"job": args.job, "action": args.action}, Done)
    return _acted(done, args, context, ends=args.action == "end")


def _acted(done: Done, args: argparse.Namespace, context: CommandContext, *, ends: bool) -> int:
    """Say what was done; an end is waited for, since its outcome is what was asked for."""
    if not args.json:
        _say(done, "nothing was left to do", context)
    ended = _wait_for_the_end(done.action_id, context) if ends and done.action_id else ""
    if args.json:
        context.terminal.json(msgspec.json.encode(done))
    elif ended:
        context.terminal.line(ended)
    return 0


def _wait_for_the_end(action_id: str, context: CommandContext) -> str:
    """What was ended; raises CommandFailed where something is left."""
    until = time.monotonic() + _ENDED_WITHIN_S
    while True:
        found = context.remote().get("/actions", Actions).actions
        row = next((each for each in found if each.id == action_id), None)
        if row is not None and row.outcome not in _GOING_ON:
            if row.outcome is ActionOutcome.ENDED:
                return row.what
            raise CommandFailed("failed", f"{row.what}: it could not be ended")
        if time.monotonic() > until:
            raise CommandFailed("failed", "it still runs; what becomes of it: omnitray actions")
        time.sleep(_LOOK_S / 2)


def protect(args: argparse.Namespace, context: CommandContext) -> int:
    """Show or change the protector's state and the list of what it never touches."""
    listing = args.what in {"add", "remove"}
    if listing != bool(args.name):
        wanted = f"protect {args.what} takes WHOM" if listing else "only add and remove take WHOM"
        raise ValueError(wanted)
    if args.what is None:
        now = context.get("/protect", ProtectionSettings, as_json=args.json)
    else:
        change = {args.what: args.name} if listing else {"state": args.what}
        now = context.post("/protect", change, ProtectionSettings, as_json=args.json)
    if now is not None:
        words = {"on": "on", "watch": "only watching", "off": "off"}[now.state.value]
        context.terminal.line(f"protection is {words}")
        for each in now.protected:
            context.terminal.line(f"  never touched: {each}")
        if now.unmatched:
            context.terminal.whole(context.terminal.wrapped(_matches_nothing(now), 0, "warning"))
    return 0


def _matches_nothing(now: ProtectionSettings) -> str:
    """What was added and means nothing that runs: a slip of the pen, or a job of tomorrow."""
    if not now.near:
        return f"{now.unmatched} matches no running job now; it is kept."
    named = ", ".join(f'"{each}"' for each in now.near)
    return f"{now.unmatched} matches no running job now; it is kept. Did you mean {named}?"


def record(args: argparse.Namespace, context: CommandContext) -> int:
    """Record for a while, then bring the file to where the person wants it."""
    file, for_s = Path(args.file), duration_s(args.for_s)
    if not file.name.endswith(RECORDED):
        raise ValueError(bad_value(args.file, f"a name that ends in {RECORDED}"))
    if not 0 < for_s <= LONGEST_RECORDED_S:
        raise ValueError(bad_value(args.for_s, "more than nothing and at most 1h"))
    if why := why_no_place(file):
        raise CommandFailed("failed", why)
    if file.exists() and not args.force:
        raise CommandFailed("failed", f"{args.file} is there already; --force replaces it")
    begun = context.post("/record", {"for_s": for_s}, Done, as_json=False)
    if begun is None or not begun.done:
        raise CommandFailed("failed", "no recording was begun")
    made = context.paths.recordings / begun.done[0]
    if not args.json:
        context.terminal.line(f"recording for {duration(for_s)}")
    _wait_for(made, for_s, context)
    try:
        content = made.read_bytes()
        write_atomic(file, content, follow=True)
    except StorageError as error:
        raise CommandFailed("failed", f"{error}; the recording is {made}") from error
    made.unlink(missing_ok=True)
    if args.json:
        report = {"file": str(file.absolute()), "bytes": len(content)}
        context.terminal.json(msgspec.json.encode(report))
    else:
        context.terminal.line(f"{size(len(content))} written to {args.file}")
    return 0


def _wait_for(made: Path, for_s: float, context: CommandContext) -> None:
    """Until the instance has written it; raises CommandFailed where it could not."""
    until = time.monotonic() + for_s + _WRITTEN_WITHIN_S
    while True:
        found = context.remote().get(f"/record/{quoted(made.name)}", RecordingState)
        if found.state == "written":
            return
        if found.state == "failed":
            raise CommandFailed("failed", found.why)
        if time.monotonic() > until:
            detail = f"no recording came; it may still be written to {made}"
            raise CommandFailed("failed", detail)
        time.sleep(min(_LOOK_S, for_s))


def clean(args: argparse.Namespace, context: CommandContext) -> int:
    """Clean regenerable caches, or only say what that would free."""
    done = context.post("/clean", {"dry_run": args.dry_run}, Done, as_json=args.json)
    if done is None:
        return 0
    _say(done, "there is nothing to clean", context)
    verb = "would free" if done.dry_run else "freed"
    context.terminal.line(f"{verb} {size(done.freed_bytes)}")
    return 0


def _say(done: Done, nothing: str, context: CommandContext) -> None:
    for phrase in done.done or (nothing,):
        context.terminal.line(phrase)

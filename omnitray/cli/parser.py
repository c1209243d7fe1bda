"""The command line: the parser, and the way from a sub-command to its function.

Without a sub-command the program itself starts; everything else talks to the one that runs.
Functions are named, not imported: a sub-command loads what it needs and nothing of Qt. Exit codes:
0, 1 (refused or failed), 2 (usage). With ``--json`` standard output is one JSON value in each case.

``EXAMPLES`` has one for each command, as ``--help`` and the man page show it. All of them parse.
"""

import argparse
import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any, cast

from omnitray import __version__
from omnitray.base.process_environment import (
    lacking_files,
    set_up_streams,
    set_up_time_zone,
    terminal_columns,
)
from omnitray.cli import run_options
from omnitray.cli.terminal import (
    AlignedHelp,
    JsonErrorParser,
    WordParser,
    asks_for_json,
    with_streams,
)

EXAMPLES = {
    "status": "omnitray status --watch",
    "mode": "omnitray mode test",
    "level": "omnitray level intensive",
    "snooze": "omnitray snooze 1h30m",
    "alerts": "omnitray alerts --active --since 'last week' --type server_down",
    "alert": "omnitray alert CRITICAL 'Backup failed' --message 'Disk is full' --severity warning",
    "ack": "omnitray ack 4f2a91",
    "resolve": "omnitray resolve 4f2a91",
    "export": "omnitray export alerts.csv",
    "jobs": "omnitray jobs --by memory --limit 10",
    "top": "omnitray top --by cpu",
    "actions": "omnitray actions",
    "undo": "omnitray undo all",
    "explain": "omnitray explain",
    "questions": "omnitray questions",
    "answer": "omnitray answer q7 leave_alone",
    "pause": "omnitray pause pytest",
    "resume": "omnitray resume pytest",
    "slow": "omnitray slow 'cargo build'",
    "end": "omnitray end 41207",
    "protect": "omnitray protect add ~/shop",
    "record": "omnitray record --for 5m what-happened.jsonl.xz",
    "clean": "omnitray clean --dry-run",
    "servers": "omnitray servers",
    "serve": "omnitray serve api --health http://127.0.0.1:8000/health -- uvicorn shop.main:app",
    "server": "omnitray server log api --lines 50",
    "run": "omnitray run --memory 4G -- pytest -x",
    "history": "omnitray history --by day --since 2026-11-01 --csv",
    "dashboard": "omnitray dashboard",
    "channels": "omnitray channels",
    "webhook": "omnitray webhook test team",
    "quit": "omnitray quit",
    "doctor": "omnitray doctor",
    "settings": "omnitray settings thresholds.cpu.warning 80",
    "token": "omnitray token --rotate",
    "service": "omnitray service install",
    "uninstall": "omnitray uninstall --dry-run",
    "completion": "omnitray completion bash",
}


TYPES = (
    "PERMISSION_ERROR",
    "SERVER_DOWN",
    "SERVER_SLOW",
    "RESOURCE_CRITICAL",
    "TEST_TIMEOUT",
    "TEST_FAILED",
    "CRITICAL",
)
SEVERITIES = ("info", "warning", "critical")
MODES = ("dev", "test", "prod")
LEVELS = ("idle", "normal", "intensive", "critical", "auto")
STATES = ("firing", "acknowledged", "resolved")
ORDERS = ("weight", "cpu", "memory", "growth", "processes", "name")
WHEN = "2h, '2 hours ago', yesterday, 'last week', 2026-11-22T13:00"
IDS = "as alerts shows it, or more of it"
ANSWERS = ("slow_down", "pause", "end", "leave_alone", "never_touch")
PERIODS = ("minute", "hour", "day", "month")
PROTECT = ("on", "watch", "off", "add", "remove")
SHELLS = ("bash", "zsh", "fish")
COMPLETED = {
    ("ack", "id"): "alerts",
    ("resolve", "id"): "alerts",
    ("undo", "id"): "actions",
    ("answer", "id"): "questions",
    ("pause", "job"): "jobs",
    ("resume", "job"): "jobs",
    ("slow", "job"): "jobs",
    ("end", "job"): "jobs",
    ("server", "name"): "servers",
    ("webhook", "name"): "webhooks",
    ("settings", "key"): "settings",
    ("settings", "value"): "settings",
    ("settings", "more"): "settings",
    ("export", "file"): "file",
    ("record", "file"): "file",
}
Completers = Callable[[str], object]  # for a kind of value what shtab is to make of it, or None
Subparsers = Callable[..., argparse.ArgumentParser]


def no_completer(_kind: str) -> object:
    """Where no script is made."""
    return None


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the words and carry them out; the exit status."""
    words = sys.argv[1:] if argv is None else list(argv)
    if words[:1] == ["run"]:  # before our own streams: its command gets what we were given
        from omnitray.cli.commands.run import main as run  # noqa: PLC0415 - no other needs it

        return run(words[1:])
    set_up_streams()
    set_up_time_zone()
    return with_streams(lambda: _run(words))


def _run(words: Sequence[str]) -> int:
    parser = build_parser(as_json=asks_for_json(words), only=words[0] if words else "")
    args, left = parser.parse_known_args(_with_signs(words))
    if left:  # the usage that helps is the command's own
        (args.parser or parser).error(f"unrecognized arguments: {' '.join(left)}")
    if args.run is None:
        if lack := lacking_files() or _lacking_threads():
            sys.stderr.write(f"OmniTray cannot start: {lack}\n")
            return 1
        from omnitray import app  # noqa: PLC0415 - Qt, for the program itself alone

        return app.main(headless=args.headless, verbose=args.verbose)
    _import_msgspec()
    from omnitray.cli.dispatch import dispatch  # noqa: PLC0415 - --help needs none of it

    run = "history:list_runs" if getattr(args, "of_runs", False) else args.run
    return dispatch(_function(run), args)


def _lacking_threads() -> str:
    from omnitray.runtime.workers import lacking_threads  # noqa: PLC0415 - Qt, as for the program

    return lacking_threads()


def _import_msgspec() -> None:
    """Import it without typing_extensions, which it takes where another package brought it.

    WORKAROUND for msgspec 0.22: that loads ``inspect`` and ``ast``, a fifth of all that a
    sub-command imports; without it msgspec takes the same functions from ``typing``. It can go
    when ``import msgspec`` loads no ``inspect`` where typing_extensions is there.
    """
    hidden: dict[str, ModuleType | None] = cast("dict[str, ModuleType | None]", sys.modules)
    if "typing_extensions" in hidden:
        return
    hidden["typing_extensions"] = None
    try:
        importlib.import_module("msgspec")
    finally:
        del hidden["typing_extensions"]


def main_tray() -> int:
    """Entry point of ``omnitray-tray``: the program, from a menu entry without a terminal."""
    return main(())


class _NotAsked(argparse.ArgumentParser):
    """Takes what a command declares that is not the one that was typed, and keeps nothing."""

    def __init__(self) -> None:
        self._taken = argparse.Action([], "")

    def add_argument(self, *_args: Any, **_options: Any) -> argparse.Action:
        """Nothing is added."""
        return self._taken

    def add_mutually_exclusive_group(self, **_options: Any) -> Any:
        """Nor to a group."""
        return self

    def set_defaults(self, **_values: Any) -> None:
        """Nor is anything set."""


def build_parser(
    completers: Completers = no_completer, *, as_json: bool = False, only: str = ""
) -> argparse.ArgumentParser:
    """The whole parser; completion is generated from it, with what ``completers`` has for a kind.

    A kind is one of :mod:`omnitray.cli.values`, or "file". With ``as_json`` wrong usage is printed
    as an object. Where ``only`` is a command, the parser knows that one alone: to make all of them
    takes 12 ms, a tenth of what a short command takes.
    """
    one = only in EXAMPLES
    kind = JsonErrorParser if as_json else WordParser
    columns = terminal_columns(80) - 2

    def wide(prog: str) -> argparse.HelpFormatter:
        """With a width: without one argparse loads ``shutil`` and asks the terminal 200 times."""
        return AlignedHelp(prog, width=columns)

    parser = kind(
        prog="omnitray",
        formatter_class=wide,
        description="Keeps this machine usable. Without a command: start the tray.",
        epilog="exit codes: 0 done, 1 refused or failed, 2 wrong usage",
    )
    parser.add_argument("--version", action="version", version=f"omnitray {__version__}")
    parser.add_argument("--headless", action="store_true", help="run without tray and window")
    parser.add_argument("--verbose", action="store_true", help="say more in the log")
    parser.set_defaults(run=None, parser=None)
    group = parser.add_subparsers(title="commands", metavar="COMMAND", prog="omnitray")
    not_asked = _NotAsked()

    def command(name: str, run: str, text: str) -> argparse.ArgumentParser:
        if one and name != only:
            return not_asked
        sub = group.add_parser(
            name,
            help=text,
            description=f"{text[0].upper()}{text[1:]}.",
            epilog=f"example: {EXAMPLES[name]}" if name in EXAMPLES else None,
            formatter_class=wide,
        )
        sub.set_defaults(run=run, parser=sub)
        if name != "run":  # which declares its own
            sub.add_argument("--json", action="store_true", help="the API's object, on one line")
        return sub

    _add_state(command)
    _add_alerts(command)
    _add_protector(command)
    _add_servers(command)
    run_options.add_options(command("run", "run:run", run_options.TEXT))
    _add_channels(command)
    _add_program(command)
    _add_history_of_runs(command, group.choices.get("history"))
    if not one:
        _add_completers(group.choices, completers)
    return parser


def _add_completers(
    commands: Mapping[str, argparse.ArgumentParser], completers: Completers
) -> None:
    """Say of each argument that names a thing what there is of them."""
    for (name, argument), kind in COMPLETED.items():
        completer = completers(kind)
        actions: list[Any] = commands[name]._actions  # noqa: SLF001 - there is no public way to ask
        action = next(each for each in actions if each.dest == argument)
        if completer is not None:
            action.complete = completer  # what shtab looks for


def _add_state(command: Subparsers) -> None:
    sub = command("status", "status:status", "how things are")
    sub.add_argument("--watch", action="store_true", help="again at each change, until Ctrl-C")
    sub = command("mode", "status:mode", "show or set the protector's mode")
    one_of(sub, "mode", MODES, nargs="?", metavar="MODE")
    sub = command("level", "status:level", "show or set how often the monitor looks")
    one_of(sub, "level", LEVELS, nargs="?", metavar="LEVEL")
    sub = command("snooze", "status:snooze", "hold notifications back for a while")
    sub.add_argument("duration", metavar="DURATION", help="15m, 1h30m, 2d; 0 ends it")


def _add_alerts(command: Subparsers) -> None:
    sub = command("alerts", "alerts:alerts", "list alerts, the newest first")
    sub.add_argument("--active", action="store_true", help="only those that are not resolved")
    one_of(sub, "--type", TYPES, metavar="T")
    one_of(sub, "--severity", SEVERITIES, metavar="S")
    one_of(sub, "--state", STATES, metavar="S")
    sub.add_argument("--text", metavar="WORDS", help="that all of these words occur in")
    sub.add_argument("--since", metavar="WHEN", help=WHEN)
    sub.add_argument("--until", metavar="WHEN", help="likewise, for the other end")
    sub.add_argument("--limit", type=_limit, default=50, metavar="N", help="at most N (50)")
    sub.add_argument(
        "--follow", action="store_true", help="print new ones as they come, until Ctrl-C"
    )
    sub = command("alert", "alerts:alert", "raise an alert")
    one_of(sub, "type", TYPES, metavar="TYPE")
    sub.add_argument("title", metavar="TITLE")
    sub.add_argument("--message", default="", metavar="M")
    one_of(sub, "--severity", SEVERITIES, metavar="S")
    sub.add_argument("--source", default="cli", metavar="NAME", help="who says so (cli)")
    sub = command("ack", "alerts:move", "acknowledge an alert")
    sub.set_defaults(move="ack")
    sub.add_argument("id", metavar="ID", help=IDS)
    sub = command("resolve", "alerts:move", "say that an alert is over")
    sub.set_defaults(move="resolve")
    sub.add_argument("id", metavar="ID", help=IDS)
    sub = command("export", "alerts:export", "write the history to a file")
    sub.add_argument(
        "file", metavar="FILE", help="ends in .csv, .json or .jsonl, and is written so"
    )
    sub.add_argument("--force", action="store_true", help="replace a file that is there already")


def _add_protector(command: Subparsers) -> None:
    for name, text in (
        ("jobs", "the heaviest jobs on this machine"),
        ("top", "the heaviest jobs, again at each look, until Ctrl-C"),
    ):
        sub = command(name, f"status:{name}", text)
        one_of(sub, "--by", ORDERS, metavar="WHAT", default="weight")
        told = "at most N (20)" if name == "jobs" else "at most N; else as many as fit"
        sub.add_argument("--limit", type=_limit, metavar="N", help=told)
    command("actions", "protector:actions", "what the protector holds and did")
    sub = command("undo", "protector:undo", "take an action back, or all of them")
    sub.add_argument("id", nargs="?", default="all", metavar="ID|all")
    command("explain", "protector:explain", "who would be acted on now, and why")
    command("questions", "protector:questions", "what the protector asks now")
    sub = command("answer", "protector:answer", "answer a question")
    sub.add_argument("id", metavar="ID", help="as questions shows it")
    one_of(sub, "answer", ANSWERS, metavar="ANSWER")
    for name, text in (
        ("pause", "pause a job"),
        ("resume", "let a job run again that is held"),
        ("slow", "slow a job down"),
        ("end", "end a job"),
    ):
        sub = command(name, "protector:act", text)
        sub.set_defaults(action="slow_down" if name == "slow" else name)
        sub.add_argument(
            "job", metavar="JOB", help="its title or a part of it, or its leader's pid"
        )
    sub = command("protect", "protector:protect", "show or change what may be acted on")
    one_of(sub, "what", PROTECT, nargs="?", metavar="WHAT")
    sub.add_argument("name", nargs="?", metavar="WHOM", help="a name, path, glob or folder")
    sub = command("record", "protector:record", "record what the protector decides from")
    sub.add_argument("--for", dest="for_s", default="60s", metavar="T", help="60s, 5m, 1h (60s)")
    sub.add_argument("--force", action="store_true", help="replace a file that is there already")
    sub.add_argument("file", metavar="FILE", help="ends in .jsonl.xz; names are hidden in it")
    sub = command("clean", "protector:clean", "clean regenerable caches")
    sub.add_argument("--dry-run", action="store_true", help="only say what that would free")


def _add_servers(command: Subparsers) -> None:
    command("servers", "servers:servers", "the watched servers and how they are")
    sub = command("serve", "servers:serve", "watch and start a server")
    sub.add_argument("name", metavar="NAME", help="a-z, 0-9, _ and -")
    sub.add_argument(
        "--health",
        default="",
        metavar="H",
        help="http://HOST:PORT/PATH, tcp://HOST:PORT, or a command; without: alive and listening",
    )
    sub.add_argument("words", nargs="+", metavar="COMMAND", help="after --: what starts it")
    sub = command(
        "server", "servers:server", "start, stop, restart or remove a server, read its log"
    )
    one_of(sub, "what", ("start", "stop", "restart", "remove", "log"), metavar="WHAT")
    sub.add_argument("name", metavar="NAME")
    sub.add_argument("--lines", type=_lines, default=100, metavar="N", help="of the log (100)")


def _add_channels(command: Subparsers) -> None:
    sub = command("history", "history:history", "what the machine did over time")
    one_of(sub, "--by", PERIODS, default="hour", metavar="P")
    sub.add_argument("--series", default="cpu,memory,disk", metavar="S,…", help="cpu, memory, …")
    sub.add_argument("--since", metavar="WHEN", help="2h, yesterday, 2026-11-22T13:00")
    sub.add_argument("--csv", action="store_true", help="comma-separated values")
    sub = command("dashboard", "history:dashboard", "open the dashboard in the browser")
    sub.add_argument(
        "--print", action="store_true", help="only print its address, which counts once"
    )
    command("channels", "channels:channels", "where alerts go, and how that stands")
    sub = command("webhook", "channels:webhook", "list, test, pause or resume webhooks")
    verbs = ("list", "test", "pause", "resume", "retry", "keyring", "file")
    one_of(sub, "what", verbs, metavar="WHAT")
    sub.add_argument("name", nargs="?", default="", metavar="NAME")


def _add_history_of_runs(command: Subparsers, history: argparse.ArgumentParser | None) -> None:
    """``history --runs``; without long-term figures the runs are all that ``history`` knows."""
    text = "what was run with a budget"
    sub = history or command("history", "history:list_runs", text)
    if history is None:
        sub.add_argument("--since", metavar="WHEN", help="2h, yesterday, 2026-11-22T13:00")
    sub.add_argument("--runs", dest="of_runs", action="store_true", help=text)
    text = "of runs: those whose name, command, project or verdict has these words"
    sub.add_argument("--match", metavar="WORDS", default="", help=text)


def _add_program(command: Subparsers) -> None:
    command("quit", "program:quit_program", "end the program that runs")
    command("doctor", "program:doctor", "what works here and what does not")
    sub = command("settings", "preferences:settings", "show or change settings")
    sub.add_argument("key", nargs="?", metavar="KEY", help="for instance thresholds.cpu.warning")
    sub.add_argument(
        "value",
        nargs="?",
        metavar="VALUE",
        help="'default' takes it back; a list is 'a, b' or '[\"a\", \"b\"]'",
    )
    sub.add_argument("more", nargs="*", metavar="KEY VALUE", help="others, changed together")
    sub = command("token", "program:token", "where the API's token is; it is never printed")
    sub.add_argument("--rotate", action="store_true", help="make a new one, close open sockets")
    sub = command("service", "program:service", "run headless as a service of this user")
    one_of(sub, "what", ("install", "remove", "status"), metavar="WHAT")
    sub = command("uninstall", "uninstall:carry_out", "take away what OmniTray put on this machine")
    sub.add_argument("--dry-run", action="store_true", help="only say what that would be")
    sub.add_argument("--yes", action="store_true", help="ask nothing; data is kept")
    data = sub.add_mutually_exclusive_group()
    data.add_argument("--keep-data", action="store_true", help="keep settings, history and logs")
    data.add_argument("--delete-data", action="store_true", help="delete them as well")
    sub = command("completion", "program:completion", "print a shell's completion script")
    one_of(sub, "shell", SHELLS, metavar="SHELL")


def _with_signs(words: Sequence[str]) -> list[str]:
    """Make argparse refuse a negative duration as a duration, not as an unknown option."""
    if words[:1] != ["snooze"]:
        return list(words)
    return [f" {word}" if word[:1] == "-" and word[1:2].isdigit() else word for word in words]


def _bad_value(text: str, allowed: str) -> str:
    from omnitray.cli.times import bad_value  # noqa: PLC0415 - only a mistake needs it

    return bad_value(text, allowed)


def one_of(sub: argparse.ArgumentParser, name: str, values: Sequence[str], **rest: Any) -> None:
    """An argument that takes one of these, in any case; completion knows them."""

    def value(text: str) -> str:
        found = next((each for each in values if each.casefold() == text.casefold()), None)
        if found is None:
            raise argparse.ArgumentTypeError(_bad_value(text, ", ".join(values)))
        return found

    made = sub.add_argument(name, type=value, **{"help": ", ".join(values), **rest})
    made.choices = values


def _whole_number(text: str, most: int) -> int:
    number = int(text) if text.isascii() and text.isdecimal() else 0
    if not 1 <= number <= most:
        raise argparse.ArgumentTypeError(_bad_value(text, f"a whole number from 1 to {most}"))
    return number


def _limit(text: str) -> int:
    return _whole_number(text, 5000)  # the API's own bound


def _lines(text: str) -> int:
    return _whole_number(text, 1000)  # the API's own bound


def _function(name: str) -> Callable[..., int]:
    module, _, function = name.partition(":")
    found: Callable[..., int] = getattr(
        importlib.import_module(f"omnitray.cli.commands.{module}"), function
    )
    return found

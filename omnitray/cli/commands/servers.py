"""``servers``, ``serve``, ``server start|stop|restart|remove|log``."""

import argparse
import shlex

import msgspec

from omnitray.api.requests import NewServer
from omnitray.api.wire import ServerBody, ServerLogBody, Servers
from omnitray.base.amounts import duration
from omnitray.base.process_environment import working_folder
from omnitray.cli.dispatch import CommandContext
from omnitray.cli.times import bad_value, shown
from omnitray.client.http import quoted
from omnitray.runs.records import given_environment
from omnitray.servers.model import ON_REQUEST, TROUBLED, ServerState
from omnitray.settings.servers import ServerFault, server_of_table

# Half of what the API takes: an environment beyond it is cut down to what finds programs.
MAX_ENVIRONMENT_BYTES = 32 * 1024
NEEDED = ("PATH", "HOME", "LANG", "VIRTUAL_ENV", "PYTHONPATH", "NODE_PATH", "GOPATH", "JAVA_HOME")
STYLES = {
    ServerState.UP: "",
    ServerState.STOPPED: "dim",
    ServerState.SLOW: "warning",
    ServerState.FOREIGN: "critical",
    ServerState.DOWN: "critical",
    ServerState.RESTARTING: "warning",
    ServerState.CRASH_LOOP: "critical",
}


def servers(args: argparse.Namespace, context: CommandContext) -> int:
    """List the watched servers."""
    body = context.get("/servers", Servers, as_json=args.json)
    if body is None:
        return 0
    if not body.servers:
        start = "omnitray serve NAME -- COMMAND"
        context.terminal.line(f"no server is watched; declare one in the settings, or: {start}")
        return 0
    rows = [_row(each, context) for each in body.servers]
    colours = ["dim", *(STYLES.get(each.state, "") for each in body.servers)]
    head = ("server", "state", "address", "up since", "start", "restarts", "last exit")
    context.terminal.table([head, *rows], colours, drop=(4, 3, 5, 2))
    return 0


def _row(server: ServerBody, context: CommandContext) -> tuple[str, ...]:
    took = "–" if server.started_in_s is None else duration(server.started_in_s)
    return (
        server.name,
        _state(server),
        server.url or "–",
        shown(server.up_since, context.now) if server.up_since else "–",
        took,
        str(server.restarts),
        exit_text(server) or "–",
    )


def _state(server: ServerBody) -> str:
    """The state, and why it is so where that is no exit: the last one stands beside it."""
    words, why = server.state.words, _why(server)
    if server.state is ServerState.FOREIGN and why:
        return f"{words}: by {why}"
    return f"{words}: {why}" if why else words


def _why(server: ServerBody) -> str:
    """Why it does not run, where that is no exit."""
    ended, why = server.last_exit, server.detail
    code = f"exit {ended.code}" if ended is not None and ended.code is not None else ""
    how = (ended.signal or code or ended.reason) if ended is not None else ""
    is_an_exit = bool(how) and how in why
    return why if server.state in TROUBLED and not is_an_exit else ""


def exit_text(server: ServerBody) -> str:
    """The last exit in one line."""
    ended = server.last_exit
    if ended is None:
        return ""
    how = ended.signal or ("" if ended.code is None else f"exit {ended.code}")
    return ", ".join(part for part in (how, ended.reason) if part)


def serve(args: argparse.Namespace, context: CommandContext) -> int:
    """Watch and start a server that no settings declare."""
    health: str | dict[str, tuple[str, ...] | str] = args.health
    if health and "://" not in args.health:
        health = {"command": tuple(shlex.split(args.health))}
    new = NewServer(
        name=args.name,
        command=tuple(args.words),
        cwd=str(working_folder()),
        env=_environment(),
        health=health,
    )
    try:
        fields = msgspec.to_builtins(new)
        del fields["owner"]
        server_of_table(fields)
    except ServerFault as fault:
        said = {"name": args.name, "health": args.health}.get(fault.key, shlex.join(args.words))
        raise ValueError(bad_value(said, fault.allowed)) from fault
    return _told(context.changed("/servers", new, ServerBody), args, context)


def server(args: argparse.Namespace, context: CommandContext) -> int:
    """Start, stop, restart or remove a server, or print its log."""
    path = f"/servers/{quoted(args.name)}/{args.what}"
    if args.what != "log":
        return _told(context.changed(path, None, ServerBody), args, context)
    body = context.get(path, ServerLogBody, as_json=args.json, lines=args.lines)
    for line in body.lines if body is not None else ():
        context.terminal.row(line)
    return 0


def _told(server: ServerBody, args: argparse.Namespace, context: CommandContext) -> int:
    """Say how it stands; 1 where it does not run although it should."""
    if args.json:
        context.terminal.json(msgspec.json.encode(server))
        return int(_fails(server))
    context.terminal.line(f"{server.name}: {_standing(server, args)}; log: {server.log_file}")
    if not _fails(server):
        return 0
    why = server.detail or "it does not run"
    if server.state is ServerState.FOREIGN and server.detail:
        why = f"its port is taken by {server.detail}"
    context.terminal.problem(why)
    return 1


def _standing(server: ServerBody, args: argparse.Namespace) -> str:
    """The state with its process; one that is stopped may still have one, which is being ended."""
    is_removed = getattr(args, "what", "") == "remove"
    if server.pid is None:
        return "removed" if is_removed else server.state.words
    if is_removed:
        return f"removed; process {server.pid} is being ended"
    is_ending = server.state is ServerState.STOPPED
    return f"{'stopping' if is_ending else server.state.words}, process {server.pid}"


def _fails(server: ServerBody) -> bool:
    """Whether it does not run; one that is started again may, unless nothing could be started."""
    if server.state is ServerState.RESTARTING:
        return _why(server) not in {"", ON_REQUEST}
    return server.state in TROUBLED


def _environment() -> dict[str, str]:
    """The terminal's environment, which the server is expected to have."""
    whole = given_environment()
    if len(msgspec.json.encode(whole)) <= MAX_ENVIRONMENT_BYTES:
        return whole
    return {key: whole[key] for key in NEEDED if key in whole}

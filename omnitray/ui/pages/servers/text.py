"""What the servers' page says: states, addresses, times and exits in words."""

import enum
import shlex

from omnitray.base.process_environment import home
from omnitray.servers.model import ServerExit, ServerState, ServerView
from omnitray.ui import formats
from omnitray.ui.widgets.pills import Pill

DASH = "–"
PILLS = {
    ServerState.STOPPED: Pill("stopped", "neutral", "ring"),
    ServerState.STARTING: Pill("starting", "neutral", "half"),
    ServerState.UP: Pill("up", "good", "dot"),
    ServerState.SLOW: Pill("slow to start", "warning", "half"),
    ServerState.DOWN: Pill("down", "critical", "cross"),
    ServerState.RESTARTING: Pill("restarting", "warning", "loop"),
    ServerState.CRASH_LOOP: Pill(ServerState.CRASH_LOOP.words, "critical", "loop"),
    ServerState.FOREIGN: Pill(ServerState.FOREIGN.words, "warning", "diamond"),
}


class ServerColumn(enum.IntEnum):
    """The columns, in order."""

    SERVER = 0
    STATE = 1
    UP_SINCE = 2
    START = 3
    RESTARTS = 4
    LAST_EXIT = 5


TITLES = {
    ServerColumn.SERVER: "Server",
    ServerColumn.STATE: "State",
    ServerColumn.UP_SINCE: "Up since",
    ServerColumn.START: "Start took",
    ServerColumn.RESTARTS: "Restarts",
    ServerColumn.LAST_EXIT: "Last exit",
}


def address(view: ServerView) -> str:
    """``127.0.0.1:8000``."""
    return view.url.partition("://")[2] if view.url else "no address"


def behind(view: ServerView, now: float) -> str:
    """The line under the state: since when, or why."""
    age = formats.duration(max(0.0, now - view.since_at))
    match view.state:
        case ServerState.UP:
            up_s = now - (view.up_since_at or now)
            said = f"for {formats.duration(max(0.0, up_s))}, {origin(view)}"
        case ServerState.STARTING | ServerState.SLOW:
            said = f"{age} of at most {view.start_limit_s:.0f} s"
        case ServerState.FOREIGN:
            said = f"by {view.detail}"
        case ServerState.STOPPED:
            said = view.detail or ("not seen yet" if view.spec.watch_only else origin(view))
        case ServerState.CRASH_LOOP:
            said = "left stopped after repeated failures"
        case _:
            said = view.detail
    return f"watch only · {said}" if view.spec.watch_only else said


def origin(view: ServerView) -> str:
    """Who declared it."""
    return {"settings": "from settings", "serve": "from a terminal", "pytest": "from pytest"}[
        view.owner
    ]


def start_time(view: ServerView) -> tuple[str, str]:
    """How long the start took, and how long it usually takes."""
    usual = "" if view.usual_s is None else f"usually {formats.duration(view.usual_s)}"
    if view.spec.watch_only and view.started_in_s is None:
        return "", "not ours"
    if view.started_in_s is None:
        return "", usual or "never started"
    return formats.duration(view.started_in_s), f"({usual})" if usual else ""


def exit_lines(found: ServerExit | None) -> tuple[str, str]:
    """How it ended last, and why."""
    if found is None:
        return "", "none"
    if found.signal is not None:
        how = found.signal
    elif found.code is not None:
        how = f"exit {found.code}"
    else:
        return formats.one_line(found.reason), ""
    return how, formats.one_line(found.reason)


def command_line(view: ServerView) -> str:
    """What runs, where, and as which process."""
    own = str(home())
    cwd = view.spec.cwd
    folder = f"~{cwd.removeprefix(own)}" if cwd.startswith(own) else cwd
    parts = [shlex.join(view.spec.command) if view.spec.command else "", folder]
    if view.pid is not None:
        parts.append(f"pid {view.pid}")
    return " · ".join(part for part in parts if part)

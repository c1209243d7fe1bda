"""Watched servers as they travel: the bodies of the local API and the WebSocket's event."""

import msgspec

from omnitray.base.clock import timestamp
from omnitray.servers.model import Owner, ServerExit, ServerState, ServerView


class ExitBody(msgspec.Struct, frozen=True, kw_only=True):
    """How a server ended last."""

    code: int | None
    signal: str | None
    at: str
    reason: str


class ServerBody(msgspec.Struct, frozen=True, kw_only=True):
    """A server on the wire."""

    name: str
    state: ServerState
    pid: int | None
    health: str | None
    url: str | None
    up_since: str | None
    started_in_s: float | None
    start_limit_s: float
    restarts: int
    last_exit: ExitBody | None
    log_file: str
    command: tuple[str, ...]
    cwd: str
    owner: Owner


class Servers(msgspec.Struct, frozen=True, kw_only=True):
    """All watched servers, in order of declaration."""

    count: int
    servers: tuple[ServerBody, ...]


class ServerLogBody(msgspec.Struct, frozen=True, kw_only=True):
    """The last lines of a server's log; lines of OmniTray begin with ``[omnitray]``."""

    name: str
    log_file: str
    lines: tuple[str, ...]


class ServerMessage(ServerBody, frozen=True, kw_only=True):
    """A server whose state changed, over the WebSocket."""

    event: str = "server"
    type: str = "server"


def server_fields(view: ServerView) -> dict[str, object]:
    """The fields of a server on the wire."""
    return {
        "name": view.name,
        "state": view.state,
        "pid": view.pid,
        "health": view.health,
        "url": view.url,
        "up_since": None if view.up_since_at is None else timestamp(view.up_since_at),
        "started_in_s": None if view.started_in_s is None else round(view.started_in_s, 3),
        "start_limit_s": view.start_limit_s,
        "restarts": view.restarts,
        "last_exit": _exit_body(view.last_exit),
        "log_file": view.log_file,
        "command": view.spec.command,
        "cwd": view.spec.cwd,
        "owner": view.owner,
    }


def server_body(view: ServerView) -> ServerBody:
    """A server on the wire."""
    return msgspec.convert(server_fields(view), ServerBody)


def server_message(view: ServerView) -> ServerMessage:
    """A server as an event."""
    return msgspec.convert(server_fields(view), ServerMessage)


def _exit_body(found: ServerExit | None) -> ExitBody | None:
    if found is None:
        return None
    return ExitBody(
        code=found.code, signal=found.signal, at=timestamp(found.at), reason=found.reason
    )

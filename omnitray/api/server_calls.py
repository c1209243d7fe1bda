"""Watched servers over the local API: what is asked for, and a function an endpoint."""

import asyncio
from typing import Annotated

import msgspec
from msgspec import Meta

from omnitray.api import facade
from omnitray.api.handlers import Call, settled
from omnitray.api.server_wire import ServerBody, ServerLogBody, Servers, server_body
from omnitray.servers.model import Owner
from omnitray.settings.servers import ServerFault, server_of_table

Lines = Annotated[int, Meta(ge=1, le=1000, description="How many of the last lines.")]


class LogQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much of the log."""

    lines: Lines = 100


class NewServer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A server to watch although no settings declare it; the fields of ``[[server]]``."""

    name: str
    command: tuple[str, ...] = ()
    cwd: str = "~"
    env: dict[str, str] = {}
    health: str | dict[str, tuple[str, ...]] = ""
    watch_only: bool = False
    restart: str = "on-failure"
    start_limit_s: float = 90.0
    owner: Owner = "serve"


async def servers(call: Call) -> Servers:
    """All watched servers."""
    found = tuple(server_body(each) for each in call.door.servers())
    return Servers(count=len(found), servers=found)


async def server_log(call: Call) -> ServerLogBody:
    """The last lines of a server's log."""
    wanted: LogQuery = call.query
    view = next((each for each in call.door.servers() if each.name == call.id), None)
    if view is None:
        raise facade.CommandRefused(facade.Refusal.NOT_FOUND, f"There is no server {call.id}.")
    lines = await asyncio.to_thread(call.door.server_log, call.id, wanted.lines)
    return ServerLogBody(name=view.name, log_file=view.log_file, lines=lines)


async def watch_server(call: Call) -> ServerBody:
    """Watch and start a server that no settings declare."""
    new: NewServer = call.body
    fields = msgspec.to_builtins(new)
    owner: Owner = fields.pop("owner")
    try:
        spec = server_of_table(fields)
    except ServerFault as fault:
        raise msgspec.ValidationError(f"{fault}") from fault
    return server_body(await settled(call.door.submit(facade.WatchServer(spec=spec, owner=owner))))


async def start_server(call: Call) -> ServerBody:
    """Start a server; answers with how it stands then."""
    return await _order(call, "start")


async def stop_server(call: Call) -> ServerBody:
    """End a server and its whole tree."""
    return await _order(call, "stop")


async def restart_server(call: Call) -> ServerBody:
    """End a server and start it again."""
    return await _order(call, "restart")


async def _order(call: Call, verb: facade.ServerVerb) -> ServerBody:
    return server_body(await settled(call.door.submit(facade.OrderServer(name=call.id, verb=verb))))

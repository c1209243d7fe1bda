"""``[[server]]``: the servers that the settings declare, checked one by one.

A server that cannot be used is left out and named with what is wrong; the others stand.
"""

import re
import shlex
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from omnitray.settings.faults import TableFault, what_is_allowed

NAME = re.compile(r"[a-z0-9_-]{1,40}")
ADDRESS = re.compile(r"(https?|tcp)://(\[[0-9a-fA-F:.]+\]|[^/:\s@]+)(?::(\d{1,5}))?(/\S*)?")
DEFAULT_PORTS = {"http": 80, "https": 443}
MAX_PORT = 65535
MIN_START_LIMIT_S, MAX_START_LIMIT_S = 1.0, 3600.0
RestartPolicy = Literal["always", "on-failure", "never"]


class CommandHealth(msgspec.Struct, frozen=True, kw_only=True):
    """A program whose exit code 0 means healthy."""

    command: tuple[str, ...]


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One ``[[server]]``. ``health`` empty means: alive and listening."""

    name: str
    command: tuple[str, ...] = ()
    cwd: str = "~"
    env: dict[str, str] = {}
    health: str | CommandHealth = ""
    watch_only: bool = False
    autostart: bool = False
    restart: RestartPolicy = "on-failure"
    start_limit_s: float = 90.0


class ServerFault(TableFault):
    """A server that cannot be used."""


FIELDS_OF_A_SERVER = tuple(ServerSettings.__struct_fields__)


def server_of_table(table: Mapping[str, Any]) -> ServerSettings:
    """The server that a table declares; raises :class:`ServerFault`."""
    for key, value in table.items():
        if key not in FIELDS_OF_A_SERVER:
            raise ServerFault(key, value, "one of " + ", ".join(FIELDS_OF_A_SERVER))
    fields = dict(table)
    name = fields.get("name", "")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ServerFault("name", name, "1 to 40 of a-z, 0-9, _ and -")
    fields["command"] = words_of(fields.get("command", ""), "command")
    fields["health"] = _health(fields.get("health", ""))
    _check_limit(fields.get("start_limit_s", 90.0))
    try:
        server = msgspec.convert(fields, ServerSettings)
    except msgspec.ValidationError as error:
        key, allowed = what_is_allowed(error, ServerSettings)
        raise ServerFault(key or "server", fields.get(key, ""), allowed) from error
    return _whole(server)


def words_of(value: object, key: str) -> tuple[str, ...]:
    """A command as words: a list as it is, a string split like a shell would, without a shell."""
    if isinstance(value, str):
        try:
            return tuple(shlex.split(value))
        except ValueError as error:
            raise ServerFault(key, value, f"a command ({error})") from error
    texts = isinstance(value, list | tuple) and all(
        isinstance(word, str) and "\0" not in word for word in value
    )
    if not texts or not isinstance(value, list | tuple):
        raise ServerFault(key, value, "a list of texts, or one text")
    return tuple(value)


def address_of(health: str) -> tuple[str, str, int, str]:
    """Scheme, host, port and path of a health address; raises :class:`ServerFault`."""
    found = ADDRESS.fullmatch(health)
    port = int((found and found[3]) or DEFAULT_PORTS.get(found[1], 0)) if found else 0
    if found is None or not 0 < port <= MAX_PORT:
        allowed = 'http://HOST:PORT/PATH, tcp://HOST:PORT, or { command = ["…"] }'
        raise ServerFault("health", health, allowed)
    return found[1], found[2].strip("[]"), port, found[4] or "/"


def _health(value: object) -> str | CommandHealth:
    if isinstance(value, CommandHealth):
        return value
    if isinstance(value, Mapping) and set(value) == {"command"}:
        words = words_of(value["command"], "health")
        if words:
            return CommandHealth(command=words)
    if value == "":
        return ""
    if not isinstance(value, str):
        raise ServerFault("health", value, 'an address, or { command = ["…"] }')
    address_of(value)
    return value


def _check_limit(value: object) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not MIN_START_LIMIT_S <= float(str(value)) <= MAX_START_LIMIT_S:
        allowed = f"a number from {MIN_START_LIMIT_S:g} to {MAX_START_LIMIT_S:g} s"
        raise ServerFault("start_limit_s", value, allowed)


def _whole(server: ServerSettings) -> ServerSettings:
    """What must hold between the fields."""
    if not server.command and not server.watch_only:
        raise ServerFault("command", "", "what starts it, or watch_only = true beside a health")
    if server.watch_only and not server.command and not server.health:
        raise ServerFault("health", "", "an address or a command: nothing else can be watched")
    return server

"""What outlives OmniTray: which servers run as which process, and what was learnt of their starts.

``data/servers.json`` (mode 0600: it holds the environment of what ``omnitray serve`` was given).
A file that cannot be read costs what was learnt, never the start.

How a server stands after a restart of OmniTray agrees with its alert. A process of before that is
found again is probed; until then the server stands as it did. One without a process goes on with
what was under way (a restart, waiting for its port), and what was left as it was (a crash loop, a
program that cannot be started) is left so. After a restart of the machine nothing is under way any
more: only ``autostart`` starts a server then.
"""

import logging
import os
from pathlib import Path

import msgspec

from omnitray.base.bounded import read_bounded
from omnitray.base.durable import StorageError, make_folder, write_atomic
from omnitray.base.facts import ProcessIdentity
from omnitray.servers.model import ENDED_BY_ITSELF, TROUBLED, Owner, Remembered, ServerState
from omnitray.settings.servers import ServerSettings

log = logging.getLogger(__name__)

SCHEMA = 1
_MOST_BYTES = 16_000_000  # an environment is some kB, and a server has one


class StoredServer(msgspec.Struct, frozen=True, kw_only=True):
    """One server. ``spec`` only where no settings declare it."""

    name: str
    owner: Owner
    wanted: bool = False
    process: ProcessIdentity | None = None
    session: int = 0
    group: str = ""
    up_since_at: float | None = None
    remembered: Remembered = Remembered()
    spec: ServerSettings | None = None


class StoredServers(msgspec.Struct, frozen=True, kw_only=True):
    """The file."""

    schema: int = SCHEMA
    boot: str = ""
    servers: tuple[StoredServer, ...] = ()


def server_of(path: Path, pid: int) -> str:
    """The server of that file whose session a process belongs to; empty where there is none."""
    try:
        session = os.getsid(pid)
    except OSError:
        return ""
    stored = ServerMemory(path).load().servers
    return next((each.name for each in stored if each.process and each.session == session), "")


class ServerMemory:
    """Reads the file once, writes it when something changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written = b""

    def load(self) -> StoredServers:
        """What is known; nothing where the file is not there or makes no sense."""
        try:
            return msgspec.json.decode(read_bounded(self._path, _MOST_BYTES), type=StoredServers)
        except FileNotFoundError:
            return StoredServers()
        except (OSError, msgspec.MsgspecError, ValueError) as error:
            log.warning("%s cannot be read, servers start without it: %s", self._path, error)
            return StoredServers()

    def save(self, stored: StoredServers) -> None:
        """Keep it; a disk that refuses is said once for each new state."""
        data = msgspec.json.encode(stored)
        if data == self._written:
            return
        self._written = data
        try:
            make_folder(self._path.parent)
            write_atomic(self._path, data)
        except StorageError as error:
            log.warning("%s; servers would not be found again after a crash", error)


MACHINE_RESTARTED = "it was down when the machine was restarted"
FOUND = "it was running before OmniTray was"
_KNOWN = frozenset({ServerState.SLOW, ServerState.DOWN, ServerState.FOREIGN})
_UNDER_WAY = frozenset({ServerState.STARTING, ServerState.RESTARTING, ServerState.FOREIGN})
_SEEN = frozenset({ServerState.UP, ServerState.DOWN})


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How it stands; ``since_at`` 0: from now on. ``starts``: it is started at once."""

    state: ServerState = ServerState.STOPPED
    detail: str = ""
    since_at: float = 0.0
    wanted: bool = False
    starts: bool = False
    cannot_start: bool = False


def found(before: Remembered) -> Standing:
    """Its process lives."""
    if before.state in _KNOWN:
        return _as(before, wanted=True)
    return Standing(state=ServerState.STARTING, detail=FOUND, wanted=True)


def without_process(
    before: Remembered, *, wanted: bool, watch_only: bool, same_boot: bool
) -> Standing:
    """It has no process from before."""
    if watch_only:
        return _as(before) if before.state in _SEEN else Standing()
    if not wanted:
        return _as(before) if before.detail == ENDED_BY_ITSELF else Standing()
    if before.state in _UNDER_WAY and same_boot:
        return _as(before, wanted=True, starts=True)
    if before.state in _UNDER_WAY & TROUBLED:
        return Standing(state=ServerState.DOWN, detail=MACHINE_RESTARTED, wanted=True)
    return _as(before, wanted=True) if before.state in TROUBLED else Standing()


def _as(before: Remembered, *, wanted: bool = False, starts: bool = False) -> Standing:
    return Standing(
        state=before.state,
        detail=before.detail,
        since_at=before.since_at,
        wanted=wanted,
        starts=starts,
        cannot_start=before.cannot_start,
    )

"""What outlives OmniTray: which servers run as which process, and what was learnt of their starts.

``data/servers.json`` (mode 0600: it holds the environment of what ``omnitray serve`` was given).
A file that cannot be read costs what was learnt, never the start.
"""

import logging
import os
from pathlib import Path

import msgspec

from omnitray.base.bounded import read_bounded
from omnitray.base.durable import StorageError, make_folder, write_atomic
from omnitray.base.facts import ProcessIdentity
from omnitray.servers.model import Owner, Remembered
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

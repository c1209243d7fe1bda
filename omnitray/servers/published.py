"""Servers that another process drives and publishes: a test run's, for as long as the run lasts.

A file for each, ``run/servers/PID.json`` with the pid of the run's leader, replaced at each change.
It is there whether OmniTray runs or not, so that one that is started later shows the server. A
leader that was killed leaves its file: who reads it looks whether that very process lives.
"""

import logging
from pathlib import Path

import msgspec

from omnitray.base.bounded import read_bounded
from omnitray.base.durable import write_atomic
from omnitray.base.facts import ProcessIdentity
from omnitray.base.paths import own_folder
from omnitray.servers import processes
from omnitray.servers.model import ServerView

log = logging.getLogger(__name__)

_MOST_BYTES = 1_000_000  # a view has some kB: its log is a file of its own
RESTART = ".restart"


class PublishedServer(msgspec.Struct, frozen=True, kw_only=True):
    """A server as its ``leader`` sees it."""

    leader: ProcessIdentity
    view: ServerView


class Publication:
    """The leader's side: one server, in ``folder``. Raises OSError, StorageError."""

    def __init__(self, folder: Path, leader: ProcessIdentity) -> None:
        self._folder = folder
        self._leader = leader
        self._file = folder / f"{leader.pid}.json"
        self._is_first = True

    def publish(self, view: ServerView) -> None:
        """Show how it stands now, without its environment: that may hold secrets."""
        own_folder(self._folder.parent)
        own_folder(self._folder)
        if self._is_first:
            self._is_first = False
            published(self._folder)  # those of killed leaders go, also where no OmniTray runs
        spec = msgspec.structs.replace(view.spec, env={})
        shown = PublishedServer(leader=self._leader, view=msgspec.structs.replace(view, spec=spec))
        write_atomic(self._file, msgspec.json.encode(shown), sync=False)

    def take_restart(self) -> bool:
        """Whether a restart was asked for since the last look."""
        try:
            self._file.with_suffix(RESTART).unlink()
        except FileNotFoundError:
            return False
        return True

    def withdraw(self) -> None:
        """It is no more. Idempotent."""
        for suffix in (".json", RESTART):
            self._file.with_suffix(suffix).unlink(missing_ok=True)


def ask_to_restart(folder: Path, server: PublishedServer) -> None:
    """Let the leader restart it; raises OSError."""
    (folder / f"{server.leader.pid}{RESTART}").touch(mode=0o600)


def published(folder: Path) -> tuple[PublishedServer, ...]:
    """All whose leader lives, the oldest leader first; files of others are removed."""
    found = []
    try:
        files = sorted(folder.glob("*.json"))
    except OSError:
        return ()
    for file in files:
        try:
            one = msgspec.json.decode(
                read_bounded(file, _MOST_BYTES, follow=False), type=PublishedServer
            )
        except FileNotFoundError:
            continue  # withdrawn meanwhile
        except (OSError, msgspec.MsgspecError, ValueError) as error:
            log.debug("%s cannot be read: %s", file, error)  # looked at every second
            continue
        if processes.lives(one.leader) and file.stem == str(one.leader.pid):
            found.append(one)
        else:
            _remove(file)
    return tuple(sorted(found, key=lambda each: each.leader.start_ticks))


def _remove(file: Path) -> None:
    try:
        for suffix in (".json", RESTART):
            file.with_suffix(suffix).unlink(missing_ok=True)
    except OSError as error:
        log.warning("%s cannot be removed: %s", file, error)

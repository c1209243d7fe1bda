"""Servers that another process drives and publishes: a test run's, for as long as the run lasts.

A file for each, ``run/servers/PID.json`` with the pid of the run's leader, replaced at each change.
It is there whether OmniTray runs or not, so that one that is started later shows the server. A
leader that was killed leaves its file: who reads it looks whether that very process lives.

A run that borrows a server of OmniTray's instead notes in ``run/servers/PID.uses`` which tests run,
so that an alert about the server can name them in the moment it is raised.
"""

import logging
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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
USES = ".uses"
_READS, _READ_AGAIN_S = 3, 0.001  # a write of a kilobyte takes some microseconds


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


class Borrowing(msgspec.Struct, frozen=True, kw_only=True):
    """A test run that uses a watched server: the tests that run now, and the last that ended."""

    leader: ProcessIdentity
    server: str
    run: str
    project: str
    running: tuple[str, ...] = ()
    last: str = ""


class BorrowingNote:
    """The run's side: a file, ``PID.uses``, that each test writes over. Raises OSError.

    It is written in place, as two writes a test must cost next to nothing (3 µs; a file that is
    replaced takes 290 µs and wakes what watches the folder); the spaces at its end are JSON.
    """

    def __init__(self, folder: Path, leader: ProcessIdentity) -> None:
        own_folder(folder.parent)
        own_folder(folder)
        self._file = folder / f"{leader.pid}{USES}"
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        self._descriptor = os.open(self._file, flags, 0o600)
        self._length = 0

    def write(self, borrowing: Borrowing) -> None:
        """What runs now."""
        data = msgspec.json.encode(borrowing)
        self._length = max(self._length, len(data))
        os.pwrite(self._descriptor, data.ljust(self._length), 0)

    def close(self) -> None:
        """The run is over."""
        os.close(self._descriptor)
        self._file.unlink(missing_ok=True)


def borrowings(folder: Path, server: str) -> tuple[Borrowing, ...]:
    """The runs that use that server now; the notes of leaders that were killed are removed."""
    found = []
    for file in sorted(folder.glob(f"*{USES}")):
        one = _borrowing(file)
        if one is not None and not processes.lives(one.leader):
            _remove(file)
        elif one is not None and one.server == server:
            found.append(one)
    return tuple(found)


def _borrowing(file: Path) -> Borrowing | None:
    """Read in the middle of a write it makes no sense: then once more."""
    for _ in range(_READS):
        try:
            return msgspec.json.decode(
                read_bounded(file, _MOST_BYTES, follow=False), type=Borrowing
            )
        except OSError:
            return None
        except (msgspec.MsgspecError, ValueError):
            time.sleep(_READ_AGAIN_S)
    return None


def _remove(file: Path) -> None:
    try:
        for suffix in (".json", RESTART, USES):
            file.with_suffix(suffix).unlink(missing_ok=True)
    except OSError as error:
        log.warning("%s cannot be removed: %s", file, error)


def moment_in_run(running: Sequence[str], last: str) -> tuple[str, dict[str, Any]]:
    """Which test ran when something happened, or which was the last before: a sentence, facts."""
    if running:
        return f"It happened during {', '.join(running)}.", {
            "nodeid": running[0],
            "phase": "during",
            "tests": list(running),
        }
    if last:
        return f"It happened after {last}.", {"nodeid": last, "phase": "after"}
    return "It happened before the first test.", {"phase": "start"}

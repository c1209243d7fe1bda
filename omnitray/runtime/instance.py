"""One running instance for a user: a lock that dies with its holder, and a door to activate at.

The lock is an advisory lock on ``run/instance.lock``; the kernel drops it however the holder dies,
so a stale file or socket never keeps a start from working. The door is a Unix socket beside it: the
second start says ``show`` (with the activation token that it was given) and is told who runs.
"""

import contextlib
import logging
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import msgspec
from PySide6.QtCore import QObject, QSocketNotifier, Signal, Slot

log = logging.getLogger(__name__)

_ANSWER_S = 3.0
_STEP_S = 0.05
_MOST_BYTES = 4096


class FileLock(Protocol):
    """Takes and holds an exclusive lock on an open descriptor (see ``platforms``)."""

    def __call__(self, descriptor: int, /) -> bool:
        """Whether the lock was free and is now ours."""
        ...


class Knock(msgspec.Struct, frozen=True):
    """What the second start says."""

    token: str = ""  # activation token of the desktop, for the right to come to the front


class Running(msgspec.Struct, frozen=True):
    """Who answered."""

    pid: int
    headless: bool


class Instance(QObject):
    """The first instance; ``knocked(token)`` when another start asks for the window."""

    knocked = Signal(str)

    def __init__(self, folder: Path, lock: FileLock, *, headless: bool) -> None:
        super().__init__()
        self._folder = folder
        self._lock = lock
        self._answer = msgspec.json.encode(Running(pid=os.getpid(), headless=headless))
        self._descriptor: int | None = None
        self._server: socket.socket | None = None
        self._notifier: QSocketNotifier | None = None

    def acquire(self) -> bool:
        """Become the running instance; False when another one is."""
        descriptor = os.open(self._folder / "instance.lock", os.O_RDWR | os.O_CREAT, 0o600)
        if not self._lock(descriptor):
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def listen(self) -> None:
        """Open the door; without one (no Unix sockets here) only the window cannot be asked for."""
        if not hasattr(socket, "AF_UNIX"):
            return
        with contextlib.suppress(FileNotFoundError):
            (self._folder / "instance.sock").unlink()
        server = socket.socket(socket.AF_UNIX)
        with _short_path(self._folder) as path:
            server.bind(path)
        (self._folder / "instance.sock").chmod(0o600)
        server.listen(8)
        server.setblocking(False)
        self._server = server
        self._notifier = QSocketNotifier(server.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._on_activated)

    def release(self) -> None:
        """Close the door and give the lock back. Idempotent."""
        if self._notifier is not None:
            self._notifier.setEnabled(False)
            self._notifier = None
        if self._server is not None:
            self._server.close()
            self._server = None
            with contextlib.suppress(FileNotFoundError):
                (self._folder / "instance.sock").unlink()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    @Slot()
    def _on_activated(self) -> None:
        if self._server is None:
            return
        try:
            visitor, _ = self._server.accept()
        except OSError as error:
            log.debug("a activate went away: %s", error)
            return
        with visitor:
            visitor.settimeout(0.2)  # on the main thread: who does not speak at once is let go
            try:
                activate = msgspec.json.decode(visitor.recv(_MOST_BYTES), type=Knock)
                visitor.sendall(self._answer)
            except (OSError, msgspec.MsgspecError, ValueError, RecursionError) as error:
                log.warning("a activate that made no sense: %s", error)
                return
        self.knocked.emit(activate.token)


def activate(folder: Path, token: str = "") -> Running | None:
    """Ask the running instance to show itself; None when it does not answer within 3 s.

    It may be starting and not have its door yet, therefore the waiting.
    """
    give_up = time.monotonic() + _ANSWER_S
    while time.monotonic() < give_up:
        try:
            return _knock_once(folder, token)
        except (OSError, msgspec.MsgspecError, ValueError) as error:
            log.debug("no answer yet: %s", error)
            time.sleep(_STEP_S)
    return None


def _knock_once(folder: Path, token: str) -> Running:
    with socket.socket(socket.AF_UNIX) as visitor:
        visitor.settimeout(_ANSWER_S)
        with _short_path(folder) as path:
            visitor.connect(path)
        visitor.sendall(msgspec.json.encode(Knock(token)))
        return msgspec.json.decode(visitor.recv(_MOST_BYTES), type=Running)


@contextlib.contextmanager
def _short_path(folder: Path) -> Iterator[str]:
    """A name for the socket that fits: a socket's path holds about 100 bytes, a folder's more."""
    path = folder / "instance.sock"
    if len(os.fsencode(path)) < 100:  # noqa: PLR2004 - sun_path is 104 to 108 bytes
        yield str(path)
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{descriptor}/{path.name}"
    finally:
        os.close(descriptor)

"""One running instance for a set of data: a lock that dies with its holder, and a socket to ask at.

The lock (``base.paths.FolderLock``) stands with the data: what they are is the same whatever the
environment says of the run folder, in every PID namespace and at every time of the clock. The
kernel drops it however the holder dies, so a stale file or socket never keeps a start from working.

The socket stands in the run folder: the second start says ``show`` (with the activation token that
it was given) and learns which runs. What is removed is put back by :meth:`Instance.tend`.
"""

import contextlib
import logging
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from PySide6.QtCore import QObject, QSocketNotifier, QTimer, Signal, Slot

from omnitray.base.bounded import CheckedFiles
from omnitray.base.durable import StorageError
from omnitray.base.paths import FolderLock, LockState, Paths, own_folder, private_folder
from omnitray.base.process_environment import USED_UP, usable_token
from omnitray.client.discovery import OF_DATA, POINTER, run_folders, write_pointer
from omnitray.client.http import is_running

log = logging.getLogger(__name__)

_ANSWER_S = 3.0
_STEP_S = 0.05
_REST_MS = 1000  # asyncio rests as long between two tries to accept
_MOST_BYTES = 4096
LOCK_NAME = "instance.lock"
SOCKET_NAME = "instance.sock"


class Knock(msgspec.Struct, frozen=True):
    """What the second start says."""

    token: str = ""  # activation token of the desktop, for the right to come to the front


class RunningInstance(msgspec.Struct, frozen=True):
    """The instance that answered."""

    pid: int
    headless: bool


class Instance(QObject):
    """The first instance; ``knocked(token)`` when another start asks for the window."""

    knocked = Signal(str)

    def __init__(self, paths: Paths, *, headless: bool) -> None:
        super().__init__()
        self._paths = paths
        self._lock = FolderLock(paths.data, LOCK_NAME)
        self._pointer = CheckedFiles(paths.data / POINTER, paths.run / OF_DATA)
        self._answer = msgspec.json.encode(RunningInstance(pid=os.getpid(), headless=headless))
        self._server: socket.socket | None = None
        self._place: os.stat_result | None = None  # of the socket in the file system
        self._notifier: QSocketNotifier | None = None

    def acquire(self) -> bool:
        """Become the running instance; False when another one is.

        Where the file system cannot lock, the port is asked whether another one answers.
        """
        try:
            if not self._lock.acquire():
                return False
        except OSError as error:
            log.warning("%s cannot be locked: %s", self._paths.data, error)
        if self._lock.state is LockState.HELD:
            return True
        if is_running(self._paths):
            return False
        log.warning("%s: %s", self._paths.data, LockState.IMPOSSIBLE.value)
        return True

    def listen(self) -> None:
        """Listen on the socket; without Unix sockets only the window cannot be asked for.

        Raises OSError.
        """
        if not hasattr(socket, "AF_UNIX"):
            return
        self._hang_up()
        folder = own_folder(self._paths.run)
        with contextlib.suppress(FileNotFoundError):
            (folder / SOCKET_NAME).unlink()
        server = socket.socket(socket.AF_UNIX)
        try:
            with _short_path(folder) as path:
                server.bind(path)
            (folder / SOCKET_NAME).chmod(0o600)
            server.listen(8)
            server.setblocking(False)
            self._place = (folder / SOCKET_NAME).stat()
        except OSError:
            server.close()
            raise
        self._server = server
        self._notifier = QSocketNotifier(server.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._on_activated)
        with contextlib.suppress(StorageError):  # only those with another environment miss it
            write_pointer(self._paths)

    def tend(self) -> bool:
        """Put back what was removed: lock, socket, pointer; a few calls where all is well.

        False when another instance has taken the data. Raises OSError.
        """
        private_folder(self._paths.data)
        if not self._lock.renew():
            return False
        try:
            in_place = self._place is not None and os.path.samestat(
                self._place, (self._paths.run / SOCKET_NAME).lstat()
            )
        except OSError:
            in_place = False
        if not in_place and hasattr(socket, "AF_UNIX"):
            log.info("the socket of the running instance was put back")
            self.listen()
        if not self._pointer.untouched():
            with contextlib.suppress(StorageError):
                write_pointer(self._paths)
                self._pointer.checked(time.time_ns())
        return True

    def release(self) -> None:
        """Close the socket and release the lock. Idempotent."""
        self._hang_up()
        self._lock.release()

    def _hang_up(self) -> None:
        if self._notifier is not None:
            self._notifier.setEnabled(False)
            self._notifier = None
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        with contextlib.suppress(OSError):  # gone already
            path = self._paths.run / SOCKET_NAME
            if self._place is not None and os.path.samestat(path.lstat(), self._place):
                path.unlink()

    @Slot()
    def _on_activated(self) -> None:
        if self._server is None:
            return
        try:
            visitor, _ = self._server.accept()
        except OSError as error:
            self._rest_from(error)
            return
        with visitor:
            visitor.settimeout(0.2)  # on the main thread: who does not speak at once is let go
            try:
                activate = msgspec.json.decode(visitor.recv(_MOST_BYTES), type=Knock)
                visitor.sendall(self._answer)
            except (OSError, msgspec.MsgspecError, ValueError, RecursionError) as error:
                log.warning("a knock that made no sense: %s", error)
                return
        self.knocked.emit(usable_token(activate.token))

    def _rest_from(self, error: OSError) -> None:
        """A visitor who went away is no fault; without descriptors his place stays readable."""
        if error.errno not in USED_UP or self._notifier is None:
            log.debug("a visitor went away: %s", error)
            return
        self._notifier.setEnabled(False)
        QTimer.singleShot(_REST_MS, self, self._listen_again)

    @Slot()
    def _listen_again(self) -> None:
        if self._notifier is not None:
            self._notifier.setEnabled(True)


def activate(paths: Paths, token: str = "") -> RunningInstance | None:
    """Ask the running instance to show itself; None when it does not answer within 3 s.

    It may be starting and not listen yet, therefore the waiting.
    """
    give_up = time.monotonic() + _ANSWER_S
    while time.monotonic() < give_up:
        for folder in run_folders(paths):
            try:
                return _knock_once(folder, token)
            except (OSError, msgspec.MsgspecError, ValueError) as error:
                log.debug("no answer yet: %s", error)
        time.sleep(_STEP_S)
    return None


def _knock_once(folder: Path, token: str) -> RunningInstance:
    with socket.socket(socket.AF_UNIX) as visitor:
        visitor.settimeout(_ANSWER_S)
        with _short_path(folder) as path:
            visitor.connect(path)
        visitor.sendall(msgspec.json.encode(Knock(token)))
        return msgspec.json.decode(visitor.recv(_MOST_BYTES), type=RunningInstance)


@contextlib.contextmanager
def _short_path(folder: Path) -> Iterator[str]:
    """A name for the socket that fits: a socket's path holds about 100 bytes, a folder's more."""
    path = folder / SOCKET_NAME
    if len(os.fsencode(path)) < 100:  # noqa: PLR2004 - sun_path is 104 to 108 bytes
        yield str(path)
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{descriptor}/{path.name}"
    finally:
        os.close(descriptor)

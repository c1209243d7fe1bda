"""The one lock of the program: on a folder, held by a process, dropped by the system with it.

:class:`FolderLock` says who keeps a folder: the running instance keeps the data folder, the history
its alerts. It locks a file in the folder and, where the system can, the folder itself: a lock file
that somebody removes lets nobody in.

``flock`` where there is one (a lock of the open file, also across PID namespaces and over NFS), the
first byte of the file on Windows. ``QLockFile`` writes a pid and a host name and judges by them
whether the holder lives: wrong in containers and after a change of the name; and it brings Qt to
the command line (docs/adr/019).
"""

import contextlib
import enum
import errno
import importlib
import importlib.util
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from omnitray.base.durable import CANNOT, open_owned


class LockState(enum.Enum):
    """What came of trying."""

    HELD = "held by us"
    TAKEN = "held by another"
    IMPOSSIBLE = "this file system cannot lock"


class FolderLock:
    """An exclusive lock on a folder. ``name`` is that of the lock file in it."""

    def __init__(self, folder: Path, name: str = ".lock") -> None:
        self._places = (folder / name, folder)
        self._held: dict[Path, int] = {}
        self.state = LockState.TAKEN

    def acquire(self) -> bool:
        """Acquire the lock, or keep it; False while another process holds it.

        Where the file system cannot lock, every caller gets it and :attr:`state` is IMPOSSIBLE.
        Raises OSError where there is neither a file nor a folder that could be locked, and for a
        fault of the disk.
        """
        if self._held:
            return True
        self.state = self._take(self._places)
        return self.state is not LockState.TAKEN

    def renew(self) -> bool:
        """Lock what stands there now, where that is not what we hold: it was removed or replaced.

        False when another has taken it meanwhile. Raises OSError.
        """
        moved = [place for place in self._places if not self._is_in_place(place)]
        before = [self._held.pop(place) for place in moved if place in self._held]
        if not before:
            return True
        try:
            return self._take(moved) is not LockState.TAKEN
        finally:
            _close(before)

    def release(self) -> None:
        """Give it back. Idempotent."""
        _close(self._held.values())
        self._held.clear()

    def _take(self, places: Iterable[Path]) -> LockState:
        opened: dict[Path, int] = {}
        failures = []
        for place in places:
            try:
                handle = _opened(place, is_folder=place == self._places[1])
            except OSError as error:
                failures.append(error)
            else:
                opened[place] = handle
        if failures and not opened and not self._held:
            raise failures[0]
        try:
            states = {_locked(handle) for handle in opened.values()}
        except OSError:
            _close(opened.values())
            raise
        if LockState.TAKEN in states:
            _close(opened.values())
            return LockState.TAKEN
        self._held.update(opened)
        return LockState.HELD if LockState.HELD in states else LockState.IMPOSSIBLE

    def _is_in_place(self, place: Path) -> bool:
        try:
            return os.path.samestat(place.stat(), os.fstat(self._held[place]))
        except (OSError, KeyError):
            return False


def _opened(place: Path, *, is_folder: bool) -> int:
    """A descriptor to lock; raises OSError, also where folders have none."""
    if not is_folder:
        return open_owned(place, os.O_RDWR | os.O_CREAT, follow=False)
    if not hasattr(os, "O_DIRECTORY"):
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
    return os.open(place, os.O_RDONLY | os.O_DIRECTORY)


def _locked(handle: int) -> LockState:
    """Try to lock; raises OSError for a fault of the disk."""
    if importlib.util.find_spec("fcntl") is None:
        msvcrt: Any = importlib.import_module("msvcrt")
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return LockState.TAKEN
        return LockState.HELD
    fcntl: Any = importlib.import_module("fcntl")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return LockState.TAKEN
    except OSError as error:
        if error.errno not in CANNOT:
            raise
        return LockState.IMPOSSIBLE
    return LockState.HELD


def _close(handles: Iterable[int]) -> None:
    for handle in handles:
        with contextlib.suppress(OSError):  # closed all the same, see close(2)
            os.close(handle)

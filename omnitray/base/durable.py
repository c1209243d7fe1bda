"""Files that are there in full or not at all, also after ``kill -9`` or a power cut.

A write goes to a temporary file in the same folder, is synced, renamed (:func:`write_atomic`) or
linked (:func:`create_numbered`, for names that several writers may want), and the folder is
synced. Temporary names carry the process and a number, so that writers never meet; what a killed
writer left is swept. The operating system's refusals become :class:`StorageError`.
"""

import contextlib
import enum
import errno
import itertools
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
_PREFIX, _SUFFIX = ".new-", ".tmp"
_STALE_S = 60.0  # older than any write takes
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_BINARY = getattr(os, "O_BINARY", 0)
_numbers = itertools.count()


class StorageFault(enum.Enum):
    """Why the disk refused."""

    FULL = "the disk is full"
    READ_ONLY = "the disk is read-only"
    DENIED = "permission is denied"
    GONE = "the folder is not there"
    IN_THE_WAY = "a file is where a folder is needed"
    IS_FOLDER = "it is a folder"
    BROKEN = "the disk reports an error"


_FAULTS = {
    errno.ENOSPC: StorageFault.FULL,
    errno.EDQUOT: StorageFault.FULL,
    errno.EROFS: StorageFault.READ_ONLY,
    errno.EACCES: StorageFault.DENIED,
    errno.EPERM: StorageFault.DENIED,
    errno.ENOENT: StorageFault.GONE,
    errno.ENOTDIR: StorageFault.IN_THE_WAY,
    errno.EEXIST: StorageFault.IN_THE_WAY,
    errno.EISDIR: StorageFault.IS_FOLDER,
}


class StorageError(Exception):
    """Something could not be stored; ``fault`` says why, ``path`` where."""

    def __init__(self, path: Path, error: OSError) -> None:
        self.path = path
        self.fault = _FAULTS.get(error.errno or 0, StorageFault.BROKEN)
        more = f" ({error.strerror})" if self.fault is StorageFault.BROKEN else ""
        super().__init__(f"cannot write {path}: {self.fault.value}{more}")


def make_folder(folder: Path) -> None:
    """The folder and its missing parents, private; raises StorageError."""
    try:
        folder.mkdir(mode=PRIVATE_FOLDER)
    except FileExistsError as error:
        if not folder.is_dir():
            raise StorageError(folder, error) from error
    except FileNotFoundError as error:
        if folder.parent == folder:
            raise StorageError(folder, error) from error
        make_folder(folder.parent)
        make_folder(folder)
    except OSError as error:
        raise StorageError(folder, error) from error


def write_atomic(path: Path, data: bytes, *, sync: bool = True) -> None:
    """Put ``data`` at ``path``, replacing what is there; durable on return.

    With ``sync`` False the folder is not synced: the caller does it once for many.

    Raises:
        StorageError: the disk refused; what was there before is still there.
    """
    with _typed(path):
        temporary = _written(path.parent, data)
        with _removed_on_error(temporary):
            temporary.replace(path)
    if sync:
        sync_folder(path.parent)


def create_numbered(path: Path, data: bytes, *, sync: bool = True, first: int = 1) -> Path:
    """Put ``data`` at ``path``, or at ``_2``, ``_3`` where the name is taken; durable on return.

    What comes back is the name that was free. Several processes may do this at once. ``first`` is
    for one who knows that the numbers before are taken.

    Raises:
        StorageError: the disk refused.
    """
    with _typed(path):
        temporary = _written(path.parent, data)
        with _removed_on_error(temporary):
            taken = _linked(temporary, path, first)
    if sync:
        sync_folder(path.parent)
    return taken


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable; raises StorageError."""
    flags = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)
    if not hasattr(os, "O_DIRECTORY"):
        return  # a system without folder handles keeps names durable by itself
    with _typed(folder):
        handle = os.open(folder, flags)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def sweep(folder: Path, is_alive: Callable[[int], bool], wall_s: float | None = None) -> int:
    """Remove what killed writers left in a folder; how many files that were."""
    now = time.time() if wall_s is None else wall_s
    swept = 0
    for path in _temporaries(folder):
        pid = _writer(path.name)
        with contextlib.suppress(OSError):  # somebody else swept it, or it cannot be removed
            old = now - path.lstat().st_mtime > _STALE_S
            if old or (pid != os.getpid() and not is_alive(pid)):
                path.unlink()
                swept += 1
    return swept


def set_aside(path: Path, folder: Path) -> Path:
    """Move a file into ``folder`` under its own name or the next free one; raises StorageError."""
    make_folder(folder)
    with _typed(path):
        taken = _linked(path, folder / path.name)
    sync_folder(folder)
    return taken


def numbered(path: Path, first: int = 1) -> Iterator[Path]:
    """``name.json``, ``name_2.json``, ``name_3.json``, and so on."""
    for number in itertools.count(first):
        yield path if number == 1 else path.with_name(f"{path.stem}_{number}{path.suffix}")


def _written(folder: Path, data: bytes) -> Path:
    path = folder / f"{_PREFIX}{os.getpid()}-{next(_numbers)}{_SUFFIX}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW | _BINARY
    try:
        handle = os.open(path, flags, PRIVATE_FILE)
    except FileExistsError:  # a killed process had our number
        path.unlink()
        handle = os.open(path, flags, PRIVATE_FILE)
    with _removed_on_error(path):
        try:
            _write_all(handle, data)
            os.fsync(handle)
        finally:
            os.close(handle)
    return path


def _write_all(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def _linked(source: Path, target: Path, first: int = 1) -> Path:
    for candidate in numbered(target, first):
        with contextlib.suppress(FileExistsError):
            _link(source, candidate)
            return candidate
    raise AssertionError  # numbered() never ends


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EMLINK):
            raise
        # No hard links here (FAT, some network disks): claim the name, then rename over it.
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE))
        source.replace(target)
        return
    source.unlink()


def _temporaries(folder: Path) -> list[Path]:
    try:
        return [each for each in folder.iterdir() if _writer(each.name)]
    except OSError:
        return []  # no folder, nothing to sweep


def _writer(name: str) -> int:
    if not (name.startswith(_PREFIX) and name.endswith(_SUFFIX)):
        return 0
    pid = name.removeprefix(_PREFIX).partition("-")[0]
    return int(pid) if pid.isascii() and pid.isdigit() else 0


@contextlib.contextmanager
def _typed(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(path, error) from error


@contextlib.contextmanager
def _removed_on_error(path: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            path.unlink()
        raise

"""Files that are there in full or not at all, also after ``kill -9`` or a power cut.

A write goes to a temporary file in the same folder, is synced, renamed (:func:`write_atomic`,
:func:`replacing`) or linked (:func:`create_numbered`, for names that several writers may want), and
the folder is synced. Temporary names carry the process and a number, so that writers never meet;
what a killed writer left is swept. The operating system's refusals become :class:`StorageError`.

What is replaced keeps its kind, owner and mode:

- a FIFO, a device, a socket or a folder is refused; a link is replaced, or followed where the
  caller says so;
- a file keeps its permissions and its owner; root writing into a person's folder leaves files and
  folders of that person;
- a file that cannot be renamed over (a mount of its own, a folder that takes no new files) is
  written in place, once there is room for it.

File systems that lack a call (links, folder syncs, locks, modes) answer with one of ``CANNOT``: the
call is left out or replaced. Faults of the disk (EIO, ENOSPC, EDQUOT) are never taken for that.
"""

import contextlib
import enum
import errno
import io
import itertools
import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

from omnitray.base.bounded import NotRegularError, open_regular, refuse_irregular

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
# What NFS, CIFS, FUSE, FAT, 9p and overlay file systems answer to a call that they do not have:
# link(2), fsync(2) of a folder, flock(2), chmod(2), chown(2), posix_fallocate(3).
CANNOT = frozenset(
    {
        errno.EPERM,
        errno.ENOSYS,
        errno.EINVAL,
        errno.EXDEV,
        errno.ENOTSUP,
        errno.EOPNOTSUPP,
        errno.ENOLCK,
        errno.EACCES,
        errno.EBADF,
        errno.EMLINK,
    }
)
# A sync of a file's content is left out only where there is none: a refusal is a fault.
_NO_SYNC = frozenset({errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP})
_NOT_OVER = frozenset({errno.EBUSY, errno.EXDEV})  # rename(2) onto a mount
_NO_NEW = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
_PREFIX, _SUFFIX = ".new-", ".tmp"
_STALE_S = 60.0  # older than any write takes
_CHUNK_BYTES = 1 << 20
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
    NO_FILE = "it is no regular file"
    LOOP = "it is a loop of links"
    HANGS = "the disk does not answer"
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
    errno.ELOOP: StorageFault.LOOP,
    errno.ETIMEDOUT: StorageFault.HANGS,
}


class StorageError(Exception):
    """Something could not be stored; ``fault`` says why, ``path`` where."""

    def __init__(self, path: Path, error: OSError) -> None:
        self.path = path
        self.fault = _FAULTS.get(error.errno or 0, StorageFault.BROKEN)
        why = self.fault.value
        if isinstance(error, NotRegularError):
            self.fault, why = StorageFault.NO_FILE, str(error.strerror)
        elif self.fault is StorageFault.BROKEN:
            why += f" ({error.strerror})"
        super().__init__(f"cannot write {path}: {why}")


class Kept(tuple[int, int, int]):
    """Owner, group and permissions of a file that is replaced."""

    __slots__ = ()


def make_folder(folder: Path) -> None:
    """The folder and its missing parents, private; raises StorageError."""
    try:
        folder.mkdir(mode=PRIVATE_FOLDER)
        _give_folder(folder)
    except FileExistsError as error:
        if not is_folder(folder):
            raise StorageError(folder, error) from error
    except FileNotFoundError as error:
        if folder.parent == folder:
            raise StorageError(folder, error) from error
        make_folder(folder.parent)
        make_folder(folder)
    except OSError as error:
        raise StorageError(folder, error) from error


def is_folder(path: Path) -> bool:
    """Whether there is a folder, as far as the disk says."""
    try:
        return path.is_dir()
    except OSError:
        return False


def write_atomic(path: Path, data: bytes, *, sync: bool = True, follow: bool = False) -> None:
    """Put ``data`` at ``path``, replacing what is there; durable on return.

    With ``sync`` False the folder is not synced: the caller does it once for many. With ``follow``
    a link stays, and what it leads to is replaced.

    Raises:
        StorageError: the disk refused; what was there before is still there.
    """
    path = followed(path) if follow else path
    with _typed(path):
        kept = _kept(path)
        try:
            temporary, handle = _temporary(path.parent, kept)
        except OSError as error:
            if kept is None or error.errno not in _NO_NEW:
                raise
            with _opened_in_place(path, len(data)) as place:
                _write_all(place, data)
            return
        with _removed_on_error(temporary):
            _fill(handle, data)
            _rename(temporary, path)
    if sync:
        sync_folder(path.parent)


@contextlib.contextmanager
def replacing(path: Path, *, follow: bool = False) -> Iterator[IO[bytes]]:
    """A file to write to, which replaces ``path`` at the end of the block; durable then.

    An exception within the block leaves what was there before. Raises StorageError.
    """
    path = followed(path) if follow else path
    with _typed(path):
        temporary, handle = _temporary(path.parent, _kept(path))
        with _removed_on_error(temporary):
            try:
                with io.BufferedWriter(_Writer(handle), _CHUNK_BYTES) as file:
                    yield file
                    file.flush()
                    _sync(handle)
            finally:
                os.close(handle)
            _rename(temporary, path)
    sync_folder(path.parent)


def create_numbered(path: Path, data: bytes, *, sync: bool = True, first: int = 1) -> Path:
    """Put ``data`` at ``path``, or at ``_2``, ``_3`` where the name is taken; durable on return.

    What comes back is the name that was free. Several processes may do this at once. ``first`` is
    for one who knows that the numbers before are taken.

    Raises:
        StorageError: the disk refused.
    """
    with _typed(path):
        temporary, handle = _temporary(path.parent, None)
        with _removed_on_error(temporary):
            _fill(handle, data)
            taken = _linked(temporary, path, first)
    if sync:
        sync_folder(path.parent)
    return taken


def open_owned(path: Path, flags: int, *, follow: bool = True) -> int:
    """A descriptor of a regular file that ``flags`` may create, private; raises OSError."""
    is_new = not os.path.lexists(path)
    handle = open_regular(path, flags, PRIVATE_FILE, follow=follow)
    if is_new:
        _give(handle, path.parent)
    return handle


def followed(path: Path) -> Path:
    """Where the links of a path lead; raises StorageError for a loop, or another user's way.

    Root follows a person's link only to what is that person's.
    """
    real = Path(os.path.realpath(path))
    with _typed(path):
        if not path.is_symlink():
            return real
        if real.is_symlink():
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        owner = path.lstat().st_uid
        if _is_root() and owner:
            there = real if os.path.lexists(real) else real.parent
            if there.lstat().st_uid != owner:
                raise PermissionError(errno.EACCES, "the link leads to another user's file")
    return real


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable; raises StorageError."""
    flags = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)
    if not hasattr(os, "O_DIRECTORY"):
        return  # a system without folder handles keeps names durable by itself
    with _typed(folder), tolerated():
        handle = os.open(folder, flags)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextlib.contextmanager
def tolerated() -> Iterator[None]:
    """Go on where a file system does not have the call of the block; raises its other faults."""
    try:
        yield
    except OSError as error:
        if error.errno not in CANNOT:
            raise


def sweep(folder: Path, is_alive: Callable[[int], bool], wall_s: float | None = None) -> int:
    """Remove what killed writers left in a folder; how many files that were."""
    now = time.time() if wall_s is None else wall_s
    swept = 0
    for path in _temporaries(folder):
        pid = _writer(path.name)
        with contextlib.suppress(OSError):  # another process removed it, or it cannot be removed
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


def _kept(path: Path) -> Kept | None:
    """What a replaced file keeps; None where there is none or a link. Raises for other kinds."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    if stat.S_ISLNK(found.st_mode):
        return None
    refuse_irregular(path, found.st_mode)
    return Kept((found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode) & 0o777))


def _fill(handle: int, data: bytes) -> None:
    try:
        _write_all(handle, data)
        _sync(handle)
    finally:
        os.close(handle)


def _temporary(folder: Path, kept: Kept | None) -> tuple[Path, int]:
    path = folder / f"{_PREFIX}{os.getpid()}-{next(_numbers)}{_SUFFIX}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW | _BINARY
    try:
        handle = os.open(path, flags, PRIVATE_FILE)
    except FileExistsError:  # a killed process had our number
        path.unlink()
        handle = os.open(path, flags, PRIVATE_FILE)
    try:
        if kept is None:
            _give(handle, folder)
        else:
            _keep(handle, kept)
    except BaseException:
        os.close(handle)
        with contextlib.suppress(OSError):
            path.unlink()
        raise
    return path, handle


def _keep(handle: int, kept: Kept) -> None:
    """Owner, group and mode of the file that is replaced, as far as we may."""
    if not hasattr(os, "fchown"):
        return
    uid, gid, mode = kept
    found = os.fstat(handle)
    if (found.st_uid, found.st_gid) != (uid, gid):
        try:
            os.fchown(handle, uid, gid)
        except OSError as error:
            if error.errno not in CANNOT:
                raise
            mode &= 0o700 if found.st_gid != gid else 0o770  # its readers were another group's
    if mode != stat.S_IMODE(found.st_mode):
        with tolerated():
            os.fchmod(handle, mode)


def _give(handle: int, folder: Path) -> None:
    """What root makes in a person's folder is that person's."""
    if not _is_root():
        return
    found = folder.stat()
    if found.st_uid:
        with tolerated():
            os.fchown(handle, found.st_uid, found.st_gid)


def _give_folder(folder: Path) -> None:
    if not _is_root():
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | _NO_FOLLOW)
    try:
        if os.fstat(handle).st_uid == 0:
            _give(handle, folder.parent)
    finally:
        os.close(handle)


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _rename(temporary: Path, path: Path) -> None:
    try:
        temporary.replace(path)
    except OSError as error:
        if error.errno not in _NOT_OVER:
            raise
        _copy_in_place(temporary, path)
        temporary.unlink()


def _copy_in_place(source: Path, target: Path) -> None:
    reader = os.open(source, os.O_RDONLY | _BINARY)
    try:
        with _opened_in_place(target, os.fstat(reader).st_size) as writer:
            while chunk := os.read(reader, _CHUNK_BYTES):
                _write_all(writer, chunk)
    finally:
        os.close(reader)


@contextlib.contextmanager
def _opened_in_place(path: Path, size_bytes: int) -> Iterator[int]:
    """A descriptor that overwrites a file from its start; room for it is made sure of before."""
    handle = open_regular(path, os.O_WRONLY, follow=False)
    try:
        before = os.fstat(handle).st_size
        _reserve(handle, before, size_bytes)
        yield handle
        os.ftruncate(handle, size_bytes)
        _sync(handle)
    finally:
        os.close(handle)


def _reserve(handle: int, before: int, size_bytes: int) -> None:
    if size_bytes <= before or not hasattr(os, "posix_fallocate"):
        return
    try:
        with tolerated():
            os.posix_fallocate(handle, before, size_bytes - before)
    except OSError:
        os.ftruncate(handle, before)
        raise


def _sync(handle: int) -> None:
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise


class _Writer(io.RawIOBase):
    def __init__(self, handle: int) -> None:
        self._handle = handle

    def writable(self) -> bool:
        return True

    def write(self, data: "ReadableBuffer", /) -> int:
        return os.write(self._handle, data)


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
        if error.errno not in CANNOT:
            raise
        # No hard links here (FAT, some network disks): claim the name, then rename over it.
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE))
        with _removed_on_error(target):
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
        if error.errno is None:
            raise  # a sentence of the caller's own, not an answer of the operating system
        raise StorageError(path, error) from error


@contextlib.contextmanager
def _removed_on_error(path: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            path.unlink()
        raise

"""Walking a folder so that nothing outside it is ever touched, whatever other programs do.

Every folder is opened relative to the one above it and without following links, and held open
while its entries are dealt with by name relative to it. What is opened must be what was seen a
moment before (device and inode), on the same mount and ours. Before each removal the chain of
held folders is asked whether it still hangs together: a folder that is moved away while it
is being emptied is left at once.
"""

import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from omnitray.cleanup.facts import CleanReason, FileId

DEPTH = 256  # one descriptor is held for each level
BLOCK_BYTES = 512  # the unit of st_blocks, whatever the file system's own is
TAG = "CACHEDIR.TAG"
SIGNATURE = b"Signature: 8a477f597d28d172789f06886806bc55"  # bford.info/cachedir
_FOLDER = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
_FILE = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class FolderRefused(Exception):  # noqa: N818 - an answer, not an error
    """A folder may not be entered; the reason says why."""

    def __init__(self, reason: CleanReason) -> None:
        super().__init__(reason.sentence)
        self.reason = reason


def identity_of(status: os.stat_result) -> FileId:
    """The device and inode of a file."""
    return FileId(status.st_dev, status.st_ino)


def path_identity(path: str) -> FileId | None:
    """What a path leads to now, links followed; None where it leads nowhere."""
    try:
        return identity_of(os.stat(path))  # noqa: PTH116 - tens of thousands of times
    except OSError:
        return None


def device_of(descriptor: int) -> int:
    """The file system a descriptor is on: the least that tells mounts apart."""
    return os.fstat(descriptor).st_dev


@dataclass(frozen=True, slots=True)
class RemovalScope:
    """What may be touched: files of one user that no program has open, on one mount.

    ``mount_of`` tells mounts apart by an open descriptor; a platform that can do better than
    :func:`device_of` (bind mounts of the same file system) passes its own.
    """

    uid: int
    in_use: frozenset[FileId] = frozenset()
    mount_of: Callable[[int], int] = device_of


@dataclass(frozen=True, slots=True)
class OpenFolder:
    """An open folder, and the one it was opened from."""

    descriptor: int
    identity: FileId
    mount: int
    above: "OpenFolder | None" = None
    depth: int = 0

    def is_in_place(self) -> bool:
        """Whether every folder up to the root of the walk is still where it was entered."""
        held = self
        while held.above is not None:
            if identity_of(os.stat("..", dir_fd=held.descriptor)) != held.above.identity:
                return False
            held = held.above
        return True


@dataclass(frozen=True, slots=True)
class Found:
    """An entry of a held folder. Folders come after what is in them. ``reason``: leave it."""

    held: OpenFolder
    name: str
    status: os.stat_result
    reason: CleanReason | None = None

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder (then its entries came before it)."""
        return stat.S_ISDIR(self.status.st_mode)

    @property
    def size_bytes(self) -> int:
        """What it takes on the disk."""
        return self.status.st_blocks * BLOCK_BYTES

    def remove(self) -> CleanReason | None:
        """Remove this entry; the reason why not, else None."""
        try:
            if not self.held.is_in_place():
                return CleanReason.REPLACED
            if self.is_folder:
                os.rmdir(self.name, dir_fd=self.held.descriptor)
            elif identity_of(self._look()) != identity_of(self.status):
                return CleanReason.REPLACED
            else:
                os.unlink(self.name, dir_fd=self.held.descriptor)
        except FileNotFoundError:
            return None  # another process removed it first
        except OSError:
            return CleanReason.DENIED
        return None

    def _look(self) -> os.stat_result:
        return os.stat(self.name, dir_fd=self.held.descriptor, follow_symlinks=False)


@contextlib.contextmanager
def opened(path: str, ground: RemovalScope, identity: FileId | None = None) -> Iterator[OpenFolder]:
    """Hold the folder at ``path``, which must be the one of that identity; raises FolderRefused."""
    descriptor = _open(path, None)
    try:
        status = os.fstat(descriptor)
        if identity is not None and identity_of(status) != identity:
            raise FolderRefused(CleanReason.REPLACED)
        if status.st_uid != ground.uid:
            raise FolderRefused(CleanReason.OTHER_OWNER)
        yield OpenFolder(descriptor, identity_of(status), ground.mount_of(descriptor))
    finally:
        os.close(descriptor)


def walk(held: OpenFolder, ground: RemovalScope) -> Iterator[Found]:
    """Every entry below a held folder, the deepest first; the folder itself not."""
    for name in _names(held):
        yield from walk_entry(held, name, ground)


def walk_entry(
    held: OpenFolder, name: str, ground: RemovalScope, identity: FileId | None = None
) -> Iterator[Found]:
    """What is in one entry of a held folder, and then the entry itself; nothing if it is gone.

    Raises FolderRefused where an identity is given and it is another one by now.
    """
    try:
        status = os.stat(name, dir_fd=held.descriptor, follow_symlinks=False)
    except OSError:
        return
    if identity is not None and identity_of(status) != identity:
        raise FolderRefused(CleanReason.REPLACED)
    if stat.S_ISDIR(status.st_mode):
        yield from _walk_folder(held, name, status, ground)
    else:
        yield Found(held, name, status, _refusal(status, ground))


def _walk_folder(
    above: OpenFolder, name: str, status: os.stat_result, ground: RemovalScope
) -> Iterator[Found]:
    reason: CleanReason | None = None
    try:
        with _entered(above, name, status, ground) as held:
            yield from walk(held, ground)
    except FolderRefused as refused:
        reason = refused.reason
    yield Found(above, name, status, reason)


@contextlib.contextmanager
def _entered(
    above: OpenFolder, name: str, status: os.stat_result, ground: RemovalScope
) -> Iterator[OpenFolder]:
    if above.depth >= DEPTH:
        raise FolderRefused(CleanReason.TOO_DEEP)
    if status.st_uid != ground.uid:
        raise FolderRefused(CleanReason.OTHER_OWNER)
    descriptor = _open(name, above.descriptor)
    try:
        now = identity_of(os.fstat(descriptor))
        if now != identity_of(status):
            raise FolderRefused(CleanReason.REPLACED)
        mount = ground.mount_of(descriptor)
        if mount != above.mount or now.device != above.identity.device:
            raise FolderRefused(CleanReason.MOUNT)
        yield OpenFolder(descriptor, now, mount, above, above.depth + 1)
    finally:
        os.close(descriptor)


def _open(name: str, folder: int | None) -> int:
    try:
        return os.open(name, _FOLDER, dir_fd=folder)
    except PermissionError as error:
        raise FolderRefused(CleanReason.DENIED) from error
    except OSError as error:  # gone, or a link or a file by now
        raise FolderRefused(CleanReason.REPLACED) from error


def _names(held: OpenFolder) -> list[str]:
    try:
        with os.scandir(held.descriptor) as entries:
            return [entry.name for entry in entries]
    except OSError:
        return []


def _refusal(status: os.stat_result, ground: RemovalScope) -> CleanReason | None:
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)):
        return CleanReason.SPECIAL
    if status.st_uid != ground.uid:
        return CleanReason.OTHER_OWNER
    return CleanReason.IN_USE if identity_of(status) in ground.in_use else None


def is_marked(held: OpenFolder) -> bool:
    """Whether the folder carries a CACHEDIR.TAG that is a real file with the right signature."""
    try:
        descriptor = os.open(TAG, _FILE, dir_fd=held.descriptor)
    except OSError:
        return False
    try:
        regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
        return regular and os.read(descriptor, len(SIGNATURE)) == SIGNATURE
    except OSError:
        return False
    finally:
        os.close(descriptor)


def has_entry(held: OpenFolder, name: str) -> bool:
    """Whether the folder has an entry of that name, of whatever kind."""
    try:
        os.stat(name, dir_fd=held.descriptor, follow_symlinks=False)
    except OSError:
        return False
    return True


@dataclass(slots=True)
class Links:
    """Counts what removing really frees: a file goes when the last of its names goes."""

    _seen: dict[FileId, int] = field(default_factory=dict)

    def freed_by(self, found: Found) -> int:
        """Bytes that removing this entry, after those asked about before, sets free."""
        links = found.status.st_nlink
        if found.is_folder or links <= 1:
            return found.size_bytes
        identity = identity_of(found.status)
        self._seen[identity] = self._seen.get(identity, 0) + 1
        return found.size_bytes if self._seen[identity] == links else 0

"""Folders in memory, for tests that copy and sync hundreds of small folders.

On a slow disk ``fsync`` and ``copytree`` of each case cost more than what is tested.
"""

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_RAM = Path("/dev/shm")


@contextlib.contextmanager
def ram_folder() -> Iterator[Path]:
    """A folder in memory where there is such a place, else one on the disk."""
    place = _RAM if os.access(_RAM, os.W_OK | os.X_OK) else None
    with tempfile.TemporaryDirectory(dir=place) as folder:
        yield Path(folder)


class Entry(NamedTuple):
    """A file, folder or link: ``data`` is the content, or where the link leads in the folder."""

    path: str
    mode: int
    data: bytes
    modified_ns: int


class Snapshot(tuple[Entry, ...]):
    """What a folder holds; links lead into the folder that it is put to."""

    __slots__ = ()

    @classmethod
    def of(cls, folder: Path) -> "Snapshot":
        """Take it in; parents come before what is in them."""
        return cls(_entry(folder, path) for path in sorted(folder.rglob("*")))

    def restore(self, folder: Path) -> None:
        """Put the same at a path where there is nothing yet."""
        folder.mkdir()
        for path, mode, data, modified_ns in self:
            place = folder / path
            if stat.S_ISDIR(mode):
                place.mkdir()
            elif stat.S_ISLNK(mode):
                place.symlink_to(folder / os.fsdecode(data))
                continue
            else:
                place.write_bytes(data)
                os.utime(place, ns=(modified_ns, modified_ns))
            place.chmod(stat.S_IMODE(mode))


def _entry(folder: Path, path: Path) -> Entry:
    found = path.lstat()
    data = b""
    if stat.S_ISLNK(found.st_mode):
        data = os.fsencode(path.readlink().relative_to(folder))
    elif stat.S_ISREG(found.st_mode):
        data = path.read_bytes()
    return Entry(str(path.relative_to(folder)), found.st_mode, data, found.st_mtime_ns)

"""What programs have open now, and which mount a descriptor is on: for cleaning caches safely."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from omnitray.cleanup.facts import FileId
from omnitray.cleanup.walk import path_identity

_PROC = Path("/proc")
_MOUNT = re.compile(rb"^mnt_id:\s*(\d+)", re.MULTILINE)


def open_files(proc: Path = _PROC) -> frozenset[FileId]:
    """Files that any process of ours has open, runs from, or works in.

    Other users' descriptors cannot be seen; their files are not cleaned either.
    """
    identities = (path_identity(link) for link in _links(proc))
    return frozenset(each for each in identities if each is not None)


def _links(proc: Path) -> Iterator[str]:
    for pid in _names(proc):
        if pid.isdecimal():
            for link in ("cwd", "exe"):
                yield f"{proc}/{pid}/{link}"
            for descriptor in _names(proc / pid / "fd"):
                yield f"{proc}/{pid}/fd/{descriptor}"


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - names, of thousands of folders
    except OSError:  # ended meanwhile, or not ours
        return []


def mount_id(descriptor: int) -> int:
    """The mount a descriptor was opened on; tells bind mounts of one file system apart too."""
    try:
        content = (_PROC / "self" / "fdinfo" / str(descriptor)).read_bytes()
    except OSError:
        content = b""
    found = _MOUNT.search(content)
    return int(found.group(1)) if found else os.fstat(descriptor).st_dev

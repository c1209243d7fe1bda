"""On which file systems a process has files open for writing: what /proc says of descriptors.

The files themselves are never touched: a look at one on a dead server would wait for ever.
"""

import os
import re
from pathlib import Path

from omnitray.platforms.linux.files import read_once
from omnitray.platforms.linux.mounts import Mount, parse_mounts

_FLAGS = re.compile(rb"^flags:\s+([0-7]{1,12})$", re.MULTILINE)  # fs/proc/fd.c: seq_show
_MOUNT = re.compile(rb"^mnt_id:\s+(\d{1,12})$", re.MULTILINE)
# What lies on another file system that does not show here.
_ON_ANOTHER = frozenset({"overlay", "aufs", "ecryptfs", "unionfs"})


def written_mounts(folder: Path, here: bytes, mounts: tuple[str, ...]) -> frozenset[str] | None:
    """Which of ``mounts`` the process in ``folder`` (/proc/PID) has files open for writing on.

    ``here`` is our own mountinfo. None where that cannot be seen, where nothing is open for
    writing on any disk, and where the disk below does not show (containers).
    """
    theirs = {mount.number: mount for mount in parse_mounts(read_once(folder / "mountinfo") or b"")}
    written = [
        theirs[number] for number in _open_for_writing(folder / "fdinfo") if number in theirs
    ]
    if any(_is_on_another(each) for each in written):
        return None
    devices = {each.device for each in written if each.source.startswith(b"/dev/")}
    if not devices:
        return None
    wanted = {os.fsencode(mount): mount for mount in mounts}
    return frozenset(
        wanted[mount.point]
        for mount in parse_mounts(here)
        if mount.point in wanted and mount.device in devices
    )


def _open_for_writing(folder: Path) -> set[bytes]:
    """The numbers of the mounts."""
    try:
        names = os.listdir(folder)  # noqa: PTH208 - names alone
    except OSError:  # ended meanwhile, or not ours
        return set()
    return {number for name in names if (number := _mount_of(read_once(folder / name) or b""))}


def _mount_of(descriptor: bytes) -> bytes | None:
    flags, mount = _FLAGS.search(descriptor), _MOUNT.search(descriptor)
    if flags is None or mount is None or int(flags[1], 8) & os.O_ACCMODE == os.O_RDONLY:
        return None
    return mount[1]


def _is_on_another(mount: Mount) -> bool:
    return mount.filesystem in _ON_ANOTHER or mount.filesystem.startswith("fuse")

"""Which mounted file systems count as disks, and how full they are.

Only local ones are asked: ``statvfs`` on a dead server waits for ever. The list of mounts is read
again only when the kernel says that it changed (poll on mountinfo: POLLPRI, proc(5)).
"""

import os
import re
import select
from collections.abc import Iterable
from pathlib import Path

import msgspec

from omnitray.base.facts import DiskFacts
from omnitray.platforms.linux.files import KeptFile, printable, read_once

# File systems on a disk of this machine that are not mounted from a /dev node.
_OWN_NODE = frozenset({"zfs", "btrfs", "bcachefs", "ubifs", "jffs2"})
_IMAGES = frozenset({"squashfs", "iso9660", "udf", "erofs", "cramfs", "romfs"})
# What may wait for another machine or for a program; whatever is mounted below it, too.
_REMOTE = frozenset(
    (
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "9p", "glusterfs", "lustre"),
        *("beegfs", "coda", "ncpfs", "davfs", "autofs", "virtiofs", "vboxsf", "vmhgfs"),
        *("prl_fs", "gpfs", "pvfs2", "orangefs"),
    )
)
_OCTAL = re.compile(rb"\\([0-7]{3})")


class Mount(msgspec.Struct, frozen=True, kw_only=True):
    """One line of mountinfo. ``device`` is the same for bind mounts and subvolumes.

    ``number`` is what fdinfo calls ``mnt_id``.
    """

    number: bytes
    device: bytes
    point: bytes
    filesystem: str
    source: bytes
    read_only: bool


class LocalDisks:
    """The use of each local file system under ``root`` (a test's own, or /)."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._file = KeptFile(root / "proc/self/mountinfo", records=True)
        self._poll: select.poll | None = None
        self._mounts: list[Mount] = []

    def read(self) -> tuple[DiskFacts, ...]:
        """Use of each, the fullest first."""
        if self._changed():
            content = self._file.read()
            self._mounts = _disks(parse_mounts(content)) if content else []
            self._mounts = [each for each in self._mounts if self._path(each).is_dir()]
        found = [self._use(mount) for mount in self._mounts]
        known = [each for each in found if each is not None]
        return tuple(sorted(known, key=lambda each: (-each.used_percent, each.mount)))

    def forget(self) -> None:
        """Read the list of mounts anew at the next reading."""
        self._poll = None

    def close(self) -> None:
        """Give the descriptor back."""
        self._file.close()
        self._poll = None

    def _changed(self) -> bool:
        if self._poll is not None:
            return bool(self._poll.poll(0))
        descriptor = self._file.descriptor()
        if descriptor is not None:
            self._poll = select.poll()
            self._poll.register(descriptor, select.POLLPRI)
            self._poll.poll(0)
        return True

    def _path(self, mount: Mount) -> Path:
        return self._root / os.fsdecode(mount.point.lstrip(b"/"))

    def _use(self, mount: Mount) -> DiskFacts | None:
        try:
            use = os.statvfs(self._path(mount))
        except OSError:
            return None
        reachable = use.f_blocks - use.f_bfree + use.f_bavail
        if reachable <= 0:
            return None
        return DiskFacts(
            mount=printable(mount.point),
            filesystem=mount.filesystem,
            total_bytes=use.f_blocks * use.f_frsize,
            free_bytes=use.f_bavail * use.f_frsize,
            # As df says it: what is reserved for root is not there for anyone else.
            used_percent=100.0 * (use.f_blocks - use.f_bfree) / reachable,
        )


def parse_mounts(content: bytes) -> list[Mount]:
    """The lines of mountinfo in their order; those that make no sense are left out."""
    return [mount for line in content.split(b"\n") if (mount := _mount(line)) is not None]


def _mount(line: bytes) -> Mount | None:
    before, dash, after = line.partition(b" - ")
    left, right = before.split(b" "), after.split(b" ")
    if not dash or len(left) < 6 or len(right) < 3:  # noqa: PLR2004 - the columns of proc(5)
        return None
    return Mount(
        number=left[0],
        device=left[2],
        point=_unescape(left[4]),
        filesystem=printable(right[0]),
        source=_unescape(right[1]),
        read_only=b"ro" in right[2].split(b","),
    )


def _unescape(field: bytes) -> bytes:
    return _OCTAL.sub(lambda found: bytes((int(found[1], 8) & 0xFF,)), field)


def _disks(mounts: list[Mount]) -> list[Mount]:
    """The mounts that count, each device once (where its path is shortest)."""
    visible = {mount.point: mount for mount in mounts}  # a later one hides an earlier one
    remote = _remote(visible.values())
    real = [
        each
        for each in visible.values()
        if _is_disk(each) and not any(each.point.startswith(point) for point in remote)
    ]
    by_device: dict[bytes, Mount] = {}
    for mount in sorted(real, key=lambda each: (len(each.point), each.point)):
        by_device.setdefault(mount.device, mount)
    return list(by_device.values())


def remote_points(content: bytes) -> list[bytes]:
    """Where other machines' file systems are mounted, each with a slash at its end."""
    return _remote({mount.point: mount for mount in parse_mounts(content)}.values())


def _remote(mounts: Iterable[Mount]) -> list[bytes]:
    return [each.point.rstrip(b"/") + b"/" for each in mounts if _is_remote(each)]


def _is_remote(mount: Mount) -> bool:
    return mount.filesystem in _REMOTE or mount.filesystem.startswith("fuse.")


def _is_disk(mount: Mount) -> bool:
    if _is_remote(mount) or mount.filesystem in _IMAGES:
        return False
    if mount.point == b"/":  # a container's overlay, a live system
        return True
    local = mount.source.startswith(b"/dev/") or mount.filesystem in _OWN_NODE
    return local and not mount.read_only


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

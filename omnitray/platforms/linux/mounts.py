"""Which mounted file systems count as disks, and how full they are.

A disk is what this machine may write to, each once: what is read only is full by design (squashfs,
composefs, the overlay of an image), subvolumes and bind mounts belong to their disk, and the
datasets of a ZFS pool share its free space. The root counts whatever it is (an overlay, 9p, FUSE):
it is what a container has, and the program itself runs from it.

Only local ones are asked: ``statvfs`` on a dead server waits for ever. The list of mounts is read
again only when the kernel says that it changed (poll on mountinfo: POLLPRI, proc(5)).

Cleaning caches asks here too: which files are open, and which mount a descriptor is on.
"""

import os
import re
import select
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from omnitray.base.facts import DiskFacts
from omnitray.cleanup.facts import FileId
from omnitray.cleanup.walk import path_identity
from omnitray.platforms.linux.files import KeptFile, printable, read_once

# File systems on a disk of this machine that are not mounted from a /dev node.
_OWN_NODE = frozenset({"zfs", "btrfs", "bcachefs", "ubifs", "jffs2"})
_IMAGES = frozenset({"squashfs", "iso9660", "udf", "erofs", "cramfs", "romfs"})
# What may wait for another machine or for a program; whatever is mounted below it, too.
_REMOTE = frozenset(
    (
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "9p", "glusterfs", "lustre"),
        *("beegfs", "coda", "ncpfs", "davfs", "autofs", "virtiofs", "vboxsf", "vmhgfs"),
        *("prl_fs", "gpfs", "pvfs2", "orangefs", "fuse"),
    )
)
_SAME_LEFT_BYTES = 64 << 20  # more than is written between two questions, a millisecond apart
_OCTAL = re.compile(rb"\\([0-7]{3})")
_FLAGS = re.compile(rb"^flags:\s+([0-7]{1,12})$", re.MULTILINE)  # fs/proc/fd.c: seq_show
_OFFSET = re.compile(rb"^pos:\s+(\d{1,19})$", re.MULTILINE)
_MOUNT = re.compile(rb"^mnt_id:\s+(\d{1,12})$", re.MULTILINE)
# What lies on another file system that does not show here.
_ON_ANOTHER = frozenset({"overlay", "aufs", "ecryptfs", "unionfs"})
_PROC = Path("/proc")


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
            self._mounts = self._disks(parse_mounts(content)) if content else []
        found = [(mount, use) for mount in self._mounts if (use := self._use(mount)) is not None]
        known = _pools(found)
        return tuple(sorted(known, key=lambda each: (-each.used_percent, each.mount)))

    def forget(self) -> None:
        """Read the list of mounts again at the next reading."""
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

    def _disks(self, mounts: list[Mount]) -> list[Mount]:
        """The mounts that count, each disk once (where its path is shortest).

        A file that is mounted by itself (/etc/hosts in a container) stands for no disk.
        """
        visible = {mount.point: mount for mount in mounts}  # a later one hides an earlier one
        remote = _remote(visible.values())
        real = [
            each
            for each in visible.values()
            if _is_disk(each) and not any(each.point.startswith(point) for point in remote)
        ]
        disks: list[Mount] = []
        known: set[bytes] = set()
        for mount in sorted(real, key=lambda each: (len(each.point), each.point)):
            names = {mount.device, mount.source} if _is_node(mount) else {mount.device}
            if not names & known and self._path(mount).is_dir():
                known |= names
                disks.append(mount)
        return disks

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
        read_only=b"ro" in left[5].split(b",") or b"ro" in right[2].split(b","),
    )


def _unescape(field: bytes) -> bytes:
    return _OCTAL.sub(lambda found: bytes((int(found[1], 8) & 0xFF,)), field)


def _pools(found: list[tuple[Mount, DiskFacts]]) -> list[DiskFacts]:
    """The datasets of a ZFS pool that have the same left as one disk; the others as they are.

    A dataset with a quota or a reservation of its own has another amount left and stays apart.
    """
    disks = [use for mount, use in found if mount.filesystem != "zfs"]
    pools: dict[bytes, list[DiskFacts]] = {}
    for mount, use in found:
        if mount.filesystem == "zfs":
            pools.setdefault(mount.source.partition(b"/")[0], []).append(use)
    for datasets in pools.values():
        groups: list[list[DiskFacts]] = []
        for each in sorted(datasets, key=lambda each: each.free_bytes):
            if groups and each.free_bytes - groups[-1][-1].free_bytes <= _SAME_LEFT_BYTES:
                groups[-1].append(each)
            else:
                groups.append([each])
        disks += [_together(group) for group in groups]
    return disks


def _together(datasets: list[DiskFacts]) -> DiskFacts:
    first = min(datasets, key=lambda each: (len(each.mount), each.mount))
    used = sum(each.total_bytes - each.free_bytes for each in datasets)
    total = used + first.free_bytes
    return msgspec.structs.replace(
        first, total_bytes=total, used_percent=100.0 * used / total if total else 0.0
    )


def remote_points(content: bytes) -> list[bytes]:
    """Where other machines' file systems are mounted, each with a slash at its end."""
    return _remote({mount.point: mount for mount in parse_mounts(content)}.values())


def _remote(mounts: Iterable[Mount]) -> list[bytes]:
    """The root is left out: what lies below it is no further away than this program."""
    points = [each.point.rstrip(b"/") + b"/" for each in mounts if _is_remote(each)]
    return [point for point in points if point != b"/"]


def _is_remote(mount: Mount) -> bool:
    return mount.filesystem in _REMOTE or mount.filesystem.startswith("fuse.")


def _is_disk(mount: Mount) -> bool:
    if mount.read_only or mount.filesystem in _IMAGES:
        return False
    if mount.point == b"/":  # a container's overlay, a live system
        return True
    return not _is_remote(mount) and (_is_node(mount) or mount.filesystem in _OWN_NODE)


def _is_node(mount: Mount) -> bool:
    """Whether its source names a block device: the same one is the same disk."""
    return mount.source.startswith(b"/dev/")


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


def written_folder(folder: Path) -> str | None:
    """Where the file is that the process in ``folder`` (/proc/PID) has written most of.

    Of those that are open for writing, by the offset: what is mapped into memory has none.
    """
    farthest, path = -1, b""
    for name in _names(folder / "fdinfo"):
        descriptor = read_once(folder / "fdinfo" / name) or b""
        offset = _OFFSET.search(descriptor)
        if offset is None or int(offset[1]) <= farthest or _mount_of(descriptor) is None:
            continue
        try:
            link = os.readlink(os.fsencode(folder / "fd" / name))  # noqa: PTH115 - may be no text
        except OSError:
            continue
        if link.startswith(b"/") and not link.startswith((b"/dev/", b"/proc/", b"/sys/")):
            farthest, path = int(offset[1]), link
    return printable(os.path.dirname(path)) if path else None  # noqa: PTH120 - bytes


def _open_for_writing(folder: Path) -> set[bytes]:
    """The numbers of the mounts."""
    numbers = (_mount_of(read_once(folder / name) or b"") for name in _names(folder))
    return set(filter(None, numbers))


def _mount_of(descriptor: bytes) -> bytes | None:
    flags, mount = _FLAGS.search(descriptor), _MOUNT.search(descriptor)
    if flags is None or mount is None or int(flags[1], 8) & os.O_ACCMODE == os.O_RDONLY:
        return None
    return mount[1]


def _is_on_another(mount: Mount) -> bool:
    return mount.filesystem in _ON_ANOTHER or mount.filesystem.startswith("fuse")


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

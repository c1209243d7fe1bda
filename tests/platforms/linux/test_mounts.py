import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import omnitray
from omnitray.platforms.linux.mounts import LocalDisks, parse_mounts, remote_points
from support.fake_proc import FakeRoot

DESKTOP = r"""
22 1 8:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw
23 22 0:21 / /proc rw - proc proc rw
24 22 0:22 / /sys rw - sysfs sysfs rw
25 22 0:5 / /dev rw - devtmpfs udev rw
26 22 0:23 / /run rw - tmpfs tmpfs rw
27 22 0:23 / /tmp rw - tmpfs tmpfs rw
28 22 8:3 / /home rw - ext4 /dev/sda3 rw
29 22 8:3 /me/x /mnt/bind rw - ext4 /dev/sda3 rw
30 22 8:1 / /boot/efi rw - vfat /dev/sda1 rw
31 22 7:0 / /snap/core/1 ro - squashfs /dev/loop0 ro
32 22 11:0 / /media/cd ro - iso9660 /dev/sr0 ro
33 22 0:44 / /data rw - btrfs /dev/sdb1 rw
34 22 0:44 /sub /data/sub rw - btrfs /dev/sdb1 rw
35 22 0:50 / /tank rw - zfs tank rw
36 22 0:51 / /net/files rw - nfs4 server:/files rw
37 36 8:9 / /net/files/local rw - ext4 /dev/sdd1 rw
38 22 0:52 / /home/me/remote rw - fuse.sshfs me@host: rw
39 22 8:10 / /media/my\040disk rw - ext4 /dev/sde1 rw
40 22 8:11 / /media/locked rw - ext4 /dev/sdf1 ro
"""
PLACES = (
    *("home", "mnt/bind", "boot/efi", "snap/core/1", "media/cd", "data/sub", "tank", "tmp"),
    *("net/files/local", "home/me/remote", "media/my disk", "media/locked", "run"),
)


@pytest.fixture
def root(tmp_path: Path) -> FakeRoot:
    root = FakeRoot(tmp_path)
    for place in PLACES:
        (tmp_path / place).mkdir(parents=True)
    return root


@pytest.fixture
def disks(root: FakeRoot) -> Iterator[LocalDisks]:
    disks = LocalDisks(root.path)
    yield disks
    disks.close()


def mounts(disks: LocalDisks) -> list[str]:
    return sorted(disk.mount for disk in disks.read())


def test_every_real_local_file_system_counts_once(root: FakeRoot, disks: LocalDisks) -> None:
    root.write("proc/self/mountinfo", DESKTOP)
    assert mounts(disks) == ["/", "/boot/efi", "/data", "/home", "/media/my disk", "/tank"]


def test_nothing_on_another_machine_is_ever_asked(
    root: FakeRoot, disks: LocalDisks, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    real = os.statvfs

    def statvfs(path: Path) -> os.statvfs_result:
        asked.append(str(path.relative_to(root.path)))
        return real(path)

    monkeypatch.setattr(os, "statvfs", statvfs)
    root.write("proc/self/mountinfo", DESKTOP)
    disks.read()
    assert asked
    assert not [place for place in asked if place.startswith("net/") or "remote" in place]


def test_a_later_mount_hides_an_earlier_one(root: FakeRoot, disks: LocalDisks) -> None:
    root.write(
        "proc/self/mountinfo",
        "22 1 8:2 / / rw - ext4 /dev/sda2 rw\n28 22 8:3 / /home rw - ext4 /dev/sda3 rw\n"
        "29 22 0:9 / /home rw - nfs server:/home rw\n",
    )
    assert mounts(disks) == ["/"]


def test_the_root_of_a_container_counts_and_files_that_are_mounted_do_not(
    root: FakeRoot, disks: LocalDisks
) -> None:
    root.write("etc/hosts", "")
    root.write(
        "proc/self/mountinfo",
        "1 0 0:60 / / rw - overlay overlay rw,lowerdir=x\n"
        "2 1 8:2 /x/hosts /etc/hosts rw - ext4 /dev/sda2 rw\n",
    )
    assert mounts(disks) == ["/"]


def test_the_fullest_comes_first_and_use_is_as_df_says_it(
    root: FakeRoot, disks: LocalDisks, monkeypatch: pytest.MonkeyPatch
) -> None:
    def statvfs(path: Path) -> os.statvfs_result:
        free = 100 if path.name == "home" else 500
        return os.statvfs_result((4096, 1024, 1000, free, free - 50, 0, 0, 0, 0, 255))

    monkeypatch.setattr(os, "statvfs", statvfs)
    root.write("proc/self/mountinfo", DESKTOP)
    first = disks.read()[0]
    assert first.mount == "/home"
    assert first.used_percent == pytest.approx(100 * 900 / 950)
    assert (first.total_bytes, first.free_bytes) == (1000 * 1024, 50 * 1024)


def test_a_file_system_that_cannot_be_asked_is_left_out(
    root: FakeRoot, disks: LocalDisks, monkeypatch: pytest.MonkeyPatch
) -> None:
    def statvfs(path: Path) -> os.statvfs_result:
        if path.name == "tank":
            raise OSError("input/output error")
        return os.statvfs_result((4096, 1024, 0 if path.name == "data" else 9, 5, 5, 0, 0, 0, 0, 9))

    monkeypatch.setattr(os, "statvfs", statvfs)
    root.write("proc/self/mountinfo", DESKTOP)
    assert mounts(disks) == ["/", "/boot/efi", "/home", "/media/my disk"]


def test_the_list_is_read_again_when_it_has_changed_only(root: FakeRoot, disks: LocalDisks) -> None:
    root.write("proc/self/mountinfo", DESKTOP)
    before = mounts(disks)
    root.write("proc/self/mountinfo", "22 1 8:2 / / rw - ext4 /dev/sda2 rw\n")
    assert mounts(disks) == before
    disks.forget()
    assert mounts(disks) == ["/"]


def test_the_kernel_says_when_a_file_system_was_mounted(tmp_path: Path) -> None:
    script = (
        "import subprocess, sys\nfrom pathlib import Path\n"
        "from omnitray.platforms.linux.mounts import LocalDisks\n"
        "disks = LocalDisks(Path('/'))\n"
        "disks.read()\n"
        "assert not disks._changed()\n"
        "subprocess.run(['mount', '-t', 'tmpfs', 'x', sys.argv[1]], check=True)\n"
        "assert disks._changed()\n"
        "disks.read()\n"
        "assert not disks._changed()\n"
    )
    apart = ["unshare", "--map-root-user", "--mount"]  # a name space in which anyone may mount
    if shutil.which("unshare") is None or subprocess.run([*apart, "true"], check=False).returncode:
        pytest.skip("user name spaces are forbidden here")
    command = [*apart, sys.executable, "-c", script, str(tmp_path)]
    here = str(Path(omnitray.__file__).parent.parent)
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": here})


@given(st.binary(max_size=200))
def test_garbage_in_the_list_is_survived(content: bytes) -> None:
    parse_mounts(content)
    parse_mounts(DESKTOP.encode()[: len(content)] + content)
    remote_points(content)


def test_remote_places_are_known() -> None:
    assert remote_points(DESKTOP.encode()) == [b"/net/files/", b"/home/me/remote/"]


IMAGES = """
1 0 0:30 / / ro - overlay composefs ro,lowerdir=/run/ostree/.private/cfsroot-lower
2 1 8:3 /ostree/deploy/x/var /var rw - xfs /dev/sda3 rw
3 1 8:3 / /sysroot ro - xfs /dev/sda3 rw
4 1 7:1 / /snap/core/1 ro - squashfs /dev/loop1 ro
5 1 7:2 / /snap/old/2 rw - squashfs /dev/loop2 ro
6 1 0:77 / /tmp/.mount_App ro - fuse.App.AppImage App.AppImage ro
"""
LIVE = "1 0 7:0 / / ro - squashfs /dev/loop0 ro\n2 1 8:17 / /media/stick rw - vfat /dev/sdb1 rw\n"
CONTAINER = """
1 0 0:60 / / rw - overlay overlay rw,lowerdir=x,upperdir=y,workdir=z
2 1 253:1 /var/lib/docker/c/hosts /etc/hosts rw - ext4 /dev/vda1 rw
3 1 253:1 /var/lib/docker/c/resolv.conf /etc/resolv.conf rw - ext4 /dev/vda1 rw
4 1 253:1 /home/me/project /workspace/project rw - ext4 /dev/vda1 rw
"""
SANDBOX = """
1 0 0:20 / / rw - 9p none rw,trans=fd
2 1 8:1 / /data rw - ext4 /dev/sda1 rw
3 1 0:33 / /mnt/c rw - 9p drvfs rw
4 3 8:2 / /mnt/c/inside rw - ext4 /dev/sdb1 rw
"""
ROOTLESS = """
1 0 0:70 / / rw - fuse.fuse-overlayfs fuse-overlayfs rw
2 1 8:1 / /data rw - ext4 /dev/sda1 rw
3 1 0:71 / /home/me/far rw - fuse.sshfs me@host: rw
4 1 0:72 / /run/doc rw - fuse /dev/fuse rw
5 1 8:9 / /media/windows rw - fuseblk /dev/sdc1 rw
"""
SUBVOLUMES = """
1 0 0:31 /@ / rw - btrfs /dev/nvme0n1p2 rw,subvol=/@
2 1 0:31 /@home /home rw - btrfs /dev/nvme0n1p2 rw,subvol=/@home
3 1 0:47 /@snapshots /.snapshots rw - btrfs /dev/nvme0n1p2 rw,subvol=/@snapshots
"""


@pytest.mark.parametrize(
    ("mountinfo", "expected"),
    [
        pytest.param(IMAGES, ["/var"], id="what is read only is full by design"),
        pytest.param(LIVE, ["/media/stick"], id="the root of a live system"),
        pytest.param(CONTAINER, ["/", "/workspace/project"], id="mounted files hide no folder"),
        pytest.param(SANDBOX, ["/", "/data"], id="a 9p root hides nothing"),
        pytest.param(ROOTLESS, ["/", "/data", "/media/windows"], id="a FUSE root hides nothing"),
        pytest.param(SUBVOLUMES, ["/"], id="subvolumes belong to their disk"),
    ],
)
def test_the_disks_are_what_may_be_written_each_once(
    tmp_path: Path, mountinfo: str, expected: list[str]
) -> None:
    root = FakeRoot(tmp_path)
    for mount in parse_mounts(mountinfo.encode()):
        point = mount.point.decode().lstrip("/")
        if point.startswith("etc/"):
            root.write(point, "")
        else:
            (tmp_path / point).mkdir(parents=True, exist_ok=True)
    root.write("proc/self/mountinfo", mountinfo)
    disks = LocalDisks(tmp_path)
    assert mounts(disks) == expected
    disks.close()


def test_what_lies_below_a_remote_root_is_not_remote_by_that() -> None:
    assert remote_points(SANDBOX.encode()) == [b"/mnt/c/"]


def test_the_datasets_of_a_pool_are_one_disk_and_one_with_a_quota_is_its_own(
    root: FakeRoot, disks: LocalDisks, monkeypatch: pytest.MonkeyPatch
) -> None:
    gib = 1 << 30
    used = {"": 10 * gib, "home": 70 * gib, "data": 5 * gib}
    left = {"": 20 * gib, "home": 20 * gib, "data": 1 * gib}

    def statvfs(path: Path) -> os.statvfs_result:
        name = "" if path == root.path else path.name
        blocks, free = (used[name] + left[name]) >> 20, left[name] >> 20
        return os.statvfs_result((1 << 20, 1 << 20, blocks, free, free, 0, 0, 0, 0, 255))

    monkeypatch.setattr(os, "statvfs", statvfs)
    root.write(
        "proc/self/mountinfo",
        "1 0 0:31 / / rw - zfs rpool/ROOT rw\n2 1 0:32 / /home rw - zfs rpool/home rw\n"
        "3 1 0:33 / /data rw - zfs rpool/data rw\n",
    )
    found = [(each.mount, each.total_bytes // gib, each.used_percent) for each in disks.read()]
    assert found == [("/data", 6, pytest.approx(100 * 5 / 6)), ("/", 100, 80.0)]

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

"""What is replaced keeps its kind, owner and mode; what a file system cannot do is left out."""

import errno
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from omnitray.base import durable
from omnitray.base.durable import StorageError

PERSON = 12345
Writer = Callable[[Path, bytes], object]
Folders = list[tuple[int, int]]


def by_stream(path: Path, data: bytes) -> None:
    with durable.replacing(path) as file:
        file.write(data)


WRITERS = [durable.write_atomic, by_stream]


def refuse(number: int) -> Callable[..., None]:
    def call(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return call


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("kind", ["a FIFO", "a device", "a socket", "a folder"])
def test_what_is_no_file_stays_what_it_is(kind: str, write: Writer, tmp_path: Path) -> None:
    path = tmp_path / "there"
    if kind == "a FIFO":
        os.mkfifo(path)
    elif kind == "a folder":
        path.mkdir()
    elif kind == "a socket":
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
    else:
        path = Path("/dev/null")
    before = path.lstat()
    with pytest.raises(StorageError, match=f"it is {kind}"):
        write(path, b"x")
    assert (path.lstat().st_mode, path.lstat().st_ino) == (before.st_mode, before.st_ino)
    assert [each for each in path.parent.iterdir() if each.name.startswith(".new-")] == []


@pytest.mark.parametrize("write", WRITERS)
def test_permissions_stay(write: Writer, tmp_path: Path) -> None:
    for mode in (0o644, 0o640, 0o600, 0o400):
        path = tmp_path / f"{mode:o}"
        path.write_bytes(b"old")
        path.chmod(mode)
        write(path, b"new")
        assert (stat.S_IMODE(path.stat().st_mode), path.read_bytes()) == (mode, b"new")


def test_a_followed_link_stays_and_a_device_behind_it_too(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    durable.write_atomic(tmp_path / "link", b"new", follow=True)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"
    (tmp_path / "null").symlink_to("/dev/null")
    with pytest.raises(StorageError, match="/dev/null: it is a device"):
        durable.write_atomic(tmp_path / "null", b"new", follow=True)
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(StorageError, match="it is a loop of links"):
        durable.write_atomic(tmp_path / "loop", b"new", follow=True)


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folders:
    """Root in a person's folder; who is not root plays it, and no owner changes."""
    owners: Folders = []
    real = os.fchown
    is_root = os.geteuid() == 0
    if is_root:
        os.chown(tmp_path, PERSON, PERSON)
    monkeypatch.setattr(durable, "_is_root", lambda: True)

    def fchown(handle: int, uid: int, gid: int) -> None:
        owners.append((uid, gid))
        if is_root:
            real(handle, uid, gid)

    monkeypatch.setattr(os, "fchown", fchown)
    return owners


def test_what_root_makes_in_a_persons_folder_is_that_persons(
    tmp_path: Path, given: Folders
) -> None:
    owner = (tmp_path.stat().st_uid, tmp_path.stat().st_gid)
    durable.write_atomic(tmp_path / "file", b"x")
    durable.create_numbered(tmp_path / "other", b"x")
    by_stream(tmp_path / "third", b"x")
    os.close(durable.open_owned(tmp_path / "fourth", os.O_RDWR | os.O_CREAT))
    assert given == [owner] * 4
    if os.geteuid() == 0:
        durable.make_folder(tmp_path / "a" / "b")
        durable.write_atomic(tmp_path / "a" / "b" / "file", b"x")
        durable.write_atomic(tmp_path / "a" / "b" / "file", b"y")
        for path in tmp_path.rglob("*"):
            assert (path.stat().st_uid, path.stat().st_gid) == owner, path


@pytest.mark.usefixtures("given")
def test_a_persons_file_stays_the_persons_when_root_replaces_it(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"old")
    if os.geteuid() == 0:
        os.chown(path, PERSON, 54321)
    before = path.stat()
    durable.write_atomic(path, b"new")
    assert (path.stat().st_uid, path.stat().st_gid) == (before.st_uid, before.st_gid)


@pytest.mark.usefixtures("given")
def test_root_follows_a_persons_link_only_to_what_is_that_persons(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.lstat

    def lstat(path: Path) -> os.stat_result:
        found = list(real(path))
        found[4] = {"link": PERSON, "theirs": 0, "mine": PERSON}.get(path.name, found[4])
        return os.stat_result(found)

    for name in ("theirs", "mine"):
        (tmp_path / name).write_bytes(b"old")
    monkeypatch.setattr(Path, "lstat", lstat)
    (tmp_path / "link").symlink_to("theirs")
    with pytest.raises(StorageError):
        durable.write_atomic(tmp_path / "link", b"new", follow=True)
    assert (tmp_path / "theirs").read_bytes() == b"old"
    (tmp_path / "link").unlink()
    (tmp_path / "link").symlink_to("mine")
    durable.write_atomic(tmp_path / "link", b"new", follow=True)
    assert (tmp_path / "mine").read_bytes() == b"new"


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("number", [errno.EBUSY, errno.EXDEV])
@pytest.mark.parametrize("size", [2, 50, 3_000_000])
def test_a_file_that_is_a_mount_of_its_own_is_written_in_place(
    number: int, size: int, write: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"what was there before")
    inode = path.stat().st_ino
    monkeypatch.setattr(Path, "replace", refuse(number))
    write(path, b"n" * size)
    assert path.read_bytes() == b"n" * size
    assert path.stat().st_ino == inode
    assert [each.name for each in tmp_path.iterdir()] == ["config.toml"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_in_place_nothing_is_touched_before_there_is_room(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"old")
    monkeypatch.setattr(Path, "replace", refuse(errno.EBUSY))
    monkeypatch.setattr(os, "posix_fallocate", refuse(number))
    with pytest.raises(StorageError):
        durable.write_atomic(path, b"new and longer")
    assert path.read_bytes() == b"old"


def test_where_no_file_can_be_made_one_that_is_there_is_still_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"old")
    real = os.open

    def no_new(name: Path, flags: int, *mode: int) -> int:
        if flags & os.O_CREAT:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return real(name, flags, *mode)

    monkeypatch.setattr(os, "open", no_new)
    durable.write_atomic(path, b"new")
    assert path.read_bytes() == b"new"
    with pytest.raises(StorageError, match="read-only"):
        durable.write_atomic(tmp_path / "other", b"new")


LACKING = sorted(durable.CANNOT)
REAL = [errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ENOMEM]


@pytest.mark.parametrize("number", LACKING)
@pytest.mark.parametrize("call", ["link", "fchmod", "fchown"])
def test_a_call_that_a_file_system_lacks_is_done_without(
    call: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "old").write_bytes(b"old")
    (tmp_path / "old").chmod(0o644)
    monkeypatch.setattr(os, call, refuse(number))
    durable.write_atomic(tmp_path / "old", b"new")
    names = [durable.create_numbered(tmp_path / "a.json", b"x").name for _ in range(2)]
    assert names == ["a.json", "a_2.json"]
    assert (tmp_path / "old").read_bytes() == b"new"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.json", "a_2.json", "old"]


def _folder_sync(number: int) -> Callable[[int], None]:
    real = os.fsync

    def fsync(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(number, os.strerror(number))
        real(handle)

    return fsync


@pytest.mark.parametrize("number", LACKING)
def test_a_folder_that_cannot_be_synced_is_not(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", _folder_sync(number))
    durable.write_atomic(tmp_path / "x", b"x")
    durable.create_numbered(tmp_path / "y", b"x")
    durable.set_aside(tmp_path / "y", tmp_path / "aside")


@pytest.mark.parametrize("number", REAL)
def test_a_fault_of_the_disk_is_never_taken_for_a_lack(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", _folder_sync(number))
        with pytest.raises(StorageError):
            durable.write_atomic(tmp_path / "x", b"x")
    monkeypatch.setattr(os, "link", refuse(number))
    with pytest.raises(StorageError):
        durable.create_numbered(tmp_path / "y", b"x")
    assert [each.name for each in tmp_path.iterdir()] == ["x"]


def test_a_block_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"old")

    def fail() -> None:
        with durable.replacing(tmp_path / "x") as file:
            file.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert (tmp_path / "x").read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["x"]


def test_every_name_is_synced_with_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    real = os.fsync

    def fsync(handle: int) -> None:
        synced.append(Path(f"/proc/self/fd/{handle}").readlink().name)
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    durable.write_atomic(tmp_path / "x", b"x")
    assert synced[-1] == tmp_path.name
    durable.create_numbered(tmp_path / "y", b"x")
    by_stream(tmp_path / "z", b"x")
    durable.set_aside(tmp_path / "x", tmp_path / "aside")
    folders = [name for name in synced if not name.startswith(".new-")]
    assert folders == [tmp_path.name, tmp_path.name, tmp_path.name, "aside"]
    durable.write_atomic(tmp_path / "x", b"x", sync=False)
    assert synced[-1].startswith(".new-")

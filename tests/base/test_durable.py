import errno
import os
import stat
import threading
from pathlib import Path

import pytest

from omnitray.base import durable
from omnitray.base.durable import StorageError, StorageFault


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_files_and_folders_are_private_whatever_the_umask_says(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        folder = tmp_path / "a" / "b"
        durable.make_folder(folder)
        durable.write_atomic(folder / "file", b"x")
        second = durable.create_numbered(folder / "other.json", b"y")
    finally:
        os.umask(before)
    assert mode(folder) == mode(folder.parent) == 0o700
    assert mode(folder / "file") == mode(second) == 0o600


def test_a_write_replaces_and_leaves_nothing_else(tmp_path: Path) -> None:
    durable.write_atomic(tmp_path / "file", b"old")
    durable.write_atomic(tmp_path / "file", b"new" * 100_000)
    assert (tmp_path / "file").read_bytes() == b"new" * 100_000
    assert names_in(tmp_path) == ["file"]


def test_a_taken_name_gets_a_number(tmp_path: Path) -> None:
    names = [durable.create_numbered(tmp_path / "a.json", b"x").name for _ in range(3)]
    assert names == ["a.json", "a_2.json", "a_3.json"]


def test_writers_at_once_never_meet(tmp_path: Path) -> None:
    paths: list[Path] = []

    def write(number: int) -> None:
        for _ in range(20):
            paths.append(durable.create_numbered(tmp_path / "a.json", b"%d" % number))
            durable.write_atomic(tmp_path / "same", b"%d" % number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(paths)) == len(paths) == 80
    assert names_in(tmp_path) == sorted({path.name for path in paths} | {"same"})


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("mine")
    (tmp_path / "file").symlink_to(target)
    durable.write_atomic(tmp_path / "file", b"x")
    assert target.read_text() == "mine"
    assert not (tmp_path / "file").is_symlink()


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        (errno.ENOSPC, StorageFault.FULL),
        (errno.EDQUOT, StorageFault.FULL),
        (errno.EROFS, StorageFault.READ_ONLY),
        (errno.EACCES, StorageFault.DENIED),
        (errno.EIO, StorageFault.BROKEN),
    ],
)
def test_a_refusing_disk_is_a_typed_error_and_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, fault: StorageFault
) -> None:
    path = tmp_path / "file"
    durable.write_atomic(path, b"old")

    def refuse(_handle: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StorageError) as caught:
        durable.write_atomic(path, b"new")
    assert caught.value.fault is fault
    assert names_in(tmp_path) == ["file"]
    assert path.read_bytes() == b"old"


def test_a_missing_folder_is_said_to_be_gone(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as caught:
        durable.write_atomic(tmp_path / "no" / "file", b"x")
    assert caught.value.fault is StorageFault.GONE


def test_a_folder_with_the_name_of_the_file_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(StorageError, match=r"file: it is a folder$"):
        durable.write_atomic(tmp_path / "file", b"x")


def test_a_file_where_a_folder_should_be_is_a_typed_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StorageError, match="a file is where a folder is needed"):
            durable.make_folder(folder)


def test_short_writes_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: real(handle, bytes(data)[:3]))
    durable.write_atomic(tmp_path / "file", b"0123456789")
    assert (tmp_path / "file").read_bytes() == b"0123456789"


def test_what_killed_writers_left_is_swept_and_nothing_else(tmp_path: Path) -> None:
    dead, alive, own = 999_999_999, 1, os.getpid()
    for pid in (dead, alive, own):
        (tmp_path / f".new-{pid}-7.tmp").write_bytes(b"half")
    for name in (".new-x-7.tmp", ".new-5", "somebody.tmp"):
        (tmp_path / name).write_bytes(b"not ours")
    assert durable.sweep(tmp_path, lambda pid: pid == alive) == 1
    assert f".new-{dead}-7.tmp" not in names_in(tmp_path)
    later = (tmp_path / "somebody.tmp").stat().st_mtime + 61
    assert durable.sweep(tmp_path, lambda _: True, wall_s=later) == 2
    assert names_in(tmp_path) == [".new-5", ".new-x-7.tmp", "somebody.tmp"]
    assert durable.sweep(tmp_path / "missing", lambda _: False) == 0


def test_a_left_over_of_our_own_number_is_no_obstacle(tmp_path: Path) -> None:
    durable.write_atomic(tmp_path / "probe", b"x")
    coming = next(durable._numbers) + 1
    (tmp_path / f".new-{os.getpid()}-{coming}.tmp").write_bytes(b"left by an earlier process")
    durable.write_atomic(tmp_path / "file", b"x")
    assert (tmp_path / "file").read_bytes() == b"x"


def test_setting_aside_keeps_both_of_one_name(tmp_path: Path) -> None:
    for text in ("one", "two"):
        (tmp_path / "bad.json").write_text(text)
        durable.set_aside(tmp_path / "bad.json", tmp_path / "quarantine")
    kept = {path.name: path.read_text() for path in (tmp_path / "quarantine").iterdir()}
    assert kept == {"bad.json": "one", "bad_2.json": "two"}
    assert not (tmp_path / "bad.json").exists()


def test_without_hard_links_names_are_still_not_taken_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.EPERM, "no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    names = [durable.create_numbered(tmp_path / "a.json", b"x").name for _ in range(2)]
    assert names == ["a.json", "a_2.json"]
    assert names_in(tmp_path) == names

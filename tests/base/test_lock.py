"""The lock of a folder, and file systems that have none."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from omnitray.base.lock import FolderLock, LockState


def test_one_holds_it_until_it_is_given_back(tmp_path: Path) -> None:
    first, second = FolderLock(tmp_path), FolderLock(tmp_path)
    assert first.acquire()
    assert first.acquire()
    assert not second.acquire()
    assert second.state is LockState.TAKEN
    first.release()
    first.release()
    assert second.acquire()
    second.release()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EBADF])
def test_where_a_file_system_cannot_lock_everybody_gets_it_and_can_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuses(_handle: int, _kind: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", refuses)
    for lock in (FolderLock(tmp_path), FolderLock(tmp_path)):
        assert lock.acquire()
        assert lock.state is LockState.IMPOSSIBLE
        lock.release()


def test_a_folder_that_takes_no_new_file_is_locked_by_itself(tmp_path: Path) -> None:
    (tmp_path / ".lock").mkdir()  # nothing can be opened for writing there, whoever we are
    first, second = FolderLock(tmp_path), FolderLock(tmp_path)
    assert first.acquire()
    assert first.state is LockState.HELD
    assert not second.acquire()
    first.release()


def test_a_lock_on_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        FolderLock(tmp_path / "none").acquire()


def test_what_was_replaced_is_locked_again(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path)
    assert lock.acquire()
    (tmp_path / ".lock").unlink()
    assert lock.renew()
    assert (tmp_path / ".lock").exists()
    second = FolderLock(tmp_path)
    assert not second.acquire()
    lock.release()
    assert second.acquire()
    second.release()


def test_a_lock_dies_with_its_holder(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from omnitray.base.lock import FolderLock
lock = FolderLock(Path(sys.argv[1]))
print(lock.acquire(), flush=True)
input()
"""
    lock = FolderLock(tmp_path)
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        assert not lock.acquire()
        process.kill()
    assert lock.acquire()
    lock.release()


def test_where_there_is_no_flock_the_first_byte_is_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: set[str] = set()

    class Msvcrt:
        """The C library of Windows as far as it is asked; locks by file."""

        LK_NBLCK = 2

        @staticmethod
        def locking(handle: int, _mode: int, count: int) -> None:
            assert count == 1
            name = str(Path(f"/proc/self/fd/{handle}").readlink())
            if name in taken:
                raise PermissionError(errno.EACCES, "taken")
            taken.add(name)

    monkeypatch.setitem(sys.modules, "msvcrt", Msvcrt)
    monkeypatch.setattr("omnitray.base.lock.importlib.util.find_spec", lambda _: None)
    monkeypatch.delattr(os, "O_DIRECTORY")
    first, second = FolderLock(tmp_path), FolderLock(tmp_path)
    assert first.acquire()
    assert first.state is LockState.HELD
    assert not second.acquire()
    first.release()

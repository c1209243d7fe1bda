"""What is open on this very machine, and what mounts are told apart."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from omnitray.cleanup.facts import FileId
from omnitray.platforms.linux.mounts import mount_id, open_files


def identity(path: Path) -> FileId:
    status = path.stat()
    return FileId(status.st_dev, status.st_ino)


def test_a_file_is_seen_while_it_is_open(tmp_path: Path) -> None:
    path = tmp_path / "a\nb"
    with path.open("w"):
        assert identity(path) in open_files()
    assert identity(path) not in open_files()


def test_where_a_program_works_and_what_it_runs_is_seen(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "print(flush=True); input()"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=tmp_path, stdin=pipe, stdout=pipe, text=True) as child:
        assert child.stdout
        child.stdout.readline()
        seen = open_files()
        child.communicate("\n")
    assert identity(tmp_path) in seen
    assert identity(Path(sys.executable)) in seen


@pytest.fixture
def bound(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """A folder, and another in it that shows a third of the same file system."""
    place, elsewhere = tmp_path / "place", tmp_path / "elsewhere"
    (place / "bound").mkdir(parents=True)
    elsewhere.mkdir()
    command = ["mount", "--bind", str(elsewhere), str(place / "bound")]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("may not mount here")
    yield place, place / "bound"
    subprocess.run(["umount", place / "bound"], check=True)


def mount_of(path: Path) -> int:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return mount_id(descriptor)
    finally:
        os.close(descriptor)


def test_a_bind_mount_of_the_same_file_system_is_another_mount(bound: tuple[Path, Path]) -> None:
    place, inner = bound
    assert place.stat().st_dev == inner.stat().st_dev
    assert mount_of(place) != mount_of(inner)
    assert mount_of(place) == mount_of(place.parent)

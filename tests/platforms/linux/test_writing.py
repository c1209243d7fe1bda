"""On which file systems a process writes, by its descriptors."""

import os
from pathlib import Path

import pytest

from omnitray.base.facts import ProcessFacts
from omnitray.platforms.linux.mounts import parse_mounts, written_folder, written_mounts
from omnitray.platforms.linux.processes import LinuxProcessDetails, LinuxProcessTable

HERE = b"""\
22 1 8:1 / / rw - ext4 /dev/sda1 rw
23 22 8:2 / /home rw - ext4 /dev/sda2 rw
24 22 0:5 / /dev/pts rw - devpts devpts rw
25 22 0:44 / /merged rw - overlay overlay rw
"""
READING, WRITING, BOTH = "0100000", "0100001", "0100002"


def process(folder: Path, *descriptors: tuple[str, int], mounts: bytes = HERE) -> Path:
    (folder / "fdinfo").mkdir()
    (folder / "mountinfo").write_bytes(mounts)
    for number, (flags, mount) in enumerate(descriptors):
        content = f"pos:\t0\nflags:\t{flags}\nmnt_id:\t{mount}\nino:\t7\n"
        (folder / "fdinfo" / str(number)).write_text(content)
    return folder


@pytest.mark.parametrize(
    ("descriptors", "expected"),
    [
        ([(WRITING, 23)], frozenset({"/home"})),
        ([(BOTH, 22), (READING, 23)], frozenset({"/"})),
        ([(WRITING, 22), (WRITING, 23)], frozenset({"/", "/home"})),
        ([(READING, 22)], None),  # it may open one in a moment
        ([(WRITING, 24)], None),  # a terminal is no disk
        ([(WRITING, 22), (WRITING, 25)], None),  # the disk below does not show
        ([(WRITING, 99)], None),  # a pipe: no mount that has a name
        ([], None),
    ],
)
def test_by_what_is_open_for_writing(
    tmp_path: Path, descriptors: list[tuple[str, int]], expected: frozenset[str] | None
) -> None:
    assert written_mounts(process(tmp_path, *descriptors), HERE, ("/", "/home")) == expected


def test_elsewhere_is_not_on_those_that_are_asked_about(tmp_path: Path) -> None:
    assert written_mounts(process(tmp_path, (WRITING, 23)), HERE, ("/",)) == frozenset()


def test_a_process_sees_the_same_disk_under_another_number_and_name(tmp_path: Path) -> None:
    theirs = b"91 90 8:2 /sub /data rw - ext4 /dev/sda2 rw\n"
    folder = process(tmp_path, (WRITING, 91), mounts=theirs)
    assert written_mounts(folder, HERE, ("/", "/home")) == frozenset({"/home"})


def test_one_that_has_ended_or_is_not_ours_is_not_known(tmp_path: Path) -> None:
    assert written_mounts(tmp_path / "gone", HERE, ("/",)) is None


def test_damaged_descriptors_are_passed_over(tmp_path: Path) -> None:
    folder = process(tmp_path, (WRITING, 23))
    (folder / "fdinfo/9").write_bytes(b"flags:\t9999\nmnt_id:\t\xff")
    assert written_mounts(folder, HERE, ("/", "/home")) == frozenset({"/home"})


def _holds(point: bytes, path: Path) -> bool:
    return (os.fsencode(path) + b"/").startswith(point.rstrip(b"/") + b"/")


def test_a_real_process_writes_where_its_file_is(tmp_path: Path) -> None:
    ours = next(each for each in LinuxProcessTable().scan() if each.pid == os.getpid())
    details = LinuxProcessDetails()
    mounts = ("/", "/proc")
    with (tmp_path / "big").open("wb"):
        found = details.writes_to(ours, mounts)
    own = parse_mounts(Path("/proc/self/mountinfo").read_bytes())
    below = max((each for each in own if _holds(each.point, tmp_path)), key=lambda each: each.point)
    if below.source.startswith(b"/dev/"):
        assert found == (frozenset({"/"}) if below.point == b"/" else frozenset())
    else:  # a container, or a file system in memory
        assert found is None
    other = ProcessFacts(pid=ours.pid, ppid=1, start_ticks=1, name="x", state="R")
    assert details.writes_to(other, mounts) is None


def test_the_folder_is_that_of_the_file_that_was_written_most(tmp_path: Path) -> None:
    ours = next(each for each in LinuxProcessTable().scan() if each.pid == os.getpid())
    (tmp_path / "read").write_bytes(b"x" * 9000)
    for name in ("small", "large"):
        (tmp_path / name).mkdir()
    with (
        (tmp_path / "small/a").open("wb", buffering=0) as small,
        (tmp_path / "large/b").open("wb", buffering=0) as large,
        (tmp_path / "read").open("rb") as read,
    ):
        small.write(b"x" * 4 * 1024 * 1024)
        large.write(b"x" * 8 * 1024 * 1024)
        read.read()
        assert LinuxProcessDetails().writes_in(ours) == str(tmp_path / "large")
    assert written_folder(tmp_path / "gone") is None

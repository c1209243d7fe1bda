import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from omnitray.base.facts import ProcessFacts
from omnitray.platforms.linux.processes import LinuxProcessDetails, LinuxProcessTable
from support.fake_proc import FakeRoot


@pytest.fixture
def child(tmp_path: Path) -> Iterator[ProcessFacts]:
    """A real child in ``tmp_path``, as a scan shows it."""
    code = "print(flush=True); input()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "a b", "\x1b[31m", ""],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=tmp_path,
    )
    assert process.stdout is not None
    process.stdout.readline()
    table = LinuxProcessTable()
    yield next(facts for facts in table.scan() if facts.pid == process.pid)
    table.close()
    process.kill()
    process.communicate()


def test_a_real_child_is_described(child: ProcessFacts, tmp_path: Path) -> None:
    details = LinuxProcessDetails()
    assert details.exe(child) == os.path.realpath(sys.executable)
    arguments = details.cmdline(child)
    assert arguments is not None
    assert arguments[1:4] == ("-c", "print(flush=True); input()", "a b")
    assert arguments[4] == "\\x1b[31m"
    assert details.cwd(child) == str(tmp_path)
    assert details.cgroup(child) is not None
    pss = details.pss_bytes(child)
    assert pss is not None
    assert 1 << 20 < pss <= child.rss_bytes * 2


def test_the_folder_of_a_process_keeps_its_name_when_it_is_deleted(
    child: ProcessFacts, tmp_path: Path
) -> None:
    tmp_path.rmdir()
    assert LinuxProcessDetails().cwd(child) == str(tmp_path)


def test_another_process_under_the_same_pid_is_never_described(child: ProcessFacts) -> None:
    details = LinuxProcessDetails()
    other = msgspec.structs.replace(child, start_ticks=child.start_ticks - 1)
    assert details.exe(other) is None
    assert details.cmdline(other) is None
    assert details.cwd(other) is None
    assert details.cgroup(other) is None
    assert details.pss_bytes(other) is None


def test_who_has_gone_is_not_described() -> None:
    gone = ProcessFacts(pid=2**22 + 1, ppid=1, start_ticks=1, name="x", state="S")
    details = LinuxProcessDetails()
    assert details.exe(gone) is None
    assert details.cmdline(gone) is None
    assert details.cgroup(gone) is None


@pytest.mark.parametrize(
    ("content", "moved", "written"),
    [
        ("rchar: 9\nwchar: 8\nread_bytes: 4096\nwrite_bytes: 512\n", 4608, 512),
        ("read_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 77\n", 0, 0),
        ("garbage", None, None),
        ("", None, None),
    ],
)
def test_what_went_to_and_came_from_disks_is_told_together_and_apart(
    tmp_path: Path, content: str, moved: int | None, written: int | None
) -> None:
    root = FakeRoot(tmp_path)
    root.process(10)
    root.write("proc/10/io", content)
    process = ProcessFacts(pid=10, ppid=1, start_ticks=1010, name="x", state="S")
    details = LinuxProcessDetails(root.proc)
    assert details.io_bytes(process) == moved
    assert details.written_bytes(process) == written
    assert details.io_bytes(msgspec.structs.replace(process, start_ticks=7)) is None


@pytest.mark.parametrize(
    ("content", "path"),
    [
        ("0::/user.slice/a.scope\n", "/user.slice/a.scope"),
        ("4:memory:/x\n1:name=systemd:/user.slice/b.scope\n0::/\n", "/user.slice/b.scope"),
        ("1:name=systemd:/b.scope\n", "/b.scope"),
        ("0::/\n", "/"),
        ("", None),
        ("garbage", None),
    ],
)
def test_the_cgroup_is_the_unified_one_else_that_of_systemd(
    tmp_path: Path, content: str, path: str | None
) -> None:
    root = FakeRoot(tmp_path)
    root.process(10)
    root.write("proc/10/cgroup", content)
    process = ProcessFacts(pid=10, ppid=1, start_ticks=1010, name="x", state="S")
    assert LinuxProcessDetails(root.proc).cgroup(process) == path


def test_folders_on_other_machines_are_known(tmp_path: Path) -> None:
    root = FakeRoot(tmp_path)
    root.write("proc/self/mountinfo", "1 0 0:1 / /net/files rw - nfs4 server:/ rw\n")
    details = LinuxProcessDetails(root.proc)
    assert details.is_remote("/net/files/x")
    assert details.is_remote("/net/files")
    assert not details.is_remote("/net/filesystem")

"""Whatever stands at a path that is read: an answer at once, and bounded memory.

The kernel's own count of what it has ended.
"""

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from omnitray.alerts.silences import SilenceFile
from omnitray.alerts.storage import files
from omnitray.alerts.storage.archive import GzipLines
from omnitray.base.bounded import (
    CheckedFiles,
    NotRegularError,
    TooLargeError,
    oom_kills,
    open_regular,
    read_bounded,
    rose,
)
from omnitray.client.discovery import read_address
from omnitray.platforms.programs import small_text
from omnitray.protector.actuators.journal import ActionJournal
from omnitray.runs.history import RunHistory
from omnitray.runs.records import RunFiles
from omnitray.servers.logs import ServerLog
from omnitray.servers.memory import ServerMemory, StoredServers
from omnitray.settings.file import load
from omnitray.ui.window_place import FilePlaces


def a_fifo(path: Path) -> None:
    os.mkfifo(path)


def a_folder(path: Path) -> None:
    path.mkdir()


def a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def a_loop(path: Path) -> None:
    path.symlink_to(path)


def a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


def nuls(path: Path) -> None:
    path.touch()
    os.truncate(path, 300_000_000)


KINDS = [a_fifo, a_folder, a_device, a_loop, a_socket, nuls]


def _settings(path: Path) -> None:
    assert not load(path).readable


def _index(path: Path) -> None:
    assert files.read_index(path.parent) is None


def _alert(path: Path) -> None:
    with pytest.raises((OSError, files.DamagedError)):
        files.read(path)


def _address(path: Path) -> None:
    assert read_address(path) is None


def _journal(path: Path) -> None:
    assert ActionJournal(path, path.with_name("spare")).records() == ()
    assert ActionJournal(path.with_name("journal"), path).records() == ()


def _archive(path: Path) -> None:
    try:
        found = list(GzipLines(path))
    except OSError:
        found = []
    assert found == []


def _run(path: Path) -> None:
    (path.parent / "runs").mkdir()
    path.rename(path.parent / "runs" / "1.json")
    assert RunHistory(path.parent).runs() == ()
    assert RunFiles(str(path.parent)).unfinished() == []


def _learnt(path: Path) -> None:
    assert RunFiles(str(path.parent)).learnt("~/shop", "make") == {}


def _server_log(path: Path) -> None:
    assert len(ServerLog(path.parent, "api").tail(10)) <= 1  # NULs are one line


def _other_program(path: Path) -> None:
    """What another user's command line names as its settings."""
    assert small_text(str(path)).strip("\0") == ""


READERS: dict[str, Callable[[Path], None]] = {
    "config.toml": _settings,
    "index.json": _index,
    "alert_1_CRITICAL.json": _alert,
    "api.json": _address,
    "actions.jsonl": _journal,
    "alerts-2026-11.jsonl.gz": _archive,
    "1.json": _run,
    "runs.json": _learnt,
    "api.log": _server_log,
    "nohang.conf": _other_program,
}


@pytest.mark.parametrize("make", KINDS)
@pytest.mark.parametrize("name", READERS)
def test_every_reader_takes_whatever_stands_there(
    name: str, make: Callable[[Path], None], tmp_path: Path
) -> None:
    make(tmp_path / name)
    READERS[name](tmp_path / name)


@pytest.mark.parametrize("make", KINDS)
@pytest.mark.expect_log("cannot be read")
def test_pauses_are_forgotten_where_they_cannot_be_read(
    make: Callable[[Path], None], tmp_path: Path
) -> None:
    make(tmp_path / "silences.json")
    assert SilenceFile(tmp_path / "silences.json").load() is None


@pytest.mark.parametrize("make", KINDS)
@pytest.mark.expect_log("servers start without it")
def test_servers_start_without_what_cannot_be_read(
    make: Callable[[Path], None], tmp_path: Path
) -> None:
    make(tmp_path / "servers.json")
    assert ServerMemory(tmp_path / "servers.json").load() == StoredServers()


@pytest.mark.parametrize("make", [a_fifo, a_folder, a_device, a_loop, a_socket])
def test_a_server_writes_into_a_file_alone(make: Callable[[Path], None], tmp_path: Path) -> None:
    make(tmp_path / "api.log")
    with pytest.raises(OSError, match=r"api\.log"):
        ServerLog(tmp_path, "api").open()


@pytest.mark.parametrize("make", KINDS)
@pytest.mark.expect_log("place could not be read")
def test_the_window_stands_where_it_likes(make: Callable[[Path], None], tmp_path: Path) -> None:
    make(tmp_path / "place.json")
    assert FilePlaces(tmp_path / "place.json").load().page == "overview"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (a_fifo, "it is a FIFO"),
        (a_device, "it is a device"),
        (a_socket, "it is a socket"),
        (a_folder, "Is a directory"),
        (a_loop, "Too many levels of symbolic links"),
        (nuls, r"it is larger than 1\.0 kB"),
    ],
)
def test_it_says_what_stands_there(
    make: Callable[[Path], None], words: str, tmp_path: Path
) -> None:
    make(tmp_path / "x")
    with pytest.raises(OSError, match=words):
        read_bounded(tmp_path / "x", 1000)


def test_the_limit_is_what_may_be_read(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"0123456789")
    assert read_bounded(tmp_path / "x", 10) == b"0123456789"
    assert read_bounded(tmp_path / "x", 6, start=4) == b"456789"
    with pytest.raises(TooLargeError):
        read_bounded(tmp_path / "x", 9)
    with pytest.raises(TooLargeError):
        read_bounded(Path("/proc/self/status"), 5)  # a file without a size


def test_a_link_is_followed_unless_told_otherwise(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "x")
    assert read_bounded(tmp_path / "link", 10) == b"x"
    with pytest.raises(NotRegularError, match="it is a link"):
        read_bounded(tmp_path / "link", 10, follow=False)


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x" * 20)
    before = sorted(Path("/proc/self/fd").iterdir())
    with pytest.raises(TooLargeError):
        read_bounded(tmp_path / "x", 5)
    read_bounded(tmp_path / "x", 20)
    os.close(open_regular(tmp_path / "x"))
    assert sorted(Path("/proc/self/fd").iterdir()) == before


def test_the_count_is_read_where_it_is_said(tmp_path: Path) -> None:
    vmstat = tmp_path / "vmstat"
    vmstat.write_text("nr_free_pages 9\noom_kill 3\nnuma_hit 1\n")
    assert oom_kills(str(vmstat)) == 3
    vmstat.write_text("nr_free_pages 9\n")
    assert oom_kills(str(vmstat)) is None
    vmstat.write_text("oom_kill many\n")
    assert oom_kills(str(vmstat)) is None
    assert oom_kills(str(tmp_path / "none")) is None


def test_only_a_count_that_grew_says_something() -> None:
    assert rose(3, 4)
    assert not rose(3, 3)
    assert not rose(None, 4)
    assert not rose(3, None)


def in_an_hour() -> int:
    return time.time_ns() + 3600 * 1_000_000_000


def test_checked_files_are_untouched_until_one_is_written_replaced_or_gone(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for file in (one, other):
        file.write_text("right")
    files = CheckedFiles(one, other)
    assert not files.untouched()
    files.checked(in_an_hour())
    assert files.untouched()
    for touch in (
        lambda: one.write_text("wrong!"),
        lambda: other.chmod(0o644),
        lambda: (tmp_path / "new").rename(one),
        other.unlink,
    ):
        (tmp_path / "new").write_text("right")
        touch()
        assert not files.untouched()
        files.checked(in_an_hour())
    assert not files.untouched()  # one of them is gone


def test_what_was_written_a_moment_ago_is_not_checked_yet(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("right")
    files = CheckedFiles(file)
    files.checked(time.time_ns())
    assert not files.untouched()

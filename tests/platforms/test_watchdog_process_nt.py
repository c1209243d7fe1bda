"""The guardian of Windows over stand-ins for its libraries; never run there yet."""

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from omnitray.platforms import watchdog_process_nt
from omnitray.platforms._windows_guardian import WindowsKeeper, guardian_command
from support.kernel32 import Libraries, WindowsProcess

TICKS = 179_536_000_000


@pytest.fixture
def libraries() -> Libraries:
    libraries = Libraries()
    for pid in (7, 8):
        libraries.processes[pid] = WindowsProcess(TICKS)
        libraries.processes[pid].suspended = 1
    return libraries


@pytest.fixture
def keeper(libraries: Libraries, tmp_path: Path) -> Any:
    resumer = watchdog_process_nt.Resumer(libraries, libraries)
    return watchdog_process_nt.NtGuardian(str(tmp_path / "actions.jsonl"), resumer)


def said(keeper: Any, text: bytes) -> None:
    """Over a pipe that ends after this."""
    reading, writing = os.pipe()
    os.write(writing, text)
    os.close(writing)
    watchdog_process_nt.listen(keeper, reading)
    os.close(reading)


def test_the_end_of_the_pipe_resumes_what_is_held(
    libraries: Libraries, keeper: Any, tmp_path: Path
) -> None:
    said(keeper, b"hold a1 7 %d\r\nhold a2 8 %d\nrelease a2\n" % (TICKS, TICKS))
    assert [process.suspended for process in libraries.processes.values()] == [0, 1]
    assert libraries.open == {}
    line = msgspec.json.decode((tmp_path / "actions.jsonl").read_bytes())
    assert (line["id"], line["outcome"], line["who"]) == ("a1", "restored", "guardian")


def test_quit_resumes_nothing(libraries: Libraries, keeper: Any) -> None:
    said(keeper, b"hold a1 7 %d\nquit\n" % TICKS)
    assert libraries.processes[7].suspended == 1


@pytest.mark.parametrize(
    ("change", "outcome"), [("recycled", "gone"), ("ended", "gone"), ("denied", "failed")]
)
def test_only_that_very_process_is_resumed(
    libraries: Libraries, keeper: Any, tmp_path: Path, change: str, outcome: str
) -> None:
    if change == "ended":
        del libraries.processes[7]
    elif change == "denied":
        libraries.nt_status = 0xC0000022
    ticks = TICKS - 2 if change == "recycled" else TICKS
    said(keeper, b"hold a1 7 %d\n" % ticks)
    assert f'"outcome":"{outcome}"'.encode() in (tmp_path / "actions.jsonl").read_bytes()
    assert libraries.open == {}
    assert all(process.suspended == 1 for process in libraries.processes.values())


def test_its_command_names_a_file_that_is_there() -> None:
    command = guardian_command(Path("a.jsonl"), 7)
    assert Path(command[3]).is_file()
    assert command[4:] == ["7", "a.jsonl"]


def test_it_leaves_the_job_object_that_we_are_in_where_that_may_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags: list[int] = []

    class Popen:
        """Refuses to break away, as a job object may."""

        def __init__(self, *_: Any, creationflags: int, **__: Any) -> None:
            flags.append(creationflags)
            if creationflags & 0x0100_0000:
                raise PermissionError(5, "Access is denied")
            self.stdin = (tmp_path / "pipe").open("wb")
            self.pid = 9

        def poll(self) -> None:
            return None

        def wait(self, _timeout_s: float) -> int:
            return 0

    monkeypatch.setattr("omnitray.platforms._windows_guardian.subprocess.Popen", Popen)
    keeper = WindowsKeeper(tmp_path / "actions.jsonl")
    keeper.hold("a1", [(7, TICKS)])
    keeper.close()
    assert flags == [0x0100_0208, 0x208]
    assert (tmp_path / "pipe").read_bytes() == b"hold a1 7 %d\nquit\n" % TICKS

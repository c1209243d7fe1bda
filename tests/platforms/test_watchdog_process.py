"""The watchdog as it really runs: processes are paused, OmniTray is killed, they go on."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psutil
import pytest

from omnitray.platforms.watchdog_process import (
    Parent,
    PsutilWatchdog,
    Watchdog,
    listen,
    watch,
)
from omnitray.protector.actuators.journal import ActionJournal
from support.children import eventually, has_ended
from support.psutil_stand_in import StandIn, thing

ROOT = Path(__file__).parents[2]
DRIVER = ROOT / "tests/support/paused_driver.py"


def stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def start_ticks(pid: int) -> int:
    return int(stat(pid)[19])


def is_stopped(pid: int) -> bool:
    return stat(pid)[0] == "T"


@contextmanager
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as process:
        eventually(lambda: "sleep" in Path(f"/proc/{process.pid}/cmdline").read_text())
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture(params=["", "portable"], ids=["linux", "portable"])
def sleepers(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[int]]:
    """Their pids; the driver pauses them by this platform, and its watchdog resumes them."""
    monkeypatch.setenv("OMNITRAY_PLATFORM", str(request.param))
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with sleeper() as one, sleeper() as two:
        yield [one.pid, two.pid]


@contextmanager
def driver(journal: Path, pids: list[int]) -> Iterator[tuple[subprocess.Popen[str], int]]:
    command = [sys.executable, str(DRIVER), str(journal), *map(str, pids)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True
    ) as process:
        assert process.stdout is not None
        watchdog = int(process.stdout.readline())
        try:
            yield process, watchdog
        finally:
            process.kill()
            eventually(lambda: has_ended(watchdog))


def is_gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def test_jobs_run_again_when_omnitray_is_killed(tmp_path: Path, sleepers: list[int]) -> None:
    journal = tmp_path / "actions.jsonl"
    with driver(journal, sleepers) as (process, watchdog):
        eventually(lambda: all(is_stopped(pid) for pid in sleepers))  # a stop may come late
        assert not is_gone(watchdog)
        process.kill()
        eventually(lambda: not any(is_stopped(pid) for pid in sleepers))
        eventually(lambda: is_gone(watchdog))
    (record,) = ActionJournal(journal).records()
    assert record.undone is not None
    assert (record.undone.who, record.undone.outcome) == ("guardian", "restored")


def test_another_watchdog_takes_over_from_a_killed_one(tmp_path: Path, sleepers: list[int]) -> None:
    with driver(tmp_path / "actions.jsonl", sleepers) as (process, watchdog):
        os.kill(watchdog, signal.SIGKILL)
        assert process.stdout is not None
        second = next(int(line) for line in process.stdout if int(line) != watchdog)
        eventually(lambda: all(is_stopped(pid) for pid in sleepers))
        process.kill()
        eventually(lambda: not any(is_stopped(pid) for pid in sleepers))
        eventually(lambda: is_gone(second))


@pytest.mark.parametrize("name", ["SIGINT", "SIGHUP", "SIGTERM", "SIGTSTP"])
def test_a_closing_terminal_does_not_end_the_watchdog(
    tmp_path: Path, sleepers: list[int], name: str
) -> None:
    with driver(tmp_path / "actions.jsonl", sleepers) as (process, watchdog):
        eventually(lambda: _ignores(watchdog, getattr(signal, name)))
        os.kill(watchdog, getattr(signal, name))
        assert os.getsid(watchdog) == watchdog
        process.kill()
        eventually(lambda: not any(is_stopped(pid) for pid in sleepers))
        eventually(lambda: is_gone(watchdog))


def test_a_kill_of_all_that_we_started_leaves_the_watchdog(
    tmp_path: Path, sleepers: list[int]
) -> None:
    with driver(tmp_path / "actions.jsonl", sleepers) as (process, watchdog):
        os.killpg(process.pid, signal.SIGKILL)
        eventually(lambda: not any(is_stopped(pid) for pid in sleepers))
        eventually(lambda: is_gone(watchdog))


def _ignores(pid: int, number: int) -> bool:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (mask,) = [int(line.split()[1], 16) for line in lines if line.startswith("SigIgn")]
    return bool(mask & 1 << (number - 1))


def test_the_watchdog_imports_nothing_of_ours() -> None:
    code = (
        "import runpy, sys; runpy.run_path(sys.argv[1], run_name='probe');"
        "print([n for n in sys.modules if n.split('.')[0] in"
        " {'omnitray', 'msgspec', 'PySide6', 'psutil', 'json', 'subprocess'}])"
    )
    script = str(ROOT / "omnitray/platforms/watchdog_process.py")
    command = [sys.executable, "-I", "-S", "-c", code, script]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "[]\n"


def stopped(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGSTOP)
    eventually(lambda: is_stopped(process.pid))


@pytest.mark.parametrize("id_", ["a1", "r1-12", "1d5532-1_b.c"])
def test_it_continues_what_it_holds_and_says_so(id_: str, tmp_path: Path) -> None:
    journal = tmp_path / "actions.jsonl"
    with sleeper() as process:
        watchdog = Watchdog(str(journal))
        watchdog.hear(f"hold {id_} {process.pid} {start_ticks(process.pid)}")
        stopped(process)
        watchdog.release_all()
        eventually(lambda: not is_stopped(process.pid))
    line = msgspec.json.decode(journal.read_bytes())
    assert {key: line[key] for key in ("event", "id", "who", "outcome", "why")} == {
        "event": "undone",
        "id": id_,
        "who": "guardian",
        "outcome": "restored",
        "why": "omnitray_died",
    }
    assert journal.stat().st_mode & 0o777 == 0o600


def test_through_psutil_it_continues_that_very_process_and_no_other(tmp_path: Path) -> None:
    journal = tmp_path / "actions.jsonl"
    with sleeper() as process, sleeper() as other, sleeper() as gone:
        watchdog = PsutilWatchdog(str(journal), psutil)
        started = {each.pid: created(each.pid) for each in (process, other, gone)}
        watchdog.hear(f"hold a1 {process.pid} {started[process.pid]}")
        watchdog.hear(f"hold a2 {other.pid} {started[other.pid] - 1}")
        watchdog.hear(f"hold a3 {gone.pid} {started[gone.pid]}")
        watchdog.hear(f"hold a4 {2**22 + 1} 5")
        stopped(process)
        stopped(other)
        gone.kill()
        gone.wait()
        watchdog.release_all()
        eventually(lambda: not is_stopped(process.pid))
        assert is_stopped(other.pid)
    lines = [msgspec.json.decode(line) for line in journal.read_bytes().splitlines()]
    assert {line["id"]: line["outcome"] for line in lines} == {
        "a1": "restored",
        "a2": "gone",
        "a3": "gone",
        "a4": "gone",
    }


def created(pid: int) -> int:
    return round(psutil.Process(pid).create_time() * 100)


def test_what_psutil_refuses_is_written_as_failed(tmp_path: Path) -> None:
    def refuses() -> None:
        raise psutil.AccessDenied(7)

    system = StandIn()
    system.processes[7] = thing(create_time=lambda: 5.0, is_running=lambda: True, resume=refuses)
    watchdog = PsutilWatchdog(str(tmp_path / "actions.jsonl"), system)
    watchdog.hear("hold a1 7 500")
    watchdog.release_all()
    assert b'"outcome":"failed"' in (tmp_path / "actions.jsonl").read_bytes()


@pytest.mark.parametrize(("farewell", "goes_on"), [(b"", True), (b"quit\n", False)])
def test_without_poll_the_end_of_the_pipe_is_death_and_quit_is_not(
    tmp_path: Path, farewell: bytes, *, goes_on: bool
) -> None:
    with sleeper() as process:
        source, sink = os.pipe()
        os.write(sink, f"hold a1 {process.pid} {created(process.pid)}\r\n".encode() + farewell)
        os.close(sink)
        stopped(process)
        listen(PsutilWatchdog(str(tmp_path / "actions.jsonl"), psutil), source)
        os.close(source)
        eventually(lambda: is_stopped(process.pid) is not goes_on)


def test_a_recycled_pid_is_not_continued(tmp_path: Path) -> None:
    with sleeper() as process:
        watchdog = Watchdog(str(tmp_path / "actions.jsonl"))
        watchdog.hear(f"hold a1 {process.pid} {start_ticks(process.pid) - 1}")
        stopped(process)
        watchdog.release_all()
        assert is_stopped(process.pid)
    assert b'"outcome":"gone"' in (tmp_path / "actions.jsonl").read_bytes()


def test_one_that_is_gone_when_it_is_told_is_released_and_the_others_keep_their_net(
    tmp_path: Path,
) -> None:
    with sleeper() as over, sleeper() as process:
        ticks = start_ticks(over.pid)
        over.kill()
        over.wait()
        watchdog = Watchdog(str(tmp_path / "actions.jsonl"))
        watchdog.hear(f"hold a1 {over.pid} {ticks}")
        watchdog.hear(f"hold a2 {process.pid} {start_ticks(process.pid) - 1}")
        watchdog.hear(f"hold a3 {process.pid} {start_ticks(process.pid)}")
        for id_ in ("a1", "a2"):
            watchdog.hear(f"release {id_}")
        stopped(process)
        watchdog.release_all()
        eventually(lambda: not is_stopped(process.pid))


def test_what_was_released_is_left_alone(tmp_path: Path) -> None:
    with sleeper() as process:
        watchdog = Watchdog(str(tmp_path / "actions.jsonl"))
        watchdog.hear(f"hold a1 {process.pid} {start_ticks(process.pid)}")
        watchdog.hear("release a1")
        stopped(process)
        watchdog.release_all()
        assert is_stopped(process.pid)
    assert watchdog.holds == 0
    assert not (tmp_path / "actions.jsonl").exists()


def test_a_frozen_group_is_thawed_by_its_file_if_it_is_still_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "with a space.scope"
    folder.mkdir()
    (folder / "cgroup.freeze").write_text("1")
    watchdog = Watchdog(str(tmp_path / "actions.jsonl"))
    watchdog.hear(f"frozen a1 {folder.stat().st_ino} {folder}")
    watchdog.hear(f"frozen a2 {folder.stat().st_ino + 1} {folder}")
    watchdog.hear(f"frozen a3 1 {tmp_path}/not there")
    watchdog.release_all()
    assert (folder / "cgroup.freeze").read_text() == "0"
    written = (tmp_path / "actions.jsonl").read_bytes().splitlines()
    lines = [msgspec.json.decode(line) for line in written]
    assert [(line["id"], line["outcome"]) for line in lines] == [
        ("a1", "restored"),
        ("a2", "gone"),
        ("a3", "gone"),
    ]


@pytest.mark.parametrize("line", ["", "hold", "hold a", "hold a x y", "frozen a b", "nonsense 1"])
def test_a_damaged_line_is_passed_over(tmp_path: Path, line: str) -> None:
    watchdog = Watchdog(str(tmp_path / "actions.jsonl"))
    assert watchdog.hear(line)
    assert watchdog.holds == 0


def test_a_disk_that_refuses_does_not_keep_anything_paused(tmp_path: Path) -> None:
    with sleeper() as process:
        watchdog = Watchdog(str(tmp_path / "not there" / "actions.jsonl"))
        watchdog.hear(f"hold a1 {process.pid} {start_ticks(process.pid)}")
        stopped(process)
        watchdog.release_all()
        eventually(lambda: not is_stopped(process.pid))


@pytest.mark.parametrize(("farewell", "goes_on"), [(b"", True), (b"quit\n", False)])
def test_the_end_of_the_pipe_is_death_and_quit_is_not(
    tmp_path: Path, farewell: bytes, *, goes_on: bool
) -> None:
    with sleeper() as process:
        source, sink = os.pipe()
        os.set_blocking(source, False)
        line = f"hold a1 {process.pid} {start_ticks(process.pid)}\n"
        os.write(sink, line.encode() + farewell)
        os.close(sink)
        stopped(process)
        watch(Watchdog(str(tmp_path / "actions.jsonl")), Parent(os.getppid()), source)
        os.close(source)
        assert is_stopped(process.pid) is not goes_on

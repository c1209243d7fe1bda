"""The keeper of the watchdog, over the real process."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from omnitray.platforms.watchdog import WatchdogKeeper
from support.children import eventually


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[WatchdogKeeper]:
    keeper = WatchdogKeeper(tmp_path / "actions.jsonl")
    yield keeper
    keeper.close()


def test_there_is_a_watchdog_only_while_something_is_held(keeper: WatchdogKeeper) -> None:
    assert keeper.pid is None
    keeper.hold("a1", [(os.getpid(), 1)])
    first = keeper.pid
    keeper.hold("a2", [(os.getpid(), 1)])
    assert keeper.pid == first
    keeper.release("a1")
    assert keeper.is_guarding
    keeper.release("a2")
    assert keeper.pid is None
    keeper.release("unknown")


@pytest.mark.expect_log("the watchdog was gone; starting another")
def test_a_dead_guardian_is_replaced_and_told_everything(keeper: WatchdogKeeper) -> None:
    keeper.hold("a1", [(os.getpid(), 1)])
    assert not keeper.tend()
    first = keeper.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    eventually(lambda: not keeper.is_guarding)
    assert keeper.tend()
    assert keeper.pid != first


@pytest.mark.expect_log("no watchdog could be started")
def test_without_a_watchdog_nothing_fails(tmp_path: Path) -> None:
    keeper = WatchdogKeeper(tmp_path / "a", command=lambda _journal, _pid: ["/not/there"])
    keeper.hold("a1", [(os.getpid(), 1)])
    assert not keeper.is_guarding
    keeper.release("a1")


@pytest.mark.expect_log("the watchdog was gone; starting another")
def test_a_watchdog_that_ends_at_once_is_tried_again(tmp_path: Path) -> None:
    keeper = WatchdogKeeper(tmp_path / "a", command=lambda _j, _p: [sys.executable, "-c", ""])
    keeper.hold("a1", [(os.getpid(), 1)])
    eventually(lambda: not keeper.is_guarding)
    assert keeper.tend()
    keeper.close()


def test_it_gets_a_place_of_its_own_once_and_not_before_the_pause(tmp_path: Path) -> None:
    placed: list[int] = []
    keeper = WatchdogKeeper(tmp_path / "a", placed=placed.append)
    keeper.hold("a1", [(os.getpid(), 1)])
    assert placed == []
    keeper.tend()
    keeper.tend()
    assert placed == [keeper.pid]
    keeper.close()


def test_closing_continues_nothing(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        stat = Path(f"/proc/{process.pid}/stat")
        started = int(stat.read_text().rpartition(")")[2].split()[19])
        keeper = WatchdogKeeper(tmp_path / "actions.jsonl")
        keeper.hold("a1", [(process.pid, started)])
        process.send_signal(signal.SIGSTOP)
        eventually(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T")
        keeper.close()
        assert stat.read_text().rpartition(")")[2].split()[0] == "T"
        process.kill()
    assert not (tmp_path / "actions.jsonl").exists()


def test_a_watchdog_is_told_of_thousands(tmp_path: Path) -> None:
    heard = tmp_path / "heard"
    code = f"import sys, time; time.sleep(0.1); open({str(heard)!r}, 'w').write(sys.stdin.read())"
    keeper = WatchdogKeeper(tmp_path / "a", command=lambda _j, _p: [sys.executable, "-c", code])
    keeper.hold("a1", [(pid, 1) for pid in range(20_000)])
    keeper.hold("a2", [(1, 1)])
    keeper.close()
    lines = heard.read_text().splitlines()
    assert lines == [*(f"hold a1 {pid} 1" for pid in range(20_000)), "hold a2 1 1", "quit"]


def test_it_says_its_name_and_is_small(keeper: WatchdogKeeper) -> None:
    keeper.hold("a1", [(os.getpid(), 1)])
    place = Path(f"/proc/{keeper.pid}")
    eventually(lambda: (place / "comm").read_text() == "omnitray-guard\n")
    (rss_kb,) = [
        int(line.split()[1])
        for line in (place / "status").read_text().splitlines()
        if line.startswith("VmRSS")
    ]
    assert rss_kb < 16_000

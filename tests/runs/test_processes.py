"""A run without a terminal: signals, sessions, limits, what is left behind, who waits."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from omnitray.cli.commands.run import memory_group
from omnitray.runs.admission import MemInfo, Queue
from omnitray.runs.records import RunFiles
from omnitray.runs.tree import (
    RunTree,
    descendants,
    is_still_stopped,
    is_stopped,
    start_of,
    thaw,
)
from runs.conftest import Runner
from support.children import eventually, has_ended

PATIENCE_S = 30.0
TELLS = (
    "import signal, sys, time\n"
    "for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP):\n"
    "    signal.signal(number, lambda n, f: print(signal.Signals(n).name, flush=True))\n"
    "print('listens', flush=True)\n"
    "while True: time.sleep(60)\n"
)


def until(met: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE_S
    while not met():
        assert time.monotonic() < ends, "it never came"
        time.sleep(0.02)


def line_of(process: "subprocess.Popen[bytes]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().decode().strip()


def test_it_has_a_session_of_its_own_and_signals_pass(runner: Runner) -> None:
    with runner.start("--", "python3", "-c", TELLS) as process:
        assert line_of(process) == "listens"
        (child,) = [each for each in RunTree(process.pid).look() if is_command(each.pid)]
        assert os.getsid(child.pid) == child.pid
        for name in ("SIGTERM", "SIGUSR1", "SIGHUP"):
            os.kill(process.pid, getattr(signal, name))
            assert line_of(process) == name
        os.killpg(process.pid, signal.SIGTERM)  # the caller's whole group
        assert line_of(process) == "SIGTERM"
        os.kill(child.pid, signal.SIGKILL)
        assert process.wait(PATIENCE_S) == 137


def is_command(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return b"omnitray" not in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def test_killing_the_wrapper_ends_the_command(runner: Runner) -> None:
    with runner.start("--", "sh", "-c", "echo $$; exec sleep 600") as process:
        child = int(line_of(process))
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        until(lambda: len(children.read_text().split()) == 2)  # the witness is there, too
        process.kill()
        process.wait(PATIENCE_S)
        until(lambda: has_ended(child))


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"])
def test_a_signal_that_ends_reaches_what_another_has_stopped(runner: Runner, name: str) -> None:
    """As the protector stops it: children first, so that none is left behind."""
    line = f"{sys.executable} -c 'import time; print(1, flush=True); time.sleep(600)'; echo over"
    with runner.start("--", "sh", "-c", line) as process:
        assert line_of(process) == "1"
        tree = [each for each in RunTree(process.pid).look() if is_command(each.pid)]
        for each in tree:
            os.kill(each.pid, signal.SIGSTOP)
        os.kill(process.pid, getattr(signal, name))
        assert process.wait(PATIENCE_S) == 128 + getattr(signal, name)
        until(lambda: all(has_ended(each.pid) for each in tree))


def test_a_time_limit_reaches_what_another_has_stopped(runner: Runner) -> None:
    trap = "trap 'echo told; exit 0' TERM; echo $$; while :; do sleep 0.1; done"
    with runner.start("--timeout", "1", "--", "sh", "-c", trap) as process:
        os.kill(int(line_of(process)), signal.SIGSTOP)
        assert line_of(process) == "told"
        assert process.wait(PATIENCE_S) == 124


def test_frozen_groups_are_thawed_up_to_the_one_that_is_not_ours(tmp_path: Path) -> None:
    proc, groups = tmp_path / "proc", tmp_path / "groups"
    inner = groups / "user" / "held" / "run"
    inner.mkdir(parents=True)
    (proc / "self").mkdir(parents=True)
    (proc / "self" / "mountinfo").write_text(f"30 23 0:26 / {groups} rw - cgroup2 cgroup2 rw\n")
    (proc / "7").mkdir()
    (proc / "7" / "cgroup").write_text("6:freezer:/\n0::/user/held/run\n")
    for folder, text in ((inner, "0\n"), (inner.parent, "1\n"), (groups / "user", "0\n")):
        (folder / "cgroup.freeze").write_text(text)
    thaw(7, str(proc))
    seen = [(each / "cgroup.freeze").read_text().strip() for each in (inner, inner.parent)]
    assert seen == ["0", "0"]


def test_nothing_of_ours_is_left_and_a_daemon_lives_on(runner: Runner) -> None:
    with runner.start("--", "sh", "-c", "sleep 600 >&- 2>&- & echo $!") as process:
        daemon = int(line_of(process))
        assert process.wait(PATIENCE_S) == 0
    assert start_of(daemon)
    os.kill(daemon, signal.SIGKILL)
    until(lambda: has_ended(daemon))


def test_a_time_limit_ends_the_whole_tree(runner: Runner) -> None:
    line = "sleep 600 & echo $!; sleep 600"
    with runner.start("--timeout", "0.5", "--", "sh", "-c", line) as process:
        inner = int(line_of(process))
        assert process.wait(PATIENCE_S) == 124
        until(lambda: start_of(inner) == 0)


def test_ignored_signals_and_open_descriptors_are_inherited(runner: Runner) -> None:
    line = (
        "import os, signal, subprocess, sys\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "read, write = os.pipe(); os.set_inheritable(write, True)\n"
        "inner = 'import os, signal; os.write(%d, str(signal.getsignal(1)).encode())' % write\n"
        "words = [*sys.argv[1:], '--', sys.executable, '-c', inner]\n"
        "done = subprocess.run(words, close_fds=False)\n"
        "os.close(write); print(os.read(read, 100).decode(), done.returncode)\n"
    )
    run = [sys.executable, "-m", "omnitray", "run"]
    done = subprocess.run(
        [sys.executable, "-c", line, *run],
        env=runner.environ, capture_output=True, text=True, check=True, start_new_session=True,
    )  # fmt: skip
    assert done.stdout.split() == ["1", "0"] or "SIG_IGN" in done.stdout


def test_a_gigabyte_passes_unharmed(runner: Runner) -> None:
    """Standard output is inherited, so this costs what it costs without us."""
    line = '"$@" -- head -c 1000000000 /dev/zero | wc -c'
    done = subprocess.run(
        ["sh", "-c", line, "sh", sys.executable, "-m", "omnitray", "run"],
        env=runner.environ, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "1000000000"


EATS = (
    "import time\n"
    "held = []\n"
    "for _ in range(16):\n"
    "    held.append(bytearray(25_000_000)); time.sleep(0.3)\n"
    "print('whole', flush=True)\n"
)


def loaded(file: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads(file.read_text())
    return found


def record_of(home: Path) -> dict[str, object]:
    (file,) = (home / "data" / "runs").glob("*.json")
    found: dict[str, object] = json.loads(file.read_text())
    return found


def test_what_goes_beyond_its_budget_is_slowed_paused_and_ended(runner: Runner, home: Path) -> None:
    done = runner.run("--memory", "100M", "--summary", "--", "python3", "-c", EATS)
    assert (done.returncode, done.stdout) == (128 + signal.SIGTERM, "")
    assert "ended at its memory budget" in done.stderr
    record = record_of(home)
    events = record["events"]
    assert isinstance(events, list)
    kinds = [kind for _, kind in events]
    assert (kinds[0], kinds[-1]) == ("slowed down", "ended")
    alerts = home / "data" / "alerts"
    until(lambda: any(alerts.glob("alert_*_RESOURCE_CRITICAL.json")))


WORKER = (
    "import time\n"
    "held = []\n"
    "for _ in range(12):\n"
    "    held.append(bytearray(5_000_000)); time.sleep(0.1)\n"
)


def test_at_the_budget_the_largest_worker_waits_until_others_are_done(
    runner: Runner, home: Path
) -> None:
    # Takes as long as a pause: both want more than is left, so both stand still for once.
    both = f"{sys.executable} -c '{WORKER}' & {sys.executable} -c '{WORKER}' & wait"
    done = runner.run("--memory", "110M", "--no-kill", "--", "sh", "-c", both)
    assert done.returncode == 0
    record = record_of(home)
    assert record["verdict"] == "passed"
    events = record["events"]
    assert isinstance(events, list)
    assert "paused" in [kind for _, kind in events]
    assert float(str(record["paused_s"])) > 0.0
    alerts = home / "data" / "alerts"
    # It says what the run is doing, and that has ended: whichever of the two was said first.
    until(lambda: [each["state"] for each in map(loaded, alerts.glob("alert_*"))] == ["resolved"])


@pytest.mark.parametrize("fault", ["exit 3", "kill -9 $$"])
def test_a_failure_is_an_alert_until_it_passes(
    runner: Runner, home: Path, tmp_path: Path, fault: str
) -> None:
    (tmp_path / "it.sh").write_text(fault)
    alerts = home / "data" / "alerts"

    def states() -> list[tuple[str, str]]:
        found = [json.loads(file.read_text()) for file in alerts.glob("alert_*.json")]
        return [(each["title"], each["state"]) for each in found]

    runner.run("--name", "nightly", "--", "sh", "it.sh")
    title = f"nightly in {tmp_path} fails"
    until(lambda: states() == [(title, "firing")])
    (tmp_path / "it.sh").write_text("exit 0")
    runner.run("--name", "nightly", "--", "sh", "it.sh")
    until(lambda: states() == [(title, "resolved")])


def test_the_machine_is_asked_for_room(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 10000000 kB\nMemAvailable: 6000000 kB\n")
    files = RunFiles(str(tmp_path))
    assert MemInfo(str(meminfo)).room_bytes(files) == (6_000_000 - 500_000) * 1024
    own = {"wrapper_pid": os.getpid(), "wrapper_start": start_of(os.getpid())}
    going = {"state": "running", "expected_bytes": 2_000_000_000, "rss_bytes": 500_000_000}
    files.write({"id": "1", **going, **own})
    files.write({"id": "2", **going, **own, "wrapper_start": 1})  # its wrapper is gone
    assert MemInfo(str(meminfo)).room_bytes(files) == 5_500_000 * 1024 - 1_500_000_000
    assert MemInfo(str(tmp_path / "none")).room_bytes(files) is None


def test_a_memory_group_around_a_run_is_all_the_room_that_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("0::/outer/inner\n")
    line = "30 23 0:26 / /groups rw - cgroup2 cgroup2 rw\n"
    (tmp_path / "proc/self/mountinfo").write_text(line)
    inner = tmp_path / "groups/outer/inner"
    inner.mkdir(parents=True)
    (inner.parent / "memory.max").write_text("600000000\n")  # the limit of an ancestor
    (inner.parent / "memory.current").write_text("100000000\n")
    (inner.parent / "memory.stat").write_text("inactive_file 40000000\nactive_file 0\n")
    monkeypatch.setattr("omnitray.cli.commands.run.ROOT", str(tmp_path))
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 10000000 kB\nMemAvailable: 6000000 kB\n")
    room = MemInfo(str(meminfo), memory_group()).room_bytes(RunFiles(str(tmp_path)))
    assert room == 540_000_000 - 30_000_000


def test_runs_wait_in_order_and_the_dead_are_passed_over(tmp_path: Path) -> None:
    first, second = Queue(str(tmp_path)), Queue(str(tmp_path))
    first.join("one")
    second.join("two")
    assert (first.ahead(), second.ahead()) == (0, 1)
    stale = {"title": "gone", "wrapper_pid": os.getpid(), "wrapper_start": 1}
    (tmp_path / "waiting" / f"{0:020d}-1.json").write_text(json.dumps(stale))
    assert first.ahead() == 0
    first.leave()
    assert second.ahead() == 0
    second.leave()
    assert list((tmp_path / "waiting").iterdir()) == []


def test_a_run_that_waits_says_why_and_can_be_interrupted(runner: Runner, home: Path) -> None:
    project = str(runner.folder)
    learnt = {"schema": 1, "projects": {project: {"true": {"peak_bytes": 10**15, "at": 1.0}}}}
    (home / "data").mkdir(parents=True)
    (home / "data" / "runs.json").write_text(json.dumps(learnt))
    with runner.start("--wait", "--summary", "--", "true") as process:
        assert process.stderr is not None
        said = process.stderr.readline().decode()
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 143
    assert said.startswith("omnitray: waiting: last time this took 1000 TB, ")
    assert list((home / "data" / "runs" / "waiting").iterdir()) == []


def test_the_next_one_starts_when_it_can_count_with_the_first(runner: Runner, home: Path) -> None:
    with runner.start("--wait", "--", "sh", "-c", "echo on; read go", stdin=subprocess.PIPE) as one:
        assert line_of(one) == "on"
        # It leaves the queue with its first record: only then can the next one count with it.
        eventually(lambda: list((home / "data" / "runs" / "waiting").iterdir()) == [])
        assert runner.run("--wait", "--", "true").returncode == 0
        one.communicate(b"go\n", timeout=PATIENCE_S)


@pytest.mark.parametrize("kernel", ["with children files", "without"])
def test_a_tree_is_followed_and_what_lost_its_parent_too(
    kernel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kernel == "without":
        monkeypatch.setattr("omnitray.runs.tree._has_children_files", lambda: False)
    line = "(sleep 600 >&- & echo $!); read go; sleep 600"
    with subprocess.Popen(
        ["sh", "-c", f"sh -c '{line}' & echo; cat >/dev/null; wait"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
    ) as top:  # fmt: skip
        assert top.stdout is not None
        top.stdout.readline()
        tree = RunTree(top.pid)
        until(lambda: len(tree.sample()) >= 2)
        assert descendants(top.pid)[0] == top.pid
        assert tree.peak_bytes > 0
        os.killpg(top.pid, signal.SIGKILL)
        until(lambda: tree.look() == [])


def test_a_child_that_came_after_the_first_look_is_counted() -> None:
    line = "read go; sleep 600"
    with subprocess.Popen(["sh", "-c", line], stdin=subprocess.PIPE, start_new_session=True) as top:
        assert top.stdin is not None
        tree = RunTree(top.pid)
        assert [each.pid for each in tree.sample()] == [top.pid]
        top.stdin.write(b"go\n")
        top.stdin.flush()
        until(lambda: len(tree.sample()) == 2)
        os.killpg(top.pid, signal.SIGKILL)


def test_the_pytest_plugin_tells_the_run_what_failed(runner: Runner, home: Path) -> None:
    (runner.folder / "test_it.py").write_text("def test_no(): assert 0\ndef test_yes(): pass\n")
    words = ("--", sys.executable, "-m", "pytest", "--omnitray", "-q", "-p", "no:cacheprovider")
    without = ("-p", "no:schemathesis")  # to load it takes half of the test's time
    assert runner.run(*words, *without).returncode == 1
    assert record_of(home)["tests"] == {"failed": 1, "total": 2, "names": ["test_no"]}
    alerts = [json.loads(each.read_text()) for each in (home / "data" / "alerts").glob("alert_*")]
    assert [each["source"] for each in alerts] == ["pytest"]  # told once


def test_a_child_that_was_stopped_again_meanwhile_is_not_continued() -> None:
    """Ctrl-Z a moment after ``fg``: to continue the child then would undo it."""
    with subprocess.Popen(["sleep", "60"]) as child:
        try:
            os.kill(child.pid, signal.SIGSTOP)
            os.waitpid(child.pid, os.WUNTRACED)
            assert is_still_stopped(child.pid)
            os.kill(child.pid, signal.SIGCONT)
            os.kill(child.pid, signal.SIGSTOP)
            eventually(lambda: is_stopped(child.pid))
            assert not is_still_stopped(child.pid)
        finally:
            child.kill()

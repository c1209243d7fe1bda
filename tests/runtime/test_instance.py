import errno
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from pytestqt.qtbot import QtBot

from omnitray.base.paths import Paths, find_paths
from omnitray.client.discovery import Address, addresses, write_address
from omnitray.runtime.instance import Instance, RunningInstance, activate
from support.api_server import running

HOLDER = """
import sys, time
from pathlib import Path
from omnitray.base.paths import find_paths
from omnitray.runtime.instance import Instance
from PySide6.QtCore import QCoreApplication
app = QCoreApplication([])
instance = Instance(find_paths({"OMNITRAY_HOME": sys.argv[1]}), headless=True)
assert instance.acquire()
instance.listen()
print("ready", flush=True)
app.exec()
"""

VISITOR = """
import sys
from omnitray.base.paths import find_paths
from omnitray.runtime.instance import activate
print(activate(find_paths({"OMNITRAY_HOME": sys.argv[1]}), sys.argv[2]))
"""


def at(folder: Path) -> Paths:
    paths = find_paths({"OMNITRAY_HOME": str(folder)})
    paths.create()
    return paths


def first(folder: Path, *, headless: bool = False) -> Instance:
    instance = Instance(at(folder), headless=headless)
    assert instance.acquire()
    instance.listen()
    return instance


def test_a_second_start_is_told_who_runs_and_the_first_is_asked_for_its_window(
    tmp_path: Path, qtbot: QtBot
) -> None:
    instance = first(tmp_path)
    asked: list[str] = []
    instance.knocked.connect(asked.append)
    second = Instance(at(tmp_path), headless=False)
    assert not second.acquire()
    with subprocess.Popen(
        [
            sys.executable,
            "-c",
            VISITOR,
            str(tmp_path),
            "token-7",
        ],
        stdout=subprocess.PIPE,
        text=True,
    ) as visitor:
        qtbot.waitUntil(lambda: asked == ["token-7"], timeout=10_000)
        answer, _ = visitor.communicate(timeout=10)
    assert answer.strip() == str(RunningInstance(pid=os.getpid(), headless=False))
    instance.release()
    instance.release()


def test_what_a_killed_instance_left_behind_keeps_nobody_from_starting(tmp_path: Path) -> None:
    at(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "ready\n"
        assert not Instance(at(tmp_path), headless=True).acquire()
        answer = activate(at(tmp_path))
        holder.kill()
        holder.wait(10)
    assert answer == RunningInstance(pid=holder.pid, headless=True)
    assert (tmp_path / "run" / "instance.sock").exists()
    instance = first(tmp_path)
    instance.release()


@pytest.mark.expect_log("a knock that made no sense")
def test_nonsense_at_the_door_is_turned_away(tmp_path: Path, qtbot: QtBot) -> None:
    instance = first(tmp_path)
    with socket.socket(socket.AF_UNIX) as visitor:
        visitor.connect(str(tmp_path / "run" / "instance.sock"))
        visitor.sendall(b"\xff\x00 not a activate")
        visitor.settimeout(5)
        with qtbot.assertNotEmitted(instance.knocked, wait=200):
            pass
        assert visitor.recv(10) == b""
    instance.release()


def test_a_folder_with_a_very_long_name_has_a_door_too(tmp_path: Path, qtbot: QtBot) -> None:
    folder = tmp_path / ("x" * 120)
    folder.mkdir()
    instance = first(folder)
    asked: list[str] = []
    instance.knocked.connect(asked.append)
    with subprocess.Popen(
        [
            sys.executable,
            "-c",
            VISITOR,
            str(folder),
            "",
        ],
        stdout=subprocess.DEVNULL,
    ) as visitor:
        qtbot.waitUntil(lambda: asked == [""], timeout=10_000)
        assert visitor.wait(10) == 0
    instance.release()


def test_nobody_answers_where_nobody_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omnitray.runtime.instance._ANSWER_S", 0.1)
    assert activate(at(tmp_path)) is None


TRY = """
import sys
from pathlib import Path
import msgspec
from omnitray.base.paths import find_paths
from omnitray.runtime.instance import Instance
paths = msgspec.structs.replace(
    find_paths({"OMNITRAY_HOME": sys.argv[1]}), run=Path(sys.argv[2])
)
print(Instance(paths, headless=True).acquire())
"""


def _second_start(home: Path, run: Path, *prefix: str) -> str:
    command = [*prefix, sys.executable, "-c", TRY, str(home), str(run)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    return done.stdout.strip()


def _nothing(_home: Path) -> None:
    """The first one is simply there."""


def _run_folder_goes(home: Path) -> None:
    shutil.rmtree(home / "run")


def _lock_file_goes(home: Path) -> None:
    (home / "data" / "instance.lock").unlink()


def _lock_file_is_another(home: Path) -> None:
    _lock_file_goes(home)
    (home / "data" / "instance.lock").touch()


def _lock_file_is_a_pipe(home: Path) -> None:
    _lock_file_goes(home)
    os.mkfifo(home / "data" / "instance.lock")


def _lock_file_is_a_link(home: Path) -> None:
    _lock_file_goes(home)
    (home / "data" / "instance.lock").symlink_to(home / "elsewhere")


def _lock_file_moves(home: Path) -> None:
    lock = home / "data" / "instance.lock"
    lock.rename(lock.with_name("old.lock"))


def _data_folder_moves_and_comes_back(home: Path) -> None:
    (home / "data").rename(home / "away")
    (home / "away").rename(home / "data")


def _everything_but_the_data_goes(home: Path) -> None:
    for name in ("config", "run", "state"):
        shutil.rmtree(home / name)


@pytest.mark.parametrize(
    "happens",
    [
        _nothing,
        _run_folder_goes,
        _lock_file_goes,
        _lock_file_is_another,
        _lock_file_is_a_pipe,
        _lock_file_is_a_link,
        _lock_file_moves,
        _data_folder_moves_and_comes_back,
        _everything_but_the_data_goes,
    ],
)
def test_two_instances_on_the_same_data_cannot_be_had(
    tmp_path: Path, happens: Callable[[Path], None]
) -> None:
    home = tmp_path / "home"
    instance = first(home)
    happens(home)
    assert _second_start(home, home / "run") == "False"
    assert _second_start(home, tmp_path / "other-run") == "False"  # TMPDIR, XDG_RUNTIME_DIR
    (tmp_path / "link").symlink_to(home)
    assert _second_start(tmp_path / "link", home / "run") == "False"
    instance.release()


def test_a_stopped_instance_is_one_and_so_is_one_of_another_pid_namespace(tmp_path: Path) -> None:
    home = tmp_path / "home"
    at(home)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(home)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "ready\n"
        inside = ("unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc")
        assert _second_start(home, home / "run", *inside) == "False"
        holder.send_signal(signal.SIGSTOP)
        assert _second_start(home, home / "run") == "False"
        holder.kill()
    assert _second_start(home, home / "run") == "True"


def test_of_many_that_start_at_once_one_gets_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    at(home)
    hold = TRY + "\nsys.stdout.flush(); sys.stdin.read()\n"
    hold = hold.replace("print(Instance", "one = Instance").replace(
        ".acquire())", "; print(one.acquire())"
    )
    starts = [
        subprocess.Popen(
            [sys.executable, "-c", hold, str(home), str(home / "run")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(6)
    ]
    said = [each.stdout.readline().strip() for each in starts if each.stdout is not None]
    for each in starts:
        each.communicate(timeout=30)
    assert sorted(said) == ["False"] * 5 + ["True"]


def _ask(home: Path, qtbot: QtBot, instance: Instance) -> None:
    asked: list[str] = []
    instance.knocked.connect(asked.append)
    with subprocess.Popen(
        [sys.executable, "-c", VISITOR, str(home), "t"], stdout=subprocess.DEVNULL
    ):
        qtbot.waitUntil(lambda: asked == ["t"], timeout=10_000)


@pytest.mark.parametrize("gone", ["run", "run/instance.sock", "data/instance.lock", "data"])
def test_what_is_removed_is_put_back(tmp_path: Path, qtbot: QtBot, gone: str) -> None:
    instance = first(tmp_path)
    target = tmp_path / gone
    if target.is_dir():
        shutil.rmtree(target)
    else:
        target.unlink()
    assert instance.tend()
    assert instance.tend()
    _ask(tmp_path, qtbot, instance)
    assert _second_start(tmp_path, tmp_path / "run") == "False"
    instance.release()
    assert not (tmp_path / "run" / "instance.sock").exists()


def test_one_whose_data_another_has_taken_meanwhile_knows_it(tmp_path: Path) -> None:
    instance = first(tmp_path)
    shutil.rmtree(tmp_path / "data")
    second = Instance(at(tmp_path), headless=True)
    assert second.acquire()
    assert not instance.tend()
    second.release()
    instance.release()


def test_a_second_start_with_another_run_folder_finds_the_first(
    tmp_path: Path, qtbot: QtBot
) -> None:
    instance = first(tmp_path)
    asked: list[str] = []
    instance.knocked.connect(asked.append)
    elsewhere = msgspec.structs.replace(at(tmp_path), run=tmp_path / "other")
    answers: list[RunningInstance | None] = []
    thread = threading.Thread(target=lambda: answers.append(activate(elsewhere, "here")))
    thread.start()
    qtbot.waitUntil(lambda: asked == ["here"], timeout=10_000)
    thread.join(10)
    assert answers == [RunningInstance(pid=os.getpid(), headless=False)]
    instance.release()


def test_a_copy_of_a_running_home_is_another_and_a_moved_or_linked_one_is_not(
    tmp_path: Path,
) -> None:
    home, copy, link, moved = (tmp_path / name for name in ("home", "copy", "link", "moved"))

    def found(folder: Path) -> set[str]:
        return {each.url for each in addresses(at(folder))}

    home.mkdir()
    instance = first(home)
    here = "http://127.0.0.1:1"
    address = Address(url=here, token="-", pid=os.getpid(), started="now")  # noqa: S106 - none
    write_address(at(home).api_file, address)
    assert found(home) == {here}
    shutil.copytree(home, copy, ignore=shutil.ignore_patterns("*.sock"))
    link.symlink_to(home)
    assert (found(copy), found(link)) == (set(), {here})
    (at(copy).run / "data-folder").unlink()  # as an older version left it
    assert found(copy) == {here}
    instance.release()
    home.rename(moved)
    assert found(moved) == {here}


@pytest.mark.expect_log("cannot lock")
def test_where_nothing_can_be_locked_the_port_says_who_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(_handle: int, _kind: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", refuses)
    with running(tmp_path):
        assert not Instance(at(tmp_path), headless=True).acquire()
    alone = Instance(at(tmp_path), headless=True)
    assert alone.acquire()
    alone.release()

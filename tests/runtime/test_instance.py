import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from omnitray.platforms import current
from omnitray.runtime.instance import Instance, Running, activate

HOLDER = """
import sys, time
from pathlib import Path
from omnitray.platforms import current
from omnitray.runtime.instance import Instance
from PySide6.QtCore import QCoreApplication
app = QCoreApplication([])
instance = Instance(Path(sys.argv[1]), current().lock_file, headless=True)
assert instance.acquire()
instance.listen()
print("ready", flush=True)
app.exec()
"""

VISITOR = """
import sys
from pathlib import Path
from omnitray.runtime.instance import activate
print(activate(Path(sys.argv[1]), sys.argv[2]))
"""


def first(folder: Path, *, headless: bool = False) -> Instance:
    instance = Instance(folder, current().lock_file, headless=headless)
    assert instance.acquire()
    instance.listen()
    return instance


def test_a_second_start_is_told_who_runs_and_the_first_is_asked_for_its_window(
    tmp_path: Path, qtbot: QtBot
) -> None:
    instance = first(tmp_path)
    asked: list[str] = []
    instance.knocked.connect(asked.append)
    second = Instance(tmp_path, current().lock_file, headless=False)
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
    assert answer.strip() == str(Running(pid=os.getpid(), headless=False))
    instance.release()
    instance.release()


def test_what_a_killed_instance_left_behind_keeps_nobody_from_starting(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "ready\n"
        assert not Instance(tmp_path, current().lock_file, headless=True).acquire()
        answer = activate(tmp_path)
        holder.kill()
        holder.wait(10)
    assert answer == Running(pid=holder.pid, headless=True)
    assert (tmp_path / "instance.sock").exists()
    instance = first(tmp_path)
    instance.release()


@pytest.mark.expect_log("a activate that made no sense")
def test_nonsense_at_the_door_is_turned_away(tmp_path: Path, qtbot: QtBot) -> None:
    instance = first(tmp_path)
    with socket.socket(socket.AF_UNIX) as visitor:
        visitor.connect(str(tmp_path / "instance.sock"))
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
    assert activate(tmp_path) is None

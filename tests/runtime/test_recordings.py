"""Recordings reach the disk when there is time, the newest of a kind are kept."""

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from omnitray.api.facade import CommandRefused
from omnitray.protector.recorder import Recorder, Recording
from omnitray.protector.replay import load
from omnitray.runtime import workers
from omnitray.runtime.workers import MOST_OF_A_KIND, RecordingThread, file_name
from support.desk import Desk
from support.scenes import facts


def recording(name: str, why: str = "pause") -> Recording:
    recorder, desk = Recorder("t"), Desk()
    recorder.add(facts(), desk.policy, 1.0, [], 1)
    recorder.ask(0.0, 1.0)
    (taken,) = recorder.take_due(2.0)
    return Recording(run="t", why=why, name=name, frames=taken.frames)


def test_a_recording_is_written_and_reads_back(tmp_path: Path, qtbot: QtBot) -> None:
    thread = RecordingThread(tmp_path / "recordings", "/home/me")
    thread.write(recording("t-1"))
    file = tmp_path / "recordings" / file_name("pause", "t-1")
    thread.expect(file.name)
    qtbot.waitUntil(file.exists, timeout=10_000)
    assert len(load(file.read_bytes())[1]) == 1
    assert thread.state(file.name).state == "written"
    assert thread.stop()


def test_the_newest_of_each_kind_are_kept(tmp_path: Path, qtbot: QtBot) -> None:
    thread = RecordingThread(tmp_path, "/home/me")
    thread.write(recording("first", why="end"))
    for number in range(MOST_OF_A_KIND + 3):
        thread.write(recording(f"t-{number}"))
    last = tmp_path / file_name("pause", f"t-{MOST_OF_A_KIND + 2}")
    qtbot.waitUntil(last.exists, timeout=20_000)
    assert thread.stop()
    assert len(list(tmp_path.glob("pause_*"))) == MOST_OF_A_KIND
    assert len(list(tmp_path.glob("end_*"))) == 1


def test_what_a_person_waits_for_hurries_what_is_being_written(
    tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "_SHARE", 1e-9)  # a pause of weeks after each part
    thread = RecordingThread(tmp_path, "/home/me")
    thread.write(recording("slow"))
    thread.write(recording("asked", why="asked"))
    last = tmp_path / file_name("asked", "asked")
    qtbot.waitUntil(last.exists, timeout=20_000)
    assert (tmp_path / file_name("pause", "slow")).exists()
    assert thread.stop()


def test_nothing_is_written_after_the_stop(tmp_path: Path) -> None:
    thread = RecordingThread(tmp_path, "/home/me")
    assert thread.stop()
    thread.write(recording("late"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.expect_log("a recording could not be written")
def test_a_folder_that_cannot_be_made_costs_the_recording_alone(
    tmp_path: Path, qtbot: QtBot
) -> None:
    (tmp_path / "file").write_text("")
    thread = RecordingThread(tmp_path / "file", "/home/me")
    thread.expect("pause_t-1.jsonl.xz")
    assert thread.state("pause_t-1.jsonl.xz").state == "recording"
    thread.write(recording("t-1"))
    qtbot.waitUntil(lambda: thread.state("pause_t-1.jsonl.xz").state == "failed", timeout=10_000)
    assert "could not be written" in thread.state("pause_t-1.jsonl.xz").why
    with pytest.raises(CommandRefused, match=r"No recording pause_t-2.*asked for"):
        thread.state("pause_t-2.jsonl.xz")
    assert thread.stop()

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from omnitray.alerts.model import Alert
from omnitray.alerts.storage import files as alert_files
from omnitray.alerts.storage.history import History
from omnitray.alerts.storage.query import AlertQuery
from omnitray.base.durable import StorageError
from omnitray.base.facts import AlertType, Severity
from support.alerting import START, an_alert
from support.clock import FakeClock

Open = Callable[..., History]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def open_history(tmp_path: Path, said: list[str]) -> Open:
    def open_it(live: int = 500, *, keep: bool = True) -> History:
        return History(tmp_path / "alerts", FakeClock(), live, report=said.append, keep=keep)

    return open_it


def files(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "alerts").glob("alert_*.json"))


def ids(history: History, query: AlertQuery | None = None) -> list[int]:
    return [int(alert.id, 16) for alert in history.query(query or AlertQuery())]


def test_an_alert_is_a_readable_private_file_named_after_its_first_second(
    tmp_path: Path, open_history: Open
) -> None:
    path = open_history().store(an_alert(1, at=START + 0.987))
    assert path == tmp_path / "alerts" / f"alert_{int(START)}_TEST_FAILED.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    written = json.loads(path.read_text())
    assert written["schema"] == 1
    assert list(written) == list(an_alert().__struct_fields__)


def test_a_taken_name_gets_a_number_and_an_incident_keeps_its_file(
    tmp_path: Path, open_history: Open
) -> None:
    history = open_history()
    paths = [history.store(an_alert(number)) for number in (1, 2, 3)]
    assert [path.name for path in paths] == [
        f"alert_{int(START)}_TEST_FAILED{suffix}.json" for suffix in ("", "_2", "_3")
    ]
    assert history.store(an_alert(2, count=7)) == paths[1]
    assert len(files(tmp_path)) == 3
    found = open_history().get(an_alert(2).id)
    assert found is not None
    assert found.count == 7


def test_the_newest_are_live_and_the_others_archived(tmp_path: Path, open_history: Open) -> None:
    history = open_history(live=5)
    for number in range(12):
        history.store(an_alert(number, at=START + number))
    history.settle()
    assert len(files(tmp_path)) == 5
    assert ids(history) == list(range(11, -1, -1))
    assert ids(open_history(live=5)) == list(range(11, -1, -1))
    (archive,) = (tmp_path / "alerts" / "archive").iterdir()
    assert archive.name == "alerts-2026-11.jsonl.gz"
    lines = gzip.decompress(archive.read_bytes()).splitlines()
    assert [json.loads(line)["id"] for line in lines] == [an_alert(n).id for n in range(7)]
    assert history.path_of(an_alert(3).id) == archive
    assert history.path_of(an_alert(11).id) == tmp_path / "alerts" / files(tmp_path)[-1]
    assert history.path_of("nobody") is None


def test_a_flood_is_one_write_and_nothing_of_it_is_missing(
    tmp_path: Path, open_history: Open
) -> None:
    history = open_history(live=50)
    alerts = [an_alert(number, at=START + number) for number in range(2000)]
    stored = history.store_many(alerts)
    assert all(isinstance(each, Path) and each.exists() for each in stored)
    history.close()
    assert len(files(tmp_path)) == 50
    assert ids(open_history(live=50)) == list(range(1999, -1, -1))


def test_what_was_archived_can_change_and_is_there_once(open_history: Open) -> None:
    history = open_history(live=3)
    for number in range(8):
        history.store(an_alert(number, at=START + number))
    history.settle()
    history.store(an_alert(0, state="resolved", last_seen="2027-01-01T00:00:00.000Z"))
    history.settle()
    assert sorted(ids(history)) == list(range(8))
    assert ids(history)[0] == 0
    for number in range(8, 12):
        history.store(an_alert(number, at=START + number))
    history.settle()
    assert sorted(ids(open_history(live=3))) == list(range(12))
    found = history.get(an_alert(0).id)
    assert found is not None
    assert found.state == "resolved"


def test_queries_filter_over_both_and_cut_pages_out(open_history: Open) -> None:
    history = open_history(live=4)
    for number in range(20):
        history.store(
            an_alert(
                number,
                at=START + number,
                type=AlertType.SERVER_DOWN if number % 2 else AlertType.TEST_FAILED,
                severity=Severity.CRITICAL if number % 5 == 0 else Severity.INFO,
                state="resolved" if number < 10 else "firing",
                message="needle" if number in (3, 17) else "hay",
            )
        )
    history.settle()
    down = frozenset({AlertType.SERVER_DOWN})
    assert ids(history, AlertQuery(types=down, limit=3)) == [19, 17, 15]
    assert ids(history, AlertQuery(types=down, offset=8, limit=5)) == [3, 1]
    assert ids(history, AlertQuery(severities=frozenset({Severity.CRITICAL}))) == [15, 10, 5, 0]
    assert ids(history, AlertQuery(states=frozenset({"resolved"}), limit=2)) == [9, 8]
    assert ids(history, AlertQuery(text="Needle")) == [17, 3]
    assert ids(history, AlertQuery(since=START + 14, until=START + 16)) == [16, 15, 14]
    assert ids(history, AlertQuery(limit=0)) == []
    assert len(history.open_alerts()) == 4


def test_a_clock_set_back_sends_no_fresh_alert_to_the_archive(open_history: Open) -> None:
    history = open_history(live=3)
    for number in range(3):
        history.store(an_alert(number, at=START + number))
    fresh = an_alert(9, at=START - 86_400 * 365)
    path = history.store(fresh)
    history.settle()
    assert history.path_of(fresh.id) == path
    assert ids(history) == [2, 1, 0, 9]


@pytest.mark.parametrize("damage", ["missing", "truncated", "lying", "binary", "folder"])
def test_the_index_is_believed_only_where_the_files_agree(
    tmp_path: Path, open_history: Open, damage: str
) -> None:
    history = open_history(live=5)
    for number in range(9):
        history.store(an_alert(number, at=START + number))
    history.close()
    index = tmp_path / "alerts" / "index.json"
    text = index.read_text()
    index.unlink()
    if damage == "truncated":
        index.write_text(text[: len(text) // 2])
    elif damage == "lying":
        index.write_text(text.replace("TEST_FAILED", "SERVER_DOWN").replace("0001", "0999"))
    elif damage == "binary":
        index.write_bytes(bytes(range(256)))
    elif damage == "folder":
        index.mkdir()
    again = open_history(live=5)
    assert ids(again) == list(range(8, -1, -1))
    assert ids(again, AlertQuery(types=frozenset({AlertType.SERVER_DOWN}))) == []
    again.close()
    if damage != "folder":
        listed = json.loads(index.read_text())
        assert [int(entry["id"], 16) for entry in listed["alerts"]] == [8, 7, 6, 5, 4]


def test_opening_reads_only_the_files_that_changed(
    tmp_path: Path, open_history: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = open_history()
    for number in range(5):
        history.store(an_alert(number, at=START + number))
    history.close()
    changed = tmp_path / "alerts" / files(tmp_path)[0]
    changed.write_text(changed.read_text().replace("assert", "ASSERT"))
    read: list[str] = []
    real = alert_files.read

    def watched(path: Path) -> Alert:
        read.append(path.name)
        return real(path)

    monkeypatch.setattr(alert_files, "read", watched)
    open_history()
    assert read == [changed.name]


def test_damaged_files_go_to_quarantine_and_are_said_once_and_not_in_masses(
    tmp_path: Path, open_history: Open, said: list[str]
) -> None:
    history = open_history()
    history.store(an_alert(1))
    folder = tmp_path / "alerts"
    for number in range(12):
        (folder / f"alert_{number}_CRITICAL.json").write_text('{"schema": 1, "id"'[:number])
    assert history.refresh() == ()
    assert len(list((folder / "quarantine").iterdir())) == 12
    assert len(said) == 6
    assert said[-1].endswith("and 7 more")
    history.refresh()
    open_history()
    assert len(said) == 6
    assert ids(history) == [1]


def test_files_of_others_are_left_alone(
    tmp_path: Path, open_history: Open, said: list[str]
) -> None:
    folder = tmp_path / "alerts"
    open_history().store(an_alert(1))
    outside = tmp_path / "outside.json"
    shutil.copy(folder / files(tmp_path)[0], outside)
    (folder / "alert_5_CRITICAL.json").symlink_to(outside)
    (folder / "alert_6_CRITICAL.json").mkdir()
    (folder / "notes.txt").write_text("mine")
    (folder / "alert_x_CRITICAL.json").write_text("mine")
    before = sorted(path.name for path in folder.iterdir())
    history = open_history()
    assert ids(history) == [1]
    assert sorted(path.name for path in folder.iterdir() if path.name != "index.json") == [
        name for name in before if name != "index.json"
    ]
    assert len(said) == 2
    assert said[0].endswith("alert_5_CRITICAL.json: it is a link")
    assert said[1].endswith("alert_6_CRITICAL.json: it is a folder")


def test_a_newer_schema_is_left_alone_and_said(
    tmp_path: Path, open_history: Open, said: list[str]
) -> None:
    history = open_history()
    path = tmp_path / "alerts" / "alert_5_CRITICAL.json"
    path.write_text('{"schema": 2, "identity": "x"}')
    history.refresh()
    assert path.exists()
    assert ids(history) == []
    assert len(said) == 1
    assert "alert_5_CRITICAL.json: it has schema 2, and this version knows 1" in said[0]


def test_a_folder_that_vanishes_is_made_again(
    tmp_path: Path, open_history: Open, said: list[str]
) -> None:
    history = open_history()
    history.store(an_alert(1))
    shutil.rmtree(tmp_path / "alerts")
    assert history.store(an_alert(2)).exists()
    history.refresh()
    assert ids(history) == [2]
    assert any("had been removed" in sentence for sentence in said)


def test_another_process_adds_files_and_only_one_makes_order(
    tmp_path: Path, open_history: Open
) -> None:
    keeper = open_history(live=3)
    client = open_history(live=3, keep=False)
    second = open_history(live=3)
    for number in range(8):
        (client if number % 2 else second).store(an_alert(number, at=START + number))
    second.settle()
    client.close()
    assert len(files(tmp_path)) == 8
    assert {alert.id for alert in keeper.refresh()} == {an_alert(n).id for n in range(8)}
    keeper.settle()
    assert len(files(tmp_path)) == 3
    assert ids(keeper) == list(range(7, -1, -1))
    assert keeper.refresh() == ()
    # The others have not heard that files went to the archive, and find them there.
    assert ids(second) == [6, 4, 3, 2, 1, 0]
    assert client.get(an_alert(1).id) is not None
    client.refresh()
    assert ids(client) == list(range(7, -1, -1))


def test_a_disk_that_refuses_costs_nothing_and_is_said_once(
    open_history: Open, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    history = open_history()

    def refuse(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("omnitray.base.durable.os.fsync", refuse)
        for number in range(3):
            with pytest.raises(StorageError, match="full"):
                history.store(an_alert(number, at=START + number))
        assert history.retry() == 3
    assert len(said) == 1
    assert ids(history) == [2, 1, 0]
    assert history.get(an_alert(1).id) is not None
    assert history.path_of(an_alert(1).id) is None
    assert history.retry() == 0
    assert len(said) == 2
    assert ids(open_history()) == [2, 1, 0]


def test_killed_between_archive_and_removal_an_alert_is_there_once(
    open_history: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    history = open_history(live=3)
    for number in range(6):
        history.store(an_alert(number, at=START + number))

    def killed(_path: Path, *, missing_ok: bool = False) -> None:
        raise KeyboardInterrupt(missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", killed)
        with pytest.raises(KeyboardInterrupt):
            history.settle()
    assert len(files(tmp_path)) == 6
    again = open_history(live=3, keep=False)
    assert ids(again) == [5, 4, 3, 2, 1, 0]
    history.settle()
    assert len(files(tmp_path)) == 3
    assert ids(history) == [5, 4, 3, 2, 1, 0]


def test_of_two_files_with_one_id_the_later_version_counts(
    open_history: Open, said: list[str]
) -> None:
    history = open_history()
    path = history.store(an_alert(1))
    copy = path.with_name("alert_1_TEST_FAILED.json")
    shutil.copy(path, copy)
    history.store(an_alert(1, count=5, last_seen="2027-01-01T00:00:00.000Z"))
    history.refresh()
    (found,) = history.query(AlertQuery())
    assert found.count == 5
    assert copy.exists()
    assert "another file holds a later version" in said[0]

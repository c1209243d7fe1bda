"""An alert leaves the live folder only after it is in the archive."""

import errno
import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omnitray.alerts.model import State
from omnitray.alerts.storage import files
from omnitray.alerts.storage.history import History
from omnitray.alerts.storage.query import AlertQuery
from support.alerting import START, an_alert
from support.clock import FakeClock

MONTH = "alerts-2026-11.jsonl.gz"
PASSING = [errno.EMFILE, errno.ENFILE, errno.EIO, errno.EACCES, errno.ENOMEM, errno.ESTALE]


def history_in(folder: Path, said: list[str], live: int = 5) -> History:
    return History(folder / "alerts", FakeClock(), live, report=said.append)


def everything(folder: Path) -> set[int]:
    found = History(folder / "alerts", FakeClock(), report=lambda _: None, keep=False)
    return {int(alert.id, 16) for alert in found.query(AlertQuery())}


def filled(folder: Path, said: list[str], count: int = 20) -> tuple[History, list[Path]]:
    """A history with more files than may be live, none of them archived yet."""
    history = history_in(folder, said, live=count)
    paths = [history.store(an_alert(number, at=START + number)) for number in range(count)]
    history.close()
    return history_in(folder, said), paths


def unreadable(
    monkeypatch: pytest.MonkeyPatch, names: set[str], error: Exception
) -> Callable[[], None]:
    real = files.read

    def read(path: Path) -> object:
        if path.name in names:
            raise error
        return real(path)

    monkeypatch.setattr(files, "read", read)
    return monkeypatch.undo


@pytest.mark.parametrize("number", PASSING)
def test_what_cannot_be_read_now_stays_and_others_go_in_its_place(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    history, paths = filled(tmp_path, said)
    held = {path.name for path in paths[:4]}
    again = unreadable(monkeypatch, held, OSError(number, os.strerror(number)))
    history.settle()
    left = {path.name for path in (tmp_path / "alerts").glob("alert_*.json")}
    assert len(left) == 5
    assert held <= left
    again()
    assert everything(tmp_path) == set(range(20))
    assert [text for text in said if "cannot be read now" in text and os.strerror(number) in text]
    history.settle()
    for fresh in range(50, 55):
        history.store(an_alert(fresh, at=START + fresh))
    history.close()
    assert everything(tmp_path) == {*range(20), *range(50, 55)}
    assert not held & {path.name for path in (tmp_path / "alerts").glob("alert_*.json")}


def test_nothing_is_lost_where_nothing_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    history, paths = filled(tmp_path, said)
    again = unreadable(monkeypatch, {path.name for path in paths}, MemoryError())
    for _ in range(3):
        history.settle()
    assert all(path.exists() for path in paths)
    assert len([text for text in said if "cannot be read now" in text]) == 1
    again()
    history.close()
    assert everything(tmp_path) == set(range(20))
    assert len(list((tmp_path / "alerts").glob("alert_*.json"))) == 5


def test_a_damaged_one_goes_to_quarantine_and_the_others_to_the_archive(tmp_path: Path) -> None:
    said: list[str] = []
    history, paths = filled(tmp_path, said)
    paths[0].write_bytes(b'{"cut')
    paths[1].write_bytes(b"")
    history.close()
    assert sorted(path.name for path in (tmp_path / "alerts" / "quarantine").iterdir()) == [
        paths[0].name,
        paths[1].name,
    ]
    assert everything(tmp_path) == set(range(2, 20))


def test_a_record_of_a_newer_schema_blocks_nothing_and_stays(tmp_path: Path) -> None:
    said: list[str] = []
    history, paths = filled(tmp_path, said)
    newer = json.loads(paths[0].read_text()) | {"schema": 2, "state": "sleeping"}
    paths[0].write_text(json.dumps(newer))
    history.settle()
    history.store(an_alert(50, at=START + 50))
    history.close()
    assert json.loads(paths[0].read_text()) == newer
    assert everything(tmp_path) == {*range(1, 20), 50}
    assert len([text for text in said if "schema 2" in text]) == 1


def test_what_took_the_place_of_a_file_is_left_alone(tmp_path: Path) -> None:
    said: list[str] = []
    history, paths = filled(tmp_path, said)
    paths[0].unlink()
    os.mkfifo(paths[0])
    paths[1].unlink()
    history.close()
    assert paths[0].is_fifo()
    assert everything(tmp_path) == set(range(2, 20))
    assert [text for text in said if text.endswith("it is a FIFO")]


def test_a_file_that_cannot_be_removed_is_archived_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    history, paths = filled(tmp_path, said)
    with monkeypatch.context() as patch:

        def refuse(_path: Path, *, missing_ok: bool = False) -> None:
            raise PermissionError(errno.EACCES, f"refused {missing_ok}")

        patch.setattr(Path, "unlink", refuse)
        for _ in range(4):
            history.settle()
    assert all(path.exists() for path in paths)
    # Once each: those that should go, and the younger ones that were tried in their place.
    lines = gzip.decompress((tmp_path / "alerts" / "archive" / MONTH).read_bytes()).splitlines()
    assert len(lines) == len(set(lines)) <= 20
    history.close()
    assert everything(tmp_path) == set(range(20))
    assert len(list((tmp_path / "alerts").glob("alert_*.json"))) == 5


@pytest.mark.expect_log("cannot be read to its end")
def test_a_month_that_cannot_be_written_holds_up_no_other(tmp_path: Path) -> None:
    said: list[str] = []
    history = history_in(tmp_path, said, live=20)
    for number in range(10):
        history.store(an_alert(number, first_seen="2026-10-01T00:00:00.000Z"))
        history.store(an_alert(number + 10, at=START + number))
    history.close()
    (tmp_path / "alerts" / "archive").mkdir()
    os.mkfifo(tmp_path / "alerts" / "archive" / "alerts-2026-10.jsonl.gz")
    history = history_in(tmp_path, said)
    history.close()
    assert everything(tmp_path) == set(range(20))
    live = [files.read(path) for path in (tmp_path / "alerts").glob("alert_*.json")]
    assert {int(alert.id, 16) for alert in live} == set(range(10))
    assert [text for text in said if "it is a FIFO" in text]


def test_a_folder_that_cannot_be_looked_through_does_not_empty_the_view(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    history, _ = filled(tmp_path, said, count=5)

    def refuse(_folder: Path) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with monkeypatch.context() as patch:
        patch.setattr("os.scandir", refuse)
        assert history.refresh() == ()
        assert len(history.query(AlertQuery())) == 5
    history.refresh()
    assert said == [
        f"{tmp_path / 'alerts'} cannot be looked through: Too many open files",
        f"{tmp_path / 'alerts'} can be looked through again",
    ]
    history.close()


FAULTS = st.dictionaries(
    st.integers(0, 19), st.sampled_from([*PASSING, "damaged", "newer", "gone"]), max_size=20
)


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=30)
@given(faults=FAULTS)
def test_whatever_befalls_some_files_every_other_alert_is_kept(
    tmp_path_factory: pytest.TempPathFactory, faults: dict[int, int | str]
) -> None:
    folder = tmp_path_factory.mktemp("faults")
    history, paths = filled(folder, [])
    passing: dict[str, OSError] = {}
    for number, fault in faults.items():
        if isinstance(fault, int):
            passing[paths[number].name] = OSError(fault, os.strerror(fault))
        elif fault == "damaged":
            paths[number].write_bytes(b"{")
        elif fault == "newer":
            paths[number].write_bytes(b'{"schema": 2}')
        else:
            paths[number].unlink()
    real = files.read

    def read(path: Path) -> object:
        if path.name in passing:
            raise passing[path.name]
        return real(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "read", read)
        history.settle()
        history.settle()
    history.close()
    lost = {number for number, fault in faults.items() if isinstance(fault, str)}
    assert everything(folder) == set(range(20)) - lost


def test_what_is_open_stays_live_however_many_are_over_since(tmp_path: Path) -> None:
    history = History(tmp_path / "alerts", FakeClock(), live=10)
    for number in range(200):
        state: State = "firing" if number in (3, 50) else "resolved"
        history.store(an_alert(number, at=START + number, state=state))
    history.close()
    again = History(tmp_path / "alerts", FakeClock(), live=10)
    assert [int(alert.id, 16) for alert in again.open_alerts()] == [50, 3]
    assert len(list((tmp_path / "alerts").glob("alert_*.json"))) == 10
    assert len(again.query(AlertQuery())) == 200
    again.close()

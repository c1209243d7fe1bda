"""A disk that is really full: a file system of one megabyte in memory.

Where nothing may be mounted, writes are refused beyond a megabyte instead.
"""

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from omnitray.alerts.model import State
from omnitray.alerts.storage import history as module
from omnitray.alerts.storage.history import History
from omnitray.alerts.storage.query import AlertQuery
from omnitray.base.durable import StorageError, StorageFault
from omnitray.base.facts import Severity
from support.alerting import START, an_alert
from support.clock import FakeClock

SIZE_BYTES = 1 << 20


def mounted(place: Path) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_BYTES},mode=700", "tmpfs", str(place)]
    try:
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
    except OSError:
        return False


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    if mounted(place):
        yield place
        subprocess.run(["umount", str(place)], check=True)
        return
    real = os.write

    def write(handle: int, data: bytes) -> int:
        used = sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
        if used + len(data) > SIZE_BYTES:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(handle, data)

    monkeypatch.setattr("omnitray.base.durable.os.write", write)
    yield place


def test_a_full_disk_costs_no_alert_and_all_are_written_when_there_is_room(
    small_disk: Path,
) -> None:
    said: list[str] = []
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 700_000)
    history = History(small_disk / "alerts", FakeClock(), live=20, report=said.append)
    faults = []
    for number in range(150):
        alert = an_alert(number, at=START + number, message="m" * 8000)
        try:
            history.store(alert)
        except StorageError as error:
            faults.append(error.fault)
    assert set(faults) == {StorageFault.FULL}
    assert len([sentence for sentence in said if "kept in memory" in sentence]) == 1
    assert len(history.query(AlertQuery())) == 150
    assert not list((small_disk / "alerts").glob(".new-*"))

    ballast.unlink()
    assert history.retry() == 0
    history.close()
    again = History(small_disk / "alerts", FakeClock(), live=20, report=said.append)
    found = again.query(AlertQuery())
    assert [int(alert.id, 16) for alert in found] == list(range(149, -1, -1))
    again.close()


@pytest.mark.parametrize(("count", "letters"), [(30, 10), (1000, 1000)])
def test_what_a_full_disk_never_took_is_bounded_and_the_least_is_let_go(
    count: int, letters: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_UNSAVED", count)
    monkeypatch.setattr(module, "MOST_UNSAVED_BYTES", 30_000)
    monkeypatch.setattr(module, "BOUND_EVERY", 1)
    said: list[str] = []
    history = History(tmp_path / "alerts", FakeClock(), report=said.append)

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("omnitray.base.durable.os.write", full)
    for number in range(60):
        severity = Severity.CRITICAL if number in (3, 4) else Severity.INFO
        state: State = "firing" if number in (4, 5) else "resolved"
        alert = an_alert(
            number, at=START + number, message="m" * letters, severity=severity, state=state
        )
        with pytest.raises(StorageError):
            history.store(alert)
    kept = sorted(int(alert.id, 16) for alert in history.query(AlertQuery()))
    assert kept[:3] == [3, 4, 5]
    assert kept[3:] == list(range(60 - len(kept[3:]), 60))
    assert 10 <= len(kept) <= 30
    assert len([sentence for sentence in said if "let go" in sentence]) == 1

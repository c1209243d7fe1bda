"""``kill -9`` at any moment loses nothing that was reported as stored."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import support
from omnitray.alerts.storage.history import History
from omnitray.alerts.storage.query import AlertQuery
from support.clock import FakeClock

ROUNDS = 24
TESTS = Path(next(iter(support.__path__))).parent
CHANCE = random.Random(20261122)  # noqa: S311 - chance, not a secret


@contextmanager
def writer(folder: Path, first: int, live: int, batch: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "support.history_writer", str(folder)]
    process = subprocess.Popen(
        [*command, str(first), str(live), str(batch)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent}"},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()


def killed_after(folder: Path, first: int, live: int, batch: int) -> list[str]:
    """The ids that were reported as stored by a writer that was killed at some moment."""
    with writer(folder, first, live, batch) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        reported = []
        for _ in range(CHANCE.randrange(1, 12)):
            reported += process.stdout.readline().split()
        # Somewhere within what follows: a write, a sync, a rename, the archive, the index.
        signal.sigtimedwait([], CHANCE.random() * 0.01)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        rest = process.stdout.read()
        complete = rest[: rest.rfind("\n") + 1]
    return reported + complete.split()


@pytest.mark.skipif(not hasattr(signal, "sigtimedwait"), reason="kill -9 is for POSIX")
@pytest.mark.parametrize(("live", "batch"), [(500, 1), (5, 1), (5, 12)])
def test_killed_at_random_moments_nothing_that_was_stored_is_lost(
    tmp_path: Path, live: int, batch: int
) -> None:
    folder = tmp_path / "alerts"
    stored: list[str] = []
    said: list[str] = []
    for number in range(ROUNDS // 3):
        stored += killed_after(folder, 100_000 * (number + 1), live, batch)
        history = History(folder, FakeClock(), live, report=said.append)
        found = [alert.id for alert in history.query(AlertQuery())]
        assert len(set(found)) == len(found)
        assert set(stored) <= set(found)
        history.close()
        assert len(list(folder.glob("alert_*.json"))) <= live
        assert not list(folder.glob(".new-*"))
    assert said == []
    assert len(stored) > ROUNDS

"""``kill -9`` at a thousand moments of a history that archives all the time.

The moments are drawn with a seed: while alerts are written, archived, indexed and tidied. After
each the history is opened as the next start would, and compared with what was reported as stored.
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from omnitray.alerts.storage.history import History
from omnitray.alerts.storage.query import AlertQuery
from support.bench import Row, table
from support.clock import FakeClock
from support.ram import ram_folder
from support.side_by_side import tell

KILLS = 1000
KILLS_A_FOLDER = 25  # then a new one: opening reads a whole archive, which grows
LATEST_S = 0.02  # a batch takes 2 to 10 ms
KINDS = ((5, 12), (5, 1), (50, 40))  # live files, alerts written at once


def main() -> None:
    """Print the section."""
    chance = random.Random(20261127)  # noqa: S311 - moments, no secret
    stored = lost = twice = left = 0
    start = time.monotonic()
    for round_ in range(KILLS // KILLS_A_FOLDER):
        with ram_folder() as folder:
            kept: set[str] = set()
            for number in range(KILLS_A_FOLDER):
                kept |= _killed(folder / "alerts", number, KINDS[round_ % len(KINDS)], chance)
                found = _found(folder / "alerts")
                lost += len(kept - set(found))
                twice += len(found) - len(set(found))
                left += len(list((folder / "alerts").glob(".new-*")))
            stored += len(kept)
        tell(f"{(round_ + 1) * KILLS_A_FOLDER} kills, {stored:,} alerts, {lost} lost")
    print("## Killed at a thousand moments\n")
    print(
        f"`kill -9` at {KILLS:,} moments of a process that stores alerts as fast as it can, with 5 "
        "to 50 live files, so that nearly all of its time goes into archiving. After each kill the "
        f"history is opened as the next start does. It took {(time.monotonic() - start) / 60:.0f} "
        "minutes.\n"
    )
    print(
        table(
            [
                Row("alerts reported as stored", f"{stored:,}"),
                _none("of these lost", lost),
                _none("found twice", twice),
                _none("temporary files left after the next start", left),
            ]
        )
    )


def _none(what: str, count: int) -> Row:
    return Row(what, f"{count}", "0", count == 0)


def _killed(folder: Path, number: int, kind: tuple[int, int], chance: random.Random) -> set[str]:
    """What was reported before it was killed at some moment."""
    live, batch = kind
    first = 100_000 * (number + 1)
    words = [sys.executable, "-m", "support.history_writer", str(folder)]
    with subprocess.Popen(
        [*words, str(first), str(live), str(batch)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(chance.randrange(2, 12))]
        time.sleep(chance.random() * LATEST_S)
        os.kill(process.pid, signal.SIGKILL)
        rest = process.stdout.read()
    said += [rest[: rest.rfind("\n") + 1]]
    return set("".join(said[1:]).split())


def _found(folder: Path) -> list[str]:
    history = History(folder, FakeClock(), 50)
    found = [alert.id for alert in history.query(AlertQuery())]
    history.close()
    return found

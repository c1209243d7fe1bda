"""kill -9 at random moments: each alert that was certain arrives, in order, hardly twice."""

import logging
import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from support import webhook_writer
from support.receivers import Behaviour, StandIn, stand_in

log = logging.getLogger(__name__)
KILLS = int(os.environ.get("OMNITRAY_KILLS", "3"))  # 200 for the proof in docs/webhooks.md
MOST_S = 1.5  # after so long a writer is killed at the latest; it starts within half of it
TESTS = Path(webhook_writer.__file__).parents[1]


class Writer:
    """One life of the program; ``certain`` are the lines that it has said."""

    def __init__(self, folder: Path, url: str, first: int, count: int = 0) -> None:
        script = str(Path(webhook_writer.__file__))
        self.certain: list[str] = []
        self.idle = threading.Event()
        self.began = threading.Event()
        self.process = subprocess.Popen(
            [sys.executable, script, str(folder), url, str(first), str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(TESTS)},
        )
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.began.set()
            if line == "idle\n":
                self.idle.set()
            else:
                self.certain.append(line.strip())

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.end()

    def end(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is self.process.stdin and pipe is not None:
                pipe.close()
        self.process.wait(60)
        self.reader.join(60)
        assert self.process.stdout is not None
        self.process.stdout.close()


def arrivals(receiver: StandIn) -> list[tuple[str, str, int, str]]:
    """Kind, title, sequence, id of what was answered with success, in order of arrival."""
    found: list[tuple[str, str, int, str]] = []
    for each in receiver.taken:
        body: dict[str, Any] = each.json
        kind = body["type"].removeprefix("alert.")
        title = body["data"]["alert"]["title"]
        found.append((kind, title, body["data"]["sequence"], each.headers["webhook-id"]))
    return found


@pytest.mark.slow
def test_after_kills_at_random_moments_nothing_is_lost_and_the_order_holds(tmp_path: Path) -> None:
    chance = random.Random(7)  # noqa: S311 - moments, no secret
    certain: list[str] = []
    first = 0
    with stand_in() as receiver:
        for _ in range(KILLS):
            # Now and then it is out of order, too.
            receiver.script = [Behaviour(503)] if chance.random() < 0.2 else []
            writer = Writer(tmp_path, receiver.url, first)
            assert writer.began.wait(60)
            threading.Event().wait(chance.random() * MOST_S)
            writer.kill()
            certain += writer.certain
            first += 1000
        last = Writer(tmp_path, receiver.url, first, 1)
        assert last.idle.wait(120)
        last.end()
        certain += last.certain
        found = arrivals(receiver)
    told = {f"{kind} {title}" for kind, title, _, _ in found}
    assert [each for each in certain if each not in told] == []
    by_title: dict[str, list[int]] = {}
    for _, title, sequence, _ in found:
        by_title.setdefault(title, []).append(sequence)
    assert all(each == sorted(each) for each in by_title.values())
    repeats = sum(count - 1 for count in Counter(each[3] for each in found).values())
    assert repeats <= KILLS
    log.info(
        "kills %d, certain %d, arrived %d, repeats %d", KILLS, len(certain), len(found), repeats
    )

"""kill -9 at random moments of a program that sends to a receiver which is now and then away."""

import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from support import webhook_writer
from support.receivers import Behaviour, StandIn, stand_in

MOST_S = 1.5  # after so long a writer is killed at the latest; it starts within half of it
AWAY = 0.2  # of the lives begin with an answer of 503
TESTS = Path(webhook_writer.__file__).parents[1]


class Outcome(NamedTuple):
    """``certain`` are the events that were reported as durable, ``unordered`` incidents."""

    certain: int
    arrived: int
    missing: list[str]
    repeats: int
    unordered: list[str]

    def with_(self, other: "Outcome") -> "Outcome":
        """Both together."""
        return Outcome(
            self.certain + other.certain,
            self.arrived + other.arrived,
            [*self.missing, *other.missing],
            self.repeats + other.repeats,
            [*self.unordered, *other.unordered],
        )


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


def after_kills(folder: Path, kills: int, seed: int) -> Outcome:
    """Kill so many lives at random moments, let a last one deliver what is left, and compare."""
    chance = random.Random(seed)  # noqa: S311 - moments, no secret
    certain: list[str] = []
    first = 0
    with stand_in() as receiver:
        for _ in range(kills):
            receiver.script = [Behaviour(503)] if chance.random() < AWAY else []
            writer = Writer(folder, receiver.url, first)
            assert writer.began.wait(60)
            threading.Event().wait(chance.random() * MOST_S)
            writer.kill()
            certain += writer.certain
            first += 1000
        last = Writer(folder, receiver.url, first, 1)
        assert last.idle.wait(600)
        last.end()
        certain += last.certain
        found = arrivals(receiver)
    told = {f"{kind} {title}" for kind, title, _, _ in found}
    by_title: dict[str, list[int]] = {}
    for _, title, sequence, _ in found:
        by_title.setdefault(title, []).append(sequence)
    return Outcome(
        certain=len(certain),
        arrived=len(found),
        missing=[each for each in certain if each not in told],
        repeats=sum(count - 1 for count in Counter(each[3] for each in found).values()),
        unordered=[title for title, each in by_title.items() if each != sorted(each)],
    )

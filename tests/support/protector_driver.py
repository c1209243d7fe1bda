"""The protector's loop as a program of its own, with eyes for one job only.

``python protector_driver.py FLOOR_PERCENT FOLDER PARENT_PID [ends]``: guards memory down to so
many per cent available. Of all jobs that are scanned and weighed, only processes whose parent is
PARENT_PID are decided about; with ``ends`` they count as having a window, so that a pause is out
of the question. Prints ``ready`` and then one line for each thing done.
"""

import os
import select
import sys
import time
from pathlib import Path

import msgspec

from omnitray.base.clock import SystemClock
from omnitray.base.facts import GuardReading, Job, Mode, OwnFacts
from omnitray.base.policy import ModeLimits, ProtectPolicy
from omnitray.platforms import current
from omnitray.processes.inspector import Inspector
from omnitray.processes.jobs import JobTracker
from omnitray.processes.process_roles import Tie
from omnitray.protector.actuators.executor import ActionPerformer, Executor
from omnitray.protector.actuators.journal import ActionJournal
from omnitray.protector.guard import Guard
from omnitray.protector.model import Facts
from omnitray.protector.protector import ResourceProtector


class Loop:
    """Readings, decisions, deeds."""

    def __init__(self, floor_percent: float, folder: Path, parent: int, *, ends: bool) -> None:
        platform, clock = current(), SystemClock()
        system = platform.system()
        journal = folder / "actions.jsonl"
        watchdog = platform.watchdog(journal)
        self._actions = ActionPerformer(
            ActionJournal(journal), platform.actuators(system), system, clock, watchdog
        )
        self._executor = Executor(self._actions, clock)
        self._source, self._guard = platform.guard_source(), Guard()
        self._table = platform.process_table()
        details = platform.process_details()
        self._jobs = JobTracker(details, clock, Path.home())
        self._ties = platform.ties_of()
        self._inspector = Inspector(details, self._ties_of, platform.written_bytes)
        self._protector = ResourceProtector(f"bench{os.getpid()}")
        limits = ModeLimits(
            cpu_percent=100.0,
            memory_percent=100.0 - floor_percent - 3.0,
            hold_s=3.0,
            memory_floor_percent=floor_percent,
        )
        self._policy = ProtectPolicy(mode=Mode.DEV, dev=limits)
        own = frozenset({os.getpid()})
        self._own = OwnFacts(pids=own, ancestors=frozenset({parent, os.getppid()}), uid=os.getuid())
        self._parent, self._ends = parent, ends

    def turn(self) -> float:
        """One reading, and what follows from it; the delay until the next."""
        reading = self._source.read()
        assert reading is not None
        step = self._guard.observe(reading, self._policy, held=bool(self._executor.active()))
        jobs = self._scan() if step.wants_scan else ()
        facts = self._facts(reading, jobs)
        facts = msgspec.structs.replace(facts, memory_forecast=step.forecast)
        decided = self._protector.decide(facts, self._policy, reading.monotonic_s)
        done = self._executor.carry_out(decided)
        for each in done:
            print(f"{time.monotonic()} {each.lever} {each.outcome} {each.took_s}", flush=True)  # noqa: T201 - what the benchmark reads
        looked = self._executor.look(hurry=self._protector.hurries)
        return min(step.delay_s, looked.next_s or step.delay_s)

    def prepare(self) -> None:
        """What the program has behind it by then: a first scan, and everything imported."""
        self._inspector.look(self._scan(), time.monotonic())

    def _scan(self) -> tuple[Job, ...]:
        return self._jobs.update(self._table.scan())

    def _facts(self, reading: GuardReading, jobs: tuple[Job, ...]) -> Facts:
        look = self._inspector.look(jobs, reading.monotonic_s) if jobs else None
        return Facts(
            reading=reading,
            jobs=tuple(seen for job in jobs if (seen := self._seen(job)) is not None),
            details=look.details if look else {},
            ties=look.ties if look else {},
            own=self._own,
            active=self._executor.active(),
            ended=self._executor.take_ended(),
        )

    def _seen(self, job: Job) -> Job | None:
        ours = tuple(each for each in job.processes if each.ppid == self._parent)
        ours = tuple(each for each in ours if each.pid != os.getpid())
        return msgspec.structs.replace(job, processes=ours) if ours else None

    def _ties_of(self, pids: tuple[int, ...]) -> dict[int, frozenset[Tie]]:
        if self._ends:
            return dict.fromkeys(pids, frozenset({Tie.DISPLAY}))
        return self._ties(pids)


def main(arguments: list[str]) -> None:
    """Guard until the input ends."""
    floor, folder, parent = float(arguments[0]), Path(arguments[1]), int(arguments[2])
    loop = Loop(floor, folder, parent, ends="ends" in arguments)
    loop.prepare()
    print("ready", flush=True)  # noqa: T201 - likewise
    while not select.select([sys.stdin], [], [], 0)[0]:
        delay_s = loop.turn()
        select.select([sys.stdin], [], [], delay_s)


if __name__ == "__main__":
    main(sys.argv[1:])

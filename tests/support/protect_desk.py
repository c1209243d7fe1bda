"""A protector over faked processes: one job of two, a machine that has enough of everything."""

from collections.abc import Sequence
from pathlib import Path

from omnitray.base.facts import (
    GuardReading,
    Job,
    JobKind,
    MemoryFacts,
    OwnFacts,
    Probe,
    ProcessFacts,
    ProtectState,
)
from omnitray.base.policy import ProtectPolicy
from omnitray.processes.inspector import Inspector
from omnitray.protector.actuators.executor import Executor
from omnitray.protector.engine import Protecting
from omnitray.protector.guard import GuardSource
from omnitray.protector.model import Reply
from omnitray.protector.protector import ResourceProtector
from omnitray.protector.view import ActionFeedback, Answer
from omnitray.protector.view_builder import told_of
from support.clock import FakeClock
from support.deeds import Bench
from support.deeds import job as started
from support.processes import FakeProcesses

GB = 10**9


class CalmSource(GuardSource):
    """A guard source without a machine behind it."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.readable = True

    def read(self) -> GuardReading | None:
        if not self.readable:
            return None
        memory = MemoryFacts(total_bytes=32 * GB, available_bytes=20 * GB)
        return GuardReading(monotonic_s=self._clock.monotonic(), memory=memory, cpu_percent=9.0)

    def triggers(self) -> tuple[int, ...]:
        return ()

    def close(self) -> None:
        """Nothing is open."""


class QuickKeys:
    """A key press always takes 1 ms."""

    def measure(self) -> Probe:
        return Probe(now_ms=1.0, quiet_ms=1.0)


class ProtectDesk:
    """Everything that the protector stands on, and the person who speaks to it."""

    def __init__(self, folder: Path, state: ProtectState = ProtectState.ON) -> None:
        self.bench = Bench(folder)
        self.bench.system.privileged = True  # a nice value can be given back
        self.clock = self.bench.clock
        self.source = CalmSource(self.clock)
        self.processes = started(self.bench.system, count=2)
        self.details = FakeProcesses()
        for each in self.processes:
            program = each.identity.exe or ""
            self.details.start([program], pid=each.identity.pid, cwd="/home/me/shop")
        self.protecting = Protecting(
            source=self.source,
            scan=self.scan,
            jobs=self,
            inspector=Inspector(self.details, lambda _: {}, self.details.written_bytes),
            protector=ResourceProtector("run", home="/home/me"),
            executor=Executor(self.bench.actions, self.clock),
            probe=QuickKeys(),
            own=lambda: OwnFacts(uid=1000),
            cores=2,
            cpu_s=lambda: 0.0,
            policy=ProtectPolicy(state=state),
        )

    def scan(self) -> tuple[ProcessFacts, ...]:
        return tuple(
            ProcessFacts(
                pid=each.identity.pid,
                ppid=1,
                start_ticks=each.identity.start_ticks,
                name="hog",
                state="R",
                uid=1000,
                cpu_percent=95.0,
                rss_bytes=4 * GB,
            )
            for each in self.processes
            if each.alive
        )

    def update(self, processes: Sequence[ProcessFacts], /) -> tuple[Job, ...]:
        return (hog(tuple(processes)),) if processes else ()

    def with_pss(self, jobs: Sequence[Job], /) -> tuple[Job, ...]:
        return tuple(jobs)

    def press(self, answer: Answer) -> ActionFeedback:
        """The person presses a button, and reads what came of it."""
        known = frozenset(self.protecting.taken)
        reply = Reply(job_key="hogs", answer=answer)
        self.protecting.reply(reply)
        self.protecting.step()
        in_force = self.bench.actions.active()
        return told_of(self.protecting, in_force, known, reply, "hog · ~/shop")


def hog(processes: tuple[ProcessFacts, ...]) -> Job:
    """The one job."""
    return Job(
        key="hogs",
        name="hog",
        project="~/shop",
        kind=JobKind.COMMAND,
        leader_pid=processes[0].pid,
        processes=processes,
        cpu_percent=190.0,
        rss_bytes=8 * GB,
    )

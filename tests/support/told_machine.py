"""A sampler that reads what the test tells it, and a monitor on it."""

from collections.abc import Sequence

from omnitray.base.clock import Clock
from omnitray.base.facts import DiskFacts, Job, MemoryFacts, MonitorLevel, ProcessFacts, Snapshot
from omnitray.base.policy import MonitorPolicy
from omnitray.monitor.monitor import ProgressiveMonitor


class ToldMachine:
    """Both the sampler and the source of jobs."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.cpu: float | None = 10.0
        self.disk = 40.0
        self.other_disks: dict[str, float] = {}
        self.jobs: tuple[Job, ...] = ()

    def sample(self, level: MonitorLevel) -> Snapshot:
        disks = [
            DiskFacts(
                mount=mount, filesystem="ext4", total_bytes=100, free_bytes=50, used_percent=used
            )
            for mount, used in ({"/": self.disk} | self.other_disks).items()
        ]
        return Snapshot(
            taken_at=self.clock.wall(),
            monotonic_s=self.clock.monotonic(),
            level=level,
            cpu_percent=self.cpu,
            memory=MemoryFacts(total_bytes=100, available_bytes=60),
            disks=tuple(sorted(disks, key=lambda disk: -disk.used_percent)),
        )

    def reset(self) -> None:
        """Nothing is remembered."""

    def update(self, processes: Sequence[ProcessFacts], /) -> tuple[Job, ...]:
        assert not processes
        return self.jobs

    def with_pss(self, jobs: Sequence[Job], /) -> tuple[Job, ...]:
        return tuple(jobs)


def told_monitor(
    machine: ToldMachine, policy: MonitorPolicy, own_uid: int | None = None
) -> ProgressiveMonitor:
    """A monitor of that machine, without processes."""
    return ProgressiveMonitor(machine, tuple, machine, machine.clock, policy, own_uid=own_uid)

"""What happened since the last report: minimum, average and maximum, and the top jobs."""

import msgspec

from omnitray.base.facts import Culprit, Job, MonitorLevel, Snapshot


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """Least, average and most of a figure; None where nothing could be read."""

    least: float | None = None
    average: float | None = None
    most: float | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A span of the machine's life, in the words of a snapshot."""

    since: float
    until: float
    level: MonitorLevel
    samples: int
    cpu_percent: Spread
    memory_percent: Spread
    disk_percent: Spread
    top_jobs: tuple[Culprit, ...]


class ReportKeeper:
    """Collects snapshots between two reports in constant space."""

    def __init__(self) -> None:
        self._start()

    def add(self, shot: Snapshot) -> None:
        """Take a snapshot in."""
        if self._samples == 0:
            self._since = shot.taken_at
        self._samples += 1
        self._until = shot.taken_at
        for tally, value in zip(
            self._tallies, (shot.cpu_percent, shot.memory_percent, shot.disk_percent), strict=True
        ):
            tally.add(value)

    def take(self, level: MonitorLevel, jobs: tuple[Job, ...]) -> Report:
        """The report since the last one; the collection starts anew."""
        cpu, memory, disk = (tally.spread() for tally in self._tallies)
        report = Report(
            since=self._since,
            until=self._until,
            level=level,
            samples=self._samples,
            cpu_percent=cpu,
            memory_percent=memory,
            disk_percent=disk,
            top_jobs=culprits(jobs),
        )
        self._start()
        return report

    def _start(self) -> None:
        self._samples = 0
        self._since = self._until = 0.0
        self._tallies = (_Tally(), _Tally(), _Tally())


class _Tally:
    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self.least = float("inf")
        self.most = float("-inf")

    def add(self, value: float | None) -> None:
        if value is None:
            return
        self.count += 1
        self.total += value
        self.least = min(self.least, value)
        self.most = max(self.most, value)

    def spread(self) -> Spread:
        if not self.count:
            return Spread()
        return Spread(least=self.least, average=self.total / self.count, most=self.most)


def culprits(jobs: tuple[Job, ...], most: int = 3) -> tuple[Culprit, ...]:
    """The first jobs, as an alert names them."""
    return tuple(
        Culprit(job=job.title, cpu=job.cpu_percent, rss_bytes=job.rss_bytes, pid=job.leader_pid)
        for job in jobs[:most]
    )

"""How much CPU and memory each job took while the window was there. No widgets."""

from collections.abc import Iterable

from omnitray.base.facts import Job
from omnitray.ui.charts.series import TimeAxis, Track

_KEPT_S = 600.0
_EXPECTED_S = 5.0  # a scan at the normal level; closer ones draw no gap either
_CLOSEST_S = 0.9  # two scans a second draw no other line than one


class JobTracks:
    """Two tracks a job, on an axis of their own: scans come when they come."""

    def __init__(self) -> None:
        self.axis = TimeAxis()
        self._tracks: dict[str, tuple[Track, Track]] = {}
        self._seen_s: dict[str, float] = {}
        self._added_s = float("-inf")

    def add(self, jobs: Iterable[Job], monotonic_s: float, wall_s: float) -> None:
        """Take up a scan; a job that was not seen for long is forgotten."""
        at_s = self.axis.place(monotonic_s, wall_s)
        if at_s - self._added_s < _CLOSEST_S:
            return
        self._added_s = at_s
        for job in jobs:
            cpu, memory = self.of(job.key)
            cpu.add(at_s, job.cpu_percent, _EXPECTED_S)
            memory.add(at_s, float(job.rss_bytes), _EXPECTED_S)
            self._seen_s[job.key] = at_s
        for key in [key for key, seen_s in self._seen_s.items() if at_s - seen_s > _KEPT_S]:
            del self._seen_s[key]
            self._tracks.pop(key, None)

    def of(self, key: str) -> tuple[Track, Track]:
        """CPU and memory of a job."""
        if key not in self._tracks:
            self._tracks[key] = Track(_KEPT_S), Track(_KEPT_S)
        return self._tracks[key]

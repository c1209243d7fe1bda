"""What a step of the monitor means for a person: resource incidents with their culprits.

The title names who took most over the whole incident; one that comes back within a minute is the
same record (see ``incidents``), and goes on weighing where it stopped.

An incident starts with a transition upwards, is told again when it becomes critical, is brought
up to date once a minute, and ends when the threshold has been clear.

Quiet by default: a busy CPU alone is no reason to interrupt anybody, somebody must be waiting for
it. Waiting shows in the pressure information (``some avg10``, share of time in which a runnable
task had no CPU); a build with one job a core stays far below the line in ``base.conditions``.
Twice as many tasks as cores reach 90 % and more: where they are of one build, it waits for itself,
and that is no reason either (of other jobs it is not known whether they are meant to fill the
machine).
Where the kernel has no pressure information a critical CPU is told. Memory and disk at their
critical threshold always are.
"""

from collections.abc import Mapping

import msgspec

from omnitray.base.conditions import cpu_contention, waits_for_itself
from omnitray.base.facts import Culprit, Job, Mode, Resource, Severity, Snapshot
from omnitray.monitor.monitor import MonitorStep
from omnitray.monitor.thresholds import AlarmLevel, Transition, Watched, is_gone, values

_MOST_KEPT = 50


class _Share(msgspec.Struct):
    weight: float
    seen: Culprit


class CulpritTally:
    """Adds up what each job took of one resource while it was short."""

    def __init__(self, resource: Resource) -> None:
        self._resource = resource
        self._shares: dict[str, _Share] = {}

    def add(self, jobs: tuple[Job, ...]) -> None:
        """Weigh the jobs of one scan."""
        for job in jobs:
            weight = self._weight(job)
            if weight <= 0:
                continue
            seen = Culprit(
                job=job.title, cpu=job.cpu_percent, rss_bytes=job.rss_bytes, pid=job.leader_pid
            )
            known = self._shares.get(job.key)
            if known is None:
                self._shares[job.key] = _Share(weight, seen)
            else:
                known.weight += weight
                known.seen = _worse(known.seen, seen)
        if len(self._shares) > _MOST_KEPT:
            self._shares = dict(self._ranked()[:_MOST_KEPT])

    def top(self, most: int = 3) -> tuple[Culprit, ...]:
        """The jobs that took most of it, each at its worst."""
        return tuple(share.seen for _, share in self._ranked()[:most])

    def _ranked(self) -> list[tuple[str, _Share]]:
        return sorted(self._shares.items(), key=lambda item: item[1].weight, reverse=True)

    def _weight(self, job: Job) -> float:
        if self._resource is Resource.CPU:
            return job.cpu_percent or 0.0
        return float(job.rss_bytes) if self._resource is Resource.MEMORY else 0.0


def _worse(one: Culprit, other: Culprit) -> Culprit:
    cpus = [cpu for cpu in (one.cpu, other.cpu) if cpu is not None]
    return msgspec.structs.replace(
        other, cpu=max(cpus, default=None), rss_bytes=max(one.rss_bytes, other.rss_bytes)
    )


_PRESSURE_SPAN_S = 10.0  # what ``avg10`` looks back on
_REFRESH_S = 60.0
_BACK_S = 60.0  # as the repeat floor: what comes back sooner is the same record
_GB = 1e9


class ResourceAlert(msgspec.Struct, frozen=True, kw_only=True):
    """An incident to raise (again).

    ``others_wait`` in the context says whether it makes people wait; without that it is kept in
    the history, and no notification is shown.
    """

    watched: Watched
    severity: Severity
    title: str
    message: str
    context: dict[str, object]


class ResourceCleared(msgspec.Struct, frozen=True, kw_only=True):
    """The incident of this resource, or of this disk, is over."""

    watched: Watched


class _ResourceIncident(msgspec.Struct):
    tally: CulpritTally
    severity: Severity
    threshold: float
    told_s: float
    user_impact: bool = False
    waited_for_itself_s: float = float("-inf")


class ResourceAlerts:
    """Follows the incidents of CPU, memory and each disk.

    ``left_open`` are those whose alert was still open when the program ended last, each with the
    value (per cent) under which it counts as over.
    """

    def __init__(self, left_open: Mapping[Watched, float] | None = None) -> None:
        self._incidents: dict[Watched, _ResourceIncident] = {}
        self._lately: dict[Watched, tuple[CulpritTally, float]] = {}  # until when it may come back
        self._left_open = dict(left_open or {})

    def take(self, step: MonitorStep, mode: Mode) -> list[ResourceAlert | ResourceCleared]:
        """What this step asks to be raised and resolved."""
        moved = {item.watched: item for item in step.transitions}
        found: list[ResourceAlert | ResourceCleared] = []
        for watched in dict.fromkeys((*moved, *self._incidents, *self._left_open)):
            news = self._follow(watched, moved.get(watched), step, mode)
            if news is not None:
                found.append(news)
        return found

    def _follow(
        self, watched: Watched, moved: Transition | None, step: MonitorStep, mode: Mode
    ) -> ResourceAlert | ResourceCleared | None:
        if moved is not None and moved.after is AlarmLevel.CLEAR:
            self._end(watched, step.snapshot)
            return ResourceCleared(watched=watched)
        incident = self._incidents.get(watched)
        if incident is None and moved is None:
            return self._settle_left_open(watched, step.snapshot)
        self._left_open.pop(watched, None)
        if incident is None:
            tally = self._tally(watched, step.snapshot)
            incident = _ResourceIncident(tally, Severity.WARNING, 0.0, 0.0)
            self._incidents[watched] = incident
        incident.tally.add(step.jobs)
        if not self._worth_telling(incident, watched.resource, moved, step):
            return None
        incident.told_s = step.snapshot.monotonic_s
        return _alert(watched, incident, step, mode)

    def _end(self, watched: Watched, shot: Snapshot) -> None:
        ended = self._incidents.pop(watched, None)
        if ended is not None:
            self._lately[watched] = (ended.tally, shot.monotonic_s + _BACK_S)

    def _tally(self, watched: Watched, shot: Snapshot) -> CulpritTally:
        new = CulpritTally(watched.resource)
        tally, until_s = self._lately.pop(watched, (new, shot.monotonic_s))
        return tally if shot.monotonic_s <= until_s else new

    def _settle_left_open(self, watched: Watched, shot: Snapshot) -> ResourceCleared | None:
        edge, value = self._left_open.get(watched), _value(watched, shot)
        is_over = value is not None and edge is not None and value < edge
        if not (is_over or is_gone(watched, shot)):
            return None
        self._left_open.pop(watched, None)
        return ResourceCleared(watched=watched)

    def _worth_telling(
        self,
        incident: _ResourceIncident,
        resource: Resource,
        moved: Transition | None,
        step: MonitorStep,
    ) -> bool:
        if moved is not None:
            incident.severity = (
                Severity.CRITICAL if moved.after is AlarmLevel.CRITICAL else Severity.WARNING
            )
            incident.threshold = moved.threshold
        shot = step.snapshot
        if waits_for_itself(step.jobs, len(shot.cpu_per_core_percent)):
            incident.waited_for_itself_s = shot.monotonic_s
        own = shot.monotonic_s - incident.waited_for_itself_s < _PRESSURE_SPAN_S
        is_new = not incident.user_impact and user_impact(resource, shot, own=own)
        incident.user_impact = incident.user_impact or is_new
        rose = moved is not None and moved.after > moved.before
        return rose or is_new or shot.monotonic_s - incident.told_s >= _REFRESH_S


def user_impact(resource: Resource, shot: Snapshot, *, own: bool) -> bool:
    """Whether a shortage of this resource makes people wait; ``own``: a job waited for itself.

    Where the kernel does not tell who waits for a processor, it counts as if somebody did.
    """
    return resource is not Resource.CPU or cpu_contention(shot.pressure, own=own) is not False


def _alert(
    watched: Watched, incident: _ResourceIncident, step: MonitorStep, mode: Mode
) -> ResourceAlert:
    shot, resource = step.snapshot, watched.resource
    culprits = incident.tally.top()
    name = culprits[0].job if culprits else watched.mount
    label = {"cpu": "CPU", "memory": "Memory", "disk": "Disk"}[resource.value]
    value = _value(watched, shot)
    figure = "" if value is None else f" {value:.0f} %"
    context: dict[str, object] = {
        "resource": resource.value,
        "cpu": _rounded(shot.cpu_percent),
        "memory": _rounded(shot.memory_percent),
        "disk": _rounded(value if watched.mount else shot.disk_percent),
        **({"mount": watched.mount} if watched.mount else {}),
        "level": step.level_changes[-1].after.value if step.level_changes else shot.level.value,
        "mode": mode.value,
        "threshold": incident.threshold,
        "others_wait": incident.user_impact,
        "culprits": [msgspec.to_builtins(each) for each in culprits],
    }
    return ResourceAlert(
        watched=watched,
        severity=incident.severity,
        title=f"{label}{figure}: {name}" if name else f"{label}{figure}",
        message=_message(watched, incident, step),
        context=context,
    )


def _message(watched: Watched, incident: _ResourceIncident, step: MonitorStep) -> str:
    shot, resource = step.snapshot, watched.resource
    over = f"at or over {incident.threshold:.0f} %"
    if resource is Resource.CPU:
        return f"The CPU has been {over}.{_waiting(shot)}"
    if resource is Resource.MEMORY and shot.memory is not None:
        memory = shot.memory
        return (
            f"Memory in use has been {over}: {memory.available_bytes / _GB:.1f} of "
            f"{memory.total_bytes / _GB:.1f} GB are available.{_growth(step)}"
        )
    for disk in shot.disks:
        if disk.mount == watched.mount:
            return f"{disk.mount} has been {over}: {disk.free_bytes / _GB:.1f} GB are free."
    return f"It has been {over}."


def _waiting(shot: Snapshot) -> str:
    if shot.pressure is None or shot.pressure.cpu is None:
        return ""
    return f" Tasks waited for it in {shot.pressure.cpu.some_avg10:.0f} % of the last 10 s."


def _growth(step: MonitorStep) -> str:
    growing = [job for job in step.jobs if (job.growth_bps or 0) > 10e6]  # noqa: PLR2004 - 10 MB/s
    if not growing:
        return ""
    fastest = max(growing, key=lambda job: job.growth_bps or 0)
    return f" {fastest.title} grows by {(fastest.growth_bps or 0) / 1e6:.0f} MB/s."


def _value(watched: Watched, shot: Snapshot) -> float | None:
    return values(shot).get(watched)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)

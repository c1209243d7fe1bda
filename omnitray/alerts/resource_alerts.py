"""What a step of the monitor means for a person: resource incidents with their culprits.

The title names the job that takes a good part of it now (see :func:`explained`), or none where none
does; another one as soon as that has been so for some seconds.

An incident starts with a transition upwards, is notified again when it becomes critical or when
another job takes it, is brought up to date once a minute while the value is over the threshold,
and ends when that has been clear.

Quiet by default: a busy CPU alone is no reason to interrupt a person, others must be waiting for
it. Whether they do is ``conditions.ContentionJudge``, which the protector asks too; what it
measures for that (``Probe``) comes in with each step. Where nothing can tell, a critical CPU is
notified. Memory and disk at their critical threshold always are.

A culprit takes a good part of what is in use now: that something is the largest of many small ones
explains nothing. What OmniTray and its helpers take is taken off the job that they count to. Memory
is counted with shared pages divided among those that share them, where that was measured.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from omnitray.alerts.model import NAMED, resource_title
from omnitray.base.amounts import percent, rate, size
from omnitray.base.conditions import ContentionJudge
from omnitray.base.facts import (
    Culprit,
    Job,
    Mode,
    Probe,
    ProcessFacts,
    Resource,
    Severity,
    Snapshot,
)
from omnitray.monitor.monitor import MonitorStep
from omnitray.monitor.thresholds import AlarmLevel, Transition, Watched, is_gone, values

# A quarter names a job in the headline: four such would be all of it. A tenth, beside a largest
# that is not four times as large, is listed; the protector counts causes by the same two.
HEADLINE_SHARE, LISTED_SHARE, BESIDE_LARGEST = 0.25, 0.1, 0.25
# Processors may be taken by what is outside, or has ended a moment ago: beside that a job heads by
# the protector's line for what is light. Memory that no job is seen to hold is in many small ones.
_HEADS_BESIDE_UNSEEN = 0.5
_WORTH_GROWTH_BPS = 10e6  # slower growth fills no memory while somebody watches
_HORIZON_S = 30.0  # what grows counts as if it had grown so long already, as for the protector
_MOST = 3  # as many as a notification names


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """One culprit; ``key`` is its job's, ``heads``: it takes enough to stand in the headline."""

    key: str
    culprit: Culprit
    share: float
    heads: bool


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    """What a job takes without ours; ``weight`` orders."""

    job: Job
    taken: float
    weight: float
    growth_bps: float = 0.0


def explained(
    resource: Resource, jobs: Sequence[Job], shot: Snapshot, own_pid: int = 0
) -> tuple[Explained, ...]:
    """The jobs that explain a good part of it now; empty where none does, and for disks."""
    unseen, seen = 0.0, sum(job.cpu_percent or 0.0 for job in jobs)
    jobs = [job for job in jobs if not job.is_own_command]
    if resource is Resource.CPU and shot.cpu_percent:
        cores = max(1, len(shot.cpu_per_core_percent))
        in_use = shot.cpu_percent * cores
        unseen = max(0.0, in_use - seen)
        parts = [_of_cpu(job, own_pid) for job in jobs]
    elif resource is Resource.MEMORY and shot.memory is not None:
        in_use = float(shot.memory.used_bytes)
        parts = [_of_memory(job, own_pid, in_use) for job in jobs]
    else:
        return ()
    parts = sorted((part for part in parts if part.taken > 0), key=lambda each: -each.weight)
    return tuple(_listed(resource, parts, in_use, unseen))[:_MOST]


def _listed(
    resource: Resource, parts: list[_Part], in_use: float, unseen: float
) -> Iterable[Explained]:
    largest = max((part.taken for part in parts), default=0.0)
    grows = sum(part.growth_bps for part in parts)
    for part in parts:
        share = min(1.0, part.taken / max(1.0, in_use))
        leads_growth = part.growth_bps >= max(_WORTH_GROWTH_BPS, grows / 2)
        beside = leads_growth or part.taken >= BESIDE_LARGEST * largest
        if share < LISTED_SHARE or not beside:
            continue
        yield Explained(
            key=part.job.key,
            culprit=Culprit(
                job=part.job.title,
                cpu=part.job.cpu_percent,
                rss_bytes=part.job.rss_bytes,
                pid=part.job.leader_pid,
                share=round(share, 2),
                figure=_figure(resource, part, share),
            ),
            share=share,
            heads=leads_growth
            or (share >= HEADLINE_SHARE and part.taken >= _HEADS_BESIDE_UNSEEN * unseen),
        )


def _figure(resource: Resource, part: _Part, share: float) -> str:
    """``480 % of one core, 62 % of what is in use``; each figure says of what it is."""
    of_all = f"{percent(100 * share)} of what is in use"
    if resource is Resource.CPU:
        return f"{percent(part.taken)} of one core, {of_all}"
    grows = f", grows by {rate(part.growth_bps)}" if part.growth_bps >= _WORTH_GROWTH_BPS else ""
    return f"{size(int(part.taken))}, {of_all}{grows}"


def _of_cpu(job: Job, own_pid: int) -> _Part:
    ours = sum(each.cpu_percent or 0.0 for each in _ours(job, own_pid))
    taken = max(0.0, (job.cpu_percent or 0.0) - ours)
    return _Part(job=job, taken=taken, weight=taken)


def _of_memory(job: Job, own_pid: int, in_use: float) -> _Part:
    ours = sum(each.rss_bytes for each in _ours(job, own_pid))
    ratio = min(1.0, job.pss_bytes / job.rss_bytes) if job.pss_bytes and job.rss_bytes else 1.0
    # Without a measure shared pages count once a process: no job holds more than all there is.
    taken = min(in_use, max(0.0, job.rss_bytes - ours) * ratio)
    growth = 0.0 if ours else max(0.0, job.growth_bps or 0.0)
    return _Part(job=job, taken=taken, weight=taken + growth * _HORIZON_S, growth_bps=growth)


def _ours(job: Job, own_pid: int) -> list[ProcessFacts]:
    """Our process and all below it that count to this job: cleaning runs tools."""
    if not any(each.pid == own_pid for each in job.processes):
        return []
    ours, grew = {own_pid}, True
    while grew:
        more = {each.pid for each in job.processes if each.ppid in ours} - ours
        ours, grew = ours | more, bool(more)
    return [each for each in job.processes if each.pid in ours]


_REFRESH_S = 60.0  # as ``repeat_floor_s``: a record changes no more often than it is notified
_TAKES_OVER_S = 5.0  # as a threshold holds: a headline that flips at each look tells nothing
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
    severity: Severity
    threshold: float
    told_s: float
    user_impact: bool = False
    named: str | None = None  # the key of the job in the headline
    other_since_s: float | None = None  # since when somebody else should stand there


class ResourceAlerts:
    """Follows the incidents of CPU, memory and each disk.

    ``left_open`` are those whose alert was still open when the program ended last, each with the
    value (per cent) under which it counts as over. ``own_pid`` is ours: what we take ourselves
    explains nothing.
    """

    def __init__(self, left_open: Mapping[Watched, float] | None = None, own_pid: int = 0) -> None:
        self._incidents: dict[Watched, _ResourceIncident] = {}
        self._own_pid = own_pid
        self._contention = ContentionJudge()
        self.others_wait: bool | None = None  # for a processor, at the newest step
        self._left_open = dict(left_open or {})

    def take(
        self, step: MonitorStep, mode: Mode, probe: Probe | None = None
    ) -> list[ResourceAlert | ResourceCleared]:
        """What this step asks to be raised and resolved; ``probe`` is the protector's newest."""
        shot = step.snapshot
        self._contention.observe(step.jobs, len(shot.cpu_per_core_percent), shot.monotonic_s)
        self.others_wait = self._contention.verdict(shot.monotonic_s, shot.pressure, probe)
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
            self._incidents.pop(watched, None)
            return ResourceCleared(watched=watched)
        incident = self._incidents.get(watched)
        if incident is None and moved is None:
            return self._settle_left_open(watched, step.snapshot)
        value = values(step.snapshot).get(watched)
        if moved is None and value is None:
            return None  # an alert carries its figure: the next reading has it
        self._left_open.pop(watched, None)
        if incident is None:
            incident = _ResourceIncident(Severity.WARNING, 0.0, 0.0)
            self._incidents[watched] = incident
        is_worth_telling = self._worth_telling(incident, watched.resource, moved, step)
        rises = moved is not None and moved.after > moved.before
        if not rises and value is not None and value < incident.threshold:
            return None  # it only has to stay clear for a while: who takes the rest is no culprit
        found = explained(watched.resource, step.jobs, step.snapshot, self._own_pid)
        is_other = _takes_over(incident, found, step.snapshot.monotonic_s)
        if not is_worth_telling and not is_other:
            return None
        incident.told_s = step.snapshot.monotonic_s
        incident.named, incident.other_since_s = _named(found), None
        return _alert(watched, incident, step, mode, found)

    def _settle_left_open(self, watched: Watched, shot: Snapshot) -> ResourceCleared | None:
        edge, value = self._left_open.get(watched), values(shot).get(watched)
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
        # Who waits for memory or a disk needs no measure; of processors what is not known is told.
        impact = resource is not Resource.CPU or self.others_wait is not False
        is_new = not incident.user_impact and impact
        incident.user_impact = incident.user_impact or is_new
        rose = moved is not None and moved.after > moved.before
        return rose or is_new or shot.monotonic_s - incident.told_s >= _REFRESH_S


def _named(found: tuple[Explained, ...]) -> str | None:
    """The job of the headline; none where no job takes enough."""
    return found[0].key if found and found[0].heads else None


def _takes_over(incident: _ResourceIncident, found: tuple[Explained, ...], now_s: float) -> bool:
    """Whether the headline names a job that has not led for some seconds."""
    if _named(found) == incident.named:
        incident.other_since_s = None
        return False
    if incident.other_since_s is None:
        incident.other_since_s = now_s
    return now_s - incident.other_since_s >= _TAKES_OVER_S


def _alert(
    watched: Watched,
    incident: _ResourceIncident,
    step: MonitorStep,
    mode: Mode,
    found: tuple[Explained, ...],
) -> ResourceAlert:
    shot, resource = step.snapshot, watched.resource
    name = found[0].culprit.job if _named(found) else watched.mount
    value = values(shot).get(watched)
    moved = (each.value for each in step.transitions if each.watched == watched)
    value = next(moved, 0.0) if value is None else value
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
        NAMED: name,
        "culprits": [msgspec.to_builtins(each.culprit) for each in found],
    }
    return ResourceAlert(
        watched=watched,
        severity=incident.severity,
        title=resource_title(watched, value, name),
        message=_message(watched, incident, step, found),
        context=context,
    )


def _message(
    watched: Watched,
    incident: _ResourceIncident,
    step: MonitorStep,
    found: tuple[Explained, ...],
) -> str:
    shot, resource = step.snapshot, watched.resource
    over = f"at or over {incident.threshold:.0f} %"
    if resource is Resource.CPU:
        return f"The CPU has been {over}.{_waiting(shot)}{_unexplained(found)}"
    if resource is Resource.MEMORY and shot.memory is not None:
        memory = shot.memory
        return (
            f"Memory in use has been {over}: {memory.available_bytes / _GB:.1f} of "
            f"{memory.total_bytes / _GB:.1f} GB are available.{_unexplained(found)}"
        )
    for disk in shot.disks:
        if disk.mount == watched.mount:
            return f"{disk.mount} has been {over}: {disk.free_bytes / _GB:.1f} GB are free."
    return f"It has been {over}."


def _unexplained(found: tuple[Explained, ...]) -> str:
    return "" if found else " No job that can be seen takes a good part of it."


def _waiting(shot: Snapshot) -> str:
    if shot.pressure is None or shot.pressure.cpu is None:
        return ""
    return f" Tasks waited for it in {shot.pressure.cpu.some_avg10:.0f} % of the last 10 s."


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)

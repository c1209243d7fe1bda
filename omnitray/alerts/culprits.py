"""Who explains a shortage at this moment, with figures that say what they are; nobody by default.

    jobs and snapshot of one look, our own pid  →  culprits, the first to be named first

A culprit takes a good part of what is in use now: that something is the largest of many small ones
explains nothing. What OmniTray and its helpers take is taken off the job that they count to. Memory
is counted with shared pages divided among those that share them, where that was measured.
"""

from collections.abc import Iterable, Sequence

import msgspec

from omnitray.base.amounts import percent, rate, size
from omnitray.base.facts import Culprit, Job, ProcessFacts, Resource, Snapshot

# A quarter names a job in the headline: four such would be all of it. A tenth, beside a largest
# that is not four times as large, is listed; the protector counts causes by the same two.
HEADLINE_SHARE, LISTED_SHARE, BESIDE_LARGEST = 0.25, 0.1, 0.25
_WORTH_GROWTH_BPS = 10e6  # slower growth fills no memory while somebody watches
_HORIZON_S = 30.0  # what grows counts as if it had grown so long already, as for the protector
_MOST = 3


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
    if resource is Resource.CPU and shot.cpu_percent:
        cores = max(1, len(shot.cpu_per_core_percent))
        in_use = shot.cpu_percent * cores
        parts = [_of_cpu(job, own_pid) for job in jobs]
    elif resource is Resource.MEMORY and shot.memory is not None:
        in_use = float(shot.memory.used_bytes)
        parts = [_of_memory(job, own_pid, in_use) for job in jobs]
    else:
        return ()
    parts = sorted((part for part in parts if part.taken > 0), key=lambda each: -each.weight)
    return tuple(_listed(resource, parts, in_use))[:_MOST]


def _listed(resource: Resource, parts: list[_Part], in_use: float) -> Iterable[Explained]:
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
            heads=share >= HEADLINE_SHARE or leads_growth,
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

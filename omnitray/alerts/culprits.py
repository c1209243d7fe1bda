"""Which jobs made an incident: weighed over its whole life, not at the moment it is told."""

import msgspec

from omnitray.base.facts import Culprit, Job, Resource

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

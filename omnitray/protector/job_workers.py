"""Which processes of a job are acted on: as few as serve the purpose.

Those that grow for a pause, the largest leaf for an end; never the parent of a run, as long as
the run is in its workers. A crowd without a head, a fork bomb, is taken with its parents.
"""

from omnitray.base.facts import Job, JobKind, ProcessFacts, Resource
from omnitray.protector.context import Scene
from omnitray.protector.exclusions.rules import detail_of
from omnitray.protector.identity import Identity, Rung
from omnitray.protector.protect_reasons import SparedReason
from omnitray.protector.worker import Worker

_HELPER_RATIO = 4.0  # a parent so much larger than all below it is the worker itself
_COVERED = 0.8  # of a job's growth is paused
_ENOUGH_SHARE = 0.03  # of all memory is what an end should bring back
_MOST_ENDED = 8
_COUNTS_SHARE, _COUNTS_BYTES = 0.01, 64 << 20  # of all memory; less is not worth a further end
_COUNTS_BESIDE = 0.5  # of the first
_SWARM = 100  # processes without one that stands out: a fork bomb, whose parents must go too
_SWARM_SHARE = 0.1
WORTH_GROWTH_BPS = 1 << 20
_RUNS = {JobKind.TEST_RUN, JobKind.BUILD, JobKind.AGENT}


def workers_for(scene: Scene, job: Job, resource: Resource, rung: Rung) -> tuple[Worker, ...]:
    """The processes of a job that this rung would act on; empty when all are spared."""
    free = [each for each in workers(scene, job, rung) if each.spared is None]
    if rung is Rung.SLOW_DOWN or not free:
        return tuple(free)
    if rung is Rung.PAUSE:
        return _to_pause(scene, free, resource)
    return tuple(free) if is_swarm(scene, job) else _to_end(scene, free)


def workers(scene: Scene, job: Job, rung: Rung) -> list[Worker]:
    """Every process of a job with its verdict for this rung, the first to be acted on first."""
    known = scene.weighed.get((job.key, rung))
    if known is None:
        weighed = (_worker(scene, job, process, rung) for process in job.processes)
        known = scene.weighed[job.key, rung] = sorted(weighed, key=worker_key)
    return known


def worker_key(worker: Worker) -> tuple[float, int, int]:
    """The comparison: the larger first, then the younger, then the higher pid."""
    process = worker.process
    return -worker.future_bytes, -process.start_ticks, -process.pid


def _worker(scene: Scene, job: Job, process: ProcessFacts, rung: Rung) -> Worker:
    detail = detail_of(process, scene.facts)
    return Worker(
        process=process,
        identity=Identity(
            pid=process.pid,
            start_ticks=process.start_ticks,
            exe=detail.exe if detail else None,
        ),
        growth_bps=scene.growth_bps(process) or 0.0,
        write_bps=(detail.write_bps or 0.0) if detail else 0.0,
        spared=_spared_worker(scene, job, process, rung),
    )


def _spared_worker(
    scene: Scene, job: Job, process: ProcessFacts, rung: Rung
) -> SparedReason | None:
    if (reason := scene.spared(process, job)) is not None:
        return reason
    below = scene.below(process.pid)
    if below.protected:
        return SparedReason.PARENT
    if rung is Rung.PAUSE and scene.facts.ties.get(process.pid):
        return SparedReason.TIED
    if rung is Rung.SLOW_DOWN or is_swarm(scene, job):
        return None
    # A parent is spared while the run is in its workers; small helpers are no workers.
    is_parent = below.count and process.rss_bytes < _HELPER_RATIO * below.rss_bytes
    return SparedReason.PARENT if is_parent else None


def _to_pause(scene: Scene, free: list[Worker], resource: Resource) -> tuple[Worker, ...]:
    """For memory those that make up most of the growth; for the rest all of them."""
    if resource is Resource.DISK:
        return tuple(each for each in free if each.write_bps > 0.0) or tuple(free)
    if resource is Resource.CPU:
        return tuple(free)
    running = [each for each in free if not is_paused(scene, each.identity)]
    growing = sorted(
        (each for each in running if each.growth_bps > 0.0),
        key=lambda each: (-each.growth_bps, worker_key(each)),
    )
    wanted = _COVERED * sum(each.growth_bps for each in growing)
    chosen: list[Worker] = []
    for worker in growing:
        if wanted <= 0.0:
            break
        chosen.append(worker)
        wanted -= worker.growth_bps
    return tuple(chosen) or tuple(running)


def _to_end(scene: Scene, free: list[Worker]) -> tuple[Worker, ...]:
    """The largest; further ones only where each brings back a good part too.

    Of a run whose memory lies in many small workers one is ended and its memory waited for: more
    of them would take the run away and bring back hardly more. At most half of the workers go.
    """
    first = free[0].process.rss_bytes
    counts = max(_COUNTS_SHARE * scene.total_bytes, float(_COUNTS_BYTES), _COUNTS_BESIDE * first)
    wanted = _ENOUGH_SHARE * scene.total_bytes - first
    chosen = [free[0]]
    for worker in free[1 : min(_MOST_ENDED, (len(free) + 1) // 2)]:
        if wanted <= 0 or worker.process.rss_bytes < counts:
            break
        chosen.append(worker)
        wanted -= worker.process.rss_bytes
    return tuple(chosen)


def is_swarm(scene: Scene, job: Job) -> bool:
    """Whether a job is very many processes of which none stands out: a fork bomb.

    Its parents must be stopped too: each would start new ones. Test runs and builds are none.
    """
    if job.process_count < _SWARM or job.kind in _RUNS:
        return False
    if job.key not in scene.swarms:
        scene.swarms[job.key] = _has_no_head(scene, job)
    return scene.swarms[job.key]


def _has_no_head(scene: Scene, job: Job) -> bool:
    """Whether no process of it is large beside the whole."""
    free = (each for each in job.processes if scene.spared(each, job) is None)
    largest = max((each.rss_bytes for each in free), default=0)
    return largest < _SWARM_SHARE * max(1, job.rss_bytes)


def is_paused(scene: Scene, identity: Identity) -> bool:
    """Whether this very process is held by a pause."""
    return any(
        identity.pid == target.pid and identity.start_ticks == target.start_ticks
        for active in scene.facts.active
        if active.action.rung is Rung.PAUSE and active.state != "failed"
        for target in active.action.targets
    )


def grows_or_is_new(scene: Scene, worker: Worker) -> bool:
    """Whether it grows, or is too young to tell."""
    rate = scene.growth_bps(worker.process)
    return rate is None or rate >= WORTH_GROWTH_BPS

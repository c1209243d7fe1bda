"""Facts for the protector, a few words each: processes, jobs, readings."""

from collections.abc import Iterable

from omnitray.base.facts import (
    GuardReading,
    Job,
    JobKind,
    MemoryFacts,
    OwnFacts,
    PressureFacts,
    PressurePair,
    ProcessDetail,
    ProcessFacts,
)
from omnitray.base.policy import ProtectPolicy
from omnitray.protector.context import DecisionContext
from omnitray.protector.model import Action, ActionState, ActiveAction, Facts
from omnitray.protector.protector import ResourceProtector

GB = 1 << 30
MB = 1 << 20
UID = 1000


def process(
    pid: int, *, ppid: int = 2000, start: int | None = None, **what: object
) -> ProcessFacts:
    given = {"name": "worker", "state": "S", "uid": UID, "rss_bytes": 100 * MB} | what
    return ProcessFacts(
        pid=pid,
        ppid=ppid,
        start_ticks=pid if start is None else start,
        **given,  # type: ignore[arg-type]  # fields of ProcessFacts
    )


def job(
    key: str,
    *processes: ProcessFacts,
    kind: JobKind = JobKind.COMMAND,
    cpu: float | None = None,
    growth: float | None = None,
    project: str | None = None,
) -> Job:
    return Job(
        key=key,
        name=key,
        project=project,
        kind=kind,
        leader_pid=processes[0].pid,
        processes=processes,
        cpu_percent=cpu,
        rss_bytes=sum(each.rss_bytes for each in processes),
        growth_bps=growth,
    )


def details(jobs: Iterable[Job], **exes: str) -> dict[int, ProcessDetail]:
    """Every process runs /usr/bin/NAME, but for those named ``p123="/its/own/path"``."""
    return {
        each.pid: ProcessDetail(
            start_ticks=each.start_ticks,
            exe=exes.get(f"p{each.pid}", f"/usr/bin/{each.name}"),
            arguments=(each.name, "-x"),
        )
        for one in jobs
        for each in one.processes
    }


def reading(
    now_s: float = 100.0,
    *,
    used: float = 50.0,
    total: int = 16 * GB,
    swap: tuple[int, int] = (0, 0),
    cpu: float | None = 10.0,
    cpu_pressure: float | None = None,
    memory_full: float | None = None,
) -> GuardReading:
    """``used`` in per cent; ``swap`` is total and free."""
    pressure = PressureFacts(
        cpu=None if cpu_pressure is None else PressurePair(some_avg10=cpu_pressure),
        memory=None
        if memory_full is None
        else PressurePair(some_avg10=memory_full, full_avg10=memory_full),
    )
    return GuardReading(
        monotonic_s=now_s,
        memory=MemoryFacts(
            total_bytes=total,
            available_bytes=int(total * (100.0 - used) / 100.0),
            swap_total_bytes=swap[0],
            swap_free_bytes=swap[1],
        ),
        pressure=pressure,
        cpu_percent=cpu,
    )


def facts(*jobs: Job, at: GuardReading | None = None, **more: object) -> Facts:
    given = {"details": details(jobs), "own": OwnFacts(uid=UID), "cores": 4} | more
    return Facts(
        reading=at or reading(),
        jobs=jobs,
        **given,  # type: ignore[arg-type]  # fields of Facts
    )


def scene(
    seen: Facts, policy: ProtectPolicy | None = None, now_s: float = 100.0
) -> DecisionContext:
    protector = ResourceProtector("test", home="/home/me")
    return protector.context(seen, policy or ProtectPolicy(), now_s)


def held(action: Action, since_s: float, state: ActionState = ActionState.HELD) -> ActiveAction:
    return ActiveAction(action=action, state=state, since_s=since_s)

"""A machine that is not there: memory, swap, processors, and processes that behave badly.

Time passes in ``advance``. What is true is kept beside what is shown, so that the tests can judge
decisions by the truth: who is protected, whose memory is back, when it would really have run out.
"""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable

from omnitray.base.facts import (
    DiskFacts,
    GuardReading,
    Job,
    JobKind,
    MemoryFacts,
    OwnFacts,
    PressureFacts,
    PressurePair,
    Probe,
    ProcessDetail,
    ProcessFacts,
)
from omnitray.processes.process_roles import Tie
from omnitray.protector.guard import RAM_FILL_BPS, SWAP_FILL_BPS
from omnitray.protector.model import Facts

GB = 1 << 30
MB = 1 << 20
UID = 1000
OURSELVES = 50
QUIET_MS = 5.0
_PIDS = range(100, 400)  # so few that they are given again soon
_READ_OVER_STEPS = 3  # of a quarter of a second
_STARTS_WITH = 50 * MB
_NOT_KNOWN = (-1.0, 0, 0, 0)


@dataclasses.dataclass
class Sim:
    """One process. ``growth`` gives bytes a second for its age; sizes are bytes."""

    pid: int
    start: int
    ppid: int
    job: str
    name: str
    exe: str | None
    born_s: float
    arguments: tuple[str, ...] = ()
    rss: float = 50 * MB
    growth: Callable[[float], float] = lambda _age_s: 0.0
    stops_at: float = float("inf")
    ends_s: float = float("inf")  # by itself, at this age
    cpu: float = 0.0  # cores wanted
    protected: bool = False
    leads: bool = False  # a run: it may be slowed down with it, never paused or ended
    tied: bool = False
    light: bool = False  # takes little and must not wait: a player, an editor
    shared: float = 0.0  # of its memory, what the others of its job hold too
    ignores_term: bool = False
    respawns: int = 0  # so many times
    forks_per_s: float = 0.0
    release_s: float = 0.2
    shares: bool = False  # what it holds stays when it ends (a file in memory, say)
    hangs_s: float = 0.0  # so long it stays after KILL, in the kernel
    resists: bool = False  # stands in others' way though slowed down
    uid: int = UID
    write_bps: float = 0.0  # wanted, to the disk that fills
    waits: int = 0  # its writing waits for that of others
    paused: int = 0
    slowed: int = 0
    throttled: int = 0
    owed_forks: float = 0.0
    first_rss: float = 0.0

    @property
    def who(self) -> tuple[int, int]:
        return self.pid, self.start

    @property
    def write_rate(self) -> float:
        """Bytes a second that it writes now."""
        return 0.0 if self.paused else self.write_bps * (0.5 if self.waits else 1.0)

    def rate(self, now_s: float) -> float:
        """Bytes a second that it wants to grow now."""
        if self.paused or self.rss >= self.stops_at:
            return 0.0
        rate = self.growth(now_s - self.born_s)
        return rate * 0.1 if self.throttled and rate > 0 else rate


@dataclasses.dataclass
class Corpse:
    """The memory of one that has ended, on its way back."""

    who: tuple[int, int]
    size: float
    left: float
    rate: float
    ended_s: float
    shares: bool = False
    again: "Sim | None" = None  # what its parent started in its place
    grown: float = 0.0  # since it was there

    @property
    def back_after_s(self) -> float:
        """After how long half of it was back, or never will be."""
        return 0.0 if self.shares else 0.5 * self.size / max(1.0, self.rate)

    @property
    def is_back(self) -> bool:
        return self.left <= 0.5 * self.size


@dataclasses.dataclass
class SimDisk:
    """One file system that fills."""

    total: float
    free: float

    def fill(self, sims: Iterable[Sim], step_s: float) -> None:
        """What is written in so much time."""
        written = sum(sim.write_rate for sim in sims) * step_s
        self.free = max(0.0, self.free - written)

    @property
    def facts(self) -> DiskFacts:
        """As it is seen."""
        used = 100.0 * (1.0 - self.free / self.total)
        return DiskFacts(
            mount="/data",
            filesystem="ext4",
            total_bytes=int(self.total),
            free_bytes=int(self.free),
            used_percent=used,
        )


@dataclasses.dataclass(frozen=True)
class JobLook:
    """What a job is called."""

    name: str
    kind: JobKind
    leader: int


class SimMachine:
    """Memory fills, forks happen, the kernel's own killer comes last."""

    def __init__(
        self, *, total: int = 16 * GB, swap: int = 0, cores: int = 8, max_processes: int = 300
    ) -> None:
        self.total = total
        self.swap = swap
        self.cores = cores
        self.max_processes = min(max_processes, len(_PIDS))
        self.now_s = 1000.0
        self.processes: dict[int, Sim] = {}
        self.jobs: dict[str, JobLook] = {}
        self.corpses: list[Corpse] = []
        self.dead: dict[tuple[int, int], Corpse] = {}
        self.killed_by_kernel: list[Sim] = []
        self.hanging: dict[tuple[int, int], float] = {}  # until
        self.kernel_release_s = 0.05  # so long the memory of what the kernel ends takes
        self.lingering: list[tuple[Sim, float]] = []  # ended, shown without memory until
        self.disk: SimDisk | None = None
        self.foreground: frozenset[int] = frozenset()
        self.outside = 0.0  # cores wanted by what cannot be seen
        self._demands: tuple[float, ...] = ()
        self.base = int(0.1 * total)
        self._starts = 0
        self._used: tuple[tuple[float, int, int, int], float] = (_NOT_KNOWN, 0.0)
        self._next_pid = 0

    # Processes

    def add(self, job: str, name: str, **what: object) -> Sim:
        """A new process; a job's first one leads it."""
        self._starts += 1
        pid = self._free_pid()
        look = self.jobs.get(job)
        sim = Sim(
            pid=pid,
            start=self._starts,
            ppid=1,
            job=job,
            name=name,
            exe=f"/usr/bin/{name}",
            born_s=self.now_s,
            arguments=(name,),
        )
        for key, value in what.items():
            setattr(sim, key, value)
        if look is None:
            self.jobs[job] = JobLook(job, JobKind.COMMAND, pid)
        sim.first_rss = sim.rss
        self.processes[pid] = sim
        return sim

    def grown(self) -> dict[str, float]:
        """By job, how much its processes have grown since they were there."""
        grown: dict[str, float] = dict.fromkeys(self.jobs, 0.0)
        for sim in self.processes.values():
            grown[sim.job] += max(0.0, sim.rss - sim.first_rss)
        return grown

    def _free_pid(self) -> int:
        for _ in _PIDS:
            self._next_pid = (self._next_pid + 1) % len(_PIDS)
            if _PIDS[self._next_pid] not in self.processes:
                return _PIDS[self._next_pid]
        raise RuntimeError("no pid left")

    def kill(self, sim: Sim) -> None:
        """It is to end: at once, but for one that hangs in the kernel for a while."""
        if not sim.hangs_s:
            self.die(sim)
            return
        sim.growth = lambda _age_s: 0.0
        self.hanging.setdefault(sim.who, self.now_s + sim.hangs_s)

    def die(self, sim: Sim) -> None:
        """It ends; its memory comes back little by little."""
        self.processes.pop(sim.pid, None)
        rate = sim.rss / max(0.01, sim.release_s)
        corpse = Corpse(sim.who, sim.rss, sim.rss, rate, self.now_s, sim.shares)
        corpse.grown = max(0.0, sim.rss - sim.first_rss)
        if sim.shares:
            self.base += int(sim.rss)
            corpse.left = 0.0
        self.corpses.append(corpse)
        self.dead[sim.who] = corpse
        if sim.respawns and sim.ppid in self.processes:
            again = dataclasses.replace(
                sim, rss=_STARTS_WITH, paused=0, slowed=0, throttled=0, respawns=sim.respawns - 1
            )
            self._starts += 1
            again.first_rss = 0.0
            again.pid, again.start, again.born_s = self._free_pid(), self._starts, self.now_s
            self.processes[again.pid] = again
            corpse.again = again

    def alive(self, pid: int, start: int) -> Sim | None:
        """That very process."""
        sim = self.processes.get(pid)
        return sim if sim is not None and sim.start == start else None

    # Time

    def calm_down(self) -> None:
        """All get small and quiet: whatever is held has no reason any more."""
        self.base = int(0.05 * self.total)
        for sim in self.processes.values():
            sim.growth, sim.cpu, sim.forks_per_s = (lambda _age_s: 0.0), 0.0, 0.0
            sim.rss = min(sim.rss, 0.1 * self.total / len(self.processes))
        self._used = (_NOT_KNOWN, 0.0)

    def sleep(self, seconds: float) -> None:
        """The lid is closed: time passes, nothing happens."""
        self.now_s += seconds
        for sim in self.processes.values():
            sim.born_s += seconds
        self._used = (_NOT_KNOWN, 0.0)

    def advance(self, seconds: float) -> None:
        """Let time pass, in small steps."""
        while seconds > 1e-9:
            step_s = min(0.25, seconds)
            self._tick(step_s)
            seconds -= step_s

    def _tick(self, step_s: float) -> None:
        self.now_s += step_s
        scale = self._scale()
        for sim in list(self.processes.values()):
            if rate := sim.rate(self.now_s):
                sim.rss = max(MB, sim.rss + (rate * scale if rate > 0 else rate) * step_s)
            if sim.forks_per_s:
                self._fork(sim, step_s)
            if self.now_s >= self.hanging.get(sim.who, sim.born_s + sim.ends_s):
                self.die(sim)
        self._used = (_NOT_KNOWN, 0.0)
        self._demands = (*self._demands[-_READ_OVER_STEPS + 1 :], self.demand())
        self.corpses = [
            each for each in self.corpses if each.left or self.now_s - each.ended_s < 60
        ]
        self.lingering = [each for each in self.lingering if each[1] > self.now_s]
        if self.disk is not None:
            self.disk.fill(self.processes.values(), step_s)
        for corpse in self.corpses:
            corpse.left = max(0.0, corpse.left - corpse.rate * step_s)
        if self.left <= 0:
            self._kernel_kills()

    def _scale(self) -> float:
        """Memory is not filled faster than it can be, swap still less fast."""
        wanted = sum(max(0.0, sim.rate(self.now_s)) for sim in self.processes.values())
        fastest = SWAP_FILL_BPS if self.used > 0.97 * self.total else RAM_FILL_BPS
        return min(1.0, fastest / max(1.0, wanted))

    def _fork(self, sim: Sim, step_s: float) -> None:
        if sim.paused:
            return
        sim.owed_forks += sim.forks_per_s * step_s
        while sim.owed_forks >= 1.0 and len(self.processes) < self.max_processes:
            sim.owed_forks -= 1.0
            child = dataclasses.replace(
                sim,
                ppid=sim.pid,
                born_s=self.now_s,
                owed_forks=0.0,
                slowed=0,
                throttled=0,
                first_rss=0.0,
                rss=min(sim.rss, _STARTS_WITH),  # the rest is its parent's until it is written to
            )
            self._starts += 1
            child.pid, child.start = self._free_pid(), self._starts
            self.processes[child.pid] = child

    def _kernel_kills(self) -> None:
        largest = max(self.processes.values(), key=lambda sim: sim.rss)
        self.killed_by_kernel.append(largest)
        largest.release_s = self.kernel_release_s
        self.die(largest)
        seen = dataclasses.replace(largest, rss=0.0, cpu=0.0, forks_per_s=0.0)
        self.lingering.append((seen, self.now_s + min(0.5, largest.release_s)))

    # Truth

    @property
    def used(self) -> float:
        """Bytes taken, in memory and swap together."""
        key = (self.now_s, self._starts, len(self.processes), self.base)
        if key != self._used[0]:
            held = sum(sim.rss - sim.shared for sim in self.processes.values())
            shared: dict[str, float] = {}
            for sim in self.processes.values():
                shared[sim.job] = max(sim.shared, shared.get(sim.job, 0.0))
            held += sum(shared.values())
            self._used = (key, self.base + held + sum(each.left for each in self.corpses))
        return self._used[1]

    @property
    def left(self) -> float:
        """Bytes until nothing is left at all."""
        return self.total + self.swap - self.used

    @property
    def growth(self) -> float:
        """Bytes a second that are taken now."""
        return self._scale() * sum(sim.rate(self.now_s) for sim in self.processes.values())

    def demand(self) -> float:
        """Cores wanted."""
        return self.outside + sum(sim.cpu for sim in self.processes.values() if not sim.paused)

    # What is shown

    def reading(self) -> GuardReading:
        """What the guard reads."""
        over = max(0.0, self.used - 0.97 * self.total)
        swapped = min(float(self.swap), over)
        available = max(0.0, self.total - (self.used - swapped))
        waiting = self.demand() > self.cores
        return GuardReading(
            monotonic_s=self.now_s,
            memory=MemoryFacts(
                total_bytes=self.total,
                available_bytes=int(available),
                swap_total_bytes=self.swap,
                swap_free_bytes=int(self.swap - swapped),
            ),
            pressure=PressureFacts(
                cpu=PressurePair(some_avg10=90.0 if waiting else 1.0),
                memory=PressurePair(
                    some_avg10=20.0 if swapped else 0.0, full_avg10=15.0 if swapped else 0.0
                ),
            ),
            cpu_percent=self._cpu_percent(),
        )

    def _cpu_percent(self) -> float:
        """Of the time that has just passed: what ended in it is still in the reading."""
        took = [min(self.cores, each) for each in self._demands or (self.demand(),)]
        return 100.0 * sum(took) / len(took) / self.cores

    def probe(self) -> Probe:
        """How long something small takes: those that were slowed down do not stand in its way."""
        free = self.outside + sum(
            sim.cpu
            for sim in self.processes.values()
            if not sim.paused and (sim.resists or not sim.slowed)
        )
        return Probe(now_ms=QUIET_MS * max(1.0, 3.0 * free / self.cores), quiet_ms=QUIET_MS)

    def facts(self, *, scanned: bool = True, **more: object) -> Facts:
        """Everything that is seen; processes only where they were looked at."""
        sims = self._shown_sims() if scanned else []
        return Facts(
            reading=self.reading(),
            jobs=self._jobs() if scanned else (),
            details={
                sim.pid: ProcessDetail(
                    start_ticks=sim.start,
                    exe=sim.exe,
                    arguments=sim.arguments,
                    write_bps=sim.write_rate or None,
                )
                for sim in sims
            },
            ties={sim.pid: frozenset({Tie.DISPLAY}) for sim in sims if sim.tied},
            pss_bytes=self._pss(sims),
            foreground_pids=self.foreground,
            own=OwnFacts(pids=frozenset({OURSELVES}), uid=UID),
            cores=self.cores,
            probe=self.probe(),
            disks=(self.disk.facts,) if self.disk else (),
            **more,  # type: ignore[arg-type]  # the caller's own fields of Facts
        )

    def _pss(self, sims: list[Sim]) -> dict[int, int]:
        """Shared memory divided among those that share it."""
        sharing = Counter(sim.job for sim in sims if sim.shared)
        return {
            sim.pid: int(sim.rss - sim.shared + sim.shared / sharing[sim.job])
            for sim in sims
            if sim.shared
        }

    def _shown_sims(self) -> list[Sim]:
        """What lives, and what is about to be gone: its memory is taken first."""
        return [*self.processes.values(), *(sim for sim, _ in self.lingering)]

    def _jobs(self) -> tuple[Job, ...]:
        members: dict[str, list[Sim]] = {}
        for sim in self._shown_sims():
            members.setdefault(sim.job, []).append(sim)
        factor = min(1.0, self.cores / max(0.01, self.demand()))
        return tuple(
            Job(
                key=key,
                name=self.jobs[key].name,
                project=None,
                kind=self.jobs[key].kind,
                leader_pid=self.jobs[key].leader,
                processes=tuple(_shown(sim, factor) for sim in sims),
                cpu_percent=sum(0.0 if sim.paused else 100.0 * sim.cpu * factor for sim in sims),
                rss_bytes=int(sum(sim.rss for sim in sims)),
            )
            for key, sims in members.items()
        )


def _shown(sim: Sim, factor: float) -> ProcessFacts:
    state = "T" if sim.paused else "R" if sim.cpu else "S"
    return ProcessFacts(
        pid=sim.pid,
        ppid=sim.ppid,
        start_ticks=sim.start,
        name=sim.name[:15],
        state=state,
        uid=sim.uid,
        cpu_percent=0.0 if sim.paused else 100.0 * sim.cpu * factor,
        rss_bytes=int(sim.rss),
    )

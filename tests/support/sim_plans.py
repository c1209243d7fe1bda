"""Machines drawn at random: by Hypothesis, which shrinks them, or by a seed, which is fast."""

from collections.abc import Callable

from omnitray.base.facts import JobKind, LastResort, Mode, ProtectState
from omnitray.base.policy import JobRule, RuleStep
from omnitray.protector.model import EscalationStep, Question
from omnitray.protector.view import Answer
from support.sim_incidents import desktop
from support.sim_machine import GB, MB, JobLook, Sim, SimDisk, SimMachine
from support.sim_run import Event, Outcome, run

Draw = Callable[[int, int], int]  # an integer from … to …
_KINDS = (JobKind.TEST_RUN, JobKind.BUILD, JobKind.COMMAND, JobKind.AGENT, JobKind.SERVICE)
_MODES = tuple(Mode)
_ANSWERS = (None, None, None, *Answer)


def random_run(draw: Draw) -> Outcome:
    """A machine, what happens on it, a mode, and a person who answers or does not."""
    kind = draw(0, 199)
    if kind == 0:
        return _leaks_that_cannot_be_paused(draw)
    if kind in {1, 2}:
        return _starves(draw)
    if kind == 3:
        return _ignores_term(draw)
    if kind == 4:
        return _hangs(draw)
    if kind in _SHAPES:
        return _SHAPES[kind](draw)
    machine = SimMachine(
        total=draw(4, 32) * GB,
        swap=draw(0, 2) * 2 * GB,
        cores=draw(1, 16),
        max_processes=40,
    )
    desktop(machine)
    machine.base = draw(5, 60) * machine.total // 100
    for number in range(draw(1, 2)):
        _add_job(machine, f"job {number}", draw)
    room = machine.used - 0.75 * machine.total
    machine.base = max(0, machine.base - max(0, int(room)))  # nothing is lost at the start
    if draw(0, 3) == 0:
        machine.foreground = frozenset({draw(100, 120)})
    answer = _ANSWERS[draw(0, len(_ANSWERS) - 1)]
    rules = (_rule(draw),) if draw(0, 4) == 0 else ()
    refuses = frozenset({EscalationStep.PAUSE}) if draw(0, 5) == 0 else frozenset()
    seconds = 40.0 if draw(0, 4) == 0 else float(draw(6, 12))
    return run(
        machine,
        mode=_MODES[draw(0, 2)],
        seconds=seconds,
        answering=_once(answer),
        refuses=refuses,
        state=ProtectState.WATCH if draw(0, 9) == 0 else ProtectState.ON,
        events=_events(draw, int(seconds)),
        rules=rules,
    )


def _rule(draw: Draw) -> JobRule:
    """Something that a person forbids for a job."""
    steps: tuple[RuleStep, ...] = ("pause", "end", "slow_down")
    never = steps[: draw(1, 3)]
    return JobRule(match="job 0", never=never)


def _events(draw: Draw, seconds: int) -> list[Event]:
    """Most people do nothing; some switch, undo, or close the lid."""
    events = []
    for _ in range(max(0, draw(0, 6) - 4)):
        at_s, what = float(draw(1, seconds)), draw(0, 3)
        if what == 0:
            events.append(Event(at_s, mode=_MODES[draw(0, 2)]))
        elif what == 1:
            state = ProtectState.WATCH if draw(0, 1) else ProtectState.ON
            events.append(Event(at_s, state=state))
        elif what == 2:
            events.append(Event(at_s, undoes=True))
        else:
            events.append(Event(at_s, sleeps_s=float(draw(60, 30_000))))
    return events


def _leaks_that_cannot_be_paused(draw: Draw) -> Outcome:
    """One end after another would be needed: the breaker and the quiet time are what is tried.

    What an end brings back is gone again within the quiet time, but not all that is left.
    """
    machine = SimMachine(total=8 * GB, cores=4, max_processes=40)
    desktop(machine)
    special, respawns = draw(0, 30), draw(0, 4) == 0
    for number in range(8):
        job = f"leak {number}"
        runner = machine.add(job, "runner", rss=20 * MB, leads=True)
        worker = machine.add(job, "worker", ppid=runner.pid, rss=draw(250, 280) * MB)
        worker.growth = _steadily(draw(4, 5) * MB)
        worker.release_s = 40.0 if draw(0, 2) == 0 else draw(1, 60) / 10
        worker.ignores_term = draw(0, 2) == 0
        worker.shares = special == number
        worker.respawns = 5 if respawns else 0
    machine.base += int(0.94 * machine.total - machine.used)
    return run(
        machine, mode=_MODES[draw(0, 2)], seconds=75.0, refuses=frozenset({EscalationStep.PAUSE})
    )


def _ignores_term(draw: Draw) -> Outcome:
    """It grows to the floor, cannot be paused and does not hear TERM; it may stop just there."""
    machine = SimMachine(total=8 * GB, cores=4, max_processes=40)
    desktop(machine)
    runner = machine.add("rush", "runner", rss=20 * MB, leads=True)
    worker = machine.add("rush", "worker", ppid=runner.pid, rss=400 * MB, ignores_term=True)
    worker.growth = _steadily(draw(50, 300) * MB)
    machine.base += int(0.85 * machine.total - machine.used)
    if draw(0, 1):
        worker.stops_at = worker.rss + (0.12 + draw(0, 1) / 200) * machine.total
        murmur = machine.add("murmur", "murmur", ppid=1, rss=30 * MB)
        murmur.growth = _steadily(draw(0, 400) * MB / 100)
    return run(
        machine, mode=_MODES[draw(0, 2)], seconds=40.0, refuses=frozenset({EscalationStep.PAUSE})
    )


def _hangs(draw: Draw) -> Outcome:
    """A victim hangs in the kernel while the memory of others ebbs and flows."""
    machine = SimMachine(total=8 * GB, cores=4, max_processes=40)
    desktop(machine)
    for number in range(3):
        job = f"leak {number}"
        runner = machine.add(job, "runner", rss=20 * MB, leads=True)
        worker = machine.add(job, "worker", ppid=runner.pid, rss=draw(250, 280) * MB)
        worker.growth = _steadily(draw(8, 10) * MB)
        worker.ignores_term = True
        worker.hangs_s = float(draw(4, 12))
    tide = machine.add("app:gnome-shell", "gnome-shell", rss=500 * MB, protected=True, tied=True)
    turns_s = float(draw(2, 6))
    tide.growth = lambda age_s: (-1.0 if age_s % (2 * turns_s) < turns_s else 1.0) * 150.0 * MB
    machine.base += int(0.94 * machine.total - machine.used)
    return run(
        machine, mode=_MODES[draw(0, 2)], seconds=60.0, refuses=frozenset({EscalationStep.PAUSE})
    )


def _starves(draw: Draw) -> Outcome:
    """A job that is in everybody's way though it was slowed down, and nobody answers."""
    machine = SimMachine(total=16 * GB, cores=draw(1, 4), max_processes=40)
    desktop(machine)
    runner = machine.add("hogs", "runner", rss=20 * MB, leads=True)
    for _ in range(2 * machine.cores):
        machine.add("hogs", "hog", ppid=runner.pid, cpu=1.0, resists=True)
    mode = _MODES[draw(0, 2)]
    events = [Event(float(draw(40, 300)), mode=_MODES[draw(0, 2)])] if draw(0, 1) else []
    return run(machine, mode=mode, seconds=float(draw(60, 800)), events=events)


def _untouchable(draw: Draw) -> Outcome:
    """What takes memory belongs to another user, or has a window; others stand beside it."""
    machine = SimMachine(total=draw(4, 16) * GB, cores=4, max_processes=60)
    desktop(machine)
    for number in range(draw(1, 3)):
        machine.add(f"steady {number}", "steady", rss=draw(2, 8) / 100 * machine.total)
    foreign = draw(0, 1) == 0
    hog = machine.add("hog", "hog", rss=200 * MB, protected=foreign, tied=not foreign)
    hog.uid = 0 if foreign else hog.uid
    hog.growth = _steadily(draw(20, 400) * MB)
    machine.base += int(0.72 * machine.total - machine.used)
    mode = _MODES[draw(0, 2)]
    answer = _once((None, None, *Answer)[draw(0, len(Answer) + 1)])
    return run(machine, mode=mode, seconds=60.0, answering=answer)


def _parent_collects(draw: Draw) -> Outcome:
    """A pool with steady workers whose parent grows."""
    machine = SimMachine(total=draw(6, 16) * GB, cores=4, max_processes=60)
    desktop(machine)
    shell = machine.add("app:terminal", "bash", rss=5 * MB, protected=True)
    parent = machine.add("pool", "python3", ppid=shell.pid, rss=draw(100, 300) * MB)
    parent.growth = _steadily(draw(30, 200) * MB)
    for _ in range(draw(2, 6)):
        machine.add("pool", "python3", ppid=parent.pid, rss=draw(20, 300) * MB)
    machine.base += int(0.7 * machine.total - machine.used)
    return run(machine, mode=_MODES[draw(0, 2)], seconds=40.0)


def _kernel_ends(draw: Draw) -> Outcome:
    """The kernel ends a stranger's hog, whose memory comes back late: others stand beside it."""
    machine = SimMachine(total=draw(4, 16) * GB, cores=4, max_processes=60)
    desktop(machine)
    for number in range(draw(1, 3)):
        machine.add(f"steady {number}", "steady", rss=draw(4, 8) / 100 * machine.total)
    hog = machine.add("hog", "hog", rss=200 * MB, protected=True, uid=0)
    hog.growth = _steadily(draw(50, 400) * MB)
    machine.kernel_release_s = draw(1, 60) / 10
    machine.base += int(0.72 * machine.total - machine.used)
    return run(machine, mode=_MODES[draw(0, 2)], seconds=60.0)


def _ruled(draw: Draw) -> Outcome:
    """The leak is what a person has a rule for; a second one may be touched."""
    machine = SimMachine(total=draw(4, 16) * GB, cores=4, max_processes=60)
    desktop(machine)
    for number in range(draw(1, 2)):
        leak = machine.add(f"job {number}", "leak", rss=200 * MB)
        leak.growth = _steadily(draw(30, 300) * MB)
    machine.base += int(0.72 * machine.total - machine.used)
    resort = (LastResort.ASK, LastResort.END, LastResort.NEVER)[draw(0, 2)]
    answer = _once(_ANSWERS[draw(0, len(_ANSWERS) - 1)])
    mode, rules = _MODES[draw(0, 2)], (_rule(draw),)
    return run(machine, mode=mode, seconds=60.0, answering=answer, last_resort=resort, rules=rules)


def _fills(draw: Draw) -> Outcome:
    """A disk fills; jobs beside the writer take processors and memory, and write nothing."""
    machine = SimMachine(total=16 * GB, cores=4, max_processes=60)
    desktop(machine)
    machine.disk = SimDisk(total=draw(20, 500) * GB, free=0.0)
    machine.disk.free = machine.disk.total * draw(3, 20) / 100
    writers = draw(0, 2)
    for number in range(writers):
        machine.add(f"writer {number}", "writer", write_bps=float(draw(1, 500) * MB))
    for number in range(draw(1, 3)):
        machine.add(f"steady {number}", "steady", rss=draw(1, 8) * GB / 4, cpu=draw(0, 4) / 4)
    refuses = frozenset({EscalationStep.SLOW_DOWN}) if draw(0, 3) == 0 else frozenset()
    return run(machine, mode=_MODES[draw(0, 2)], seconds=60.0, refuses=refuses, ends=False)


def _shares(draw: Draw) -> Outcome:
    """Many processes that share most of what they hold, beside a leak."""
    machine = SimMachine(total=draw(8, 16) * GB, cores=4, max_processes=120)
    desktop(machine)
    shared = draw(50, 200) * MB
    main = machine.add("app:browser", "chromium", rss=shared + 100 * MB, shared=shared, tied=True)
    for _ in range(draw(20, 80)):
        own = draw(2, 20) * MB
        machine.add("app:browser", "chromium", ppid=main.pid, rss=shared + own, shared=shared)
    leak = machine.add("leak", "leak", rss=100 * MB)
    leak.growth = _steadily(draw(20, 300) * MB)
    machine.base += int(0.72 * machine.total - machine.used)
    refuses = frozenset({EscalationStep.PAUSE}) if draw(0, 1) else frozenset()
    return run(machine, mode=_MODES[draw(0, 2)], seconds=60.0, refuses=refuses)


def _plays(draw: Draw) -> Outcome:
    """Something light that must not wait, beside loops that fill the processors.

    They may end at any time, or be where they cannot be seen.
    """
    machine = SimMachine(total=16 * GB, cores=draw(1, 4), max_processes=40)
    desktop(machine)
    machine.add("player", "player", cpu=draw(1, 4) / 10, light=True, tied=draw(0, 1) == 0)
    loops, ends_s = draw(1, 2) * machine.cores, draw(4, 50) if draw(0, 1) else float("inf")
    if draw(0, 3) == 0:
        machine.outside = float(loops)
    else:
        runner = machine.add("hogs", "runner", rss=20 * MB, leads=True, ends_s=ends_s + 0.5)
        for _ in range(loops):
            resists = draw(0, 2) == 0
            machine.add("hogs", "hog", ppid=runner.pid, cpu=1.0, resists=resists, ends_s=ends_s)
    refuses = frozenset({EscalationStep.SLOW_DOWN}) if draw(0, 3) == 0 else frozenset()
    return run(machine, mode=_MODES[draw(0, 2)], seconds=60.0, refuses=refuses)


_SHAPES: dict[int, Callable[[Draw], Outcome]] = {
    5: _untouchable,
    6: _untouchable,
    7: _parent_collects,
    8: _shares,
    9: _plays,
    10: _kernel_ends,
    11: _ruled,
    12: _fills,
}


def _steadily(rate: float) -> Callable[[float], float]:
    return lambda _age_s: rate


def _once(answer: Answer | None) -> Callable[[Question], Answer | None]:
    return lambda _question: answer


def _add_job(machine: SimMachine, job: str, draw: Draw) -> None:
    kind = _KINDS[draw(0, len(_KINDS) - 1)]
    shell = machine.add("app:terminal", "bash", rss=5 * MB, protected=True)
    agent = kind is JobKind.AGENT
    workers = draw(1, 5)
    leader = machine.add(
        job,
        "claude" if agent else "runner",
        ppid=shell.pid,
        rss=draw(20, 80) * MB,
        protected=agent,
        leads=workers > 1,
    )
    machine.jobs[job] = JobLook(job, kind, leader.pid)
    for _ in range(workers):
        _add_worker(machine, leader, draw)


def _add_worker(machine: SimMachine, leader: Sim, draw: Draw) -> None:
    worker = machine.add(
        leader.job,
        "worker",
        ppid=leader.pid,
        rss=draw(60, 300) * MB,
        growth=_growth(draw),
        cpu=draw(0, 4) / 4,
        ignores_term=draw(0, 4) == 0,
        respawns=10 if draw(0, 5) == 0 else 0,
        release_s=draw(1, 40) / 10,
        tied=draw(0, 7) == 0,
        uid=1000 if draw(0, 9) else 0,
    )
    worker.protected = worker.uid == 0
    if draw(0, 15) == 0:
        worker.forks_per_s = 1.0


def _growth(draw: Draw) -> Callable[[float], float]:
    """Nothing, a leak, a rush, steps or a saw-tooth."""
    shape, rate = draw(0, 4), float(draw(1, 80) ** 2 * MB) / 2
    if shape == 0:
        return lambda _age_s: 0.0
    if shape in {1, 2}:
        return lambda _age_s: rate / (20.0 if shape == 1 else 1.0)
    if shape == 3:
        return lambda age_s: rate if age_s % 4.0 < 1.0 else 0.0
    return lambda age_s: rate if age_s % 2.0 < 1.0 else -rate

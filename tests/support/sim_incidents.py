"""Incidents that really happened to developers, on the machine that is not there."""

from omnitray.base.facts import JobKind
from support.sim_machine import GB, MB, JobLook, Sim, SimMachine


def desktop(machine: SimMachine) -> None:
    """What is on a developer's desk anyway; all of it must live."""
    machine.add("app:gnome-shell", "gnome-shell", rss=400 * MB, protected=True, tied=True)
    machine.add("app:terminal", "gnome-terminal-server", rss=60 * MB, protected=True, tied=True)
    machine.add("app:code", "code", rss=900 * MB, protected=True, tied=True)
    machine.add("app:firefox", "firefox", rss=1200 * MB, tied=True)
    machine.add("svc:postgres", "postgres", rss=150 * MB, protected=True)
    machine.add("svc:pipewire", "pipewire", rss=20 * MB, protected=True)
    machine.jobs |= {
        key: JobLook(key.partition(":")[2], JobKind.APP, machine.jobs[key].leader)
        for key in ("app:gnome-shell", "app:terminal", "app:code", "app:firefox")
    }


def run_of(
    machine: SimMachine,
    job: str,
    kind: JobKind,
    workers: int,
    *,
    leader: str = "python3.11",
    worker: str = "python3.11",
    **what: object,
) -> list[Sim]:
    """A run with a controller and workers. The controller must live."""
    shell = machine.add("app:terminal", "bash", rss=5 * MB, protected=True)
    parent = machine.add(job, leader, ppid=shell.pid, rss=80 * MB, leads=True)
    machine.jobs[job] = JobLook(job, kind, parent.pid)
    return [machine.add(job, worker, ppid=parent.pid, **what) for _ in range(workers)]


def pytest_to_60_gb(machine: SimMachine) -> None:
    """``pytest -n 4``; one worker goes to 60 GB in four minutes."""
    desktop(machine)
    workers = run_of(machine, "pytest", JobKind.TEST_RUN, 4, rss=300 * MB, cpu=1.0)
    workers[3].growth = lambda _age_s: 250.0 * MB


def jest_one_worker_a_core(machine: SimMachine) -> None:
    """Jest with as many workers as cores less one; together they want 27 GB."""
    desktop(machine)
    for worker in run_of(
        machine, "jest", JobKind.TEST_RUN, machine.cores - 1, leader="node", worker="node", cpu=1.0
    ):
        worker.growth = lambda _age_s: 60.0 * MB
        worker.stops_at = 4 * GB


def two_pytest_auto(machine: SimMachine) -> None:
    """Two ``-n auto`` at once; xdist replaces workers that are ended."""
    desktop(machine)
    for job in ("pytest a", "pytest b"):
        for worker in run_of(machine, job, JobKind.TEST_RUN, machine.cores, cpu=1.0, respawns=50):
            worker.growth = lambda _age_s: 40.0 * MB
            worker.stops_at = 2 * GB


def frees_slowly(machine: SimMachine) -> None:
    """A process of three quarters of the machine whose memory takes seconds to come back."""
    desktop(machine)
    machine.add(
        "model",
        "trainer",
        rss=0.5 * machine.total,
        growth=lambda _age_s: 1.5 * GB,
        release_s=4.0,
        ignores_term=True,
    )
    machine.add("other", "indexer", rss=0.1 * machine.total)


def fork_bomb(machine: SimMachine) -> None:
    """Each process starts two new ones a second."""
    desktop(machine)
    machine.add("bomb", "bomb", rss=30 * MB, cpu=0.1, forks_per_s=2.0)


def slow_leak(machine: SimMachine) -> None:
    """A server that leaks 300 kB a second: twelve hours until the machine is full."""
    desktop(machine)
    machine.add("dev server", "server", rss=400 * MB, growth=lambda _age_s: 0.3 * MB)


def compile_with_64_jobs(machine: SimMachine) -> None:
    """``make -j64``: all processors, some memory, and nothing wrong with it."""
    desktop(machine)
    run_of(
        machine,
        "make",
        JobKind.BUILD,
        64,
        leader="make",
        worker="cc1plus",
        cpu=1.0,
        rss=60 * MB,
    )


def browser_of_many(machine: SimMachine) -> None:
    """A browser of 60 processes that share most of their memory, beside a job that leaks."""
    desktop(machine)
    main = machine.add("app:browser", "chromium", rss=300 * MB, shared=200 * MB, tied=True)
    for _ in range(59):
        machine.add("app:browser", "chromium", ppid=main.pid, rss=220 * MB, shared=200 * MB)
    machine.jobs["app:browser"] = JobLook("browser", JobKind.APP, main.pid)
    machine.add("leak", "leak", rss=300 * MB, growth=lambda _age_s: 120.0 * MB)


def foreign_hog(machine: SimMachine) -> None:
    """Another user's process takes all there is; a steady job of ours stands beside it."""
    desktop(machine)
    machine.add("steady", "steady", rss=0.12 * machine.total)
    machine.add("hog", "hog", uid=0, protected=True, rss=200 * MB, growth=lambda _age_s: 150.0 * MB)


def leaking_tab(machine: SimMachine) -> None:
    """A tab of the browser in front leaks; a job in a terminal is innocent."""
    desktop(machine)
    machine.add("steady", "steady", rss=0.12 * machine.total)
    firefox = machine.jobs["app:firefox"].leader
    tab = machine.add("app:firefox", "firefox", ppid=firefox, rss=300 * MB, tied=True)
    tab.growth = lambda _age_s: 120.0 * MB


def collecting_parent(machine: SimMachine) -> None:
    """A pool whose four workers are steady while the parent collects what they return."""
    desktop(machine)
    shell = machine.add("app:terminal", "bash", rss=5 * MB, protected=True)
    parent = machine.add("pool", "python3.11", ppid=shell.pid, rss=200 * MB)
    parent.growth = lambda _age_s: 60.0 * MB
    for _ in range(4):
        machine.add("pool", "python3.11", ppid=parent.pid, rss=400 * MB)
    machine.base += int(0.7 * machine.total - machine.used)


def player_beside_hogs(machine: SimMachine) -> None:
    """A player that needs 20 ms every 40 ms, and as many loops as there are cores."""
    desktop(machine)
    machine.add("player", "player", cpu=0.5, light=True, rss=100 * MB)
    runner = machine.add("hogs", "runner", rss=20 * MB, leads=True)
    for _ in range(machine.cores):
        machine.add("hogs", "hog", ppid=runner.pid, cpu=1.0, rss=20 * MB)


INCIDENTS = (
    browser_of_many,
    foreign_hog,
    leaking_tab,
    collecting_parent,
    player_beside_hogs,
    pytest_to_60_gb,
    jest_one_worker_a_core,
    two_pytest_auto,
    frees_slowly,
    fork_bomb,
    slow_leak,
    compile_with_64_jobs,
)

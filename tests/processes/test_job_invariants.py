"""What holds for jobs of any processes at all."""

import random
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from omnitray.base.facts import Job
from omnitray.processes.job_looks import PreviousScan, RememberedLooks
from omnitray.processes.jobs import JobTracker, group_jobs
from support.clock import FakeClock
from support.processes import FakeProcesses
from support.session import USER, pids

MIB = 1 << 20
COMMANDS = ("bash", "pytest", "make", "claude", "konsole", "systemd", "gnome-shell", "python x.py")
CGROUPS = (None, "/user.slice/session-2.scope", f"{USER}/app.slice/app-gnome-gimp-9.scope")


@st.composite
def forests(draw: st.DrawFn) -> FakeProcesses:
    """Any table at all, broken ones too: cycles, unknown parents, children older than parents."""
    table = FakeProcesses()
    for _ in range(draw(st.integers(0, 25))):
        table.start(
            draw(st.sampled_from(COMMANDS)),
            draw(st.integers(0, 130)),
            group=draw(st.integers(0, 130)),
            session=draw(st.integers(0, 130)),
            tty=draw(st.sampled_from((0, 34816))),
            start_ticks=draw(st.integers(0, 5)),
            rss_bytes=draw(st.sampled_from((0, MIB))),
            state=draw(st.sampled_from("SRZD")),
            cgroup=draw(st.sampled_from(CGROUPS)),
        )
    return table


def shape(jobs: tuple[Job, ...]) -> set[tuple[str, str, str, int, frozenset[int]]]:
    return {
        (job.key, job.name, job.kind, job.leader_pid, frozenset(p.pid for p in job.processes))
        for job in jobs
    }


@given(forests(), st.randoms(use_true_random=False))
def test_each_process_is_in_one_job_whatever_the_order(
    table: FakeProcesses, chance: random.Random
) -> None:
    processes = list(table.scan())
    home = Path("/nowhere")
    first, second = (JobTracker(table, FakeClock(), home) for _ in range(2))
    straight = first.update(processes)
    chance.shuffle(processes)
    assert shape(second.update(processes)) == shape(straight)
    everyone = [process.pid for job in straight for process in job.processes]
    assert sorted(everyone) == sorted(process.pid for process in processes)
    assert len({job.key for job in straight}) == len(straight)
    for job in straight:
        assert job.leader_pid in pids(job)


@given(forests(), st.data())
def test_to_look_only_at_who_has_moved_gives_the_same_jobs(
    table: FakeProcesses, data: st.DataObject
) -> None:
    looks = RememberedLooks(table, FakeClock())
    past = PreviousScan()
    for _ in range(4):
        processes = table.scan()
        groups = group_jobs(processes, looks, past, past.unmoved(processes))
        assert set(groups) == set(group_jobs(processes, looks, past))
        by_pid = {process.pid: process for process in processes}
        seats = {
            (pid, by_pid[pid].start_ticks): group.seat for group in groups for pid in group.members
        }
        past = PreviousScan(seats, by_pid, past.orphaned(processes, frozenset()))
        change_something(table, data)


def change_something(table: FakeProcesses, data: st.DataObject) -> None:
    living = [process.pid for process in table.scan()]
    pid = data.draw(st.sampled_from(living))
    kind = data.draw(st.sampled_from(("end", "start", "execute", "group", "work")))
    if kind == "end" and pid != 1:
        table.end(pid)
    elif kind == "start":
        table.start(data.draw(st.sampled_from(COMMANDS)), pid)
    elif kind == "execute":
        table.execute(pid, data.draw(st.sampled_from(COMMANDS)))
    elif kind == "group":
        table.change(pid, group=data.draw(st.sampled_from(living)))
    else:
        table.change(pid, rss_bytes=data.draw(st.sampled_from((MIB, 2 * MIB))))


@given(forests(), st.data())
def test_jobs_keep_their_key_while_processes_come_and_go(
    table: FakeProcesses, data: st.DataObject
) -> None:
    tracker = JobTracker(table, FakeClock(), Path("/nowhere"))
    for _ in range(4):
        before = tracker.update(table.scan())
        assert shape(tracker.update(table.scan())) == shape(before)
        living = [process.pid for process in table.scan() if process.pid != 1]
        if not living:
            return
        table.end(data.draw(st.sampled_from(living)))

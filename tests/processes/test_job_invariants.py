"""What holds for jobs of any processes at all."""

import random
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from omnitray.base.facts import Job
from omnitray.processes.job_grouping import JobGrouping
from omnitray.processes.jobs import JobTracker
from omnitray.processes.process_table import ProcessDetailCache
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
    assert len(set(everyone)) == len(everyone)
    dead = {each.pid for each in processes if each.state == "Z" and not each.rss_bytes}
    assert {process.pid for process in processes} - set(everyone) <= dead
    assert len({job.key for job in straight}) == len(straight)
    for job in straight:
        assert job.leader_pid in pids(job)


GROUPS = st.sampled_from(("inherited", "own", "session"))
WHO = st.integers(0, 40)


class Histories(RuleBasedStateMachine):
    """Random histories of processes: what is asked for again gives what asking for all gives."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.table = FakeProcesses()
        self.cheap, self.thorough = (
            JobGrouping(ProcessDetailCache(self.table, self.clock)) for _ in range(2)
        )
        self.started = 0

    def some(self, number: int) -> int:
        """One of those that live."""
        living = [process.pid for process in self.table.scan()]
        return living[number % len(living)]

    @rule(
        above=WHO,
        command=st.sampled_from(COMMANDS),
        group=GROUPS,
        cgroup=st.sampled_from(CGROUPS),
    )
    def fork(self, above: int, command: str, group: str, cgroup: str | None) -> None:
        """A child; it may lead a process group, or a session on a terminal."""
        self.begin(None, above, command, group, cgroup)

    def begin(
        self, pid: int | None, above: int, command: str, group: str, cgroup: str | None
    ) -> None:
        self.started += 1
        own = pid if pid is not None else self.table.next_pid
        fields: dict[str, Any] = {} if group == "inherited" else {"group": own}
        if group == "session":
            fields |= {"session": own, "tty": 34816 + own}
        self.table.start(
            command,
            self.some(above),
            pid=pid,
            start_ticks=1000 + self.started,
            cgroup=cgroup,
            **fields,
        )

    @rule(who=WHO, command=st.sampled_from(COMMANDS))
    def execute(self, who: int, command: str) -> None:
        """Another program in the same process."""
        self.table.execute(self.some(who), command)

    @rule(who=WHO, reaper=st.sampled_from((0, 0, 1, 3)))
    def exit(self, who: int, reaper: int) -> None:
        """An end; what it started goes to init, or to a reaper on the way."""
        pid = self.some(who)
        if pid != 1:
            above = self.some(reaper)
            self.table.end(pid, 1 if above == pid else above)

    @rule(
        who=WHO,
        above=WHO,
        command=st.sampled_from(COMMANDS),
        group=GROUPS,
    )
    def reuse(self, who: int, above: int, command: str, group: str) -> None:
        """An end, and the same pid for another process before the next look."""
        pid = self.some(who)
        if pid != 1:
            self.table.end(pid)
            self.begin(pid, above, command, group, None)

    @rule(who=WHO, with_whom=WHO)
    def join_group(self, who: int, with_whom: int) -> None:
        """Another process group, as a shell that controls jobs gives one."""
        other = self.some(with_whom)
        self.table.change(self.some(who), group=self.table.group_of(other))

    @rule(who=WHO)
    def set_session(self, who: int) -> None:
        """A session of its own, without a terminal."""
        pid = self.some(who)
        self.table.change(pid, session=pid, group=pid, tty=0)

    @rule(who=WHO, cgroup=st.sampled_from(CGROUPS[1:]))
    def move(self, who: int, cgroup: str) -> None:
        """Into another cgroup."""
        self.table.move(self.some(who), cgroup)

    @rule(who=WHO, rss=st.sampled_from((0, MIB, 2 * MIB)))
    def work(self, who: int, rss: int) -> None:
        """Other figures, in the same place."""
        self.table.change(self.some(who), rss_bytes=rss)

    @rule(seconds=st.sampled_from((0.5, 5.0)))
    def look(self, seconds: float) -> None:
        """A scan, whose jobs are held against those that are made by asking for every process."""
        self.clock.advance(seconds)
        processes = self.table.scan()
        self.cheap.update(processes)
        self.thorough.update(processes, whole=True)
        assert self.cheap.groups == self.thorough.groups
        for process in processes:
            assert self.cheap.job_key(process.pid) == self.thorough.job_key(process.pid)


TestHistories = Histories.TestCase
TestHistories.settings = settings(stateful_step_count=60)


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

"""The protector step by step: a told machine, faked processes, the real deciding and doing."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from omnitray.base.facts import (
    DiskFacts,
    GuardReading,
    Job,
    JobKind,
    MemoryFacts,
    Mode,
    OwnFacts,
    PressureFacts,
    PressurePair,
    Probe,
    ProcessFacts,
    ProtectState,
    Resource,
    Severity,
)
from omnitray.base.policy import ModeLimits, ProtectPolicy
from omnitray.monitor.sampler import DiskLook
from omnitray.processes.inspector import Inspector
from omnitray.processes.process_roles import Tie
from omnitray.protector.actuators.executor import Executor
from omnitray.protector.actuators.results import (
    ActionRequest,
    ActuationResult,
    Initiator,
)
from omnitray.protector.actuators.self_test import ActuatorRow
from omnitray.protector.engine import UNREADABLE_S, Protecting, ProtectStep
from omnitray.protector.environment import EnvironmentPorts
from omnitray.protector.model import ActuatorKind, EscalationStep, ProtectReason, Reply
from omnitray.protector.notices import Notice, NoticeOver
from omnitray.protector.oom_events.daemons import OomDaemon
from omnitray.protector.protector import ResourceProtector
from omnitray.protector.view import Answer, HoldKind, ProtectionView
from omnitray.protector.view_builder import holding, page
from support.clock import FakeClock
from support.deeds import Bench
from support.deeds import job as started
from support.foreign import ToldForeground, ToldLogs
from support.processes import FakeProcesses

GB = 10**9


class Told:
    """A guard source that reads what the test tells it."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.available = 20 * GB
        self.cpu = 10.0
        self.readable = True
        self.quota_cores: float | None = None

    def read(self) -> GuardReading | None:
        if not self.readable:
            return None
        waiting = 90.0 if self.cpu > 90 else 0.0
        return GuardReading(
            monotonic_s=self.clock.monotonic(),
            memory=MemoryFacts(total_bytes=32 * GB, available_bytes=self.available),
            pressure=PressureFacts(cpu=PressurePair(some_avg10=waiting)),
            cpu_percent=self.cpu,
            quota_cores=self.quota_cores,
        )


class NoProbe:
    """A key press always takes 1 ms."""

    def measure(self) -> Probe:
        return Probe(now_ms=1.0, quiet_ms=1.0)


class Desk:
    """Everything that the protector stands on."""

    def __init__(self, folder: Path, around: EnvironmentPorts | None = None) -> None:
        self.bench = Bench(folder)
        self.bench.system.privileged = True  # a nice value can be given back
        self.clock = self.bench.clock
        self.source = Told(self.clock)
        self.processes = started(self.bench.system, count=2)
        self.details = FakeProcesses()
        for each in self.processes:
            self.details.start(["/home/me/hog"], pid=each.identity.pid, cwd="/home/me/shop")
        self.executor = Executor(self.bench.actions, self.clock)
        self.scans = 0
        self.grows_bytes = 0  # each hog, from one scan to the next
        self.protecting = Protecting(
            source=self.source,
            scan=self.scan,
            jobs=self,
            inspector=Inspector(self.details, self.ties_of, self.details.written_bytes),
            protector=ResourceProtector("run", home="/home/me"),
            executor=self.executor,
            probe=NoProbe(),
            own=lambda: OwnFacts(uid=1000),
            cores=2,
            cpu_s=lambda: 0.0,
            policy=ProtectPolicy(dev=ModeLimits(cpu_percent=75, memory_percent=80, hold_s=3)),
            around=around,
        )

    def ties_of(self, pids: tuple[int, ...]) -> dict[int, frozenset[Tie]]:
        return {pid: frozenset() for pid in pids}

    def scan(self) -> tuple[ProcessFacts, ...]:
        self.scans += 1
        return tuple(
            ProcessFacts(
                pid=each.identity.pid,
                ppid=1,
                start_ticks=each.identity.start_ticks,
                name="hog",
                state="R",
                uid=1000,
                cpu_percent=95.0,
                rss_bytes=4 * GB + self.scans * self.grows_bytes,
            )
            for each in self.processes
            if each.alive
        )

    def update(self, processes: Sequence[ProcessFacts], /) -> tuple[Job, ...]:
        if not processes:
            return ()
        return (
            Job(
                key="hogs",
                name="hog",
                project="~/shop",
                kind=JobKind.COMMAND,
                leader_pid=processes[0].pid,
                processes=tuple(processes),
                cpu_percent=190.0,
                rss_bytes=sum(each.rss_bytes for each in processes),
            ),
        )

    def with_pss(self, jobs: Sequence[Job], /) -> tuple[Job, ...]:
        return tuple(jobs)

    def run(self, seconds: float) -> list[ProtectStep]:
        """Let time pass as the worker does."""
        end, steps = self.clock.monotonic() + seconds, []
        while self.clock.monotonic() < end:
            steps.append(self.protecting.step())
            self.clock.advance(max(0.1, steps[-1].next_delay_s))
        return steps


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def view(desk: Desk) -> ProtectionView:
    return page(
        desk.protecting,
        in_force=desk.bench.actions.active(),
        records=desk.bench.journal.records(),
        means=[ActuatorRow(kind=ActuatorKind.NICE, name="Nice", works=True)],
        paused_until=None,
        wall_offset_s=desk.clock.wall() - desk.clock.monotonic(),
    )


def notices(steps: list[ProtectStep]) -> list[Notice | NoticeOver]:
    return [notice for step in steps for notice in step.notices]


def test_at_rest_it_reads_and_looks_at_nobody(desk: Desk) -> None:
    steps = desk.run(60)
    assert desk.scans == 0
    assert not notices(steps)
    assert len(steps) < 60


@pytest.mark.parametrize(("quota", "cores"), [(None, 2), (0.5, 0.5), (8.0, 2)])
def test_a_quota_counts_as_the_machine_where_it_is_smaller(
    desk: Desk, quota: float | None, cores: float
) -> None:
    desk.source.quota_cores = quota
    scene = desk.protecting.context()
    assert scene is not None
    assert scene.facts.cores == cores


def test_a_job_over_the_limit_is_slowed_down_told_and_given_back(desk: Desk) -> None:
    desk.source.cpu = 97.0
    told = [each for each in notices(desk.run(6)) if isinstance(each, Notice)]
    assert told[-1].title == "Slowed down hog · ~/shop"
    assert told[-1].done == "slowed down hog · ~/shop"
    assert "CPU 97 %, limit 75 %" in told[-1].message
    assert [each.action.job_key for each in desk.protecting.active] == ["hogs"]
    desk.source.cpu = 5.0
    over = [each for each in notices(desk.run(30)) if isinstance(each, NoticeOver)]
    assert [each.labels for each in over] == [told[-1].labels]
    assert desk.protecting.active == ()


def test_watching_says_what_it_would_have_done(desk: Desk) -> None:
    desk.protecting.policy = ProtectPolicy(
        state=ProtectState.WATCH, dev=ModeLimits(cpu_percent=75, memory_percent=80, hold_s=3)
    )
    desk.source.cpu = 97.0
    told = notices(desk.run(6))
    titles = [each.title for each in told if isinstance(each, Notice)]
    assert titles[-1] == "Would have slowed down hog · ~/shop"
    assert isinstance(told[-1], Notice)
    assert "Protection only watches" in told[-1].message
    assert all(each.heard == [] for each in desk.processes)
    (held,) = view(desk).held
    assert held.grip is HoldKind.WOULD
    assert not held.undoable
    for process in desk.processes:
        process.alive = False
    desk.run(10)
    assert view(desk).held == ()


def test_watching_writes_one_record_a_job_and_hour(desk: Desk) -> None:
    desk.protecting.policy = ProtectPolicy(
        state=ProtectState.WATCH, dev=ModeLimits(cpu_percent=75, memory_percent=80, hold_s=3)
    )
    told = []
    for _ in range(6):  # over the limit and clear again, every 20 s
        desk.source.cpu = 97.0
        told += notices(desk.run(10))
        desk.source.cpu = 5.0
        told += notices(desk.run(10))
    assert all(isinstance(each, Notice | NoticeOver) for each in told)
    assert [each.title for each in told if isinstance(each, Notice)] == [
        "Would have slowed down hog · ~/shop"
    ]
    assert len([each for each in desk.bench.journal.records() if each.began.dry_run]) == 1
    desk.clock.advance(3600.0)
    desk.source.cpu = 97.0
    assert len([each for each in notices(desk.run(10)) if isinstance(each, Notice)]) == 1


def test_the_person_s_word_is_done_at_the_next_step_and_undone_when_they_say_so(
    desk: Desk,
) -> None:
    desk.protecting.reply(Reply(job_key="hogs", answer=Answer.PAUSE))
    desk.run(1)
    assert all(each.stopped for each in desk.processes)
    (active,) = desk.protecting.active
    desk.protecting.undo(active.action.id, "you asked for it", Initiator.PERSON)
    assert not any(each.stopped for each in desk.processes)
    assert any(isinstance(each, NoticeOver) for each in notices(desk.run(1)))


def test_what_cannot_be_read_is_tried_again_later(desk: Desk) -> None:
    desk.source.readable = False
    assert desk.protecting.step() == ProtectStep(next_delay_s=UNREADABLE_S)
    assert desk.protecting.context() is None


def test_our_floor_comes_before_that_of_another_guardian(tmp_path: Path) -> None:
    earlyoom = OomDaemon(
        name="earlyoom", pid=9, does="ends the largest process", memory_percent=10.0
    )
    desk = Desk(tmp_path, EnvironmentPorts(neighbours=lambda: (earlyoom,)))
    desk.protecting.step()
    assert desk.protecting.effective.limits.memory_floor_percent == 12.0
    assert desk.protecting.neighbours == (
        "earlyoom runs here and acts at 10 % of memory available; our 12 % comes before it",
    )


def test_our_floor_follows_no_guardian_over_our_own_limit(tmp_path: Path) -> None:
    eager = OomDaemon(name="nohang", pid=9, does="ends the largest process", memory_percent=90.0)
    desk = Desk(tmp_path, EnvironmentPorts(neighbours=lambda: (eager,)))
    desk.protecting.step()
    assert desk.protecting.effective.limits.memory_floor_percent == 20.0
    assert desk.protecting.neighbours == (
        "nohang runs here and acts at 90 % of memory available, before our 20 %",
    )


def test_what_the_kernel_ended_is_said(tmp_path: Path) -> None:
    logs = ToldLogs()
    desk = Desk(tmp_path, EnvironmentPorts(logs=logs))
    logs.new.append(
        "Out of memory: Killed process 77 (python3) total-vm:9kB, anon-rss:2048000kB, file-rss:0kB"
    )
    (told,) = notices(desk.run(5))
    assert isinstance(told, Notice)
    assert told.title == "The kernel ended python3"


def test_an_end_that_nobody_names_is_said_with_what_would_help(tmp_path: Path) -> None:
    logs = ToldLogs(why_not="the journal is for some groups only; to be told: join one")
    desk = Desk(tmp_path, EnvironmentPorts(logs=logs))
    desk.source.available = 4 * GB
    desk.run(5)
    logs.killed = 1
    said = [each for each in notices(desk.run(30)) if isinstance(each, Notice)]
    (told,) = (each for each in said if "ended_by" in each.labels)
    assert told.title == "The kernel ended a process"
    assert told.message.endswith("the journal is for some groups only; to be told: join one.")


def test_it_is_said_what_is_gone_since_the_last_scan(tmp_path: Path) -> None:
    logs = ToldLogs(why_not="the journal is closed")
    desk = Desk(tmp_path, EnvironmentPorts(logs=logs, is_there=lambda _: logs.killed == 0))
    desk.source.cpu = 97.0
    desk.run(5)
    for process in desk.processes:
        process.alive = False
    logs.killed = 1
    told = [each for each in notices(desk.run(30)) if isinstance(each, Notice)]
    assert any("Gone meanwhile: hog (4.0 GB), hog (4.0 GB)." in each.message for each in told)


def test_while_the_journal_is_asked_the_next_step_comes_soon(tmp_path: Path) -> None:
    logs = ToldLogs(slow=True)
    desk = Desk(tmp_path, EnvironmentPorts(logs=logs))
    assert desk.run(1)[-1].next_delay_s > 1.0
    desk.run(5)
    logs.killed = 1
    assert desk.run(1)[-1].next_delay_s <= 1.0


def test_whom_a_person_works_with_is_not_slowed_down(tmp_path: Path) -> None:
    desk = Desk(tmp_path, EnvironmentPorts(foreground=(window := ToldForeground())))
    window.active = frozenset(each.identity.pid for each in desk.processes)
    desk.source.cpu = 97.0
    desk.run(6)
    assert desk.protecting.active == ()
    window.active = frozenset()
    desk.run(6)
    assert desk.protecting.active != ()


def test_at_rest_nobody_asks_for_the_window(tmp_path: Path) -> None:
    desk = Desk(tmp_path, EnvironmentPorts(foreground=(window := ToldForeground())))
    desk.run(60)
    assert window.asked == 0
    desk.source.cpu = 97.0
    desk.run(6)
    assert window.asked > 0


def test_in_the_end_logs_and_display_are_closed(tmp_path: Path) -> None:
    logs, window = ToldLogs(), ToldForeground()
    Desk(tmp_path, EnvironmentPorts(logs=logs, foreground=window)).protecting.close()
    assert logs.closed
    assert window.closed


def test_the_page_shows_what_is_held_why_and_what_it_did(desk: Desk) -> None:
    desk.source.cpu = 97.0
    desk.run(6)
    desk.source.cpu = 60.0
    desk.run(3)
    shown = view(desk)
    (held,) = shown.held
    assert (held.title, held.grip) == ("hog · ~/shop", HoldKind.SLOWED)
    assert held.why.startswith("CPU 97 %")
    assert holding(shown.held) == ("hog · ~/shop slowed down",)
    assert shown.explanations[0].action_id == held.action_id
    assert any(each.name == "CPU pressure" for each in shown.explanations[0].effects)
    assert shown.journal[0].what == "slowed down hog · ~/shop (pid 50 and 1 more)"
    assert shown.journal[0].why.startswith("processors are over the limit, and it takes")
    assert shown.means[0].name == "Nice"
    assert shown.mode is Mode.DEV


def test_what_the_person_has_taken_back_is_not_done_again_three_seconds_later(
    desk: Desk,
) -> None:
    desk.source.cpu = 97.0
    desk.run(6)
    (active,) = desk.protecting.active
    desk.protecting.undo(active.action.id, "you asked for it", Initiator.API)
    desk.run(60)
    assert not desk.protecting.active
    desk.protecting.undo_all("you asked for it", Initiator.PERSON)
    desk.run(600)
    assert [each.action.job_key for each in desk.protecting.active] == ["hogs"]
    desk.protecting.undo_all("it ends", Initiator.PROTECTOR)
    desk.run(6)
    assert desk.protecting.active != ()


def test_to_explain_takes_nothing_away_from_the_next_step(desk: Desk) -> None:
    desk.protecting.reply(Reply(job_key="hogs", answer=Answer.PAUSE))
    assert desk.protecting.context() is not None
    desk.run(1)
    assert all(each.stopped for each in desk.processes)


def filled(percent: float) -> tuple[DiskFacts, ...]:
    free = int((100.0 - percent) * GB)
    return (
        DiskFacts(
            mount="/",
            filesystem="ext4",
            total_bytes=100 * GB,
            free_bytes=free,
            used_percent=percent,
        ),
    )


def test_the_writer_of_a_filling_disk_is_found_though_nothing_else_is_short(desk: Desk) -> None:
    percent = 70.0
    while not desk.protecting.active and percent < 94.0:
        percent += 2.0
        look = DiskLook(at_mono_s=desk.clock.monotonic(), disks=filled(percent))
        desk.protecting.take_disks(look)
        for _ in range(5):
            for each in desk.processes:
                pid = each.identity.pid
                desk.details.written[pid] = desk.details.written.get(pid, 0) + GB
            desk.run(1)
    held = desk.protecting.active[0].action
    assert (held.resource, held.reason) == (Resource.DISK, ProtectReason.DISK_RUNS_OUT)
    assert held.evidence.forecast is not None


def test_switched_off_it_looks_at_nobody(desk: Desk) -> None:
    desk.protecting.policy = ProtectPolicy(state=ProtectState.OFF)
    desk.source.cpu = 97.0
    desk.run(30)
    assert desk.scans == 0


def test_one_pause_is_told_once_by_its_question(desk: Desk) -> None:
    desk.source.available = int(1.9 * GB)
    desk.run(2)
    assert not desk.protecting.protector.open_questions
    desk.grows_bytes = GB // 20
    told = [each for each in notices(desk.run(2)) if isinstance(each, Notice)]
    (question,) = desk.protecting.protector.open_questions
    (pause,) = (each for each in told if each.context["rung"] == "pause")
    assert question.job_key == "hogs"
    assert pause.severity is Severity.CRITICAL
    assert pause.context["others_wait"] is False


def test_a_pause_that_is_refused_is_told_and_not_asked_about(desk: Desk) -> None:
    for each in desk.processes:
        each.untouchable = True
    desk.source.available = int(1.9 * GB)
    desk.run(2)
    desk.grows_bytes = GB // 20
    steps = desk.run(2)

    told = [each for each in notices(steps) if isinstance(each, Notice)]
    assert "pause" in {each.context["rung"] for each in told}
    assert not any(step.questions for step in steps)


def near_the_floor(desk: Desk) -> list[ProtectStep]:
    desk.protecting.policy = ProtectPolicy(
        dev=ModeLimits(cpu_percent=99, memory_percent=80, hold_s=60)
    )
    desk.source.available = int(1.9 * GB)
    steps = desk.run(2)
    desk.grows_bytes = GB // 20
    return steps + desk.run(2)


@pytest.mark.parametrize("end", [True, False])
def test_what_is_stopped_already_or_has_ended_is_not_said_to_be_held(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, *, end: bool
) -> None:
    perform = desk.bench.actions.perform
    tried = []

    def late(order: ActionRequest) -> tuple[ActuationResult, ...]:
        """Just before it would be done, ``omnitray run`` stops them, or they end."""
        tried.append(order)
        for each in desk.processes:
            each.alive, each.stopped = not end, not end
        return perform(order)

    monkeypatch.setattr(desk.bench.actions, "perform", late)
    steps = near_the_floor(desk)
    assert tried
    assert {each.step for each in tried} == {EscalationStep.PAUSE}
    told = [each.title for each in notices(steps) if isinstance(each, Notice)]
    assert not [each for each in told if "pause" in each.lower()]
    assert not any(step.questions for step in steps)
    shown = view(desk)
    assert (shown.held, shown.journal, shown.explanations) == ((), (), ())


def test_a_hold_goes_with_its_processes_and_the_page_is_told(desk: Desk) -> None:
    near_the_floor(desk)
    assert view(desk).held
    for each in desk.processes:
        each.alive = False
    desk.source.available = 20 * GB
    step = desk.protecting.step()
    assert step.changed
    assert view(desk).held == ()
    assert any(isinstance(each, NoticeOver) for each in step.notices)


def test_no_hold_stands_without_a_means(desk: Desk) -> None:
    near_the_floor(desk)
    (held,) = view(desk).held
    assert held.means
    desk.bench.actions.undo(held.action_id, "behind the back of the executor")
    desk.source.available = 20 * GB
    assert desk.protecting.step().changed
    assert (view(desk).held, desk.protecting.active) == ((), ())


def test_who_takes_memory_is_named_and_it_is_over_once_there_is_enough(desk: Desk) -> None:
    desk.protecting.policy = ProtectPolicy(
        dev=ModeLimits(cpu_percent=75, memory_percent=80, hold_s=3), protected=("hog",)
    )
    desk.source.available = 5 * GB
    (told,) = notices(desk.run(70))
    assert isinstance(told, Notice)
    assert told.title.startswith("Memory 8")
    assert told.title.endswith("% used, limit 80 %")
    assert told.message.endswith(
        "Nothing was done. Left alone: hog · ~/shop (8.0 GB): protected by you."
    )
    desk.source.available = 8 * GB
    assert notices(desk.run(6)) == [NoticeOver(labels=told.labels)]
    desk.source.available = 5 * GB
    assert notices(desk.run(10)) == []

"""Which lever an order pulls, what the journal says of it, and how it is taken back."""

from pathlib import Path

import msgspec
import pytest

from omnitray.base.clock import epoch
from omnitray.base.facts import ProcessIdentity, Resource
from omnitray.processes.process_roles import Tie
from omnitray.protector.actuators.journal import Undone
from omnitray.protector.actuators.priority import NiceActuator
from omnitray.protector.actuators.results import (
    ActuationOutcome,
    UndoResult,
    sentences_of,
    why_refused,
)
from omnitray.protector.actuators.system import (
    IO_IDLE,
    IO_REALTIME,
    AccessRefused,
    Gone,
    IoPriority,
)
from omnitray.protector.model import ActuatorKind, EscalationStep
from omnitray.protector.view import ActionOutcome as Shown
from omnitray.protector.view_builder import journal_line
from support.deeds import Bench, job, order
from support.fake_system import FakeProcess


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_weight_is_preferred_where_the_session_has_a_manager(bench: Bench) -> None:
    processes = job(bench.system)
    bench.system.units.absent = ""
    (done,) = bench.actions.perform(order([processes[0].identity]))
    assert (done.outcome, done.lever) == (ActuationOutcome.APPLIED, ActuatorKind.CPU_WEIGHT)
    unit = processes[0].unit
    assert unit is not None
    assert unit.startswith("omnitray-job-")
    assert {process.unit for process in processes} == {unit}
    assert bench.system.units.weights == {unit: 1}


def test_a_unit_that_holds_only_the_job_is_used_as_it_is(bench: Bench) -> None:
    bench.system.units.absent = ""
    processes = job(bench.system)
    for process in processes:
        process.unit = "app-make-1.scope"
    bench.system.units.weights["app-make-1.scope"] = 200
    (done,) = bench.actions.perform(order([processes[0].identity]))
    assert bench.system.units.weights == {"app-make-1.scope": 1}
    bench.actions.undo(done.action_id, "calm")
    assert bench.system.units.weights == {"app-make-1.scope": 200}


def test_a_unit_shared_with_the_terminal_is_left_alone(bench: Bench) -> None:
    bench.system.units.absent = ""
    shell = bench.system.add(40)
    worker = bench.system.add(41, parent=40)
    shell.unit = worker.unit = "vte-spawn-1.scope"
    bench.actions.perform(order([worker.identity]))
    assert shell.unit == "vte-spawn-1.scope"
    assert worker.unit != shell.unit
    assert "vte-spawn-1.scope" not in bench.system.units.weights


def test_autogroup_is_next_and_the_journal_says_why(bench: Bench) -> None:
    bench.system.autogroup = {}
    processes = job(bench.system)
    (done,) = bench.actions.perform(order([processes[0].identity]))
    assert done.lever is ActuatorKind.AUTOGROUP
    assert bench.system.autogroup == {50: 19}
    (record,) = bench.journal.records()
    assert record.began.others == {"cpu_weight": "no unified cgroup hierarchy here"}
    assert record.began.evidence == {"cpu_percent": 97.0}


def test_a_session_that_holds_others_is_not_touched_by_autogroup(bench: Bench) -> None:
    bench.system.autogroup = {}
    bench.system.privileged = True
    processes = job(bench.system)
    bench.system.add(40, session=50)
    (done,) = bench.actions.perform(order([processes[0].identity]))
    assert bench.system.autogroup == {}
    assert done.lever is ActuatorKind.NICE
    assert done.others["autogroup"] == "session 50 holds 1 other processes"


def test_nice_that_this_user_could_not_give_back_is_not_set(bench: Bench) -> None:
    processes = job(bench.system)
    (done,) = bench.actions.perform(order([processes[0].identity]))
    assert (done.outcome, done.lever) == (ActuationOutcome.FAILED, None)
    assert done.others["nice"] == "nice could not be given back by this user"
    assert why_refused((done,)) == "nice could not be given back by this user"
    assert {process.nice for process in processes} == {0}


def test_what_only_privileged_users_may_give_is_not_taken(bench: Bench) -> None:
    bench.system.autogroup = {50: -5}
    (process, *_) = job(bench.system)
    process.io = IoPriority(IO_REALTIME, 4)
    slowed, calmed = (
        done
        for resource in (Resource.CPU, Resource.DISK)
        for done in bench.actions.perform(
            order([process.identity], EscalationStep.SLOW_DOWN, resource)
        )
    )
    assert slowed.others["autogroup"] == "session 50 has -5, which this user could not give back"
    assert calmed.outcome is ActuationOutcome.APPLIED  # of the others of the job
    assert (process.io, bench.system.autogroup) == (IoPriority(IO_REALTIME, 4), {50: -5})


@pytest.mark.parametrize(
    ("outcome", "notes", "said"),
    [
        (ActuationOutcome.RESTORED, (), "make: restored"),
        (
            ActuationOutcome.CHANGED,
            ("process 5 has 3 now",),
            "make: left alone, process 5 has 3 now",
        ),
        (ActuationOutcome.ONE_WAY, ("a", "b", "c"), "make: not restored, a (and 2 more)"),
    ],
)
def test_what_became_of_it_is_said_in_words(
    outcome: ActuationOutcome, notes: tuple[str, ...], said: str
) -> None:
    back = UndoResult(
        action_id="a", title="make", lever=ActuatorKind.NICE, outcome=outcome, notes=notes
    )
    assert back.sentence == said


def test_one_hold_is_one_sentence_and_two_jobs_of_a_name_are_two() -> None:
    def back(action_id: str, title: str) -> UndoResult:
        return UndoResult(
            action_id=action_id,
            title=title,
            lever=ActuatorKind.NICE,
            outcome=ActuationOutcome.RESTORED,
        )

    slowed, paused = back("t-1", "make"), back("t-1.h2", "make, worker 3")
    assert sentences_of((paused, slowed, back("t-9", "make"))) == ("make: restored",) * 2


def test_nice_comes_back_where_the_limit_of_each_process_allows_it(bench: Bench) -> None:
    processes = job(bench.system)
    for process in processes:
        process.nice_limit = 0
    (done,) = bench.actions.perform(order([processes[0].identity]))
    assert (done.lever, done.reversible, done.notes) == (ActuatorKind.NICE, True, ())
    (undone,) = bench.actions.undo(done.action_id, "calm")
    assert undone.outcome is ActuationOutcome.RESTORED
    assert {process.nice for process in processes} == {0}


def test_one_process_that_cannot_come_back_leaves_all_of_it_as_it_is(bench: Bench) -> None:
    processes = job(bench.system)
    for process in processes[1:]:
        process.nice_limit = 0
    (done,) = bench.actions.perform(order([processes[0].identity]))
    assert done.outcome is ActuationOutcome.FAILED
    assert {process.nice for process in processes} == {0}


def test_a_nice_value_whose_limit_was_taken_away_meanwhile_is_said_to_stay(bench: Bench) -> None:
    bench.system.privileged = True
    processes = job(bench.system)
    (done,) = bench.actions.perform(order([processes[0].identity]))
    bench.system.privileged = False
    (undone,) = bench.actions.undo(done.action_id, "calm")
    assert undone.outcome is ActuationOutcome.ONE_WAY
    assert undone.notes[0] == (
        "process 50 keeps 19: without privilege a nice value cannot be lowered again"
    )
    assert {process.nice for process in processes} == {19}


def test_nice_that_would_not_help_and_not_come_back_is_not_set(bench: Bench) -> None:
    bench.system.autogroup = {}
    processes = job(bench.system)
    bench.system.add(40, session=50)
    (done,) = bench.actions.perform(order([processes[0].identity]))
    assert done.outcome is ActuationOutcome.FAILED
    assert {process.nice for process in processes} == {0}
    assert set(done.others) == {"cpu_weight", "autogroup", "background", "nice"}


def test_the_next_lever_is_tried_when_one_refuses(bench: Bench) -> None:
    bench.system.units.absent = ""
    bench.system.units.refuses.add("adopt")
    bench.system.autogroup = {}
    processes = job(bench.system)
    (done,) = bench.actions.perform(order([processes[0].identity]))
    assert done.lever is ActuatorKind.AUTOGROUP
    assert done.others == {"cpu_weight": "permission denied"}


def test_a_value_that_does_not_read_back_is_no_success(bench: Bench) -> None:
    bench.system.units.absent = ""
    bench.system.units.ignores_weight = True
    bench.system.autogroup = {}
    processes = job(bench.system)
    (done,) = bench.actions.perform(order([processes[0].identity]))
    assert done.lever is ActuatorKind.AUTOGROUP
    assert done.others == {"cpu_weight": "it does not read back"}


def test_what_two_actions_hold_stays_until_both_have_let_go(bench: Bench) -> None:
    bench.system.autogroup = {}
    processes = job(bench.system)
    (first,) = bench.actions.perform(order([processes[0].identity]))
    (again,) = bench.actions.perform(order([processes[0].identity]))
    assert (again.outcome, again.lever) == (ActuationOutcome.APPLIED, ActuatorKind.AUTOGROUP)
    assert {process.nice for process in processes} == {0}, "not slowed by the next lever too"
    written = bench.journal.records()[1]
    assert written.began.changes == bench.journal.records()[0].began.changes
    (undone,) = bench.actions.undo(first.action_id, "the processors are free")
    assert undone.outcome is ActuationOutcome.RESTORED
    assert bench.system.autogroup == {50: 19}
    bench.actions.undo(again.action_id, "memory is free")
    assert bench.system.autogroup == {50: 0}


def test_what_somebody_else_has_slowed_down_is_nothing_that_we_hold(bench: Bench) -> None:
    bench.system.autogroup = {50: 19}
    processes = job(bench.system)
    (done,) = bench.actions.perform(order([processes[0].identity]))
    assert (done.outcome, done.lever) == (ActuationOutcome.ALREADY, ActuatorKind.AUTOGROUP)
    assert not done.is_in_force
    assert bench.actions.active() == ()


def test_who_has_just_ended_is_not_called_slow_already(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.system.privileged = True
    leader = job(bench.system, count=1)[0]

    def end(identity: ProcessIdentity) -> int:
        leader.alive = False
        raise Gone(f"process {identity.pid} has ended")

    monkeypatch.setattr(bench.system, "nice", end)
    (done,) = bench.actions.perform(order([leader.identity]))
    assert (done.outcome, done.is_void, done.is_in_force) == (ActuationOutcome.GONE, True, False)
    assert done.others["nice"] == "its processes have ended"


def test_what_neither_reads_back_nor_goes_back_stays_known(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes = job(bench.system, count=1)
    bench.system.privileged = True
    real, answers = bench.system.set_nice, iter([True, False])

    def set_nice(identity: ProcessIdentity, nice: int) -> None:
        if not next(answers, True):
            raise AccessRefused("not now")
        real(identity, nice)

    monkeypatch.setattr(bench.system, "set_nice", set_nice)
    monkeypatch.setattr(NiceActuator, "read_back", lambda *_: False)
    (done,) = bench.actions.perform(order([processes[0].identity]))
    assert (done.outcome, processes[0].nice) == (ActuationOutcome.PARTLY, 19)
    assert "it does not read back" in done.notes
    bench.actions.undo(done.action_id, "calm")
    assert processes[0].nice == 0


def test_memory_gets_a_weight_and_a_limit_and_both_are_taken_back_by_one_undo(
    bench: Bench,
) -> None:
    bench.system.units.absent = ""
    processes = job(bench.system)
    weight, limit = bench.actions.perform(order([processes[0].identity], resource=Resource.MEMORY))
    unit = processes[0].unit or ""
    assert [weight.lever, limit.lever] == [ActuatorKind.CPU_WEIGHT, ActuatorKind.MEMORY_HIGH]
    assert bench.system.units.limits[unit] == 64 << 20
    assert len(bench.actions.undo(weight.action_id, "calm")) == 2
    assert bench.system.units.limits[unit] is None
    assert bench.system.units.weights[unit] == 100


def test_disk_gets_the_idle_class_and_back(bench: Bench) -> None:
    processes = job(bench.system)
    processes[1].io = IoPriority(2, 4)
    (done,) = bench.actions.perform(order([processes[0].identity], resource=Resource.DISK))
    assert {process.io for process in processes} == {IO_IDLE}
    bench.actions.undo(done.action_id, "calm")
    assert [process.io for process in processes] == [IoPriority(0), IoPriority(2, 4), IoPriority(0)]


def test_the_guard_knows_before_anything_stops(bench: Bench) -> None:
    processes = job(bench.system)
    (done,) = bench.actions.perform(order([processes[0].identity], EscalationStep.PAUSE))
    assert done.lever is ActuatorKind.STOP
    assert all(process.stopped for process in processes)
    assert bench.guard.held[done.action_id] == [(50, 100), (51, 100), (52, 100)]
    bench.actions.undo(done.action_id, "calm")
    assert not any(process.stopped for process in processes)
    assert bench.guard.held == {}


def test_a_child_forked_while_the_job_was_stopped_is_stopped_too(bench: Bench) -> None:
    processes = job(bench.system)
    late = FakeProcess(60)
    bench.system.forks_when_stopped = late
    (done,) = bench.actions.perform(order([processes[0].identity], EscalationStep.PAUSE))
    assert late.stopped
    assert (60, 100) in bench.guard.held[done.action_id]
    bench.actions.undo(done.action_id, "calm")
    assert not late.stopped


def test_the_freezer_is_preferred_and_guarded_by_its_folder(bench: Bench) -> None:
    bench.system.units.absent = ""
    processes = job(bench.system)
    (done,) = bench.actions.perform(order([processes[0].identity], EscalationStep.PAUSE))
    unit = processes[0].unit or ""
    assert done.lever is ActuatorKind.FREEZE
    assert bench.system.units.frozen == {unit}
    assert bench.guard.held[done.action_id] == [(7, f"/sys/fs/cgroup/{unit}")]
    bench.actions.undo(done.action_id, "calm")
    assert bench.system.units.frozen == set()


def test_a_freezer_that_refuses_gives_way_to_signals(bench: Bench) -> None:
    bench.system.units.absent = ""
    bench.system.units.refuses.add("freeze")
    processes = job(bench.system)
    (done,) = bench.actions.perform(order([processes[0].identity], EscalationStep.PAUSE))
    assert done.lever is ActuatorKind.STOP
    assert bench.guard.held[done.action_id] == [(50, 100), (51, 100), (52, 100)]


@pytest.mark.parametrize("tie", list(Tie))
def test_what_is_tied_to_the_person_is_never_paused(bench: Bench, tie: Tie) -> None:
    bench.system.units.absent = ""
    processes = job(bench.system)
    processes[0].ties = frozenset({tie})
    (done,) = bench.actions.perform(order([processes[0].identity], EscalationStep.PAUSE))
    assert done.outcome is ActuationOutcome.FAILED
    assert done.others == {"freeze": f"process 50 {tie}", "stop": f"process 50 {tie}"}
    assert not any(process.stopped for process in processes)
    assert bench.system.units.frozen == set()
    assert bench.guard.held == {}


def test_a_worker_with_a_window_is_spared_while_the_others_pause(bench: Bench) -> None:
    processes = job(bench.system)
    processes[2].ties = frozenset({Tie.DISPLAY})
    (done,) = bench.actions.perform(order([processes[0].identity], EscalationStep.PAUSE))
    assert [process.stopped for process in processes] == [True, True, False]
    assert done.notes == ("process 52 has a window or a tray icon: spared",)


def test_what_somebody_else_stopped_is_not_continued_by_us(bench: Bench) -> None:
    processes = job(bench.system)
    processes[1].stopped = True
    (done,) = bench.actions.perform(order([processes[0].identity], EscalationStep.PAUSE))
    bench.actions.undo(done.action_id, "calm")
    assert [process.stopped for process in processes] == [False, True, False]


def test_what_somebody_else_changed_since_is_left_alone_and_reported(bench: Bench) -> None:
    bench.system.autogroup = {}
    processes = job(bench.system)
    (done,) = bench.actions.perform(order([processes[0].identity]))
    bench.system.autogroup[50] = 5
    (undone,) = bench.actions.undo(done.action_id, "calm")
    assert undone.outcome is ActuationOutcome.CHANGED
    assert undone.notes == ("session 50 has 5 now, not our 19: left alone",)
    assert bench.system.autogroup == {50: 5}
    assert bench.actions.active() == ()


def test_a_recycled_pid_is_never_touched(bench: Bench) -> None:
    processes = job(bench.system, count=1)
    (done,) = bench.actions.perform(order([processes[0].identity], EscalationStep.PAUSE))
    stranger = bench.system.add(50, start_ticks=999)
    stranger.stopped = True
    (undone,) = bench.actions.undo(done.action_id, "calm")
    assert undone.outcome is ActuationOutcome.GONE
    assert stranger.stopped
    (again,) = bench.actions.perform(order([processes[0].identity], EscalationStep.END))
    assert again.outcome is ActuationOutcome.GONE
    assert stranger.heard == []


def test_a_dry_run_touches_nothing_and_says_what_would_have_been(bench: Bench) -> None:
    bench.system.units.absent = ""
    processes = job(bench.system)
    for step in (EscalationStep.SLOW_DOWN, EscalationStep.PAUSE, EscalationStep.END):
        (done,) = bench.actions.perform(order([processes[0].identity], step, dry_run=True))
        assert done.outcome is ActuationOutcome.WOULD_HAVE
    assert all(process.unit is None and not process.heard for process in processes)
    assert bench.actions.active() == ()
    assert {record.result.outcome for record in bench.journal.records() if record.result} == {
        "would_have"
    }
    assert bench.journal.unfinished("boot-1") == ()


def test_telling_pulls_no_lever(bench: Bench) -> None:
    processes = job(bench.system)
    assert bench.actions.perform(order([processes[0].identity], EscalationStep.TELL)) == ()


def test_an_action_whose_processes_ended_is_over(bench: Bench) -> None:
    processes = job(bench.system)
    (done,) = bench.actions.perform(order([processes[0].identity], EscalationStep.PAUSE))
    for process in processes:
        process.alive = False
    step = bench.actions.step()
    assert step.gone == (done.action_id,)
    assert bench.guard.held == {}
    assert bench.journal.unfinished("boot-1") == ()


def test_a_dead_guardian_is_noticed(bench: Bench) -> None:
    bench.guard.is_dead = True
    assert bench.actions.step().guardian_replaced
    assert not bench.actions.step().guardian_replaced


def test_undo_of_something_unknown_does_nothing(bench: Bench) -> None:
    assert bench.actions.undo("a0-0", "calm") == ()


def test_what_could_not_be_taken_back_is_tried_again(bench: Bench) -> None:
    processes = job(bench.system, count=1)
    (done,) = bench.actions.perform(order([processes[0].identity], EscalationStep.PAUSE))
    processes[0].untouchable = True
    (undone,) = bench.actions.undo(done.action_id, "calm")
    assert undone.outcome is ActuationOutcome.FAILED
    assert len(bench.journal.unfinished("boot-1")) == 1
    processes[0].untouchable = False
    (undone,) = bench.actions.undo_all("at exit")
    assert undone.outcome is ActuationOutcome.RESTORED
    assert not processes[0].stopped


def test_the_journal_is_what_a_person_can_read(bench: Bench) -> None:
    bench.system.autogroup = {}
    processes = job(bench.system, count=1)
    bench.actions.perform(order([processes[0].identity]))
    first, second = bench.journal.path.read_bytes().splitlines()
    began, result = msgspec.json.decode(first), msgspec.json.decode(second)
    change = {
        "process": {"pid": 50, "start_ticks": 100, "exe": "/usr/bin/p50"},
        "unit": "50",
        "old": 0,
        "new": 19,
    }
    assert began["event"] == "begin"
    assert began["v"] == 1
    assert began["changes"] == [change]
    assert began["reason"] == "CPU over its limit"
    assert began["title"] == "pytest · ~/shop"
    assert result == {
        "event": "result",
        "v": 1,
        "id": began["id"],
        "at": began["at"],
        "outcome": "applied",
        "changes": [change],
        "notes": [],
    }


@pytest.mark.parametrize(
    ("outcome", "shown"),
    [
        ("restored", Shown.UNDONE),
        ("gone", Shown.UNDONE),
        ("one_way", Shown.FINAL),
        ("failed", Shown.REVERSIBLE),
    ],
)
def test_the_window_says_what_became_of_it(outcome: str, shown: Shown, bench: Bench) -> None:
    bench.system.privileged = True
    (done,) = bench.actions.perform(order([job(bench.system)[0].identity]))
    undone = Undone(id=done.action_id, at="2026-11-22T13:21:27.123Z", outcome=outcome)
    bench.journal.append(undone)
    line = journal_line(bench.journal.records()[0])
    assert line.outcome is shown
    assert line.undone_at == (epoch(undone.at) if outcome == "restored" else None)


@pytest.mark.parametrize("shared", [False, True])
def test_what_somebody_has_set_on_a_unit_is_not_left_behind(bench: Bench, *, shared: bool) -> None:
    """``systemd-run --scope -p MemoryMax=300M``: its limits hold before, meanwhile and after."""
    units = bench.system.units
    units.absent = ""
    bench.system.autogroup = {}
    processes = job(bench.system)
    units.set_by_somebody = {"run-r1.scope": ("memory.max", "cpu.max")}
    for process in processes:
        process.unit = "run-r1.scope"
    if shared:  # with somebody else in it, its own weight would hold for both
        bench.system.add(40, session=40).unit = "run-r1.scope"
    (done,) = bench.actions.perform(order([processes[0].identity]))
    assert {process.unit for process in processes} == {"run-r1.scope"}
    if shared:
        assert done.lever is ActuatorKind.AUTOGROUP
        assert done.others == {
            "cpu_weight": "run-r1.scope has memory.max, cpu.max set, which a move would lose"
        }
    else:
        assert (done.lever, units.weights) == (ActuatorKind.CPU_WEIGHT, {"run-r1.scope": 1})
    bench.actions.undo(done.action_id, "calm")
    assert {process.unit for process in processes} == {"run-r1.scope"}
    assert units.weights.get("run-r1.scope") is None

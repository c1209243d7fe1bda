"""The incidents of ``sim_incidents``, as they end with the protector on."""

import pytest

from omnitray.base.facts import LastResort, Mode, ProtectState
from omnitray.protector.model import (
    Alarm,
    AlarmReason,
    EscalationStep,
    ProtectReason,
    Question,
    Restore,
    RestoreReason,
)
from omnitray.protector.view import Answer
from support import sim_incidents
from support.sim_incidents import INCIDENTS
from support.sim_machine import GB, MB, SimMachine
from support.sim_run import Outcome, run

SMALL = 8 * GB
LIVES = ("gnome-shell", "gnome-terminal-server", "code", "firefox", "postgres", "pipewire", "bash")


def after(incident: str, mode: Mode = Mode.DEV, seconds: float = 120.0, **how: object) -> Outcome:
    machine = SimMachine(total=SMALL if incident != "frees_slowly" else 32 * GB, cores=4)
    getattr(sim_incidents, incident)(machine)
    return run(machine, mode=mode, seconds=seconds, **how)  # type: ignore[arg-type]  # as run's own


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("incident", [each.__name__ for each in INCIDENTS])
def test_no_rule_is_broken_and_the_desk_lives(incident: str, mode: Mode) -> None:
    outcome = after(incident, mode, seconds=60.0)

    assert outcome.violations == []
    names = {sim.name for sim in outcome.machine.processes.values()}
    assert {name for name in LIVES if name != "bash"} <= names


def test_the_worker_that_grows_is_paused_and_its_run_lives() -> None:
    outcome = after("pytest_to_60_gb")

    (paused,) = {each.targets for each in outcome.actions if each.step is EscalationStep.PAUSE}
    assert len(paused) == 1
    assert not outcome.levers.ends
    assert outcome.machine.killed_by_kernel == []


def test_a_build_on_all_processors_is_slowed_down_without_a_word() -> None:
    machine = SimMachine(total=16 * GB, cores=8)
    sim_incidents.compile_with_64_jobs(machine)
    outcome = run(machine, mode=Mode.PROD, seconds=900.0)

    assert outcome.steps() == {EscalationStep.SLOW_DOWN}
    assert not any(each.notify for each in outcome.actions)


UNTOUCHABLE = {"foreign_hog": "hog", "leaking_tab": "app:firefox"}


@pytest.mark.parametrize("incident", list(UNTOUCHABLE))
@pytest.mark.parametrize("last_resort", [LastResort.ASK, LastResort.NEVER])
def test_a_cause_that_may_not_be_touched_is_named_and_no_other_job_is_ended(
    incident: str, last_resort: LastResort
) -> None:
    outcome = after(incident, seconds=80.0, last_resort=last_resort)

    alarms = [each for each in outcome.levers.done if isinstance(each, Alarm)]
    named = {each.cause.job_key for each in alarms if each.cause}
    assert named == {UNTOUCHABLE[incident]}
    assert all(each.cause and each.cause.growth_bps > MB for each in alarms)
    assert outcome.levers.ends == []
    questions = [each for each in outcome.levers.done if isinstance(each, Question)]
    asked = {each.job_key for each in questions if each.reason is ProtectReason.LAST_RESORT}
    theirs = incident == "foreign_hog" and last_resort is LastResort.ASK
    assert asked == ({"steady"} if theirs else set())
    assert outcome.violations == []


def test_a_leaking_tab_is_ended_where_the_person_says_so_and_nothing_else_is() -> None:
    machine = SimMachine(total=16 * GB, cores=4)
    sim_incidents.leaking_tab(machine)
    tab = max(
        (each for each in machine.processes.values() if each.job == "app:firefox"),
        key=lambda each: each.rate(machine.now_s),
    )

    outcome = run(machine, mode=Mode.DEV, seconds=120.0, answering=end_anyway)

    (ended,) = (each for each in outcome.actions if each.step is EscalationStep.END)
    assert [each.pid for each in ended.targets] == [tab.pid]
    assert ended.reason is ProtectReason.ASKED
    assert machine.jobs["app:firefox"].leader in machine.processes
    assert outcome.violations == []


def end_anyway(question: Question) -> Answer | None:
    return Answer.END if question.cause is not None else None


def test_another_job_is_ended_where_the_person_has_set_so() -> None:
    outcome = after("foreign_hog", seconds=80.0, last_resort=LastResort.END)

    assert [each.reason for _, each in outcome.levers.ends][:1] == [ProtectReason.LAST_RESORT]


def test_a_parent_that_grows_itself_is_the_one_that_is_paused() -> None:
    outcome = after("collecting_parent", seconds=80.0)

    paused = [each for each in outcome.actions if each.step is EscalationStep.PAUSE]
    parent = outcome.machine.jobs["pool"].leader
    assert [[each.pid for each in action.targets] for action in paused] == [[parent]]


def test_the_player_is_not_slowed_down_with_the_hogs() -> None:
    machine = SimMachine(total=SMALL, cores=2)
    sim_incidents.player_beside_hogs(machine)
    outcome = run(machine, seconds=120.0)

    slowed = [each for each in outcome.actions if each.step is EscalationStep.SLOW_DOWN]
    assert {each.job_key for each in slowed} == {"hogs"}
    assert outcome.violations == []


def test_where_slowing_down_is_refused_the_next_step_is_asked_about() -> None:
    machine = SimMachine(total=SMALL, cores=2)
    sim_incidents.player_beside_hogs(machine)
    refuses = frozenset({EscalationStep.SLOW_DOWN})
    outcome = run(machine, mode=Mode.TEST, seconds=120.0, refuses=refuses)

    questions = [each for each in outcome.levers.done if isinstance(each, Question)]
    assert {each.job_key for each in questions} == {"hogs"}
    assert EscalationStep.PAUSE in outcome.steps("hogs")


def test_workers_that_are_replaced_at_once_open_the_breaker() -> None:
    outcome = after("two_pytest_auto", Mode.PROD, seconds=200.0)

    alarms = [each.reason for each in outcome.levers.done if isinstance(each, Alarm)]
    assert AlarmReason.RESPAWNED in alarms
    assert len(outcome.levers.ends) == 1


def test_nothing_else_is_ended_while_a_large_victim_gives_its_memory_back() -> None:
    outcome = after("frees_slowly", Mode.PROD, refuses=frozenset({EscalationStep.PAUSE}))

    assert [each.title for _, each in outcome.levers.ends] == ["model"]
    assert outcome.violations == []


def test_where_nothing_can_be_paused_the_end_still_comes_before_the_kernel() -> None:
    outcome = after("pytest_to_60_gb", refuses=frozenset({EscalationStep.PAUSE}))

    (end,) = [each for _, each in outcome.levers.ends]
    assert end.reason is ProtectReason.MEMORY_FLOOR
    assert len(end.targets) == 1
    assert outcome.machine.killed_by_kernel == []


def test_a_fork_bomb_is_stopped_with_its_parents() -> None:
    outcome = after("fork_bomb", seconds=60.0)

    assert EscalationStep.PAUSE in outcome.steps("bomb")
    assert not outcome.levers.ends
    assert outcome.machine.killed_by_kernel == []


def test_a_leak_of_hours_is_held_before_the_floor() -> None:
    machine = SimMachine(total=SMALL, cores=4)
    sim_incidents.slow_leak(machine)
    machine.base = int(0.55 * SMALL)
    leaking = next(sim for sim in machine.processes.values() if sim.name == "server")
    leaking.growth = lambda _age_s: 4.0 * MB
    outcome = run(machine, seconds=600.0)

    assert EscalationStep.PAUSE in outcome.steps(
        "dev server"
    ) or EscalationStep.SLOW_DOWN in outcome.steps("dev server")
    assert not outcome.levers.ends
    assert outcome.machine.killed_by_kernel == []


def test_what_the_person_wants_ended_is_ended() -> None:
    outcome = after("pytest_to_60_gb", answering=lambda _: Answer.END, seconds=80.0)

    by_word = [each for each in outcome.actions if each.reason is ProtectReason.ASKED]
    assert by_word[0].step is EscalationStep.END
    assert (
        outcome.machine.alive(by_word[0].targets[0].pid, by_word[0].targets[0].start_ticks) is None
    )


def test_what_the_person_wants_slowed_down_runs_on() -> None:
    outcome = after("pytest_to_60_gb", answering=lambda _: Answer.SLOW_DOWN, seconds=34.0)

    resumed = [each for each in outcome.levers.done if isinstance(each, Restore)]
    assert resumed[0].reason is RestoreReason.PERSON
    assert len([each for each in outcome.actions if each.step is EscalationStep.PAUSE]) == 1


def test_what_is_to_be_left_alone_is_given_back_and_not_asked_about_again() -> None:
    outcome = after("pytest_to_60_gb", answering=lambda _: Answer.LEAVE_ALONE, seconds=60.0)

    questions = [each for each in outcome.levers.done if isinstance(each, Question)]
    assert len(questions) == 1
    assert not outcome.levers.active


def test_watching_only_touches_nobody_and_says_what_would_have_been_done() -> None:
    outcome = after("pytest_to_60_gb", state=ProtectState.WATCH, seconds=60.0)

    assert outcome.actions
    assert all(each.dry_run for each in outcome.actions)
    assert not any(isinstance(each, Question) for each in outcome.levers.done)
    assert len(outcome.actions) < 20

"""Decisions where the machine, the job or the moment is not what one thinks of first."""

import pytest

from omnitray.base.facts import Job, JobKind, Mode, Resource
from omnitray.base.policy import ProtectPolicy
from omnitray.protector.model import Action, Alarm, EscalationStep, ExclusionReason, UndoneByUser
from support.desk import BUSY, OVER, QUICK, SLOW, Desk, actions, build, growing, questions, soon
from support.scenes import GB, MB, job, process, reading


def busy_loop(cores: float) -> Job:
    return job("loop", process(100, state="R"), cpu=100.0 * cores)


@pytest.mark.parametrize(("cores", "busy"), [(0.5, 0.45), (1, 0.9), (256, 230.0)])
def test_one_core_and_two_hundred_have_the_same_rules(cores: float, busy: float) -> None:
    decided = Desk().turns(8, busy_loop(busy), at=BUSY, cores=cores, probe=QUICK)

    assert [each.step for each in actions(decided)] == [EscalationStep.SLOW_DOWN]


def test_of_many_cores_one_busy_one_is_no_reason_to_hold_anybody() -> None:
    crowd = job("web", process(300, state="R"), cpu=100.0 * 20)

    decided = Desk().turns(30, busy_loop(1.0), crowd, at=BUSY, cores=256, probe=SLOW)
    assert [each.step for each in actions(decided)] == [EscalationStep.TELL]


def test_without_pressure_and_probe_nobody_is_said_to_wait() -> None:
    decided = Desk(Mode.PROD).turns(200, build(), at=BUSY)

    assert [each.step for each in actions(decided)] == [EscalationStep.SLOW_DOWN]
    assert questions(decided) == []


@pytest.mark.parametrize("swap", [(0, 0), (2 * GB, 0)])
def test_no_swap_and_swap_that_is_used_up_are_the_same(swap: tuple[int, int]) -> None:
    assert actions(Desk().turn(growing(), at=reading(used=94.5, swap=swap)), EscalationStep.PAUSE)
    assert actions(Desk().turn(growing(), at=reading(used=95.5, swap=swap)), EscalationStep.END)


def test_of_a_job_of_three_thousand_processes_one_is_ended() -> None:
    workers = [process(1000 + i, ppid=999, rss_bytes=3 * MB) for i in range(3000)]
    hog = process(5000, ppid=999, rss_bytes=3 * GB)
    run = job("make", process(999, name="make"), *workers, hog, kind=JobKind.BUILD)
    (end,) = actions(Desk().turn(run, at=reading(used=96.0)))

    assert [each.pid for each in end.targets] == [5000]


def test_when_the_only_process_of_the_first_job_is_protected_the_next_is_the_one() -> None:
    base = job("postgres", process(100, name="postgres", rss_bytes=9 * GB), growth=400.0 * MB)
    decided = Desk().turn(base, growing(size=2 * GB), at=reading(used=96.0))

    (end,) = actions(decided)
    assert end.job_key == "pytest"
    excluded = {each.job_key: each.excluded for each in end.considered}
    assert excluded["postgres"] is ExclusionReason.DATABASE


def test_when_nobody_may_be_touched_nothing_is_done_in_any_mode() -> None:
    base = job("postgres", process(100, name="postgres", rss_bytes=12 * GB), growth=400.0 * MB)
    for mode in Mode:
        decided = Desk(mode).turns(60, base, at=reading(used=97.0), memory_forecast=soon())
        (alarm,) = (each for each in decided if isinstance(each, Alarm))
        assert alarm.title == "postgres (a database)"
        assert {each.step for each in actions(decided)} <= {EscalationStep.TELL}


def test_a_job_that_is_back_under_a_new_pid_after_an_undo_is_still_let_be() -> None:
    desk = Desk()
    desk.turns(5, growing(growth=0.0), at=OVER)
    desk.active.clear()
    again = job("pytest", process(777, rss_bytes=8 * GB), kind=JobKind.TEST_RUN, growth=0.0)
    undone = UndoneByUser(job_key="pytest", step=EscalationStep.SLOW_DOWN)
    decided = desk.turn(again, at=OVER, taken_back=(undone,)) + desk.turns(60, again, at=OVER)

    assert actions(decided, EscalationStep.SLOW_DOWN) == []


def test_a_slowed_job_that_idles_is_not_asked_about_and_is_given_back() -> None:
    desk = Desk()
    desk.turns(8, build(), at=BUSY, probe=SLOW)
    (slowed,) = desk.active.values()
    idle = build(cpu=2.0)
    other = job("other", process(900, state="R"), cpu=60.0)
    decided = desk.turns(20, idle, other, at=BUSY, probe=SLOW)
    assert questions(decided) == []

    desk.turns(10, idle, at=reading(cpu=5.0), probe=QUICK)
    assert slowed.action.id not in desk.active


def test_flapping_at_the_limit_does_nothing_and_holding_at_it_does_once() -> None:
    desk = Desk()
    for turn in range(200):
        decided = desk.turn(build(), at=reading(cpu=75.0 if turn % 3 else 74.9), probe=QUICK)
        assert decided == []
    decided = desk.turns(100, build(), at=reading(cpu=75.0), probe=QUICK)
    assert [each.step for each in actions(decided)] == [EscalationStep.SLOW_DOWN]


def test_memory_that_flaps_at_the_limit_is_told_once() -> None:
    desk, editor = Desk(), job("code", process(100, name="code", rss_bytes=9 * GB))
    told: list[Action] = []
    for turn in range(300):
        told += actions(desk.turn(editor, at=reading(used=81.0 if turn % 9 else 79.5)))
    assert [(each.step, each.resource) for each in told] == [(EscalationStep.TELL, Resource.MEMORY)]


def test_another_mode_keeps_what_is_held_while_it_is_still_short() -> None:
    desk = Desk()
    desk.turns(5, growing(growth=0.0), at=OVER)
    held = set(desk.active)
    desk.policy = ProtectPolicy(mode=Mode.PROD)
    desk.turns(20, growing(growth=0.0), at=OVER)
    assert set(desk.active) == held

    desk.turns(20, growing(growth=0.0), at=reading(used=60.0))
    assert not desk.active

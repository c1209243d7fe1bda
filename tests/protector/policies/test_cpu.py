"""Processors: slowed down without a word, asked about when others still wait."""

import msgspec
import pytest

from omnitray.base.facts import Job, JobKind, Mode, Resource
from omnitray.protector.model import (
    Action,
    ActionState,
    EscalationStep,
    ProtectReason,
    RestoreReason,
    Withdrawn,
)
from support.desk import BUSY, QUICK, SLOW, Desk, actions, build, questions, restores
from support.scenes import job, process, reading


def test_it_has_to_hold_before_anything_is_done() -> None:
    desk = Desk()

    assert desk.turns(3, build(), at=BUSY) == []
    (action,) = actions(desk.turn(build(), at=BUSY))

    assert (action.step, action.resource) == (EscalationStep.SLOW_DOWN, Resource.CPU)
    assert action.evidence.held_s == pytest.approx(3.0)
    assert action.restores_below == 65.0


@pytest.mark.parametrize(("mode", "turns"), [(Mode.DEV, 4), (Mode.TEST, 6), (Mode.PROD, 11)])
def test_each_mode_has_its_patience(mode: Mode, turns: int) -> None:
    desk = Desk(mode)

    assert desk.turns(turns - 1, build(), at=BUSY) == []
    assert actions(desk.turn(build(), at=BUSY))


def test_a_moment_under_the_limit_starts_the_time_anew() -> None:
    desk = Desk()
    desk.turns(3, build(), at=BUSY)
    desk.turn(build(), at=reading(cpu=70.0))

    assert desk.turns(3, build(), at=BUSY) == []


def test_after_the_machine_slept_the_time_starts_anew() -> None:
    desk = Desk()
    desk.turns(3, build(), at=BUSY)

    assert desk.turn(build(), at=BUSY, seconds=600.0) == []


def test_a_build_that_nobody_waits_for_is_never_mentioned() -> None:
    desk = Desk(Mode.PROD)

    decided = desk.turns(1000, build(), at=BUSY, probe=QUICK)

    assert [each.step for each in actions(decided)] == [EscalationStep.SLOW_DOWN]
    assert not any(each.notify for each in actions(decided))
    assert questions(decided) == []


def test_without_a_probe_a_build_is_not_its_own_reason() -> None:
    pressed = reading(cpu=100.0, cpu_pressure=80.0)
    crowd = [process(101 + i, ppid=100, state="R") for i in range(64)]
    make = job("make", process(100), *crowd, kind=JobKind.BUILD, cpu=400.0)

    assert questions(Desk().turns(60, make, at=pressed)) == []
    assert questions(Desk().turns(60, build(), at=pressed))
    assert questions(Desk().turns(60, build(), at=reading(cpu=100.0, cpu_pressure=5.0))) == []


def test_it_is_given_back_when_it_was_calm_for_six_seconds() -> None:
    desk = Desk()
    desk.turns(4, build(), at=BUSY)
    calm = reading(cpu=60.0)

    assert restores(desk.turns(6, build(), at=calm)) == []
    assert restores(desk.turns(2, build(), at=reading(cpu=68.0))) == []
    assert [each.reason for each in restores(desk.turns(7, build(), at=calm))] == [
        RestoreReason.RELIEVED
    ]


def test_in_dev_a_job_that_still_makes_others_wait_is_asked_about_and_stays_slowed() -> None:
    desk = Desk(Mode.DEV)
    decided = desk.turns(600, build(), at=BUSY, probe=SLOW)

    (question,) = questions(decided)
    assert (question.deadline_s, question.unanswered) == (None, None)
    assert actions(decided, EscalationStep.PAUSE) == []


@pytest.mark.parametrize(
    ("mode", "pause_s", "end_s"), [(Mode.TEST, 60.0, 600.0), (Mode.PROD, 30.0, 300.0)]
)
def test_without_an_answer_it_is_paused_and_later_ended(
    mode: Mode, pause_s: float, end_s: float
) -> None:
    desk = Desk(mode)
    while not questions(desk.said):
        desk.turn(build(), at=BUSY, probe=SLOW)
    asked_s = desk.now_s
    while not actions(desk.said, EscalationStep.PAUSE):
        desk.turn(build(), at=BUSY, probe=SLOW)
    paused_s = desk.now_s
    (pause,) = actions(desk.said, EscalationStep.PAUSE)
    while not actions(desk.said, EscalationStep.END):
        desk.turn(build(cpu=0.0), at=reading(cpu=5.0), probe=QUICK)
    (end,) = actions(desk.said, EscalationStep.END)

    assert paused_s - asked_s == pytest.approx(pause_s)
    assert desk.now_s - paused_s == pytest.approx(end_s)
    assert pause.notify
    assert sorted(each.pid for each in pause.targets) == [101, 102, 103, 104]
    assert {each.pid for each in end.targets} == {101, 102, 103, 104}
    assert end.reason is ProtectReason.CPU_UNANSWERED


def test_a_question_is_withdrawn_when_nobody_waits_any_more() -> None:
    desk = Desk(Mode.TEST)
    while not questions(desk.said):
        desk.turn(build(), at=BUSY, probe=SLOW)
    decided = desk.turns(10, build(), at=BUSY, probe=QUICK)

    assert [type(each) for each in decided] == [Withdrawn]
    assert desk.protector.open_questions == ()


def test_a_question_is_withdrawn_when_its_job_is_gone_or_free() -> None:
    for jobs in ((job("other", process(900)),), ()):
        desk = Desk(Mode.TEST)
        while not questions(desk.said):
            desk.turn(build(), at=BUSY, probe=SLOW)
        desk.active.clear()
        decided = desk.turns(3, *jobs, at=reading(cpu=5.0))
        assert any(isinstance(each, Withdrawn) for each in decided)


def test_when_only_protected_programs_are_busy_it_is_told_once() -> None:
    editor = job("code", process(100, name="code"), kind=JobKind.APP, cpu=390.0)

    (told,) = actions(Desk().turns(120, editor, at=BUSY, probe=SLOW))

    assert (told.step, told.notify, told.job_key) == (EscalationStep.TELL, True, "")
    assert told.considered


def player(cpu: float = 90.0) -> Job:
    return job("player", process(500), cpu=cpu)


def test_what_takes_little_beside_the_heaviest_is_never_slowed_down() -> None:
    decided = Desk().turns(60, build(280.0), player(), at=BUSY, probe=SLOW)

    slowed = {each.job_key for each in actions(decided, EscalationStep.SLOW_DOWN)}
    assert slowed == {"make"}


def test_a_second_job_is_slowed_down_only_while_others_wait() -> None:
    other = job("other", process(600), cpu=190.0)
    for probe, slowed in ((QUICK, {"make"}), (SLOW, {"make", "other"})):
        decided = Desk().turns(9, build(200.0), other, at=BUSY, probe=probe)
        assert {each.job_key for each in actions(decided)} == slowed


def test_what_did_not_help_is_given_back_within_ten_seconds_and_not_done_again() -> None:
    desk = Desk()
    desk.turns(5, player(200.0), at=BUSY, probe=SLOW)
    decided = desk.turns(60, player(40.0), build(340.0), at=BUSY, probe=SLOW)

    (back,) = restores(decided)
    assert back.reason is RestoreReason.NO_EFFECT
    slowed = [each.job_key for each in actions(desk.said, EscalationStep.SLOW_DOWN)]
    assert slowed == ["player", "make"]


def test_where_slowing_down_is_refused_the_pause_is_asked_about() -> None:
    desk = Desk()
    while not desk.active:
        desk.turn(build(), at=BUSY, probe=SLOW)
    (key,) = desk.active
    failed = msgspec.structs.replace(desk.active[key], state=ActionState.FAILED)
    desk.active[key] = failed
    decided = desk.turns(15, build(), at=BUSY, probe=SLOW)

    (question,) = questions(decided)
    assert question.job_key == "make"
    assert desk.protector.open_questions == (question,)


def test_no_figure_for_processors_means_no_decision_about_them() -> None:
    assert Desk().turns(10, build(), at=reading(cpu=None)) == []


def test_what_is_busy_with_others_outside_slows_down_nobody_who_can_be_seen() -> None:
    """In a container a player that takes half a core was slowed down for what its host does."""
    player = job("player", process(100, state="R"), cpu=50.0)
    seen = job("hog", process(200, state="R"), cpu=250.0)

    (told,) = Desk().turns(30, player, at=BUSY, probe=SLOW)
    assert isinstance(told, Action)
    assert told.step is EscalationStep.TELL
    (action, *_) = actions(Desk().turns(30, player, seen, at=BUSY, probe=SLOW))
    assert action.job_key == "hog"


def test_what_takes_less_than_what_cannot_be_seen_is_no_cause() -> None:
    """It takes a third of the machine and more, and is not what fills it."""
    for cpu, slowed in ((150.0, []), (200.0, ["seen"])):
        decided = Desk().turns(30, job("seen", process(100), cpu=cpu), at=BUSY, probe=QUICK)
        assert [each.job_key for each in actions(decided)] == slowed


def test_of_three_that_take_processors_the_one_with_the_smallest_part_is_left_alone() -> None:
    """Each takes a quarter of the machine and more; two take more than an equal part."""
    jobs = [job(f"takes {each}", process(int(each)), cpu=each) for each in (150.0, 140.0, 95.0)]
    decided = Desk().turns(60, *jobs, at=BUSY, probe=SLOW)
    slowed = [each.job_key for each in actions(decided, EscalationStep.SLOW_DOWN)]
    assert slowed == ["takes 150.0", "takes 140.0"]


def test_who_is_left_when_the_loops_have_ended_is_not_slowed_down_for_them() -> None:
    """Recorded: the reading still counted loops that had ended half a second before."""
    desk = Desk()
    loops = [process(200 + each, cpu_percent=40.0) for each in range(8)]
    desk.turns(2, job("loops", *loops, cpu=320.0), player(90.0), at=BUSY)

    late = reading(cpu=82.0)  # 328 of 400: of this reading the loops were there most of the time
    assert desk.turns(3, player(170.0), at=late) == []
    (action,) = actions(desk.turn(player(170.0), at=late))  # it is not late any more
    assert action.job_key == "player"


def test_of_a_build_what_cannot_be_seen_may_be_its_own() -> None:
    (action,) = actions(Desk().turns(5, build(120.0), at=BUSY))
    assert (action.step, action.job_key) == (EscalationStep.SLOW_DOWN, "make")

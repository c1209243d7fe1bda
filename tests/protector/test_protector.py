"""The protector as a whole: quiet, watching only, switched off."""

import msgspec

from omnitray.base.facts import Job, JobKind, ProtectState
from omnitray.base.policy import ProtectPolicy
from omnitray.processes.process_roles import Tie
from omnitray.protector.model import EndOutcome, EscalationStep, Reply, RestoreReason, Withdrawn
from omnitray.protector.view import Answer, BreakerState
from support.desk import (
    BUSY,
    OVER,
    SLOW,
    Desk,
    actions,
    asked,
    build,
    growing,
    questions,
    restores,
    say,
    soon,
)
from support.scenes import GB, MB, job, process, reading


def test_nothing_is_decided_on_a_quiet_machine() -> None:
    assert Desk().turns(10, build(cpu=20.0)) == []


def test_the_same_facts_give_the_same_answers() -> None:
    assert Desk().turns(8, build(), at=BUSY) == Desk().turns(8, build(), at=BUSY)


def test_watching_only_says_each_thing_once_and_asks_nothing() -> None:
    desk = Desk(state=ProtectState.WATCH)
    decided = desk.turns(60, growing(), at=reading(used=97.0), memory_forecast=soon())

    assert {each.step for each in actions(decided)} == {
        EscalationStep.END,
        EscalationStep.PAUSE,
        EscalationStep.SLOW_DOWN,
    }
    assert len(actions(decided)) == 3
    assert all(each.dry_run for each in actions(decided))
    assert questions(decided) == []
    assert desk.protector.breaker.ends_left == 3


def test_watching_only_ends_nobody_that_the_person_names_either() -> None:
    desk = Desk(state=ProtectState.WATCH)
    (end,) = actions(say(desk, Answer.END))

    assert end.dry_run


def test_switched_off_everything_is_given_back_and_nothing_is_asked_any_more() -> None:
    desk = asked()
    desk.turns(5, growing(growth=0.0, size=10 * GB), at=OVER)
    assert len(desk.active) == 2
    desk.policy = ProtectPolicy(state=ProtectState.OFF)
    decided = desk.turn(growing(), at=reading(used=97.0), memory_forecast=soon())

    assert {each.reason for each in restores(decided)} == {RestoreReason.SWITCHED_OFF}
    assert not desk.active
    assert any(isinstance(each, Withdrawn) for each in decided)
    assert actions(decided) == []


def test_nothing_is_given_back_twice_while_it_is_under_way() -> None:
    desk = asked()
    held = dict(desk.active)
    desk.policy = ProtectPolicy(state=ProtectState.OFF)
    desk.turn()
    desk.active = held

    assert desk.turn() == []
    assert len(restores(desk.turn(seconds=2.0))) == 1


def test_a_tied_job_is_ended_at_the_floor_but_not_paused_before() -> None:
    desk, ties = Desk(), {200: frozenset({Tie.BUS_NAME})}
    assert desk.turn(growing(), at=reading(used=94.5), ties=ties) == []

    assert actions(desk.turn(growing(), at=reading(used=95.5), ties=ties), EscalationStep.END)


def run_of_two(growth: float = 0.0) -> Job:
    workers = (process(200, rss_bytes=8 * GB), process(201, rss_bytes=GB))
    return job("pytest", *workers, kind=JobKind.TEST_RUN, growth=growth, cpu=380.0)


def ending() -> Desk:
    """One of the two is being ended, and takes its time."""
    desk, ties = Desk(), {200: frozenset({Tie.BUS_NAME})}
    decided = desk.turn(run_of_two(), at=reading(used=95.5), ties=ties)
    assert [[each.pid for each in end.targets] for end in actions(decided, EscalationStep.END)] == [
        [200]
    ]
    return desk


def test_what_is_being_ended_is_not_slowed_down_or_asked_about() -> None:
    decided = ending().turns(20, run_of_two(), at=reading(used=94.5, cpu=99.0), probe=SLOW)

    assert [each for each in actions(decided) if each.step is not EscalationStep.TELL] == []
    assert questions(decided) == []


def test_nor_does_the_person_slow_it_down() -> None:
    reply = Reply(job_key="pytest", answer=Answer.SLOW_DOWN)

    assert ending().turn(run_of_two(), at=reading(used=94.5), replies=(reply,)) == []


def test_it_is_not_slowed_down_in_the_moment_of_the_end_either() -> None:
    desk = Desk()
    desk.turns(4, at=reading(used=79.0, cpu=99.0))
    decided = desk.turn(run_of_two(), at=reading(used=95.5, cpu=99.0))

    assert {each.step for each in actions(decided)} == {EscalationStep.END}


def test_other_jobs_are_held_while_one_is_ended() -> None:
    other = job("make", *(process(301 + i, state="R") for i in range(4)), cpu=380.0)
    decided = ending().turns(6, growing(), other, at=reading(used=94.5, cpu=99.0))

    assert {each.job_key for each in actions(decided, EscalationStep.SLOW_DOWN)} == {"make"}


def test_a_pause_that_was_refused_is_not_asked_about() -> None:
    desk = Desk()
    decided = desk.turn(growing(), at=reading(used=75.0), memory_forecast=soon())
    (pause,) = actions(decided, EscalationStep.PAUSE)
    desk.protector.refused(pause)

    assert desk.protector.open_questions == ()


def test_a_refusal_leaves_what_is_asked_about_something_else() -> None:
    desk = asked()
    (pause,) = actions(desk.said, EscalationStep.PAUSE)
    desk.protector.refused(msgspec.structs.replace(pause, targets=()))

    assert len(desk.protector.open_questions) == 1


def test_the_breaker_stays_open_over_a_sleep() -> None:
    desk = ending()
    (end,) = actions(desk.said, EscalationStep.END)
    desk.active.clear()
    outcome = EndOutcome(action_id=end.id, at_s=desk.now_s)
    desk.turn(growing(), at=reading(used=95.5), ended=(outcome,))
    desk.turns(12, at=reading(used=95.5))
    assert desk.protector.breaker.state is BreakerState.OPEN

    desk.turn(seconds=8 * 3600.0)
    desk.turns(22, seconds=25.0)
    assert desk.protector.breaker.ends_left == 0
    desk.turns(3, seconds=25.0)
    assert desk.protector.breaker.ends_left == 1


def test_the_rest_of_a_job_that_grows_is_paused_while_one_of_it_is_ended() -> None:
    desk = Desk()
    run = run_of_two(growth=300.0 * MB)
    desk.turn(run, at=reading(used=95.5))
    (pause,) = actions(desk.turn(run, at=reading(used=95.5)), EscalationStep.PAUSE)

    assert [each.pid for each in pause.targets] == [201]

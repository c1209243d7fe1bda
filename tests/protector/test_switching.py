"""What becomes of things held and asked when the person switches, undoes, or the machine sleeps."""

from typing import Any

import msgspec
import pytest

from omnitray.base.facts import Job, Mode, ProtectState, Resource
from omnitray.base.policy import ProtectPolicy
from omnitray.protector.model import (
    ActionState,
    EscalationStep,
    ExclusionReason,
    ProtectReason,
    Question,
    RestoreReason,
    UndoneByUser,
    Withdrawn,
)
from omnitray.protector.victims import choose
from omnitray.protector.view import Answer
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
from support.scenes import GB, facts, job, process, reading


def switched(desk: Desk, mode: Mode) -> None:
    desk.policy = ProtectPolicy(mode=mode)


def starving(mode: Mode) -> Desk:
    """A job was slowed down, others still wait, and the person is asked."""
    desk = Desk(mode)
    desk.turns(30, build(), at=BUSY, probe=SLOW)
    assert [each.reason for each in questions(desk.said)] == [ProtectReason.CPU_STARVES]
    return desk


# On, watch, off


def test_whoever_only_watches_holds_nothing_and_asks_nothing() -> None:
    desk = asked()
    desk.policy = ProtectPolicy(state=ProtectState.WATCH)
    decided = desk.turn(growing(), at=reading(used=78.0), memory_forecast=soon())

    assert [each.reason for each in restores(decided)] == [RestoreReason.WATCHES]
    assert any(isinstance(each, Withdrawn) for each in decided)
    assert desk.protector.open_questions == ()


def test_a_question_does_not_run_out_while_only_watching() -> None:
    desk = Desk(Mode.PROD)
    desk.turn(growing(), at=reading(used=85.0), memory_forecast=soon())
    desk.policy = ProtectPolicy(mode=Mode.PROD, state=ProtectState.WATCH)
    decided = desk.turns(120, growing(), at=reading(used=85.0), memory_forecast=soon())

    assert len(actions(decided, EscalationStep.END)) == 0
    assert len(actions(decided, EscalationStep.PAUSE)) == 1


def test_what_would_have_been_done_is_done_once_it_may_be() -> None:
    desk = Desk(state=ProtectState.WATCH)
    desk.turn(growing(), at=reading(used=78.0), memory_forecast=soon())
    assert [each.state for each in desk.active.values()] == [ActionState.WATCHED]
    desk.policy = ProtectPolicy()
    decided = desk.turns(3, growing(), at=reading(used=78.0), memory_forecast=soon())

    assert [each.reason for each in restores(decided)] == [RestoreReason.ARMED]
    (pause,) = actions(decided, EscalationStep.PAUSE)
    assert not pause.dry_run
    assert [each.state for each in desk.active.values()] == [ActionState.HELD]


# Another mode


def test_dev_never_does_what_prod_announced() -> None:
    desk = Desk(Mode.PROD)
    desk.turn(growing(), at=reading(used=85.0), memory_forecast=soon())
    (before,) = desk.protector.open_questions
    assert before.unanswered is EscalationStep.END
    switched(desk, Mode.DEV)
    decided = desk.turns(60, growing(growth=0.0), at=reading(used=78.0))

    assert Withdrawn(question_id=before.id) in decided
    (after,) = desk.protector.open_questions
    assert (after.job_key, after.unanswered, after.deadline_s) == ("pytest", None, None)
    assert after.id != before.id
    assert actions(decided, EscalationStep.END) == []


def test_prod_announces_anew_what_dev_left_open() -> None:
    desk = starving(Mode.DEV)
    switched(desk, Mode.PROD)
    desk.turn(build(), at=BUSY, probe=SLOW)
    (question,) = desk.protector.open_questions

    assert (question.unanswered, question.deadline_s) == (EscalationStep.PAUSE, desk.now_s + 30.0)
    assert actions(desk.turns(31, build(), at=BUSY, probe=SLOW), EscalationStep.PAUSE)


def test_what_silence_paused_in_prod_goes_on_slowly_in_dev() -> None:
    desk = starving(Mode.PROD)
    paused = desk.turns(40, build(), at=BUSY, probe=SLOW)
    assert [each.unanswered for each in questions(paused)] == [EscalationStep.END]
    switched(desk, Mode.DEV)
    decided = desk.turns(400, build(), at=BUSY, probe=SLOW)

    assert [each.reason for each in restores(decided)] == [RestoreReason.MODE]
    assert [each.action.step for each in desk.active.values()] == [EscalationStep.SLOW_DOWN]
    assert actions(decided, EscalationStep.END) == []


def test_a_mode_that_gives_back_all_that_was_held_asks_nothing_about_it() -> None:
    desk = starving(Mode.PROD)
    desk.turns(40, build(), at=BUSY, probe=SLOW)
    desk.active = {
        key: each for key, each in desk.active.items() if each.action.step is EscalationStep.PAUSE
    }
    switched(desk, Mode.DEV)
    decided = desk.turn(build(), at=BUSY, probe=SLOW)

    assert [each.reason for each in restores(decided)] == [RestoreReason.MODE]
    assert questions(decided) == []
    assert desk.protector.open_questions == ()


def test_what_the_person_paused_stays_paused_in_another_mode() -> None:
    desk = starving(Mode.PROD)
    say(desk, Answer.PAUSE, key="make")
    paused = desk.turn(build(), at=BUSY, replies=())
    switched(desk, Mode.DEV)

    assert restores([*paused, *desk.turns(30, build(), at=BUSY, probe=SLOW)]) == []


def test_a_lower_limit_gives_back_later_and_a_higher_one_sooner() -> None:
    desk = Desk(Mode.PROD)
    desk.turns(15, build(), at=reading(cpu=96.0))
    switched(desk, Mode.DEV)
    assert restores(desk.turns(20, build(), at=reading(cpu=70.0))) == []
    switched(desk, Mode.PROD)
    assert len(restores(desk.turns(20, build(), at=reading(cpu=70.0)))) == 1


# Undo


@pytest.mark.parametrize("step", [EscalationStep.SLOW_DOWN, EscalationStep.PAUSE])
def test_what_the_person_has_undone_is_not_done_again_at_once(step: EscalationStep) -> None:
    desk = asked() if step is EscalationStep.PAUSE else Desk()
    at = OVER if step is EscalationStep.SLOW_DOWN else reading(used=78.0)
    more: dict[str, Any] = {"memory_forecast": soon()} if step is EscalationStep.PAUSE else {}
    if step is EscalationStep.SLOW_DOWN:
        desk.turns(6, growing(growth=0.0), at=at)
    assert {each.action.step for each in desk.active.values()} == {step}
    desk.active.clear()
    undone = (UndoneByUser(job_key="pytest", step=step),)
    decided = desk.turn(growing(), at=at, taken_back=undone, **more)
    decided += desk.turns(500, growing(), at=at, **more)

    assert actions(decided, step) == []
    assert actions(desk.turns(120, growing(), at=at, **more), step)


@pytest.mark.parametrize(("name", "is_slowed"), [("loop", False), ("render", True)])
def test_what_is_like_the_undone_one_has_its_respite_too(name: str, *, is_slowed: bool) -> None:
    def loop(key: str, name: str, pid: int) -> Job:
        run = job(key, process(pid, name=name, state="R"), cpu=190.0)
        return msgspec.structs.replace(run, name=name)

    desk = Desk()
    first, other = loop("one", "loop", 100), loop("two", name, 101)
    desk.turns(6, first, at=BUSY)
    (slowed,) = desk.active.values()
    desk.active.clear()
    action = slowed.action
    undone = (UndoneByUser(job_key=action.job_key, step=action.step, title=action.title),)
    decided = desk.turn(other, at=BUSY, taken_back=undone)
    decided += desk.turns(60, other, at=BUSY)

    assert bool(actions(decided, EscalationStep.SLOW_DOWN)) is is_slowed


def test_who_undid_it_is_told_so_and_the_floor_still_ends_it() -> None:
    desk = asked()
    desk.active.clear()
    undone = (UndoneByUser(job_key="pytest", step=EscalationStep.PAUSE),)
    desk.turn(growing(), at=reading(used=78.0), taken_back=undone)
    at = desk.protector.context(facts(growing()), desk.policy, desk.now_s)

    excluded = choose(at, Resource.MEMORY, EscalationStep.PAUSE).considered
    assert [each.excluded for each in excluded] == [ExclusionReason.TAKEN_BACK]
    grown = growing(size=11 * GB)
    assert actions(desk.turn(grown, at=reading(used=96.0)), EscalationStep.END)


def test_a_pause_that_is_undone_is_not_kept_any_more() -> None:
    desk = asked()
    say(desk, Answer.PAUSE)
    desk.turn(growing(growth=0.0))
    desk.active.clear()
    desk.turns(10, growing(growth=0.0, size=10 * GB), at=OVER)
    assert {each.action.step for each in desk.active.values()} == {EscalationStep.SLOW_DOWN}

    assert len(restores(desk.turns(20, growing(growth=0.0)))) == 1


# Sleep


def test_a_question_waits_while_the_machine_sleeps() -> None:
    desk = Desk(Mode.PROD)
    desk.turn(growing(), at=reading(used=85.0), memory_forecast=soon())
    held = reading(used=85.0)
    decided = desk.turn(growing(growth=0.0), at=held, seconds=8 * 3600.0)
    decided += desk.turns(28, growing(growth=0.0), at=held)

    assert actions(decided, EscalationStep.END) == []
    assert actions(desk.turns(3, growing(growth=0.0), at=held), EscalationStep.END)


def test_a_job_that_ends_takes_its_question_with_it() -> None:
    desk = asked()
    (question,) = desk.protector.open_questions
    desk.active.clear()

    assert Withdrawn(question_id=question.id) in desk.turn(build(cpu=1.0), at=reading(used=78.0))
    assert not any(isinstance(each, Question) for each in desk.turns(5, build(cpu=1.0)))


def test_what_is_given_back_one_by_one_is_not_ended_meanwhile() -> None:
    desk = Desk(Mode.PROD)
    desk.turn(growing(), at=reading(used=85.0), memory_forecast=soon())
    desk.turns(26, growing(growth=0.0), at=reading(used=85.0))
    decided = desk.turns(30, growing(growth=0.0), at=reading(used=30.0))

    assert actions(decided, EscalationStep.END) == []
    assert len(restores(decided)) == 1

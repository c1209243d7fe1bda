"""The protector as a whole: quiet, watching only, switched off."""

from omnitray.core.deciding.identity import Rung
from omnitray.core.deciding.protect_reasons import RestoreReason
from omnitray.core.deciding.protection import (
    Withdrawn,
)
from omnitray.core.facts import ProtectState
from omnitray.core.policy import ProtectPolicy
from omnitray.core.processes.ties import Tie
from omnitray.core.protection_view import Answer
from support.desk import (
    BUSY,
    OVER,
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
from support.scenes import reading


def test_nothing_is_decided_on_a_quiet_machine() -> None:
    assert Desk().turns(10, build(cpu=20.0)) == []


def test_the_same_facts_give_the_same_answers() -> None:
    assert Desk().turns(8, build(), at=BUSY) == Desk().turns(8, build(), at=BUSY)


def test_watching_only_says_each_thing_once_and_asks_nothing() -> None:
    desk = Desk(state=ProtectState.WATCH)
    decided = desk.turns(60, growing(), at=reading(used=97.0), memory_forecast=soon())

    assert {each.rung for each in actions(decided)} == {Rung.END, Rung.PAUSE, Rung.SLOW_DOWN}
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
    desk.turns(5, growing(growth=0.0), at=OVER)
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
    desk, ties = Desk(), {200: frozenset({Tie.DISPLAY})}
    assert desk.turn(growing(), at=reading(used=94.5), ties=ties) == []

    assert actions(desk.turn(growing(), at=reading(used=95.5), ties=ties), Rung.END)

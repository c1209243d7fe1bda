"""One hold of a job is one action: one row, one line of the journal, one undo."""

from pathlib import Path

import pytest

from omnitray.base.facts import Job
from omnitray.protector.actuators.results import ActuationOutcome, Initiator
from omnitray.protector.model import EscalationStep, action_of, hold_of, is_lever_of, joined_id
from omnitray.protector.view import ActionOutcome, Answer, HoldKind, ProtectionView
from omnitray.protector.view_builder import page
from support.desk import Desk, actions, restores, soon
from support.protect_desk import ProtectDesk
from support.scenes import GB, MB, job, process, reading


@pytest.fixture
def desk(tmp_path: Path) -> ProtectDesk:
    made = ProtectDesk(tmp_path)
    made.bench.system.privileged = True  # whatever is done to a nice value can be taken back
    return made


def shown(desk: ProtectDesk) -> ProtectionView:
    return page(
        desk.protecting,
        in_force=desk.bench.actions.active(),
        records=desk.bench.journal.records(),
        means=(),
        paused_until=None,
        wall_offset_s=0.0,
    )


def test_a_name_says_which_hold_it_belongs_to_and_never_that_of_another() -> None:
    first, joined = "run-1", joined_id("run-1", "run-7")
    assert (joined, hold_of(joined), hold_of(first), hold_of(f"{joined}.2")) == (
        "run-1.h7",
        "run-1",
        "run-1",
        "run-1",
    )
    assert [action_of(each) for each in (first, f"{first}.2", joined, f"{joined}.2")] == [
        *(first, first),
        *(joined, joined),
    ]
    assert is_lever_of(first, first)
    assert is_lever_of(first, "run-1.2")
    assert is_lever_of(joined, "run-1.h7.2")
    for other in (joined, "run-12", "run-123", "run-1.h72"):
        assert not is_lever_of(first, other)
    assert not is_lever_of(joined, first)


def test_slowed_and_then_paused_is_one_row_one_line_and_one_undo(desk: ProtectDesk) -> None:
    desk.press(Answer.SLOW_DOWN)
    desk.clock.advance(5.0)
    desk.press(Answer.PAUSE)

    view = shown(desk)
    (row,) = view.held
    (line,) = view.journal
    assert line.steps == ("slow_down", "pause")
    assert row.grip is HoldKind.PAUSED
    assert row.process_count == len(desk.processes)
    assert "," in row.means, "both means stand in it"
    assert (line.action_id, line.outcome) == (row.action_id, ActionOutcome.REVERSIBLE)
    assert line.what.startswith("slowed down, then paused ")
    assert view.explanations[0].action_id == row.action_id

    undone = desk.protecting.undo(row.action_id, "you asked for it", Initiator.PERSON)

    assert {each.outcome for each in undone} == {ActuationOutcome.RESTORED}
    assert not any(each.stopped for each in desk.processes)
    view = shown(desk)
    assert view.held == ()
    (line,) = view.journal
    assert line.outcome is ActionOutcome.UNDONE


def test_one_part_of_a_hold_can_be_given_back_and_the_rest_stays(desk: ProtectDesk) -> None:
    desk.press(Answer.PAUSE)
    desk.press(Answer.SLOW_DOWN)  # lets it run on, slowed down

    (row,) = shown(desk).held
    assert row.grip is HoldKind.SLOWED
    assert not any(each.stopped for each in desk.processes)
    (line,) = shown(desk).journal
    assert line.outcome is ActionOutcome.REVERSIBLE


def grown(second: float, *, child: bool) -> Job:
    size = int(8 * GB + second * 300 * MB)
    parent = process(200, rss_bytes=size)
    born = [process(201, ppid=200, rss_bytes=int(GB + second * 100 * MB))] if child else []
    return job("pytest", parent, *born, growth=400.0 * MB)


def test_children_that_are_born_during_a_hold_join_it_and_go_with_it() -> None:
    desk = Desk()
    desk.turn(grown(0, child=False), at=reading(used=90.0), memory_forecast=soon())
    for second in range(1, 5):
        desk.turn(grown(second, child=True), at=reading(used=90.0), memory_forecast=soon())

    pauses = actions(desk.said, EscalationStep.PAUSE)
    assert [[each.pid for each in action.targets] for action in pauses] == [[200], [201]]
    assert {hold_of(each.id) for each in actions(desk.said)} == {pauses[0].id}

    calm = desk.turns(8, grown(5, child=True), at=reading(used=30.0))
    given_back = [each.action_id for each in restores(calm)]
    assert sorted(given_back) == sorted(each.id for each in actions(desk.said))
    assert desk.active == {}


def test_what_is_held_anew_is_another_hold() -> None:
    desk = Desk()
    desk.turn(grown(0, child=False), at=reading(used=90.0), memory_forecast=soon())
    desk.turns(8, grown(0, child=False), at=reading(used=30.0))
    desk.turns(30, grown(1, child=False), at=reading(used=90.0), memory_forecast=soon())

    pauses = [each for each in actions(desk.said) if each.step is EscalationStep.PAUSE]
    assert len({hold_of(each.id) for each in pauses}) == len(pauses) == 2


def test_an_end_is_no_part_of_a_hold(desk: ProtectDesk) -> None:
    desk.press(Answer.SLOW_DOWN)
    desk.press(Answer.END)

    view = shown(desk)
    assert {each.grip for each in view.held} == {HoldKind.SLOWED, HoldKind.ENDING}
    assert len(view.journal) == 2

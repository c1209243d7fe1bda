"""What a person is told after a press, by the real deciding and doing over faked processes."""

from pathlib import Path

import msgspec
import pytest

from omnitray.base.facts import ProtectState
from omnitray.base.policy import JobRule
from omnitray.protector.actuators.results import ActuationOutcome, Initiator, UndoResult
from omnitray.protector.model import ActuatorKind
from omnitray.protector.view import Answer, HeldAction, WayBack
from omnitray.protector.view_builder import NOTHING_HELD, SWITCHED_OFF, holding, page, told_back
from support.protect_desk import ProtectDesk


@pytest.fixture
def desk(tmp_path: Path) -> ProtectDesk:
    return ProtectDesk(tmp_path)


def set_policy(desk: ProtectDesk, **changes: object) -> None:
    desk.protecting.policy = msgspec.structs.replace(desk.protecting.policy, **changes)


def held(desk: ProtectDesk) -> tuple[HeldAction, ...]:
    return page(
        desk.protecting,
        in_force=desk.bench.actions.active(),
        records=desk.bench.journal.records(),
        means=(),
        paused_until=None,
        wall_offset_s=0.0,
    ).held


def test_what_was_done_is_said_with_its_lever_and_a_way_back(desk: ProtectDesk) -> None:
    told = desk.press(Answer.PAUSE)
    assert told.sentence == "hog · ~/shop (2 processes) is paused: stopped."
    assert told.way_back is WayBack.UNDO
    assert all(each.stopped for each in desk.processes)
    back = desk.protecting.undo(told.action_id, "you asked for it", Initiator.PERSON)
    assert told_back(back).sentence == "hog · ~/shop runs as before."
    assert not any(each.stopped for each in desk.processes)


def test_the_view_names_the_processes_and_the_figures_of_the_lever(desk: ProtectDesk) -> None:
    desk.press(Answer.SLOW_DOWN)
    (only,) = held(desk)
    assert only.pids == tuple(sorted(each.identity.pid for each in desk.processes)[::-1])
    assert "→" in only.means


def test_watching_says_that_nothing_was_touched_and_what_would_have_been(tmp_path: Path) -> None:
    desk = ProtectDesk(tmp_path, ProtectState.WATCH)
    told = desk.press(Answer.END)
    assert told.sentence == (
        "Only watching, so nothing was touched: hog · ~/shop (2 processes) would have been ended."
    )
    assert told.way_back is WayBack.NONE
    assert all(each.heard == [] for each in desk.processes)
    assert held(desk)[0].means == "end"
    assert holding(held(desk)) == ()
    assert "noted already" in desk.press(Answer.END).sentence


def test_switched_off_says_so_and_where_it_is_switched(tmp_path: Path) -> None:
    desk = ProtectDesk(tmp_path, ProtectState.OFF)
    assert desk.press(Answer.PAUSE).sentence == SWITCHED_OFF
    assert all(each.heard == [] for each in desk.processes)


def test_a_job_that_has_ended_is_said_to_have_ended(desk: ProtectDesk) -> None:
    for each in desk.processes:
        each.alive = False
    told = desk.press(Answer.SLOW_DOWN)
    assert told.sentence == "hog · ~/shop has ended already, so nothing was done."


def test_what_is_so_already_is_not_done_twice(desk: ProtectDesk) -> None:
    desk.press(Answer.PAUSE)
    assert desk.press(Answer.PAUSE).sentence == "hog · ~/shop stays paused until you say otherwise."


def test_a_protected_job_is_left_alone_and_the_reason_is_given(desk: ProtectDesk) -> None:
    set_policy(desk, protected=("~/shop",))
    told = desk.press(Answer.END)
    assert told.sentence == "hog · ~/shop was left alone: protected by you."
    assert all(each.heard == [] for each in desk.processes)


def test_a_rule_that_forbids_an_end_is_given_as_the_reason(desk: ProtectDesk) -> None:
    set_policy(desk, rules=(JobRule(match="hog", never=("end",)),))
    told = desk.press(Answer.END)
    assert told.sentence == "hog · ~/shop was left alone: a rule of yours forbids it."
    assert not any(each.heard for each in desk.processes)


@pytest.mark.parametrize(
    "change",
    [{"protected": ("hog",)}, {"rules": (JobRule(match="hog", never=("pause",)),)}],
)
def test_what_is_put_on_the_list_while_it_is_held_is_given_back(
    desk: ProtectDesk, change: dict[str, object]
) -> None:
    desk.press(Answer.PAUSE)
    set_policy(desk, **change)
    for _ in range(8):
        desk.clock.advance(1.0)
        desk.protecting.step()
    assert not any(each.stopped for each in desk.processes)
    assert held(desk) == ()


def test_a_machine_that_cannot_be_read_is_said_to_be_so(desk: ProtectDesk) -> None:
    desk.source.readable = False
    assert "cannot be read just now" in desk.press(Answer.PAUSE).sentence


def test_a_refusal_names_what_is_so_of_this_job_and_not_what_the_machine_lacks(
    desk: ProtectDesk,
) -> None:
    for each in desk.processes:
        each.untouchable = True
    told = desk.press(Answer.PAUSE)
    pid = desk.processes[1].identity.pid
    why = f"process {pid} belongs to another user (and 1 more)"
    assert told.sentence == f"hog · ~/shop could not be paused: {why}."
    assert told.way_back is WayBack.NONE
    assert not told.done


def test_what_came_of_it_is_known_beside_the_sentence(desk: ProtectDesk) -> None:
    assert desk.press(Answer.PAUSE).done
    assert desk.press(Answer.PAUSE).done  # it is so already, which is what was asked for
    assert desk.press(Answer.NEVER).done
    for each in desk.processes:
        each.alive = False
    assert not desk.press(Answer.END).done


def test_what_was_only_watched_is_not_done(tmp_path: Path) -> None:
    desk = ProtectDesk(tmp_path, ProtectState.WATCH)
    assert not desk.press(Answer.PAUSE).done
    assert not desk.press(Answer.PAUSE).done


def test_protecting_by_a_click_can_be_taken_back(desk: ProtectDesk) -> None:
    told = desk.press(Answer.NEVER)
    assert told.way_back is WayBack.UNPROTECT
    assert set(desk.protecting.excluded_jobs) == {"hogs"}
    desk.protecting.protector.allow("hogs")
    assert desk.protecting.excluded_jobs == {}


def test_what_was_protected_since_the_start_is_forgotten_with_the_list(desk: ProtectDesk) -> None:
    desk.press(Answer.NEVER)
    desk.press(Answer.LEAVE_ALONE)
    desk.protecting.protector.allow(None)
    assert desk.protecting.excluded_jobs == {}


def test_nothing_to_undo_is_said() -> None:
    assert told_back(()).sentence == NOTHING_HELD


@pytest.mark.parametrize("outcome", list(ActuationOutcome))
def test_whatever_an_undo_came_to_it_is_said_in_words(outcome: ActuationOutcome) -> None:
    taken = UndoResult(
        action_id="a",
        title="hog",
        lever=ActuatorKind.NICE,
        outcome=outcome,
        notes=("for a reason",),
    )
    sentence = told_back((taken, taken)).sentence
    assert sentence.startswith("hog ")
    assert sentence.endswith("(for a reason).")
    assert sentence.count("hog") == 1

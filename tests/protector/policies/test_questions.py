"""What the person answers is followed."""

import msgspec

from omnitray.base.facts import JobKind
from omnitray.protector.model import (
    Decision,
    EscalationStep,
    ProtectReason,
    Reply,
    RestoreReason,
    UndoneByUser,
    Withdrawn,
)
from omnitray.protector.policies import constants
from omnitray.protector.view import Answer, QuestionView, not_asked
from support.desk import Desk, actions, asked, growing, questions, restores, say, soon
from support.scenes import GB, MB, job, process, reading


def test_slow_down_lets_it_run_slowly_and_does_not_pause_it_again_at_once() -> None:
    desk = asked()
    said = say(desk, Answer.SLOW_DOWN)

    assert [each.reason for each in restores(said)] == [RestoreReason.PERSON]
    (slow,) = actions(said)
    assert (slow.step, slow.reason, slow.notify) == (
        EscalationStep.SLOW_DOWN,
        ProtectReason.ASKED,
        False,
    )
    again = desk.turns(30, growing(), at=reading(used=78.0), memory_forecast=soon())
    assert actions(again, EscalationStep.PAUSE) == []
    again = desk.turns(40, growing(), at=reading(used=78.0), memory_forecast=soon())
    assert actions(again, EscalationStep.PAUSE)


def test_pause_keeps_it_paused_even_when_memory_is_back() -> None:
    desk = asked()

    assert restores(say(desk, Answer.PAUSE)) == []
    assert restores(desk.turns(60, growing(growth=0.0), at=reading(used=30.0))) == []


def test_end_ends_what_the_question_named() -> None:
    desk = asked()
    (end,) = actions(say(desk, Answer.END))

    assert (end.step, end.reason) == (EscalationStep.END, ProtectReason.ASKED)
    assert [each.pid for each in end.targets] == [200]
    assert desk.protector.breaker.ends_left == 3


def test_leave_it_alone_gives_it_back_for_an_hour() -> None:
    desk = asked()

    assert [each.reason for each in restores(say(desk, Answer.LEAVE_ALONE))] == [
        RestoreReason.LEFT_ALONE
    ]
    again = desk.turns(100, growing(), at=reading(used=78.0), memory_forecast=soon())
    assert actions(again) == []
    late = desk.turn(
        growing(), at=reading(used=78.0), memory_forecast=soon(), seconds=constants.LEAVE_ALONE_S
    )
    assert actions(late, EscalationStep.PAUSE)


def test_never_touch_this_holds_for_good() -> None:
    desk = asked()

    assert [each.reason for each in restores(say(desk, Answer.NEVER))] == [
        RestoreReason.PROTECTED_NOW
    ]
    late = desk.turn(
        growing(), at=reading(used=97.0), memory_forecast=soon(), seconds=constants.LEAVE_ALONE_S
    )
    assert actions(late) == []


def test_a_word_without_a_question_is_followed_too() -> None:
    desk = Desk()
    (pause,) = actions(say(desk, Answer.PAUSE))

    assert (pause.step, pause.restores_below) == (EscalationStep.PAUSE, None)
    assert actions(say(desk, Answer.END, key="gone")) == []


def test_the_person_cannot_have_a_protected_process_ended() -> None:
    desk = Desk()
    editor = job("code", process(100, name="code"), kind=JobKind.APP)
    reply = Reply(job_key="code", answer=Answer.END)

    assert desk.turn(editor, replies=(reply,)) == []


def test_what_is_held_already_is_not_done_twice() -> None:
    desk = asked()
    say(desk, Answer.SLOW_DOWN)

    assert actions(say(desk, Answer.SLOW_DOWN)) == []


def test_what_the_person_lets_run_again_is_not_asked_about_any_more() -> None:
    desk = asked()
    taken_back = (UndoneByUser(job_key="pytest", step=EscalationStep.PAUSE),)
    decided = desk.turn(growing(growth=0.0), at=reading(used=75.0), taken_back=taken_back)

    assert any(isinstance(each, Withdrawn) for each in decided)
    assert desk.protector.open_questions == ()


def test_a_weight_that_is_taken_back_answers_nothing() -> None:
    desk = asked()
    taken_back = (UndoneByUser(job_key="pytest", step=EscalationStep.SLOW_DOWN),)
    desk.turn(growing(growth=0.0), at=reading(used=75.0), taken_back=taken_back)

    assert len(desk.protector.open_questions) == 1


def test_what_is_ended_on_the_person_s_word_is_not_paused_at_the_same_moment() -> None:
    """The end has been asked for, and memory runs out all the same: nothing may hold it up."""
    desk, slow = Desk(), growing(growth=20.0 * MB)
    far = msgspec.structs.replace(soon(25.0), low_s=18.0, slope_bps=20.0 * MB)
    near = msgspec.structs.replace(far, low_s=9.0)
    desk.turn(slow, at=reading(used=75.0), memory_forecast=far, hands_over=frozenset({200}))
    (question,) = desk.protector.open_questions
    assert question.is_first
    reply = Reply(job_key="pytest", answer=Answer.END, question_id=question.id)

    said = desk.turn(slow, at=reading(used=76.0), memory_forecast=near, replies=(reply,))

    assert [each.step for each in actions(said)] == [EscalationStep.END]
    assert desk.protector.open_questions == ()


def tab(desk: Desk, used: float, *, pid: int = 200) -> list[Decision]:
    """A window's process that grows and may not be paused: the person is asked about it."""
    grows = job("firefox", process(pid, rss_bytes=8 * GB), growth=300.0 * MB)
    front = frozenset({pid})
    return desk.turns(8, grows, at=reading(used=used), foreground_pids=front)


def test_a_question_that_lapses_and_comes_again_bears_the_name_under_which_it_was_read() -> None:
    desk = Desk()
    (first,) = questions(tab(desk, 94.5))
    assert Withdrawn(question_id=first.id) in tab(desk, 78.0)
    (again,) = questions(tab(desk, 94.5))
    assert again.id == first.id
    assert desk.protector.open_questions == (again,)


def test_one_that_would_end_something_else_or_comes_late_has_a_name_of_its_own() -> None:
    other, late = Desk(), Desk()
    firsts = [questions(tab(each, 94.5))[0] for each in (other, late)]
    for each in (other, late):
        tab(each, 78.0)
    late.now_s += constants.SAME_QUESTION_S

    again = [*questions(tab(other, 94.5, pid=201)), *questions(tab(late, 94.5))]
    assert len(again) == 2
    assert not {each.id for each in firsts} & {each.id for each in again}


def test_who_answers_a_question_that_is_over_is_told_which_is_asked_now() -> None:
    over = "Nothing is asked under t-1; it may be answered or over."
    now = [QuestionView(id=f"t-{n}", job_key="j", title=f"job {n}", text="") for n in (2, 6)]
    assert not_asked("t-1", ()) == over
    assert not_asked("t-1", tuple(now)) == f"{over} Asked now: t-6, about job 6."

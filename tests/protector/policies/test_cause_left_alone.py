"""A cause that may not be touched: the person may end its process that grows all the same."""

from typing import Any

import msgspec
import pytest

from omnitray.base.facts import Job, JobKind, Mode, ProtectState
from omnitray.base.policy import JobRule
from omnitray.processes.process_roles import Tie
from omnitray.protector import right_now
from omnitray.protector.explain import asked, is_paused, unanswered
from omnitray.protector.model import (
    Action,
    Alarm,
    Decision,
    EscalationStep,
    ProtectReason,
    Question,
    Reply,
    Withdrawn,
)
from omnitray.protector.notices import alarm_notice
from omnitray.protector.view import Answer
from support.desk import OVER, Desk, actions, questions
from support.scenes import GB, MB, details, facts, job, process, reading

MAIN, TAB, OTHER_TAB = 100, 101, 102
NEAR = reading(used=93.0)


def browser(size: int, *, uid: int = 1000) -> Job:
    main = process(MAIN, name="firefox", rss_bytes=2 * GB, uid=uid)
    tab = process(TAB, ppid=MAIN, name="Web Content", rss_bytes=size, uid=uid)
    other = process(OTHER_TAB, ppid=MAIN, name="Web Content", rss_bytes=3 * GB, uid=uid)
    return job("firefox", main, tab, other, kind=JobKind.APP, growth=200.0 * MB)


def in_front(*_jobs: Job) -> dict[str, Any]:
    return {"foreground_pids": frozenset({MAIN, TAB, OTHER_TAB})}


def leak(desk: Desk, seconds: int = 12, *, uid: int = 1000, **more: Any) -> list[Decision]:
    """The tab grows by 200 MB/s; memory is nearly gone."""
    said: list[Decision] = []
    for second in range(seconds):
        seen = browser(GB + second * 200 * MB, uid=uid)
        said += desk.turn(seen, at=NEAR, **(in_front() | more))
    return said


def done(said: list[Decision]) -> list[Action]:
    """What touches a process."""
    return [each for each in actions(said) if each.step is not EscalationStep.TELL]


def answered(desk: Desk, answer: Answer) -> list[Decision]:
    (question,) = desk.protector.open_questions
    reply = Reply(job_key=question.job_key, answer=answer, question_id=question.id)
    return desk.turn(browser(4 * GB), at=NEAR, replies=(reply,), **in_front())


def test_it_is_named_and_the_person_may_end_the_process_that_grows() -> None:
    desk = Desk()
    said = leak(desk)

    assert done(said) == []
    (alarm,) = (each for each in said if isinstance(each, Alarm))
    (question,) = questions(said)
    assert alarm.cause is not None
    assert (alarm.cause.pid, alarm.cause.part) == (TAB, "Web Content 101")
    assert question.reason is ProtectReason.CAUSE_LEFT_ALONE
    assert [each.pid for each in question.targets] == [TAB]
    assert question.answers == (Answer.END, Answer.LEAVE_ALONE, Answer.NEVER)
    assert (question.unanswered, question.deadline_s) == (None, None)
    assert (is_paused(question), unanswered(question)) == (False, "it is left alone")
    words = asked(question)
    assert "End its process Web Content 101 anyway?" in words
    assert "you are working with it" in words
    message = alarm_notice(alarm).message
    assert 'choose "End this process anyway"' in message
    assert message.endswith("or type: kill 101")


def test_end_ends_that_process_alone_at_the_person_s_word() -> None:
    desk = Desk()
    leak(desk)

    (end,) = done(answered(desk, Answer.END))

    assert (end.step, end.reason) == (EscalationStep.END, ProtectReason.ASKED)
    assert [each.pid for each in end.targets] == [TAB]
    assert desk.protector.breaker.ends_left == 3
    assert desk.protector.open_questions == ()


@pytest.mark.parametrize("answer", [Answer.LEAVE_ALONE, Answer.NEVER])
def test_the_other_answers_do_nothing_and_it_is_not_asked_again(answer: Answer) -> None:
    desk = Desk()
    leak(desk)

    said = [*answered(desk, answer), *leak(desk, 60)]

    assert done(said) == []
    assert questions(said) == []


@pytest.mark.parametrize("mode", list(Mode))
def test_without_an_answer_nothing_happens_in_any_mode_nor_after_a_change(mode: Mode) -> None:
    desk = Desk(mode)
    leak(desk)
    desk.policy = msgspec.structs.replace(desk.policy, mode=Mode.PROD)
    leak(desk, 120)
    desk.policy = msgspec.structs.replace(desk.policy, mode=Mode.TEST)
    leak(desk, 120)

    assert done(desk.said) == []
    assert len(questions(desk.said)) == 1


def test_another_user_s_is_named_with_what_to_type_and_nothing_is_asked() -> None:
    desk = Desk()
    said = leak(desk, uid=0)

    (alarm,) = (each for each in said if isinstance(each, Alarm))
    assert alarm_notice(alarm).message.endswith("Close it yourself, or type: sudo kill 101")
    assert questions(said) == []


def test_what_another_user_runs_in_a_job_of_the_person_s_is_named_so() -> None:
    desk = Desk()
    said: list[Decision] = []
    for second in range(12):
        seen = browser(GB + second * 200 * MB, uid=0)
        main, *rest = seen.processes
        own = msgspec.structs.replace(main, uid=1000)
        seen = msgspec.structs.replace(seen, processes=(own, *rest))
        said += desk.turn(seen, at=NEAR)

    (alarm,) = (each for each in said if isinstance(each, Alarm))
    message = alarm_notice(alarm).message
    assert "is yours, but what takes most in it belongs to another user" in message
    assert message.endswith("or type: sudo kill 101")
    assert done(said) == []


def test_nothing_is_asked_while_it_only_watches() -> None:
    said = leak(Desk(state=ProtectState.WATCH))

    assert questions(said) == []
    (alarm,) = (each for each in said if isinstance(each, Alarm))
    assert "choose" not in alarm_notice(alarm).message


@pytest.mark.parametrize(
    "protected",
    [{"protected": ("firefox",)}, {"rules": (JobRule(match=("firefox",), never=("end",)),)}],
)
def test_what_the_person_has_forbidden_is_not_offered(protected: dict[str, Any]) -> None:
    desk = Desk()
    desk.policy = msgspec.structs.replace(desk.policy, **protected)
    assert questions(leak(desk)) == []


def test_an_answer_that_comes_after_a_rule_forbids_it_ends_nothing() -> None:
    desk = Desk()
    leak(desk)
    rule = JobRule(match=("firefox",), never=("end",))
    desk.policy = msgspec.structs.replace(desk.policy, rules=(rule,))

    assert done(answered(desk, Answer.END)) == []


def test_the_question_is_void_once_the_process_has_gone_or_memory_is_back() -> None:
    gone, back = Desk(), Desk()
    leak(gone)
    leak(back)

    alone = job("firefox", process(MAIN, name="firefox"), kind=JobKind.APP)
    said = gone.turn(alone, at=reading(used=40.0), **in_front())
    assert [type(each) for each in said] == [Withdrawn]
    said = back.turns(8, browser(4 * GB), at=reading(used=40.0), **in_front())
    assert [each for each in said if isinstance(each, Withdrawn)]
    assert gone.protector.open_questions == back.protector.open_questions == ()


def test_while_the_cause_may_be_ended_no_innocent_is_asked_about() -> None:
    desk = Desk()
    steady = job("steady", process(300, name="steady", rss_bytes=3 * GB))
    for second in range(12):
        at = NEAR if second < 6 else reading(used=97.0)
        desk.turn(browser(GB + second * 200 * MB), steady, at=at, **in_front())

    assert {each.reason for each in questions(desk.said)} == {ProtectReason.CAUSE_LEFT_ALONE}
    assert done(desk.said) == []


def test_a_window_that_grows_itself_is_asked_about_with_what_it_has_started() -> None:
    desk = Desk()
    said: list[Decision] = []
    for second in range(12):
        main = process(MAIN, name="gimp-plus", rss_bytes=GB + second * 200 * MB)
        child = process(TAB, ppid=MAIN, name="plugin", rss_bytes=10 * MB)
        seen = job("paint", main, child, kind=JobKind.APP, growth=200.0 * MB)
        ties = {MAIN: frozenset({Tie.DISPLAY}), TAB: frozenset({Tie.DISPLAY})}
        said += desk.turn(seen, at=NEAR, ties=ties, details=details((seen,)))

    (question,) = questions(said)
    assert isinstance(question, Question)
    assert [each.pid for each in question.targets] == [MAIN]
    assert "with all that it has started?" in asked(question)


def alarms(said: list[Decision]) -> list[Alarm]:
    return [each for each in said if isinstance(each, Alarm)]


def named(said: list[Decision]) -> list[tuple[str, int]]:
    return [(each.cause.job_key, each.cause.pid) for each in alarms(said) if each.cause]


def theirs(size: int, *, growth: float = 200.0 * MB) -> Job:
    return job("theirs", process(400, name="theirs", rss_bytes=size, uid=0), growth=growth)


def test_each_of_two_causes_that_are_left_alone_is_named_once() -> None:
    desk = Desk()
    for second in range(12):
        size = GB + second * 200 * MB
        desk.turn(browser(size), theirs(size), at=NEAR, **in_front())

    assert sorted(named(desk.said)) == [("firefox", TAB), ("theirs", 400)]


def test_beside_what_the_person_wants_left_alone_the_next_cause_is_named() -> None:
    desk = Desk()
    said: list[Decision] = []
    for second in range(12):
        mine = job("mine", process(300, rss_bytes=GB + second * 300 * MB), growth=300.0 * MB)
        replies = (Reply(job_key="mine", answer=Answer.LEAVE_ALONE),) if second == 1 else ()
        said += desk.turn(mine, theirs(GB + second * 200 * MB), at=NEAR, replies=replies)

    assert named(said) == [("theirs", 400)]


@pytest.mark.parametrize("own", [True, False])
def test_what_has_just_started_is_no_cause_by_its_first_megabytes(*, own: bool) -> None:
    """Nor is a command of ours ever, whatever it takes."""
    desk = Desk()
    told: list[str] = []
    for second in range(6):
        size = (2 * GB if own else 11 * MB) + second * 83 * MB // 10
        asks = job("omnitray undo", process(600, rss_bytes=size, uid=0), growth=83.0 * MB)
        asks = msgspec.structs.replace(asks, is_own_command=own)
        desk.turn(asks, quiet(), at=NEAR)
        context = desk.protector.context(
            facts(asks, quiet(), at=NEAR, cores=4), desk.policy, desk.now_s
        )
        told += [each.title for each in right_now.now(context).considered]
        considered = (each for one in actions(desk.said) for each in one.considered)
        told += [each.title for each in considered]

    assert named(desk.said) == []
    assert ("omnitray undo" in told) is not own


def quiet() -> Job:
    return job("quiet", process(700, rss_bytes=GB), growth=0.0)


def beside_mine(bps: int) -> Desk:
    """A job of the person's grows faster than another user's."""
    desk = Desk()
    for second in range(12):
        mine = job("mine", process(300, rss_bytes=GB + second * 300 * MB), growth=300.0 * MB)
        other = job("theirs", process(400, rss_bytes=GB + second * bps, uid=0), growth=float(bps))
        desk.turn(mine, other, at=NEAR)
    assert actions(desk.said, EscalationStep.PAUSE)
    return desk


def test_below_a_cause_that_can_be_held_none_is_named() -> None:
    desk = beside_mine(20 * MB)  # of 0.9 GB that are left, for 45 s

    assert named(desk.said) == []


def test_below_a_cause_that_is_held_one_is_named_at_whose_rate_memory_runs_out_all_the_same() -> (
    None
):
    desk = beside_mine(100 * MB)

    (pause, *_) = actions(desk.said, EscalationStep.PAUSE)
    (alarm,) = [each for each in desk.said if isinstance(each, Alarm)]
    assert named(desk.said) == [("theirs", 400)]
    assert desk.said.index(pause) < desk.said.index(alarm)


def mixed(second: int, *, own: bool = True) -> Job:
    """A run of the person's in which another user's worker does nearly all the growing."""
    parts = [
        process(500, name="runner", rss_bytes=30 * MB),
        process(501, ppid=500, name="worker", rss_bytes=GB + second * 200 * MB, uid=0),
    ]
    if own:
        parts.append(process(502, ppid=500, name="worker", rss_bytes=GB + second * 20 * MB))
    return job("run", *parts, kind=JobKind.TEST_RUN, growth=220.0 * MB)


def test_a_job_of_which_a_small_part_may_be_paused_is_named_for_the_rest_that_grows() -> None:
    desk = Desk()
    for second in range(4):
        desk.turn(mixed(second), at=NEAR)

    assert [(each.pid) for each in actions(desk.said, EscalationStep.PAUSE)[0].targets] == [502]
    assert named(desk.said) == [("run", 501)]


def test_what_grows_on_beside_a_worker_that_has_just_ended_is_named_at_once() -> None:
    desk = Desk()
    for second in range(3):
        desk.turn(mixed(second), at=OVER)
    reply = Reply(job_key="run", answer=Answer.END)
    (end,) = actions(desk.turn(mixed(3), at=OVER, replies=(reply,)))
    desk.turn(mixed(4), at=OVER, seconds=0.1)
    del desk.active[end.id]
    said = desk.turn(mixed(5, own=False), at=NEAR, seconds=0.1)

    assert named(said) == [("run", 501)]

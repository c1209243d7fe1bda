"""Memory: slowed down, paused before it runs out, ended at the floor."""

from typing import Any

import msgspec
import pytest

from omnitray.base.facts import Forecast, Job, JobKind, Mode, ProcessFacts, ProtectState, Resource
from omnitray.base.policy import ModeLimits, ProtectPolicy
from omnitray.protector import explain
from omnitray.protector.model import (
    Action,
    Alarm,
    AlarmReason,
    EndOutcome,
    EscalationStep,
    ExclusionReason,
    ProtectReason,
    Question,
    Reply,
    UndoneByUser,
    Withdrawn,
)
from omnitray.protector.view import Answer, BreakerState
from support.desk import OVER, Desk, actions, growing, restores, soon
from support.scenes import GB, MB, details, job, process, reading


def test_memory_over_the_limit_slows_the_heaviest_down_and_tells() -> None:
    desk = Desk()
    decided = desk.turns(30, growing(growth=0.0), at=OVER)

    (action,) = actions(decided)
    assert (action.step, action.resource, action.notify) == (
        EscalationStep.SLOW_DOWN,
        Resource.MEMORY,
        True,
    )


def test_others_are_slowed_down_only_while_memory_goes_on_falling() -> None:
    desk, other = Desk(), job("other", process(300, rss_bytes=4 * GB))
    desk.turns(30, growing(growth=0.0), other, at=OVER)
    falling = soon(high_s=500.0)
    decided = desk.turns(10, growing(growth=0.0), other, at=OVER, memory_forecast=falling)

    assert [each.job_key for each in actions(decided)] == ["other"]


def test_memory_that_only_protected_programs_hold_is_told_once_an_episode() -> None:
    desk, editor = Desk(), job("code", process(100, name="code", rss_bytes=9 * GB))

    assert len(actions(desk.turns(1000, editor, at=OVER))) == 1
    desk.turns(10, editor, at=reading(used=50.0))
    assert len(actions(desk.turns(10, editor, at=OVER))) == 1


def test_before_memory_runs_out_what_grows_is_paused_and_asked_about() -> None:
    desk = Desk()
    pause, question = desk.turn(growing(), at=reading(used=75.0), memory_forecast=soon())

    assert isinstance(pause, Action)
    assert isinstance(question, Question)
    assert (pause.step, pause.notify) == (EscalationStep.PAUSE, True)
    assert pause.restores_below == 65.0
    assert question.deadline_s is None


def test_a_forecast_far_away_or_with_memory_to_spare_pauses_nobody() -> None:
    assert Desk().turn(growing(), at=reading(used=75.0), memory_forecast=soon(31.0)) == []
    assert Desk().turn(growing(), at=reading(used=60.0), memory_forecast=soon()) == []


def test_near_the_floor_what_grows_is_paused_without_a_forecast() -> None:
    (pause, _) = Desk().turn(growing(), at=reading(used=94.5))

    assert isinstance(pause, Action)
    assert pause.reason is ProtectReason.MEMORY_NEAR_FLOOR


def test_thrashing_pauses_and_never_ends() -> None:
    swapping = reading(used=96.0, swap=(4 * GB, 2 * GB), memory_full=30.0)
    decided = Desk(Mode.TEST).turns(300, growing(), at=swapping)

    assert actions(decided, EscalationStep.PAUSE)[0].reason is ProtectReason.MEMORY_THRASHES
    assert actions(decided, EscalationStep.END) == []


def test_pressure_alone_does_nothing() -> None:
    assert Desk().turns(30, growing(growth=0.0), at=reading(used=50.0, memory_full=90.0)) == []


def test_low_memory_with_swap_left_and_no_pressure_ends_nobody() -> None:
    low = reading(used=97.0, swap=(4 * GB, 2 * GB), memory_full=1.0)

    assert actions(Desk().turns(60, growing(), at=low), EscalationStep.END) == []


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("swap", [(0, 0), (4 * GB, GB // 4)])
def test_at_the_floor_one_is_ended_in_every_mode(mode: Mode, swap: tuple[int, int]) -> None:
    desk = Desk(mode)
    (end,) = actions(desk.turn(growing(), at=reading(used=95.5, swap=swap)))

    assert (end.step, end.reason, end.notify) == (
        EscalationStep.END,
        ProtectReason.MEMORY_FLOOR,
        True,
    )
    assert end.expected_bytes == 8 * GB
    assert desk.protector.breaker.ends_left == 2


def test_after_an_end_nothing_more_is_ended_before_it_is_over() -> None:
    desk, other = Desk(), job("other", process(300, rss_bytes=4 * GB))
    floor = reading(used=96.0)
    desk.turn(growing(), other, at=floor)

    assert actions(desk.turns(20, growing(), other, at=floor), EscalationStep.END) == []


def test_an_end_that_helped_nothing_opens_the_breaker_with_one_alarm() -> None:
    desk, other = Desk(), job("other", process(300, rss_bytes=4 * GB))
    floor = reading(used=96.0)
    (end,) = actions(desk.turn(growing(), other, at=floor))
    desk.active.clear()
    over = (EndOutcome(action_id=end.id, at_s=desk.now_s),)
    decided = desk.turn(other, at=floor, ended=over) + desk.turns(300, other, at=floor)

    alarms = [each for each in decided if isinstance(each, Alarm)]
    assert [each.reason for each in alarms] == [AlarmReason.FREED_NOTHING]
    assert desk.protector.breaker.state is BreakerState.OPEN
    assert actions(decided, EscalationStep.END) == []


def test_when_memory_falls_on_the_victim_gets_no_more_time() -> None:
    desk = Desk()
    desk.turn(growing(), at=reading(used=95.5))
    assert not desk.protector.hurries
    desk.turn(growing(), at=reading(used=96.5))
    assert desk.protector.hurries


def test_when_everybody_is_protected_that_is_said() -> None:
    base = job("postgres", process(100, name="postgres", rss_bytes=12 * GB))
    decided = Desk().turns(120, base, at=reading(used=97.0))

    assert [each.reason for each in decided if isinstance(each, Alarm)] == [AlarmReason.NOBODY_LEFT]


def test_in_prod_a_paused_job_is_ended_after_thirty_seconds_if_memory_is_still_short() -> None:
    desk = Desk(Mode.PROD)
    desk.turn(growing(), at=reading(used=85.0), memory_forecast=soon())
    paused_s = desk.now_s
    while not actions(desk.said, EscalationStep.END):
        desk.turn(growing(growth=0.0), at=reading(used=85.0))
    (end,) = actions(desk.said, EscalationStep.END)

    assert desk.now_s - paused_s == pytest.approx(30.0)
    assert end.reason is ProtectReason.MEMORY_UNANSWERED


def test_what_ran_again_meanwhile_has_the_whole_time_from_its_new_pause() -> None:
    desk = Desk(Mode.PROD)
    desk.turn(growing(), at=reading(used=85.0), memory_forecast=soon())
    (key,), paused_s = desk.active, desk.now_s
    while desk.now_s < paused_s + 25.0:
        desk.turn(growing(growth=0.0), at=reading(used=85.0))
    again_s = desk.now_s
    desk.active[key] = msgspec.structs.replace(desk.active[key], since_s=again_s)
    while not actions(desk.said, EscalationStep.END):
        desk.turn(growing(growth=0.0), at=reading(used=85.0))

    assert desk.now_s - again_s == pytest.approx(30.0, abs=1.0)


def test_a_paused_job_that_became_protected_is_not_ended() -> None:
    desk = Desk(Mode.PROD)
    desk.turn(growing(), at=reading(used=85.0), memory_forecast=soon())
    desk.policy = ProtectPolicy(mode=Mode.PROD, protected=("pytest",))
    decided = desk.turns(40, growing(growth=0.0), at=reading(used=85.0))

    assert actions(decided, EscalationStep.END) == []
    assert desk.protector.open_questions == ()


def test_pauses_are_given_back_one_at_a_time() -> None:
    desk, other = Desk(), job("other", process(300, rss_bytes=4 * GB), growth=90.0 * MB)
    desk.turn(growing(), other, at=reading(used=78.0), memory_forecast=soon())
    desk.turn(growing(growth=0.0), other, at=reading(used=78.0), memory_forecast=soon())
    assert len(desk.active) == 2
    calm = reading(used=50.0)

    assert len(restores(desk.turns(8, growing(growth=0.0), other, at=calm))) == 1
    assert len(restores(desk.turns(8, growing(growth=0.0), other, at=calm))) == 1


def test_what_a_paused_job_has_forked_meanwhile_is_paused_too() -> None:
    desk = Desk()
    desk.turn(growing(), at=reading(used=75.0), memory_forecast=soon())
    more = job(
        "pytest",
        process(200, rss_bytes=8 * GB),
        process(201, rss_bytes=GB),
        kind=JobKind.TEST_RUN,
        growth=300.0 * MB,
    )
    (pause,) = actions(desk.turn(more, at=reading(used=76.0)))

    assert [each.pid for each in pause.targets] == [201]


@pytest.mark.parametrize(
    ("used", "growth", "paused"),
    [
        (91.0, 20.0 * MB, True),  # 41 MB over the floor: two seconds
        (91.0, 5.0 * MB, False),  # eight seconds: what is slowed down may do
        (89.0, 60.0 * MB, False),  # six points away: left to the forecast
        (94.2, 1.5 * MB, True),  # a point away
    ],
)
def test_near_the_floor_is_a_matter_of_time_on_a_small_machine(
    used: float,
    growth: float,
    paused: bool,  # noqa: FBT001 - a parameter
) -> None:
    run = growing(growth=growth, size=700 * MB)
    decided = Desk().turn(run, at=reading(used=used, total=GB))

    assert bool(actions(decided, EscalationStep.PAUSE)) is paused


def paused_at_the_floor(*used: float, total: int = GB, seconds: float = 0.5) -> list[int]:
    """The turns at which something is ended, after a pause at 94 per cent."""
    desk, run = Desk(), growing(growth=20.0 * MB, size=700 * MB)
    desk.turn(run, at=reading(used=94.0, total=total))
    decided = []
    for each in used:  # it has grown by what the machine has lost
        still = growing(growth=0.0, size=700 * MB + int((each - 94.0) / 100.0 * total))
        decided.append(desk.turn(still, at=reading(used=each, total=total), seconds=seconds))
    return [turn for turn, each in enumerate(decided) if actions(each, EscalationStep.END)]


def test_at_the_floor_a_pause_that_works_has_three_seconds() -> None:
    assert paused_at_the_floor(*[95.2] * 8) == [5]


def test_at_the_floor_a_pause_that_helps_spares_the_job() -> None:
    assert paused_at_the_floor(95.1, 95.1, 94.0, 93.0, 92.0, 91.0, 90.0, 90.0) == []


def test_at_the_floor_a_pause_that_does_not_work_puts_nothing_off() -> None:
    assert paused_at_the_floor(95.1, 95.6, 96.1)[0] == 1


def test_at_half_the_floor_nothing_is_waited_for() -> None:
    assert paused_at_the_floor(97.6) == [0]


def test_a_pause_that_only_would_have_been_made_puts_nothing_off() -> None:
    desk = Desk(state=ProtectState.WATCH)
    desk.turn(growing(), at=reading(used=94.5))
    decided = desk.turn(growing(), at=reading(used=95.2))

    assert [each.dry_run for each in actions(decided, EscalationStep.END)] == [True]


def test_who_may_not_be_touched_is_named_with_the_reason() -> None:
    base = job("postgres", process(100, name="postgres", rss_bytes=9 * GB))
    editor = job("code", process(101, name="code", rss_bytes=3 * GB))
    decided = Desk().turns(120, base, editor, at=reading(used=97.0))

    (alarm,) = (each for each in decided if isinstance(each, Alarm))
    assert alarm.title == "postgres (a database), code (an editor)"


def test_what_the_person_has_taken_back_is_no_reason_to_call_them() -> None:
    desk, run = Desk(), growing(growth=0.0)
    desk.turns(5, run, at=OVER)
    desk.active.clear()
    undone = UndoneByUser(job_key="pytest", step=EscalationStep.SLOW_DOWN)
    decided = desk.turn(run, at=OVER, taken_back=(undone,)) + desk.turns(60, run, at=OVER)

    (told,) = actions(decided)
    assert (told.step, told.notify) == (EscalationStep.TELL, False)
    assert told.considered[0].excluded is ExclusionReason.TAKEN_BACK


TERMINAL: dict[str, Any] = {
    "hands_over": frozenset({200})
}  # a stop of the job would give its keyboard away


def far(low_s: float) -> Forecast:
    return Forecast(
        resource=Resource.MEMORY, low_s=low_s, high_s=25.0, slope_bps=10.0 * MB, left_bytes=GB
    )


def test_what_would_lose_its_terminal_by_a_pause_is_asked_about_first() -> None:
    desk = Desk()
    slow = growing(growth=20.0 * MB)
    (question,) = desk.turn(slow, at=reading(used=75.0), memory_forecast=far(18.0), **TERMINAL)
    assert isinstance(question, Question)
    assert question.is_first
    assert not explain.is_paused(question)
    assert "fg brings it back" in explain.asked(question)
    assert desk.turns(5, slow, at=reading(used=75.0), memory_forecast=far(18.0), **TERMINAL) == []
    (said,) = desk.turns(1, slow, at=reading(used=40.0), **TERMINAL) + desk.turns(
        8, slow, at=reading(used=40.0), **TERMINAL
    )
    assert said == Withdrawn(question_id=question.id)


def test_with_ten_seconds_left_it_is_paused_and_the_question_is_another_one() -> None:
    desk = Desk()
    slow = growing(growth=20.0 * MB)
    (first,) = desk.turn(slow, at=reading(used=75.0), memory_forecast=far(18.0), **TERMINAL)
    assert isinstance(first, Question)
    gone, pause, question = desk.turn(
        slow, at=reading(used=76.0), memory_forecast=far(9.0), **TERMINAL
    )
    assert gone == Withdrawn(question_id=first.id)
    assert isinstance(pause, Action)
    assert pause.hands_over
    assert isinstance(question, Question)
    assert explain.asked(question).endswith("once it is resumed, type fg in its terminal.")


def test_a_pause_that_the_person_asks_for_in_such_a_question_is_done() -> None:
    desk = Desk()
    slow = growing(growth=20.0 * MB)
    desk.turn(slow, at=reading(used=75.0), memory_forecast=far(18.0), **TERMINAL)
    reply = Reply(job_key=slow.key, answer=Answer.PAUSE)
    said = desk.turn(
        slow, at=reading(used=75.0), memory_forecast=far(18.0), replies=(reply,), **TERMINAL
    )
    (pause,) = actions(said, EscalationStep.PAUSE)
    assert pause.reason is ProtectReason.ASKED


@pytest.mark.parametrize("answer", [Answer.END, Answer.PAUSE, Answer.SLOW_DOWN])
def test_an_answer_to_a_question_that_is_over_does_nothing(answer: Answer) -> None:
    """The question named two workers of a run; without it the answer would mean all of the run."""
    desk = Desk()
    slow = growing(growth=20.0 * MB)
    (question,) = desk.turn(slow, at=reading(used=75.0), memory_forecast=far(18.0), **TERMINAL)
    assert isinstance(question, Question)
    said = desk.turns(9, slow, at=reading(used=40.0), **TERMINAL)
    assert Withdrawn(question_id=question.id) in said
    late = Reply(job_key=slow.key, answer=answer, question_id=question.id)
    assert desk.turn(slow, at=reading(used=40.0), replies=(late,), **TERMINAL) == []
    own = Reply(job_key=slow.key, answer=answer)  # of the person's own accord: the job
    assert desk.turn(slow, at=reading(used=40.0), replies=(own,), **TERMINAL) != []


def test_what_grows_while_something_has_just_ended_names_no_one() -> None:
    """The memory of what was ended comes back late: nothing of that is anybody's fault."""
    desk = Desk()
    hog, panel = growing(), job("panel", process(300, rss_bytes=GB))
    desk.turn(hog, panel, at=OVER)
    ended = growing(size=20 * GB)
    desk.turn(ended, panel, at=OVER)
    said = desk.turns(10, panel, at=OVER)
    assert actions(said, EscalationStep.TELL) == []


def browser(leak: int, *more: ProcessFacts) -> Job:
    """A leaking page, the process that fetches all pages, and a small helper."""
    page = process(300, name="chromium", rss_bytes=leak)
    network = process(301, name="chromium", rss_bytes=90 * MB)
    helper = process(302, name="chromium", rss_bytes=8 * MB)
    return job("browser", page, network, helper, *more, kind=JobKind.APP)


def paused_page() -> Desk:
    desk = Desk()
    desk.turn(browser(2 * GB), at=reading(used=70.0), seconds=0.2)
    desk.turn(browser(2 * GB + 30 * MB), at=reading(used=75.0), seconds=0.2)
    at = reading(used=76.0)
    (pause,) = actions(
        desk.turn(browser(2 * GB + 60 * MB), at=at, seconds=0.2, memory_forecast=soon())
    )
    assert [each.pid for each in pause.targets] == [300]
    return desk


def test_a_pause_takes_nothing_more_because_of_the_rate_that_it_has_stopped() -> None:
    desk = paused_page()
    still = browser(2 * GB + 60 * MB)
    decided = desk.turns(10, still, seconds=0.4, at=OVER, memory_forecast=soon())
    assert actions(decided, EscalationStep.PAUSE) == []


def test_what_a_paused_job_starts_joins_and_what_stands_beside_it_does_not() -> None:
    desk = paused_page()
    born = process(310, name="chromium", rss_bytes=100 * MB)
    (joined,) = actions(
        desk.turn(browser(2 * GB + 60 * MB, born), at=reading(used=76.0), seconds=0.4)
    )
    assert [each.pid for each in joined.targets] == [310]


RUN = ("python3", "/v/bin/omnitray", "run", "--memory", "300M", "--", "python3", "leak.py")


def budgeted(state: str, *, growth: float = 300.0 * MB) -> tuple[Job, dict[str, Any]]:
    """``python3 leak.py`` below an ``omnitray run``, which holds it at its budget."""
    run = process(200, name="omnitray", rss_bytes=20 * MB)
    leak = process(201, ppid=200, name="python3", state=state, rss_bytes=3 * GB)
    seen = job("leak.py", run, leak, growth=growth)
    known = details((seen,), p200="/usr/bin/python3.11")
    known[200] = msgspec.structs.replace(known[200], arguments=RUN)
    return seen, {"details": known}


def test_what_a_run_holds_at_its_budget_is_not_acted_on_again() -> None:
    desk = Desk()
    for state in ("T", "R", "T", "T", "T", "T", "T", "T"):  # slowed down, it runs now and then
        held, known = budgeted(state)
        desk.turn(held, at=reading(used=93.0), seconds=0.8, **known)
    assert actions(desk.said, EscalationStep.PAUSE) == []
    assert actions(desk.said, EscalationStep.SLOW_DOWN) == []

    desk = Desk()
    runs, known = budgeted("R")
    (pause,) = actions(desk.turn(runs, at=reading(used=93.0), **known), EscalationStep.PAUSE)
    assert [each.pid for each in pause.targets] == [201]
    assert pause.whom == "leak.py", "the run that waits for it is no part of its own"


@pytest.mark.parametrize(("rate", "is_cause"), [(13.0, False), (20.0, True), (45.0, True)])
def test_less_than_its_good_part_of_what_memory_falls_by_is_no_cause(
    rate: float, *, is_cause: bool
) -> None:
    """Memory falls by 90 MB/s, the rest of it by what cannot be seen from here."""
    fall = msgspec.structs.replace(soon(), slope_bps=90.0 * MB)
    decided = Desk().turn(growing(rate * MB), at=reading(used=75.0), memory_forecast=fall)
    assert bool(actions(decided, EscalationStep.PAUSE)) is is_cause


def test_over_the_floor_the_tooth_of_a_saw_is_not_paused() -> None:
    """81 % left with a floor of 80 %: near it only what takes more than it had is paused."""
    desk = Desk()
    limits = ModeLimits(cpu_percent=75, memory_percent=17, memory_floor_percent=80, hold_s=3)
    desk.policy = ProtectPolicy(dev=limits)
    for half in range(80):
        size = 2560 * MB + (80 * MB if half % 10 >= 8 else 0)
        run = job("leak.py", process(201, rss_bytes=size), kind=JobKind.COMMAND)
        used = 18.0 if half < 14 else 19.0  # the first tooth cannot be told from growth
        desk.turn(run, at=reading(used=used), seconds=0.5)
    assert actions(desk.said, EscalationStep.PAUSE) == []
    assert "almost gone" not in ProtectReason.MEMORY_NEAR_FLOOR.sentence

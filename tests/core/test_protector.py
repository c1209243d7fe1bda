"""The protector turn by turn: what it decides, and what it leaves alone."""

from typing import Any

import msgspec
import pytest

from omnitray.core import ladder
from omnitray.core.facts import DiskFacts, Job, JobKind, Mode, ProtectState, Resource
from omnitray.core.identity import Rung
from omnitray.core.policy import ProtectPolicy
from omnitray.core.protect_reasons import AlarmReason, ProtectReason, RestoreReason
from omnitray.core.protection import (
    Action,
    ActionState,
    ActiveAction,
    Alarm,
    Decision,
    EndOutcome,
    Forecast,
    GuardReading,
    Probe,
    ProcessDetail,
    Question,
    Reply,
    Restore,
    Withdrawn,
)
from omnitray.core.protection_view import Answer, BreakerState
from omnitray.core.protector import ResourceProtector
from omnitray.core.ties import Tie
from support.scenes import GB, MB, details, facts, job, process, reading

SLOW = Probe(now_ms=40.0, quiet_ms=5.0)
QUICK = Probe(now_ms=6.0, quiet_ms=5.0)


def build(cpu: float = 380.0) -> Job:
    workers = [process(101 + i, ppid=100, state="R") for i in range(4)]
    return job("make", process(100, name="make"), *workers, kind=JobKind.BUILD, cpu=cpu)


def growing(growth: float = 300.0 * MB, size: int = 8 * GB) -> Job:
    return job("pytest", process(200, rss_bytes=size), kind=JobKind.TEST_RUN, growth=growth)


def soon(high_s: float = 20.0) -> Forecast:
    return Forecast(
        resource=Resource.MEMORY, low_s=10.0, high_s=high_s, slope_bps=300.0 * MB, left_bytes=GB
    )


class Desk:
    """A protector, and hands that do at once what it says."""

    def __init__(self, mode: Mode = Mode.DEV, state: ProtectState = ProtectState.ON) -> None:
        self.protector = ResourceProtector("t")
        self.policy = ProtectPolicy(mode=mode, state=state)
        self.now_s = 100.0
        self.active: dict[str, ActiveAction] = {}
        self.said: list[Decision] = []

    def turn(
        self, *jobs: Job, seconds: float = 1.0, at: GuardReading | None = None, **more: Any
    ) -> list[Decision]:
        self.now_s += seconds
        now = msgspec.structs.replace(at or reading(), monotonic_s=self.now_s)
        seen = facts(*jobs, at=now, active=tuple(self.active.values()), **more)
        decided = self.protector.decide(seen, self.policy, self.now_s)
        for each in decided:
            self._do(each)
        self.said += decided
        return decided

    def turns(self, count: int, *jobs: Job, **more: Any) -> list[Decision]:
        return [each for _ in range(count) for each in self.turn(*jobs, **more)]

    def _do(self, decision: Decision) -> None:
        if isinstance(decision, Action) and decision.rung is not Rung.TELL:
            state = ActionState.ENDING if decision.rung is Rung.END else ActionState.HELD
            if decision.dry_run:
                state = ActionState.WATCHED
            self.active[decision.id] = ActiveAction(
                action=decision, state=state, since_s=self.now_s
            )
        elif isinstance(decision, Restore):
            del self.active[decision.action_id]


def actions(decided: list[Decision], rung: Rung | None = None) -> list[Action]:
    return [e for e in decided if isinstance(e, Action) and rung in {None, e.rung}]


def questions(decided: list[Decision]) -> list[Question]:
    return [each for each in decided if isinstance(each, Question)]


def restores(decided: list[Decision]) -> list[Restore]:
    return [each for each in decided if isinstance(each, Restore)]


BUSY = reading(cpu=96.0)


def test_nothing_is_decided_on_a_quiet_machine() -> None:
    assert Desk().turns(10, build(cpu=20.0)) == []


def test_the_same_facts_give_the_same_answers() -> None:
    assert Desk().turns(8, build(), at=BUSY) == Desk().turns(8, build(), at=BUSY)


# Processors


def test_it_has_to_hold_before_anything_is_done() -> None:
    desk = Desk()

    assert desk.turns(3, build(), at=BUSY) == []
    (action,) = actions(desk.turn(build(), at=BUSY))

    assert (action.rung, action.resource) == (Rung.SLOW_DOWN, Resource.CPU)
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

    assert [each.rung for each in actions(decided)] == [Rung.SLOW_DOWN]
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
    assert actions(decided, Rung.PAUSE) == []


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
    while not actions(desk.said, Rung.PAUSE):
        desk.turn(build(), at=BUSY, probe=SLOW)
    paused_s = desk.now_s
    (pause,) = actions(desk.said, Rung.PAUSE)
    while not actions(desk.said, Rung.END):
        desk.turn(build(cpu=0.0), at=reading(cpu=5.0), probe=QUICK)
    (end,) = actions(desk.said, Rung.END)

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

    assert (told.rung, told.notify, told.job_key) == (Rung.TELL, True, "")
    assert told.considered


def test_no_figure_for_processors_means_no_decision_about_them() -> None:
    assert Desk().turns(10, build(), at=reading(cpu=None)) == []


# Memory


OVER = reading(used=86.0)


def test_memory_over_the_limit_slows_the_heaviest_down_and_tells() -> None:
    desk = Desk()
    decided = desk.turns(30, growing(growth=0.0), at=OVER)

    (action,) = actions(decided)
    assert (action.rung, action.resource, action.notify) == (
        Rung.SLOW_DOWN,
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
    assert (pause.rung, pause.notify) == (Rung.PAUSE, True)
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

    assert actions(decided, Rung.PAUSE)[0].reason is ProtectReason.MEMORY_THRASHES
    assert actions(decided, Rung.END) == []


def test_pressure_alone_does_nothing() -> None:
    assert Desk().turns(30, growing(growth=0.0), at=reading(used=50.0, memory_full=90.0)) == []


def test_low_memory_with_swap_left_and_no_pressure_ends_nobody() -> None:
    low = reading(used=97.0, swap=(4 * GB, 2 * GB), memory_full=1.0)

    assert actions(Desk().turns(60, growing(), at=low), Rung.END) == []


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("swap", [(0, 0), (4 * GB, GB // 4)])
def test_at_the_floor_one_is_ended_in_every_mode(mode: Mode, swap: tuple[int, int]) -> None:
    desk = Desk(mode)
    (end,) = actions(desk.turn(growing(), at=reading(used=95.5, swap=swap)))

    assert (end.rung, end.reason, end.notify) == (Rung.END, ProtectReason.MEMORY_FLOOR, True)
    assert end.expected_bytes == 8 * GB
    assert desk.protector.breaker.ends_left == 2


def test_after_an_end_nothing_more_is_ended_before_it_is_over() -> None:
    desk, other = Desk(), job("other", process(300, rss_bytes=4 * GB))
    floor = reading(used=96.0)
    desk.turn(growing(), other, at=floor)

    assert actions(desk.turns(20, growing(), other, at=floor), Rung.END) == []


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
    assert actions(decided, Rung.END) == []


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
    while not actions(desk.said, Rung.END):
        desk.turn(growing(growth=0.0), at=reading(used=85.0))
    (end,) = actions(desk.said, Rung.END)

    assert desk.now_s - paused_s == pytest.approx(30.0)
    assert end.reason is ProtectReason.MEMORY_UNANSWERED


def test_a_paused_job_that_became_protected_is_not_ended() -> None:
    desk = Desk(Mode.PROD)
    desk.turn(growing(), at=reading(used=85.0), memory_forecast=soon())
    desk.policy = ProtectPolicy(mode=Mode.PROD, protected=("pytest",))
    decided = desk.turns(40, growing(growth=0.0), at=reading(used=85.0))

    assert actions(decided, Rung.END) == []
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


# Disk


def disk(used: float, free: int = 20 * GB) -> DiskFacts:
    return DiskFacts(
        mount="/", filesystem="ext4", total_bytes=400 * GB, free_bytes=free, used_percent=used
    )


def writing(bps: float = 100.0 * MB) -> dict[str, Any]:
    run = growing(growth=0.0)
    seen = details([run])
    seen[200] = ProcessDetail(start_ticks=200, exe="/usr/bin/worker", write_bps=bps)
    return {"details": seen}


@pytest.mark.parametrize(("mode", "preview"), [(Mode.DEV, True), (Mode.TEST, False)])
def test_a_disk_over_its_limit_is_cleaned_once(mode: Mode, preview: bool) -> None:  # noqa: FBT001 - a parameter
    (clean,) = actions(Desk(mode).turns(100, disks=(disk(82.0),)))

    assert (clean.cleans, clean.preview, clean.mount) == (True, preview, "/")
    assert clean.targets == ()


def test_the_writer_of_a_nearly_full_disk_has_to_wait_and_is_then_paused() -> None:
    desk = Desk()
    decided = desk.turns(20, growing(growth=0.0), disks=(disk(96.0),), **writing())

    on_job = [each for each in actions(decided) if each.targets]
    assert [each.rung for each in on_job] == [Rung.SLOW_DOWN, Rung.PAUSE]
    assert all(each.reason is ProtectReason.DISK_NEARLY_FULL for each in on_job)
    assert len(questions(decided)) == 1
    assert on_job[0].restores_below == 85.0


def test_a_writer_that_needs_hours_is_not_paused() -> None:
    decided = Desk().turns(60, growing(growth=0.0), disks=(disk(96.0),), **writing(2.0 * MB))

    assert actions(decided, Rung.PAUSE) == []


def test_a_nearly_full_disk_that_nobody_writes_to_holds_nobody() -> None:
    decided = Desk().turns(60, growing(growth=0.0), disks=(disk(97.0),), **writing(0.0))

    assert [each.cleans for each in actions(decided)] == [True]


@pytest.mark.parametrize(("high_s", "rung"), [(100.0, Rung.SLOW_DOWN), (20.0, Rung.PAUSE)])
def test_a_disk_that_is_full_soon_is_held_by_the_time_there_is(high_s: float, rung: Rung) -> None:
    ends = Forecast(
        resource=Resource.DISK,
        low_s=5.0,
        high_s=high_s,
        slope_bps=100.0 * MB,
        left_bytes=2 * GB,
        mount="/",
    )
    decided = Desk().turn(
        growing(growth=0.0), disks=(disk(70.0),), disk_forecasts=(ends,), **writing()
    )

    (action,) = actions(decided)
    assert (action.rung, action.reason) == (rung, ProtectReason.DISK_RUNS_OUT)
    assert action.restores_below == 60.0


def test_a_writer_is_let_go_when_the_disk_has_room() -> None:
    desk = Desk()
    desk.turns(20, growing(growth=0.0), disks=(disk(96.0),), **writing())
    roomy = (disk(70.0, free=120 * GB),)

    assert len(restores(desk.turns(30, growing(growth=0.0), disks=roomy, **writing()))) == 2
    assert not desk.active


def test_a_disk_that_is_gone_gives_nothing_back_by_itself() -> None:
    desk = Desk()
    desk.turns(20, growing(growth=0.0), disks=(disk(96.0),), **writing())

    assert restores(desk.turns(30, growing(growth=0.0))) == []


# Answers


def asked() -> Desk:
    desk = Desk()
    desk.turn(growing(), at=reading(used=75.0), memory_forecast=soon())
    return desk


def say(desk: Desk, answer: Answer, key: str = "pytest") -> list[Decision]:
    reply = Reply(job_key=key, answer=answer)
    return desk.turn(growing(), at=reading(used=78.0), replies=(reply,))


def test_slow_down_lets_it_run_slowly_and_does_not_pause_it_again_at_once() -> None:
    desk = asked()
    said = say(desk, Answer.SLOW_DOWN)

    assert [each.reason for each in restores(said)] == [RestoreReason.PERSON]
    (slow,) = actions(said)
    assert (slow.rung, slow.reason, slow.notify) == (Rung.SLOW_DOWN, ProtectReason.ASKED, False)
    again = desk.turns(30, growing(), at=reading(used=78.0), memory_forecast=soon())
    assert actions(again, Rung.PAUSE) == []
    again = desk.turns(40, growing(), at=reading(used=78.0), memory_forecast=soon())
    assert actions(again, Rung.PAUSE)


def test_pause_keeps_it_paused_even_when_memory_is_back() -> None:
    desk = asked()

    assert restores(say(desk, Answer.PAUSE)) == []
    assert restores(desk.turns(60, growing(growth=0.0), at=reading(used=30.0))) == []


def test_end_ends_what_the_question_named() -> None:
    desk = asked()
    (end,) = actions(say(desk, Answer.END))

    assert (end.rung, end.reason) == (Rung.END, ProtectReason.ASKED)
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
        growing(), at=reading(used=78.0), memory_forecast=soon(), seconds=ladder.LEAVE_ALONE_S
    )
    assert actions(late, Rung.PAUSE)


def test_never_touch_this_holds_for_good() -> None:
    desk = asked()

    assert [each.reason for each in restores(say(desk, Answer.NEVER))] == [
        RestoreReason.PROTECTED_NOW
    ]
    late = desk.turn(
        growing(), at=reading(used=97.0), memory_forecast=soon(), seconds=ladder.LEAVE_ALONE_S
    )
    assert actions(late) == []


def test_a_word_without_a_question_is_followed_too() -> None:
    desk = Desk()
    (pause,) = actions(say(desk, Answer.PAUSE))

    assert (pause.rung, pause.restores_below) == (Rung.PAUSE, None)
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


# Watching only, and off


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

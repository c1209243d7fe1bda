"""Rules of one's own: always slow down, never touch so, limits; in every policy."""

import msgspec
import pytest

from omnitray.base.facts import Job, JobKind, LastResort, Mode, ProtectState, Resource
from omnitray.base.policy import JobRule, ProtectPolicy
from omnitray.protector import explain, right_now
from omnitray.protector.model import (
    Alarm,
    EscalationStep,
    ExclusionReason,
    ProtectReason,
    Reply,
    UndoneByUser,
)
from omnitray.protector.view import Answer
from support.desk import BUSY, Desk, actions, build, growing, questions, restores, soon
from support.scenes import GB, MB, facts, job, process, reading, scene

SLOW, PAUSE, END = EscalationStep.SLOW_DOWN, EscalationStep.PAUSE, EscalationStep.END


def encoder(cpu: float = 5.0, size: int = 100 * MB) -> Job:
    return job("ffmpeg", process(300, name="ffmpeg", rss_bytes=size), cpu=cpu)


def ruled(*rules: JobRule, mode: Mode = Mode.DEV, **more: object) -> Desk:
    desk = Desk(mode)
    desk.policy = msgspec.structs.replace(desk.policy, rules=rules, **more)
    return desk


ALWAYS = JobRule(match="ffmpeg", always="slow_down")


def test_always_slows_down_while_nothing_is_short_and_says_nothing() -> None:
    desk = ruled(ALWAYS)
    (done,) = actions(desk.turn(encoder(), build(10.0)))
    assert (done.job_key, done.step, done.resource) == ("ffmpeg", SLOW, Resource.CPU)
    assert done.reason is ProtectReason.RULE_ALWAYS
    assert not done.notify
    assert desk.turns(20, encoder(), build(10.0)) == []
    assert explain.why(done) == "a rule of yours has it slowed down always"


@pytest.mark.parametrize("change", [{"rules": ()}, {"mode": Mode.TEST}])
def test_it_is_given_back_when_no_rule_asks_for_it(change: dict[str, object]) -> None:
    rule = msgspec.structs.replace(ALWAYS, mode=Mode.DEV)
    desk = ruled(rule)
    desk.turn(encoder())
    desk.policy = msgspec.structs.replace(desk.policy, **change)
    assert len(restores(desk.turn(encoder()))) == 1


def test_what_is_always_slow_does_not_keep_the_hog_from_being_slowed_down() -> None:
    desk = ruled(ALWAYS)
    done = actions(desk.turns(12, encoder(), build(), at=BUSY))
    assert [each.job_key for each in done] == ["ffmpeg", "make"]


def test_what_is_always_slow_is_not_given_back_as_useless() -> None:
    desk = ruled(ALWAYS)
    busy = reading(cpu=96.0, cpu_pressure=90.0)
    desk.turns(60, encoder(), build(), at=busy)
    assert [each.action.job_key for each in desk.active.values()].count("ffmpeg") == 1


def test_an_undo_of_the_person_holds_for_ten_minutes() -> None:
    desk = ruled(ALWAYS)
    desk.turn(encoder())
    desk.active.clear()
    back = UndoneByUser(job_key="ffmpeg", step=SLOW)
    assert desk.turn(encoder(), taken_back=(back,)) == []
    assert desk.turn(encoder(), seconds=599.0) == []
    assert len(actions(desk.turn(encoder(), seconds=2.0))) == 1


def test_a_job_that_may_not_be_touched_is_not_slowed_down_by_a_rule_either() -> None:
    desk = ruled(ALWAYS, protected=("ffmpeg",))
    assert desk.turns(3, encoder()) == []


def test_watching_notes_it_once() -> None:
    desk = ruled(ALWAYS, state=ProtectState.WATCH)
    (noted,) = actions(desk.turns(5, encoder()))
    assert noted.dry_run


LEAK = reading(used=97.0)


def rule(*steps: str, match: str = "pytest") -> JobRule:
    return msgspec.convert({"match": match, "never": steps}, JobRule)


def run(growth: float = 300.0 * MB) -> Job:
    """A run of a parent and a worker that grows."""
    parent = process(200, name="pytest", rss_bytes=50 * MB)
    worker = process(201, ppid=200, rss_bytes=8 * GB)
    return job("pytest", parent, worker, kind=JobKind.TEST_RUN, growth=growth)


def test_what_may_not_be_paused_is_not_paused() -> None:
    desk = ruled(rule("pause"))
    said = desk.turns(5, growing(), at=reading(used=88.0), memory_forecast=soon())
    assert actions(said, PAUSE) == []
    assert actions(said, SLOW) != []


@pytest.mark.parametrize("last_resort", list(LastResort))
def test_what_may_not_be_ended_is_not_ended_by_the_last_resort_either(
    last_resort: LastResort,
) -> None:
    desk = ruled(rule("end", "pause"), last_resort=last_resort)
    said = desk.turns(30, growing(), at=LEAK, memory_forecast=soon())
    assert actions(said, END) == []
    (alarm,) = (each for each in said if isinstance(each, Alarm))
    assert alarm.cause is not None
    assert alarm.cause.excluded is ExclusionReason.RULE
    assert "a rule of yours forbids it" in explain.alarmed(alarm)[1]


def test_nor_where_the_person_asks_for_it() -> None:
    desk = ruled(rule("end"))
    said = desk.turn(growing(), replies=(Reply(job_key="pytest", answer=Answer.END),))
    assert said == []


def test_a_parent_does_not_go_with_a_child_that_may_not() -> None:
    child = process(201, ppid=200, name="worker", rss_bytes=MB)
    parent = process(200, name="pytest", rss_bytes=8 * GB)
    whole = job("run", parent, child, growth=300.0 * MB)
    desk = ruled(rule("end", match="worker"))
    assert actions(desk.turns(10, whole, at=LEAK), END) == []
    free = ruled()
    assert actions(free.turns(10, whole, at=LEAK), END) != []


def test_a_rule_for_another_mode_does_not_count() -> None:
    other = msgspec.structs.replace(rule("end", "pause"), mode=Mode.PROD)
    desk = ruled(other)
    assert actions(desk.turns(10, growing(), at=LEAK), END) != []


def test_the_explanation_says_that_a_rule_forbids_it() -> None:
    policy = ProtectPolicy(rules=(rule("pause", "end", "slow_down"),))
    told = right_now.now(scene(facts(growing(), at=LEAK), policy))
    assert "a rule of yours forbids it" in {each.verdict for each in told.considered}


LIMIT = JobRule(match="ffmpeg", memory_max="1 GB")


def test_over_its_memory_a_job_is_slowed_down_then_paused_and_asked_about() -> None:
    desk = ruled(LIMIT)
    said = desk.turns(20, encoder(size=2 * GB))
    assert [(each.step, each.reason) for each in actions(said)] == [
        (SLOW, ProtectReason.RULE_MEMORY),
        (PAUSE, ProtectReason.RULE_MEMORY),
    ]
    (question,) = questions(said)
    assert question.unanswered is None
    assert "your rule allows 1.0 GB" in explain.asked(question)


def test_in_prod_it_is_ended_without_an_answer_unless_the_rule_forbids_it() -> None:
    desk = ruled(LIMIT, mode=Mode.PROD)
    ended = actions(desk.turns(60, encoder(size=2 * GB)), END)
    assert [each.job_key for each in ended] == ["ffmpeg"]
    kept = ruled(msgspec.structs.replace(LIMIT, never=("end",)), mode=Mode.PROD)
    assert actions(kept.turns(60, encoder(size=2 * GB)), END) == []


def test_under_its_memory_again_it_is_given_back() -> None:
    desk = ruled(LIMIT)
    desk.turns(20, encoder(size=2 * GB))
    assert len(desk.active) == 2
    desk.turns(5, encoder(size=950 * 10**6))  # not yet far enough under it
    assert len(desk.active) == 2
    desk.turns(10, encoder(size=500 * MB))
    assert desk.active == {}


def test_an_answer_holds_while_it_is_held() -> None:
    desk = ruled(LIMIT)
    big = encoder(size=2 * GB)
    desk.turns(20, big)
    desk.turn(big, replies=(Reply(job_key="ffmpeg", answer=Answer.SLOW_DOWN),))
    assert actions(desk.turns(120, big), PAUSE) == []


def test_over_its_processors_a_job_is_slowed_down_and_given_back() -> None:
    desk = ruled(JobRule(match="ffmpeg", cpu_max=150.0))
    big = process(300, name="ffmpeg", cpu_percent=200.0)
    hot = job("ffmpeg", big, cpu=200.0)
    (done,) = actions(desk.turns(60, hot))
    assert (done.step, done.reason) == (SLOW, ProtectReason.RULE_CPU)
    assert explain.why(done) == "it takes 200 % of one core, your rule allows 150 %"
    cool = job("ffmpeg", process(300, name="ffmpeg", cpu_percent=20.0), cpu=20.0)
    assert len(restores(desk.turns(10, cool))) == 1

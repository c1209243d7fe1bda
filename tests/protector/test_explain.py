"""Explanations: sentences that a person believes, with the figures that were decided from."""

import msgspec
import pytest

from omnitray.base.amounts import duration, percent, rate, size, span
from omnitray.base.facts import (
    Forecast,
    JobKind,
    Mode,
    OwnFacts,
    Probe,
    ProtectState,
    Resource,
)
from omnitray.base.policy import ProtectPolicy
from omnitray.processes.process_roles import Tie
from omnitray.protector import explain, right_now, view_builder
from omnitray.protector.model import (
    Action,
    ActionState,
    Alarm,
    AlarmReason,
    Candidate,
    EscalationStep,
    Evidence,
    ExclusionReason,
    ProtectReason,
    Question,
    RestoreReason,
    Signal,
)
from support.scenes import facts, held, job, process, reading, scene

GB, MB = 10**9, 10**6

CPU = Evidence(signal=Signal.CPU, value=96.0, threshold=75.0, held_s=4.0)
CPU_OVER = "CPU 96 %, limit 75 %"
SOON = Evidence(
    signal=Signal.FORECAST,
    value=40.0,
    threshold=30.0,
    forecast=Forecast(
        resource=Resource.MEMORY,
        low_s=20.0,
        high_s=40.0,
        slope_bps=310.0 * MB,
        left_bytes=GB,
    ),
)


def candidate(
    title: str, rss: float, excluded: ExclusionReason | None = None, **more: float
) -> Candidate:
    return Candidate(
        job_key="pytest",
        title=title,
        kind=JobKind.TEST_RUN,
        rss_bytes=int(rss * GB),
        excluded=excluded,
        growth_bps=more.get("growth"),
        cpu_percent=more.get("cpu"),
        write_bps=more.get("writes"),
    )


def action(
    step: EscalationStep = EscalationStep.PAUSE,
    resource: Resource = Resource.MEMORY,
    evidence: Evidence = SOON,
    considered: tuple[Candidate, ...] = (),
    **more: object,
) -> Action:
    given = {"title": "pytest · ~/shop", "restores_below": 70.0} | more
    return Action(
        id="t-1",
        step=step,
        resource=resource,
        reason=ProtectReason.MEMORY_RUNS_OUT,
        evidence=evidence,
        considered=considered,
        **given,  # type: ignore[arg-type]  # fields of Action
    )


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (size(9.8 * GB), "9.8 GB"),
        (size(14.2 * GB), "14.2 GB"),
        (size(5_120), "5.1 kB"),
        (size(12), "12 B"),
        (rate(290 * MB), "290 MB/s"),
        (percent(4.25), "4.2 %"),
        (percent(96.0), "96 %"),
        (percent(0.0), "0 %"),
        (duration(0.21), "0.2 s"),
        (duration(4.0), "4 s"),
        (duration(180.0), "3 min"),
        (duration(7200.0), "2.0 h"),
        (span(20.0, 40.0), "20 to 40 s"),
        (span(40.0, 120.0), "40 s to 2 min"),
        (span(20.1, 20.2), "about 20 s"),
    ],
)
def test_amounts_read_as_people_say_them(told: str, expected: str) -> None:
    assert told == expected


@pytest.mark.parametrize(
    ("done", "expected"),
    [
        (action(), "paused pytest · ~/shop"),
        (action(EscalationStep.END, dry_run=True), "would have ended pytest · ~/shop"),
        (action(EscalationStep.TELL, Resource.CPU, CPU, title=""), CPU_OVER),
        (action(EscalationStep.TELL, Resource.DISK, mount="/", cleans=True), "cleaned /"),
        (
            action(EscalationStep.TELL, Resource.DISK, mount="/", cleans=True, preview=True),
            "clean caches on /",
        ),
    ],
)
def test_headlines_say_what_was_done_to_whom(done: Action, expected: str) -> None:
    assert explain.headline(done) == expected


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (CPU, "CPU 96 %, limit 75 %, for 4 s"),
        (SOON, "memory runs out in 20 to 40 s, at 310 MB/s"),
        (
            Evidence(signal=Signal.MEMORY_LEFT, value=4.2, threshold=5.0),
            "memory 4.2 % left, floor 5.0 %",
        ),
        (
            Evidence(signal=Signal.MEMORY, value=86.0, threshold=80.0, held_s=3.0),
            "memory 86 % used, limit 80 %, for 3 s",
        ),
        (
            Evidence(signal=Signal.MEMORY_PRESSURE, value=31.0, threshold=10.0),
            "everything waits for memory 31 % of the time",
        ),
        (
            Evidence(signal=Signal.DISK, value=96.0, threshold=95.0),
            "disk 96 % full, limit 95 %",
        ),
        (
            Evidence(signal=Signal.FORECAST, value=25.0, threshold=30.0),
            "runs out within 25 s",
        ),
    ],
)
def test_the_evidence_in_a_phrase(evidence: Evidence, expected: str) -> None:
    assert explain.because(evidence) == expected


def test_a_disk_forecast_names_the_disk() -> None:
    forecast = Forecast(
        resource=Resource.DISK,
        low_s=60.0,
        high_s=100.0,
        slope_bps=100.0 * MB,
        left_bytes=GB,
        mount="/data",
    )
    evidence = Evidence(signal=Signal.FORECAST, value=100.0, threshold=120.0, forecast=forecast)

    assert explain.because(evidence) == "/data full in 1 to 2 min, at 100 MB/s"


def test_an_explanation_says_what_the_worker_held_of_its_job_and_who_was_spared() -> None:
    told = explain.explanation(
        action(
            considered=(
                candidate("pytest · ~/shop", 14.2),
                candidate("python 41213", 9.8, growth=290.0 * MB),
                candidate("pytest 41200", 0.3, ExclusionReason.PARENT),
            )
        )
    )

    assert told.text == (
        "Memory runs out in 20 to 40 s, at 310 MB/s. "
        "It holds 9.8 GB of the 14.2 GB of its job and grows by 290 MB/s. "
        "It is given back under 70 %."
    )
    assert [each.verdict for each in told.considered] == ["paused", "paused", "parent of the run"]
    assert [each.chosen for each in told.considered] == [True, True, False]


def test_a_job_alone_processors_and_disks_have_their_own_figures() -> None:
    alone = explain.explanation(action(considered=(candidate("model", 8.0),)))
    busy = explain.explanation(
        action(EscalationStep.SLOW_DOWN, Resource.CPU, CPU, (candidate("make", 1.0, cpu=380.0),))
    )
    writer = explain.explanation(
        action(resource=Resource.DISK, considered=(candidate("dd", 1.0, writes=90.0 * MB),))
    )

    assert "It holds 8.0 GB." in alone.text
    assert "It takes 380 % of one core." in busy.text
    assert "It writes 90 MB/s." in writer.text


def test_the_way_back_is_said_whatever_it_is() -> None:
    assert explain.explanation(action(EscalationStep.END)).text.endswith(
        "This cannot be taken back."
    )
    assert explain.explanation(action(restores_below=None)).text.endswith(
        "It stays so until you say otherwise."
    )
    told = explain.explanation(action(EscalationStep.TELL, Resource.CPU, CPU, title=""))
    assert told.text.endswith(".")
    assert told.title == CPU_OVER


def test_in_a_dry_run_the_verdict_says_would() -> None:
    told = explain.explanation(action(dry_run=True, considered=(candidate("model", 8.0),)))

    assert told.considered[0].verdict == "would be paused"
    assert told.text.endswith("It was not touched: protection only watched.")


def test_of_what_is_over_no_way_back_is_said() -> None:
    over = explain.explanation(action(restores_below=None), in_force=False)
    ended = explain.explanation(action(EscalationStep.END), in_force=False)

    assert over.text.endswith("It is over: nothing of it is in force any more.")
    assert "until you say otherwise" not in over.text
    assert ended.text.endswith("This cannot be taken back.")


@pytest.mark.parametrize(
    ("resource", "unanswered", "expected"),
    [
        (Resource.CPU, None, "it stays slowed down"),
        (Resource.MEMORY, None, "it stays paused"),
        (Resource.DISK, None, "it stays paused"),
        (Resource.CPU, EscalationStep.PAUSE, "it is paused"),
        (Resource.MEMORY, EscalationStep.END, "it is ended"),
    ],
)
def test_a_question_says_what_happens_without_an_answer(
    resource: Resource, unanswered: EscalationStep | None, expected: str
) -> None:
    question = Question(
        id="q",
        job_key="make",
        title="make · ~/shop",
        resource=resource,
        reason=ProtectReason.CPU_STARVES,
        evidence=CPU,
        unanswered=unanswered,
    )

    assert explain.unanswered(question) == expected


@pytest.mark.parametrize(
    ("resource", "reason", "evidence", "expected"),
    [
        (
            Resource.CPU,
            ProtectReason.CPU_STARVES,
            CPU,
            ": CPU 96 %, limit 75 %, for 4 s; slowed down, it still makes others wait.",
        ),
        (
            Resource.MEMORY,
            ProtectReason.MEMORY_RUNS_OUT,
            SOON,
            " is paused: memory runs out in 20 to 40 s, at 310 MB/s.",
        ),
        (
            Resource.DISK,
            ProtectReason.DISK_NEARLY_FULL,
            Evidence(signal=Signal.DISK, value=96.0, threshold=95.0),
            " is paused: disk 96 % full, limit 95 %; the disk is nearly full, and it writes to it.",
        ),
    ],
)
def test_a_question_says_how_the_job_is_held_and_why(
    resource: Resource, reason: ProtectReason, evidence: Evidence, expected: str
) -> None:
    question = Question(
        id="q",
        job_key="make",
        title="make · ~/shop",
        resource=resource,
        reason=reason,
        evidence=evidence,
    )

    assert explain.asked(question) == f"make · ~/shop{expected}"


@pytest.mark.parametrize(
    ("resource", "unanswered", "paused"),
    [
        (Resource.CPU, None, False),
        (Resource.CPU, EscalationStep.PAUSE, False),
        (Resource.CPU, EscalationStep.END, True),
        (Resource.MEMORY, None, True),
        (Resource.DISK, None, True),
    ],
)
def test_who_shows_a_question_is_told_whether_its_job_is_paused(
    resource: Resource, unanswered: EscalationStep | None, *, paused: bool
) -> None:
    question = Question(
        id="q",
        job_key="make",
        title="make · ~/shop",
        resource=resource,
        reason=ProtectReason.CPU_STARVES,
        evidence=CPU,
        unanswered=unanswered,
    )

    assert view_builder.asked(question, 0.0).paused is paused


def test_alarms_say_what_is_no_longer_done() -> None:
    title, text = explain.alarmed(Alarm(reason=AlarmReason.THREE_ENDS, title="pytest"))

    assert title == "Protection stopped ending processes"
    assert text == (
        "Three processes were ended within ten minutes. The last was pytest. "
        "Nothing is ended for 10 min now."
    )
    assert explain.alarmed(Alarm(reason=AlarmReason.NOBODY_LEFT))[0] == "Memory is used up"


def test_right_now_on_a_quiet_machine() -> None:
    run = job("pytest", process(100, rss_bytes=4 * GB), kind=JobKind.TEST_RUN)
    editor = job("code", process(200, name="code", rss_bytes=2 * GB), kind=JobKind.APP)

    told = right_now.now(scene(facts(run, editor)))

    assert told.text.startswith("Nothing is short: CPU 10 %, limit 75 %; memory 50 % used")
    assert "If memory and swap were used up, pytest would be ended." in told.text
    verdicts = {each.title: each.verdict for each in told.considered}
    assert verdicts["code"] == "an editor"


def test_right_now_on_a_loaded_machine_names_the_job_for_each_thing() -> None:
    run = job(
        "pytest", process(100, rss_bytes=8 * GB), kind=JobKind.TEST_RUN, cpu=390.0, growth=90.0 * MB
    )
    busy = reading(used=70.0, cpu=97.0)

    told = right_now.now(scene(facts(run, at=busy, probe=Probe(now_ms=40.0, quiet_ms=4.0))))

    assert told.text == (
        "CPU 97 %, limit 75 %; memory 70 % used, limit 80 %. Others have to wait. "
        "Over the processor limit for 3 s, pytest would be slowed down, "
        "and if others still had to wait 10 s later, you would be asked. "
        "If memory were to run out in less than 30 s, pytest would be paused"
        " and you would be asked. "
        "If memory and swap were used up, pytest would be ended."
    )
    assert len({each.title for each in told.considered}) == len(told.considered)


def test_right_now_says_what_the_mode_would_do_without_an_answer_and_when() -> None:
    run = job(
        "pytest", process(100, rss_bytes=8 * GB), kind=JobKind.TEST_RUN, cpu=390.0, growth=90.0 * MB
    )
    busy = reading(used=70.0, cpu=97.0)

    told = right_now.now(scene(facts(run, at=busy), ProtectPolicy(mode=Mode.PROD)))

    assert "Over the processor limit for 10 s, pytest would be slowed down" in told.text
    assert "without an answer it would be paused 30 s later" in told.text
    assert "without an answer it would be ended 30 s later" in told.text


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (ProtectState.ON, ""),
        (ProtectState.WATCH, "Protection only watches"),
        (ProtectState.OFF, "Protection is off"),
    ],
)
def test_right_now_says_whether_anybody_would_be_touched_at_all(
    state: ProtectState, words: str
) -> None:
    told = right_now.now(scene(facts(), ProtectPolicy(state=state)))

    assert words in told.text
    assert ("Protection" in told.text) is bool(words)


def test_right_now_says_when_no_job_is_large_enough_to_be_slowed_down() -> None:
    crowd = [job(f"small {i}", process(100 + i, rss_bytes=10 * MB), cpu=30.0) for i in range(12)]

    told = right_now.now(scene(facts(*crowd, at=reading(cpu=97.0))))

    assert "No job that may be touched takes a fifth of the processors" in told.text


def test_right_now_says_what_is_held_already_and_for_how_long() -> None:
    run = job("pytest", process(100, rss_bytes=4 * GB), kind=JobKind.TEST_RUN)
    slowed = action(EscalationStep.SLOW_DOWN, Resource.CPU, CPU)

    told = right_now.now(scene(facts(run, active=(held(slowed, 80.0),))))

    assert f"{slowed.title} was slowed down 20 s ago." in told.text
    watched = facts(run, active=(held(slowed, 80.0, ActionState.WATCHED),))
    would = right_now.now(scene(watched, ProtectPolicy(state=ProtectState.WATCH)))
    assert f"{slowed.title} would have been slowed down 20 s ago." in would.text


def test_a_job_is_told_of_by_what_leads_it_and_with_one_reason() -> None:
    """``sleep`` with a larger shell beside it is no shell."""
    shell = process(100, name="bash", rss_bytes=90 * MB)
    sleep = process(101, name="sleep", rss_bytes=10 * MB)
    run = msgspec.structs.replace(job("sleep", shell, sleep), leader_pid=101)
    ties = {101: frozenset({Tie.TYPED_INTO})}
    seen = facts(run, at=reading(used=98.0), ties=ties)

    (told,) = right_now.now(scene(seen)).considered

    assert told.may == "may be slowed down, no more: is being typed into"

    left_alone = msgspec.structs.replace(seen, own=OwnFacts(uid=1))
    (told,) = right_now.now(scene(left_alone)).considered
    reason = ExclusionReason.OTHER_USER.sentence
    assert (told.verdict, told.may) == (reason, f"left alone: {reason}")
    assert told.next_step == ""


def test_a_single_worker_has_its_line_and_the_name_of_its_job() -> None:
    parent = process(100, name="pytest", rss_bytes=50 * MB)
    workers = [process(101 + i, ppid=100, name="python3", rss_bytes=4 * GB) for i in range(2)]
    run = job("pytest", parent, *workers, kind=JobKind.TEST_RUN, growth=90.0 * MB)
    told = right_now.now(scene(facts(run, at=reading(used=98.0))))
    by_title = {each.title: each for each in told.considered}

    assert by_title["pytest, python3 102"].may == "may be slowed down, paused and ended"
    assert by_title["pytest, pytest 100"].may.startswith("may be slowed down, no more: parent")
    assert all(each.may for each in told.considered)
    assert "pytest, worker 2 would be ended." in told.text


def test_right_now_when_memory_runs_out_says_that_first() -> None:
    seen = facts(at=reading(used=75.0, cpu=None), memory_forecast=SOON.forecast)
    assert right_now.now(scene(seen)).text.startswith("Memory 75 % used") is False
    assert right_now.now(scene(facts(at=reading(used=94.5)))).text.startswith("Memory 5.5 % left")


def test_a_part_of_what_is_short_stands_only_where_something_is_short() -> None:
    run = job("pytest", process(100, rss_bytes=4 * GB), kind=JobKind.TEST_RUN, cpu=97.0)
    (calm,) = right_now.now(scene(facts(run))).considered
    (busy,) = right_now.now(scene(facts(run, at=reading(cpu=97.0)))).considered
    assert calm.cause_share is None
    assert busy.cause_share is not None


def test_a_job_that_takes_the_processors_is_not_said_to_take_little_of_what_is_short() -> None:
    hog = job("crunch", process(100, rss_bytes=20 * MB), cpu=111.0)
    seen = msgspec.structs.replace(facts(hog, at=reading(cpu=97.0)), cores=16)
    told = right_now.now(scene(seen))
    assert "cannot be seen from here" in told.text
    (row,) = told.considered
    unseen = "what takes the processors is mostly what cannot be seen from here"
    assert (row.verdict, row.next_step) == (unseen, f"nothing would be done to it: {unseen}")


def test_each_reason_is_of_the_shortage_that_is_on() -> None:
    idle = job("idle", process(100, rss_bytes=20 * MB), cpu=2.0)
    hog = job("crunch", process(200, rss_bytes=4 * GB), cpu=380.0)
    busy = right_now.now(scene(facts(idle, hog, at=reading(cpu=97.0))))
    rows = {each.title: each for each in busy.considered}
    little = "takes little of the processors"
    assert rows["idle"].next_step == f"nothing would be done to it: {little}"
    assert rows["crunch"].next_step == "Over the processor limit for 3 s it would be slowed down"


def test_they_stand_in_the_order_in_which_they_would_be_acted_on() -> None:
    first = job("first", process(200, rss_bytes=GB), cpu=250.0)
    second = job("second", process(300, rss_bytes=8 * GB), cpu=200.0)
    idle = job("idle", process(400, rss_bytes=2 * GB), cpu=1.0)
    editor = job("code", process(100, name="code", rss_bytes=9 * GB), kind=JobKind.APP, cpu=120.0)
    now = facts(editor, idle, second, first, at=reading(cpu=97.0))
    told = right_now.now(scene(now))
    assert [each.title for each in told.considered] == ["first", "second", "idle", "code"]


def test_a_command_of_our_own_is_no_job_that_is_explained() -> None:
    run = job("pytest", process(100, rss_bytes=4 * GB), kind=JobKind.TEST_RUN)
    asks = job("omnitray explain", process(300, name="omnitray", rss_bytes=20 * MB))
    asks = msgspec.structs.replace(asks, is_own_command=True)
    told = right_now.now(scene(facts(run, asks)))
    assert [each.title for each in told.considered] == ["pytest"]
    assert "after those that are listed" not in told.text


def test_how_many_are_left_out_is_said_and_two_of_one_name_are_two() -> None:
    crowd = [job(f"small {i}", process(100 + i, rss_bytes=10 * MB), cpu=30.0) for i in range(12)]
    told = right_now.now(scene(facts(*crowd)))
    listed = len(told.considered)
    assert f"{12 - listed} more jobs come after those that are listed." in told.text

    twins = [
        msgspec.structs.replace(job("make", process(100 + i, rss_bytes=GB)), key=f"make {i}")
        for i in range(2)
    ]
    told = right_now.now(scene(facts(*twins)))
    assert {each.title for each in told.considered} == {"make (pid 100)", "make (pid 101)"}


def test_what_is_left_alone_as_the_person_asked_is_said_so_once() -> None:
    asked = explain.left_alone(ExclusionReason.LEFT_ALONE)
    assert asked == "left alone, as you asked"
    assert explain.left_alone(ExclusionReason.EDITOR) == "left alone: an editor"


def test_what_is_held_is_said_once_a_job_with_its_steps_in_order() -> None:
    run = job("pytest", process(100, rss_bytes=4 * GB), kind=JobKind.TEST_RUN)
    slowed = action(EscalationStep.SLOW_DOWN, Resource.CPU, CPU)
    paused = msgspec.structs.replace(action(EscalationStep.PAUSE), id="t-1.h2")
    first, then = held(slowed, 80.0), held(paused, 95.0)
    both = tuple(
        msgspec.structs.replace(
            each, action=msgspec.structs.replace(each.action, job_key=run.key, title="pytest")
        )
        for each in (first, then)
    )

    told = right_now.now(scene(facts(run, active=both)))

    assert "pytest was slowed down 20 s ago, then paused 5 s ago." in told.text
    assert [each.verdict for each in told.considered if each.title == "pytest"] == [
        "is paused already"
    ]


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        (Mode.DEV, "asks; without an answer nothing is ended, except that "),
        (
            Mode.TEST,
            (
                "asks; without an answer what keeps processors busy is paused after 1 min,"
                " ended 10 min later; "
            ),
        ),
        (
            Mode.PROD,
            (
                "asks; without an answer what uses memory up is ended after 30 s, what keeps"
                " processors busy is paused after 30 s, ended 5 min later; "
            ),
        ),
    ],
)
def test_a_mode_is_said_to_do_what_it_does(mode: Mode, said: str) -> None:
    floor = "with 5 % of memory left and no swap the largest cause is ended unasked"
    assert right_now.without_an_answer(ProtectPolicy(mode=mode).limits) == f"{said}{floor}"


def test_a_job_held_by_a_rule_is_said_to_come_back_as_it_does() -> None:
    by_rule = msgspec.structs.replace(action(restores_below=None), reason=ProtectReason.RULE_MEMORY)
    assert explain.explanation(by_rule).text.endswith(
        "It is given back 10 % under the line of your rule."
    )


def test_every_reason_has_its_sentence() -> None:
    for reasons in (ProtectReason, RestoreReason, ExclusionReason, AlarmReason):
        assert all(each.sentence and each.sentence[-1] != "." for each in reasons)
    assert ProtectPolicy().limits.memory_floor_percent == 5.0

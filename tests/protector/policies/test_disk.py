"""Disks: cleaned, and their writers held."""

from typing import Any

import pytest

from omnitray.base.facts import (
    DiskFacts,
    Forecast,
    Job,
    Mode,
    ProcessDetail,
    Resource,
    Severity,
)
from omnitray.base.policy import ProtectPolicy
from omnitray.protector.model import EscalationStep, ProtectReason, UndoneByUser
from omnitray.protector.notices import OpenNotices, labels_of, notice_of
from support.desk import Desk, actions, growing, questions, restores
from support.scenes import GB, MB, details, job, process, reading


def disk(used: float, free: int = 20 * GB) -> DiskFacts:
    return DiskFacts(
        mount="/", filesystem="ext4", total_bytes=400 * GB, free_bytes=free, used_percent=used
    )


def filling(desk: Desk, used: float = 96.0) -> None:
    """A reading with more free: by the next one it has got fuller."""
    desk.turn(disks=(disk(used, free=20 * GB + MB),))


def writing(bps: float = 100.0 * MB, to: frozenset[str] | None = None) -> dict[str, Any]:
    run = growing(growth=0.0)
    seen = details([run])
    seen[200] = ProcessDetail(start_ticks=200, exe="/usr/bin/worker", write_bps=bps, writes_to=to)
    return {"details": seen}


@pytest.mark.parametrize(("mode", "preview"), [(Mode.DEV, True), (Mode.TEST, False)])
def test_a_disk_over_its_limit_is_cleaned_once(mode: Mode, preview: bool) -> None:  # noqa: FBT001 - a parameter
    (clean,) = actions(Desk(mode).turns(100, disks=(disk(82.0),)))

    assert (clean.cleans, clean.preview, clean.mount) == (True, preview, "/")
    assert clean.targets == ()


def test_the_writer_of_a_nearly_full_disk_has_to_wait_and_is_then_paused() -> None:
    desk = Desk()
    filling(desk)
    decided = desk.turns(20, growing(growth=0.0), disks=(disk(96.0),), **writing())

    on_job = [each for each in actions(decided) if each.targets]
    assert [each.step for each in on_job] == [EscalationStep.SLOW_DOWN, EscalationStep.PAUSE]
    assert all(each.reason is ProtectReason.DISK_NEARLY_FULL for each in on_job)
    assert len(questions(decided)) == 1
    assert on_job[0].restores_below == 85.0


def test_a_writer_that_needs_hours_is_not_paused() -> None:
    desk = Desk()
    filling(desk)
    decided = desk.turns(60, growing(growth=0.0), disks=(disk(96.0),), **writing(2.0 * MB))

    assert actions(decided, EscalationStep.PAUSE) == []


@pytest.mark.parametrize(
    ("to", "held"),
    [
        (frozenset({"/"}), True),
        (frozenset({"/", "/home"}), True),
        (frozenset[str](), False),
        (None, True),
    ],
)
def test_who_writes_to_another_disk_is_left_alone(to: frozenset[str] | None, *, held: bool) -> None:
    desk = Desk()
    filling(desk)
    decided = desk.turns(20, growing(growth=0.0), disks=(disk(96.0),), **writing(to=to))

    assert bool([each for each in actions(decided) if each.targets]) is held


def test_a_nearly_full_disk_that_nobody_writes_to_holds_nobody() -> None:
    decided = Desk().turns(60, growing(growth=0.0), disks=(disk(97.0),), **writing(0.0))

    assert [each.cleans for each in actions(decided)] == [True]


@pytest.mark.parametrize(
    ("high_s", "step"), [(100.0, EscalationStep.SLOW_DOWN), (20.0, EscalationStep.PAUSE)]
)
def test_a_disk_that_is_full_soon_is_held_by_the_time_there_is(
    high_s: float, step: EscalationStep
) -> None:
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
    assert (action.step, action.reason) == (step, ProtectReason.DISK_RUNS_OUT)
    assert action.restores_below == 60.0


def test_a_writer_is_let_go_when_the_disk_has_room() -> None:
    desk = Desk()
    filling(desk)
    desk.turns(20, growing(growth=0.0), disks=(disk(96.0),), **writing())
    roomy = (disk(70.0, free=120 * GB),)

    assert len(restores(desk.turns(30, growing(growth=0.0), disks=roomy, **writing()))) == 2
    assert not desk.active


def test_a_disk_that_is_gone_gives_nothing_back_by_itself() -> None:
    desk = Desk()
    filling(desk)
    desk.turns(20, growing(growth=0.0), disks=(disk(96.0),), **writing())

    assert restores(desk.turns(30, growing(growth=0.0))) == []


def test_a_disk_that_was_taken_out_lets_its_writer_go() -> None:
    desk = Desk()
    filling(desk)
    desk.turns(20, growing(growth=0.0), disks=(disk(96.0),), **writing())
    other = DiskFacts(
        mount="/home", filesystem="ext4", total_bytes=GB, free_bytes=GB, used_percent=1.0
    )

    assert len(restores(desk.turns(30, growing(growth=0.0), disks=(other,)))) == 2


def test_a_disk_that_is_just_nearly_full_holds_nobody_who_writes_elsewhere() -> None:
    desk = Desk()
    decided = desk.turns(60, growing(growth=0.0), disks=(disk(96.0),), **writing())

    assert not [each for each in actions(decided) if each.targets]
    assert not desk.protector.disk_in_danger
    filling(desk)
    desk.turn(disks=(disk(96.0),))
    assert desk.protector.disk_in_danger


def protected_writer() -> tuple[Job, dict[str, Any]]:
    editor = job("code", process(300, name="code"))
    seen = details([editor])
    seen[300] = ProcessDetail(
        start_ticks=300, exe="/usr/bin/code", write_bps=200.0 * MB, writes_in="/home/anna/logs"
    )
    return editor, {"details": seen}


def full_soon(high_s: float = 60.0) -> Forecast:
    return Forecast(
        resource=Resource.DISK,
        low_s=30.0,
        high_s=high_s,
        slope_bps=200.0 * MB,
        left_bytes=10 * GB,
        mount="/",
    )


def test_a_writer_that_is_left_alone_is_named_once_with_its_rate_and_why() -> None:
    editor, writes = protected_writer()
    desk = Desk()
    said = desk.turns(30, editor, disks=(disk(70.0),), disk_forecasts=(full_soon(),), **writes)

    (told,) = actions(said)
    assert (told.step, told.mount, told.targets) == (EscalationStep.TELL, "/", ())
    notice = notice_of(told)
    (culprit,) = notice.context["culprits"]
    assert (culprit["job"], culprit["figure"]) == ("code", "writes 210 MB/s into /home/anna/logs")
    assert (notice.title, notice.severity) == ("/ fills up", Severity.CRITICAL)
    assert "code (writes 210 MB/s into /home/anna/logs): an editor" in notice.message
    assert "/ full in 30 s to 1 min, at 210 MB/s" in notice.message


def test_what_was_told_of_a_disk_is_over_when_it_is_in_danger_no_more() -> None:
    editor, writes = protected_writer()
    (told,) = actions(
        Desk().turns(3, editor, disks=(disk(70.0),), disk_forecasts=(full_soon(),), **writes)
    )
    notices, limits = OpenNotices(), ProtectPolicy().limits
    notices.begin(told)

    assert notices.over((), reading(), limits, frozenset({"/"})) == []
    assert [each.labels for each in notices.over((), reading(), limits)] == [labels_of(told)]


def test_a_writer_whose_hold_was_taken_back_is_neither_held_again_nor_named() -> None:
    desk = Desk()
    filling(desk)
    run = growing(growth=0.0)
    steps = (EscalationStep.SLOW_DOWN, EscalationStep.PAUSE)
    undone = tuple(UndoneByUser(job_key=run.key, step=each) for each in steps)
    decided = desk.turn(run, disks=(disk(96.0),), taken_back=undone, **writing())
    decided += desk.turns(10, run, disks=(disk(96.0),), **writing())
    assert [each for each in actions(decided) if not each.cleans] == []


def test_no_one_is_named_where_nothing_that_is_seen_writes() -> None:
    editor, _ = protected_writer()
    desk = Desk()
    assert desk.turns(30, editor, disks=(disk(70.0),), disk_forecasts=(full_soon(),)) == []

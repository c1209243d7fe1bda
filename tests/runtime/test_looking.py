from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from omnitray.base.facts import OwnFacts
from omnitray.protector.exclusions.programs import LINUX
from omnitray.protector.exclusions.rules import ExclusionRules
from omnitray.protector.inspection import JobInspection, JobInspector, Wanted
from omnitray.runtime.workers import InspectionThread
from support.clock import FakeClock
from support.processes import FakeProcesses


class Built:
    """A looker that counts how often it is built and asked; ``broken`` cannot read anything."""

    def __init__(self) -> None:
        self.built = 0
        self.looks: list[Wanted] = []
        self.broken = False

    def build(self) -> JobInspector:
        self.built += 1
        counted = self

        class Counting(JobInspector):
            def look(self, wanted: Wanted) -> JobInspection:
                counted.looks.append(wanted)
                if counted.broken:
                    raise PermissionError("not for you")
                return JobInspection(io_bps={(1, 1): 2.0})

        protection = ExclusionRules(LINUX, "")
        return Counting(FakeProcesses(), protection, OwnFacts, FakeClock())


@pytest.fixture
def built() -> Built:
    return Built()


@pytest.fixture
def looking(built: Built, qapp: object) -> Iterator[InspectionThread]:  # noqa: ARG001 - threads need it
    made = InspectionThread(built.build)
    yield made
    made.stop()


def test_nothing_is_built_before_somebody_looks(looking: InspectionThread, built: Built) -> None:
    assert looking.newest == JobInspection()
    assert built.built == 0


def test_what_was_seen_is_told_and_kept(
    looking: InspectionThread, built: Built, qtbot: QtBot
) -> None:
    for _ in range(2):
        with qtbot.waitSignal(looking.seen):
            looking.look(Wanted())
    assert looking.newest.io_bps == {(1, 1): 2.0}
    assert built.built == 1


def test_one_look_at_a_time(looking: InspectionThread, built: Built, qtbot: QtBot) -> None:
    with qtbot.waitSignal(looking.seen):
        for _ in range(5):
            looking.look(Wanted())
    assert len(built.looks) == 1


@pytest.mark.expect_log("closer look at the jobs failed")
def test_a_look_that_fails_shows_nothing_and_the_next_one_may_work(
    looking: InspectionThread, built: Built, qtbot: QtBot
) -> None:
    built.broken = True
    with qtbot.waitSignal(looking.seen):
        looking.look(Wanted())
    assert looking.newest == JobInspection()
    built.broken = False
    with qtbot.waitSignal(looking.seen):
        looking.look(Wanted())
    assert looking.newest != JobInspection()


def test_after_the_end_nobody_is_asked(looking: InspectionThread, built: Built) -> None:
    looking.stop()
    looking.look(Wanted())
    assert built.looks == []

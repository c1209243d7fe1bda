"""The state in a sentence: read off the machine, in the same words everywhere."""

from typing import Any

import msgspec
import pytest

from omnitray.api.status import Mood, Status, figures, sentence
from omnitray.base.conditions import ContentionJudge
from omnitray.base.facts import (
    DiskFacts,
    MemoryFacts,
    MonitorLevel,
    PressureFacts,
    PressurePair,
    ProtectState,
    Severity,
    Snapshot,
)
from support.samples import alerts

GB = 10**9


def read(**fields: Any) -> Snapshot:
    values: dict[str, Any] = {
        "taken_at": 0.0,
        "monotonic_s": 0.0,
        "level": MonitorLevel.NORMAL,
        "cpu_percent": 20.0,
        "memory": memory(40.0),
        "disks": (disk(50.0),),
    }
    return Snapshot(**{**values, **fields})


def memory(used: float) -> MemoryFacts:
    return MemoryFacts(total_bytes=10 * GB, available_bytes=int(GB * (100 - used) / 10))


def disk(used: float) -> DiskFacts:
    free = int(GB * (100 - used))
    return DiskFacts(
        mount="/home", filesystem="ext4", total_bytes=100 * GB, free_bytes=free, used_percent=used
    )


def waiting(share: float) -> PressureFacts:
    return PressureFacts(cpu=PressurePair(some_avg10=share))


@pytest.mark.parametrize(
    ("fields", "mood", "headline"),
    [
        ({}, Mood.GOOD, "All good"),
        ({"memory": memory(78.0)}, Mood.WARNING, "Memory 78 % used, 2.2 GB left"),
        ({"memory": memory(97.0)}, Mood.CRITICAL, "Memory 97 % used, 300 MB left"),
        ({"disks": (disk(99.0),)}, Mood.CRITICAL, "/home 99 % full, 1.0 GB left"),
        # Busy processors for which nothing waits are what they are for.
        (
            {"cpu_percent": 99.0, "pressure": waiting(5.0)},
            Mood.GOOD,
            "CPU 99 %, nothing else has to wait",
        ),
        ({"cpu_percent": 99.0}, Mood.WARNING, "CPU 99 %, over its threshold"),
        (
            {"cpu_percent": 99.0, "pressure": waiting(80.0)},
            Mood.WARNING,
            "CPU 99 %, others have to wait",
        ),
        ({"cpu_percent": 30.0, "pressure": waiting(80.0)}, Mood.GOOD, "All good"),
    ],
)
def test_without_an_open_alert_the_machine_itself_says_how_it_is(
    fields: dict[str, Any], mood: Mood, headline: str
) -> None:
    shot = read(**fields)
    others_wait = ContentionJudge().verdict(0.0, shot.pressure)
    said = sentence(Status(snapshot=shot, others_wait=others_wait))
    assert (said.mood, said.headline) == (mood, headline)


def test_acknowledging_makes_nothing_good() -> None:
    seen = msgspec.structs.replace(alerts()[0], state="acknowledged")
    said = sentence(Status(snapshot=read(memory=memory(97.0)), open_alerts=(seen,)))
    assert said.headline == "Memory 97 % used, 300 MB left"


def test_a_build_that_waits_for_itself_makes_no_one_wait() -> None:
    busy = read(cpu_percent=99.0, pressure=waiting(95.0))
    said = sentence(Status(snapshot=busy, others_wait=False))
    assert (said.mood, said.headline) == (Mood.GOOD, "CPU 99 %, nothing else has to wait")


def test_a_problem_comes_before_processors_for_which_nothing_waits() -> None:
    said = sentence(
        Status(snapshot=read(cpu_percent=99.0), others_wait=False, problems=("No room.",))
    )
    assert (said.mood, said.headline) == (Mood.WARNING, "No room.")


@pytest.mark.parametrize(
    ("severity", "holding", "headline"),
    [
        (Severity.WARNING, ("burn slowed down",), "burn slowed down"),
        (Severity.WARNING, ("burn slowed down", "light paused"), "2 jobs held"),
        (Severity.CRITICAL, ("burn slowed down",), "false fails"),
        (Severity.WARNING, (), "false fails"),
    ],
)
def test_a_hold_in_force_comes_before_a_warning_and_after_what_is_critical(
    severity: Severity, holding: tuple[str, ...], headline: str
) -> None:
    alert = msgspec.structs.replace(
        alerts()[0], state="firing", title="false fails", severity=severity, context={}
    )
    said = sentence(Status(snapshot=read(), open_alerts=(alert,), holding=holding))
    assert said.headline == headline


@pytest.mark.parametrize(
    ("now", "headline"),
    [
        (100.0, "CPU 100 %: pytest · ~/shop"),
        (12.0, "CPU back to 12 %: pytest · ~/shop"),
        (None, "CPU 98 %: pytest · ~/shop"),
    ],
)
def test_the_headline_of_an_incident_has_the_figure_of_the_newest_reading(
    now: float | None, headline: str
) -> None:
    context = {"resource": "cpu", "named": "pytest · ~/shop", "threshold": 85.0}
    alert = msgspec.structs.replace(
        alerts()[0], state="firing", title="CPU 98 %: pytest · ~/shop", context=context
    )
    said = sentence(Status(snapshot=read(cpu_percent=now), open_alerts=(alert,)))
    assert said.headline == headline


def test_where_no_reading_comes_nothing_is_good() -> None:
    said = sentence(Status(snapshot=read(), overdue_s=40.0))
    assert (said.mood, said.headline) == (Mood.BLIND, "No reading for 40 s")


@pytest.mark.parametrize("level", MonitorLevel)
def test_the_name_of_the_level_stands_nowhere_like_a_state(level: MonitorLevel) -> None:
    status = Status(snapshot=read(), level=level, interval_s=0.5)
    said = sentence(status)
    words = f"{said.headline} {said.detail} {figures(status)}".replace("dev mode", "")
    assert level.value not in words.split()


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (Status(protect=ProtectState.WATCH), "only watching"),
        (Status(protect_paused_until=9.0), "only watching"),
        (Status(protect=ProtectState.OFF), "protection off"),
    ],
)
def test_that_it_only_watches_is_said_wherever_the_state_is(status: Status, words: str) -> None:
    assert words in sentence(status).detail
    assert words in figures(status)

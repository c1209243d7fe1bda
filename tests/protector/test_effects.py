"""What an action did, in figures that say something."""

import pytest

from omnitray.base.facts import (
    GuardReading,
    MemoryFacts,
    PressureFacts,
    PressurePair,
    Probe,
    Resource,
)
from omnitray.protector.effects import Effects

MB = 10**6


def reading(at_s: float, available_bytes: int) -> GuardReading:
    memory = MemoryFacts(total_bytes=32_000 * MB, available_bytes=available_bytes)
    return GuardReading(monotonic_s=at_s, memory=memory)


def rows(before: int, after: int) -> dict[str, str]:
    effects = Effects()
    effects.begin("x", Resource.CPU, reading(0.0, before), None)
    effects.observe(reading(1.0, after), None)
    return {each.name: each.figure for each in effects.of("x")}


@pytest.mark.parametrize(
    ("before", "after", "figure"),
    [
        (254 * MB, 341 * MB, "254 → 341 MB"),
        (1_900 * MB, 2_400 * MB, "1.9 → 2.4 GB"),
        (900 * MB, 1_200 * MB, "900 MB → 1.2 GB"),
    ],
)
def test_memory_stands_in_the_unit_that_fits(before: int, after: int, figure: str) -> None:
    assert rows(before, after) == {"Available memory": figure}


def test_what_did_not_change_is_no_row() -> None:
    assert rows(254 * MB, 254 * MB) == {}
    effects = Effects()
    probe = Probe(now_ms=6.0, quiet_ms=6.0)
    effects.begin("x", Resource.CPU, reading(0.0, MB), probe)
    effects.observe(reading(1.0, MB), probe)
    assert "A key press takes" not in {each.name for each in effects.of("x")}


def relief(resource: Resource, *course: tuple[GuardReading, Probe | None]) -> str | None:
    effects = Effects()
    (before, probe), *later = course
    effects.begin("x", resource, before, probe)
    for seen, measured in later:
        effects.observe(seen, measured)
    return {each.name: each.figure for each in effects.of("x")}.get("Time to relief")


def busy(at_s: float, pressure: float) -> GuardReading:
    memory = MemoryFacts(total_bytes=32_000 * MB, available_bytes=9_000 * MB)
    cpu = PressurePair(some_avg10=pressure)
    return GuardReading(monotonic_s=at_s, memory=memory, pressure=PressureFacts(cpu=cpu))


def test_relief_is_said_only_where_something_was_short_and_is_no_longer() -> None:
    late, quick, worse = (Probe(now_ms=now, quiet_ms=4.0) for now in (60.0, 6.0, 90.0))
    cpu, memory = Resource.CPU, Resource.MEMORY
    assert relief(cpu, (busy(0, 60), late), (busy(2, 50), quick)) == "2.00 s"
    assert relief(cpu, (busy(0, 60), late), (busy(2, 50), quick), (busy(4, 76), worse)) is None
    assert relief(cpu, (busy(0, 52), quick), (busy(1, 76), quick)) is None
    assert relief(cpu, (busy(0, 52), None), (busy(3, 20), None)) == "3.00 s"
    assert relief(cpu, (busy(0, 12), None), (busy(3, 2), None)) is None
    assert relief(memory, (reading(0, 300 * MB), None), (reading(1, 302 * MB), None)) is None
    assert relief(memory, (reading(0, 300 * MB), None), (reading(1, 3_000 * MB), None)) == "1.00 s"


def test_what_brought_no_relief_is_not_followed_for_ever() -> None:
    effects = Effects()
    effects.begin("x", Resource.CPU, busy(0, 60), None)
    effects.observe(busy(5, 60), None)
    assert effects.following
    effects.observe(busy(30, 60), None)
    assert not effects.following

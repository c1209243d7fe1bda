"""What an action did, in figures that say something."""

import pytest

from omnitray.base.facts import GuardReading, MemoryFacts, Probe, Resource
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

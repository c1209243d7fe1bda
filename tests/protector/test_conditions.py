"""Shared conditions, at their lines."""

import pytest

from omnitray.base import conditions
from omnitray.base.facts import JobKind, MemoryFacts, PressureFacts, PressurePair, Probe
from omnitray.base.policy import ModeLimits
from support.scenes import job, process

LIMITS = ModeLimits(cpu_percent=75.0, memory_percent=80.0, hold_s=3.0)


def memory(available: int, swap_free: int = 0) -> MemoryFacts:
    return MemoryFacts(
        total_bytes=1000, available_bytes=available, swap_total_bytes=100, swap_free_bytes=swap_free
    )


def pressed(percent: float) -> PressureFacts:
    return PressureFacts(cpu=PressurePair(some_avg10=percent))


@pytest.mark.parametrize(("percent", "over"), [(None, False), (74.9, False), (75.0, True)])
def test_the_processor_limit_is_reached_at_its_figure(percent: float | None, *, over: bool) -> None:
    assert conditions.is_cpu_over(percent, LIMITS) is over


def test_the_floor_needs_memory_and_swap_to_be_gone() -> None:
    assert conditions.is_at_floor(memory(50, swap_free=10), LIMITS)
    assert not conditions.is_at_floor(memory(51), LIMITS)
    assert not conditions.is_at_floor(memory(50, swap_free=11), LIMITS)


def test_contention_is_what_the_probe_says_before_pressure() -> None:
    quick, slow = Probe(now_ms=9.0, quiet_ms=4.0), Probe(now_ms=10.0, quiet_ms=4.0)
    assert conditions.cpu_contention(pressed(90.0), quick) is False
    assert conditions.cpu_contention(pressed(0.0), slow) is True
    assert conditions.cpu_contention(pressed(40.0)) is True
    assert conditions.cpu_contention(pressed(39.9)) is False
    assert conditions.cpu_contention(pressed(90.0), own=True) is False
    assert conditions.cpu_contention(None) is None


def test_only_a_build_waits_for_itself() -> None:
    crowd = [process(100 + number, state="R") for number in range(5)]
    for kind, own in ((JobKind.BUILD, True), (JobKind.COMMAND, False)):
        assert conditions.waits_for_itself([job("j", *crowd, kind=kind, cpu=400.0)], 4) is own


def test_a_hold_starts_from_zero_after_a_break_and_after_sight_was_lost() -> None:
    timer = conditions.HoldTimer()
    assert timer.true_for("a", 10.0, condition=True) == 0.0
    assert timer.true_for("a", 14.0, condition=True) == 4.0
    assert timer.true_for("a", 15.0, condition=False) == -1.0
    assert timer.true_for("a", 16.0, condition=True) == 0.0
    assert timer.true_for("a", 16.0 + conditions.LOST_SIGHT_S + 1.0, condition=True) == 0.0

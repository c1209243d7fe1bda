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
    judge = conditions.ContentionJudge()
    assert judge.verdict(1.0, pressed(90.0), quick) is False
    assert judge.verdict(1.0, pressed(0.0), slow) is True
    assert judge.verdict(1.0, pressed(40.0)) is True
    assert judge.verdict(1.0, pressed(39.9)) is False
    assert judge.verdict(1.0, None) is None


def test_a_probe_of_long_ago_says_nothing() -> None:
    judge = conditions.ContentionJudge()
    slow = Probe(now_ms=40.0, quiet_ms=4.0, measured_mono_s=100.0)
    assert judge.verdict(105.0, pressed(0.0), slow) is True
    assert judge.verdict(105.1, pressed(0.0), slow) is False


def test_a_build_that_waited_for_itself_explains_pressure_for_as_long_as_it_looks_back() -> None:
    judge = conditions.ContentionJudge()
    crowd = [process(100 + number, state="R") for number in range(5)]
    judge.observe([job("j", *crowd, kind=JobKind.BUILD, cpu=400.0)], 4, 100.0)
    assert judge.verdict(109.9, pressed(90.0)) is False
    assert judge.verdict(110.0, pressed(90.0)) is True


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

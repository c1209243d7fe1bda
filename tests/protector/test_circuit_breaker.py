"""The breaker on ends, and the wait after each."""

import msgspec
import pytest

from omnitray.base.facts import Job, MemoryFacts, ProcessIdentity, Resource
from omnitray.protector import circuit_breaker
from omnitray.protector.actuators.signals import KILL_AFTER_S
from omnitray.protector.circuit_breaker import (
    OPEN_S,
    QUIET_S,
    BreakerRecord,
    began,
    hurry,
    may_end,
    put_off,
    stepped,
)
from omnitray.protector.model import (
    Action,
    AlarmReason,
    EndOutcome,
    EscalationStep,
    Evidence,
    ProtectReason,
    Signal,
)
from omnitray.protector.view import BreakerState
from support.scenes import GB, job, process

TOTAL = 16 * GB


def memory(left: float) -> MemoryFacts:
    return MemoryFacts(total_bytes=TOTAL, available_bytes=int(left * GB))


def run(*extra: int) -> Job:
    workers = [process(pid, ppid=100) for pid in (101, 102, *extra)]
    return job("pytest", process(100, name="pytest"), *workers)


def an_end(number: int = 1, expected: float = 4.0) -> Action:
    return Action(
        id=f"end-{number}",
        step=EscalationStep.END,
        resource=Resource.MEMORY,
        reason=ProtectReason.MEMORY_FLOOR,
        evidence=Evidence(signal=Signal.MEMORY_LEFT, value=4.0, threshold=5.0),
        job_key="pytest",
        title="pytest",
        targets=(ProcessIdentity(pid=101, start_ticks=101),),
        expected_bytes=int(expected * GB),
    )


def gone(number: int, at_s: float) -> tuple[EndOutcome, ...]:
    return (EndOutcome(action_id=f"end-{number}", at_s=at_s),)


class Story:
    """A breaker and what happens to it."""

    def __init__(self) -> None:
        self.breaker = BreakerRecord()

    def end(self, now_s: float, number: int = 1, expected: float = 4.0, left: float = 0.5) -> None:
        self.breaker = began(self.breaker, an_end(number, expected), memory(left), run(), now_s)

    def step(
        self,
        now_s: float,
        left: float,
        ended: tuple[EndOutcome, ...] = (),
        jobs: tuple[Job, ...] = (),
    ) -> None:
        self.breaker = stepped(self.breaker, memory(left), ended, jobs, now_s)

    def good_end(self, now_s: float, number: int) -> None:
        """One that is over in a second and gives everything back."""
        self.end(now_s, number)
        self.step(now_s + 0.5, 0.5, gone(number, now_s + 0.5))
        self.step(now_s + 1.0, 4.5)

    def state(self) -> BreakerState:
        return self.breaker.state


def test_at_first_three_ends_are_left() -> None:
    assert may_end(BreakerRecord(), 0.0)
    assert BreakerRecord().ends_left == 3
    assert BreakerRecord().until_s is None
    assert stepped(BreakerRecord(), memory(1.0), (), (), 5.0) == BreakerRecord()


def test_nothing_more_is_ended_until_it_is_gone_and_its_memory_is_back_and_it_was_quiet() -> None:
    story = Story()
    story.end(100.0)
    assert not may_end(story.breaker, 101.0)
    story.step(102.0, 0.5, gone(1, 102.0))
    assert not may_end(story.breaker, 119.0)
    story.step(105.0, 3.0)
    assert not may_end(story.breaker, 105.0 + QUIET_S - 0.1)
    assert may_end(story.breaker, 105.0 + QUIET_S)


def test_a_large_victim_that_gives_its_memory_back_slowly_is_waited_for() -> None:
    story = Story()
    story.end(100.0, expected=12.0)
    story.step(101.0, 0.5, gone(1, 101.0))
    for second in range(11):
        story.step(102.0 + second, 0.6 + 0.2 * second)
        assert not may_end(story.breaker, 102.0 + second)
    assert story.state() is BreakerState.CLOSED


@pytest.mark.parametrize("up_s", [0.0, 50_000.0, 5_000_000.0])
def test_three_ends_open_it_however_long_the_machine_is_up(up_s: float) -> None:
    story = Story()
    for number in (1, 2, 3):
        story.good_end(up_s + 100.0 + 30 * number, number)
    assert (story.state(), story.breaker.why) == (BreakerState.OPEN, AlarmReason.THREE_ENDS)


def test_three_ends_open_it_and_ten_minutes_later_one_is_let_through() -> None:
    story = Story()
    for number in (1, 2, 3):
        story.good_end(100.0 + 30 * number, number)
    assert (story.state(), story.breaker.why) == (BreakerState.OPEN, AlarmReason.THREE_ENDS)
    assert story.breaker.until_s == story.breaker.opened_s + OPEN_S
    assert not may_end(story.breaker, 300.0)

    story.step(story.breaker.opened_s + OPEN_S, 4.0)
    assert story.state() is BreakerState.HALF_OPEN
    assert story.breaker.ends_left == 1
    story.good_end(900.0, 4)
    assert story.state() is BreakerState.CLOSED
    assert story.breaker.why is None


def test_ends_far_apart_do_not_open_it() -> None:
    story = Story()
    for number in range(5):
        story.good_end(100.0 + 301.0 * number, number)
        assert story.state() is BreakerState.CLOSED


def test_an_end_that_freed_almost_nothing_opens_it() -> None:
    story = Story()
    story.end(100.0)
    story.step(101.0, 0.5, gone(1, 101.0))
    story.step(108.0, 0.6)
    assert story.state() is BreakerState.CLOSED
    story.step(111.5, 0.6)
    assert (story.state(), story.breaker.why) == (BreakerState.OPEN, AlarmReason.FREED_NOTHING)


def test_one_that_freed_a_part_is_let_be() -> None:
    story = Story()
    story.end(100.0)
    story.step(101.0, 0.5, gone(1, 101.0))
    story.step(103.0, 1.5)
    story.step(112.0, 1.5)
    assert story.state() is BreakerState.CLOSED
    assert may_end(story.breaker, 112.0 + QUIET_S)


def test_what_it_took_while_it_ended_is_not_counted_as_not_given_back() -> None:
    story = Story()
    story.end(100.0, left=2.0)
    story.step(100.5, 0.5)
    story.step(101.0, 0.5, gone(1, 101.0))
    story.step(101.5, 2.6)
    assert may_end(story.breaker, 101.5 + QUIET_S)


def test_an_end_that_nobody_reports_is_over_after_half_a_minute() -> None:
    story = Story()
    story.end(100.0)
    story.step(129.0, 5.0)
    assert not may_end(story.breaker, 1000.0)
    story.step(130.0, 5.0)
    assert may_end(story.breaker, 130.0 + QUIET_S)


def replaced_by(size: int) -> Job:
    again = process(7, ppid=100, rss_bytes=size)
    return job("pytest", process(100, name="pytest"), process(102, ppid=100), again)


def test_a_victim_that_is_replaced_does_not_open_it() -> None:
    story = Story()
    story.end(100.0)
    story.step(101.0, 4.0, gone(1, 101.0), (replaced_by(GB),))
    assert story.state() is BreakerState.CLOSED


def test_what_others_take_of_what_came_back_was_freed() -> None:
    story = Story()
    story.end(100.0)
    hog = [job("other", process(900, rss_bytes=size)) for size in (GB, GB, 4 * GB)]
    story.step(100.5, 0.5, jobs=(hog[0],))
    story.step(101.0, 0.5, gone(1, 101.0), (hog[1],))
    story.step(112.0, 0.5, jobs=(hog[2],))
    assert story.state() is BreakerState.CLOSED


def test_a_victim_that_is_as_large_again_at_once_opens_it() -> None:
    story = Story()
    story.end(100.0)
    replaced = replaced_by(3 * GB)
    story.step(101.0, 0.6, gone(1, 101.0), (replaced,))
    assert (story.state(), story.breaker.why) == (BreakerState.OPEN, AlarmReason.RESPAWNED)
    story.step(102.0, 4.6, jobs=(replaced,))
    assert story.breaker.ending is not None
    assert story.breaker.ending.settled_s == 102.0


def test_a_run_that_goes_on_with_one_worker_less_does_not_open_it() -> None:
    story = Story()
    story.end(100.0)
    smaller = job("pytest", process(100, name="pytest"), process(102, ppid=100))
    story.step(101.0, 4.6, gone(1, 101.0), (smaller, job("other", process(900))))
    story.step(102.0, 4.6, jobs=(job("other", process(900)),))
    assert story.state() is BreakerState.CLOSED


def test_a_new_worker_much_later_is_no_respawn() -> None:
    story = Story()
    story.end(100.0)
    story.step(101.0, 4.6, gone(1, 101.0))
    story.step(112.0, 4.6, jobs=(run(7),))
    assert story.state() is BreakerState.CLOSED


def test_an_end_that_the_person_asked_for_is_waited_for_but_not_counted() -> None:
    asked = began(BreakerRecord(), an_end(), memory(0.5), run(), 100.0, counts=False)
    assert asked.ends == ()
    assert not may_end(asked, 101.0)
    again = began(asked, an_end(2), memory(0.5), run(), 101.0, counts=False)
    assert again is asked


def test_term_gets_no_time_when_memory_still_falls() -> None:
    story = Story()
    assert not hurry(story.breaker, memory(0.1), 5.0, 100.0)
    story.end(100.0, left=0.7)
    assert not hurry(story.breaker, memory(0.6), 5.0, 100.4)
    assert hurry(story.breaker, memory(0.6), 5.0, 100.5)
    assert not hurry(story.breaker, memory(0.8), 5.0, 105.0)
    assert hurry(story.breaker, memory(0.3), 5.0, 100.1)
    story.step(101.0, 0.3, gone(1, 101.0))
    assert not hurry(story.breaker, memory(0.3), 5.0, 101.0)


def test_the_breaker_is_plain_data() -> None:
    story = Story()
    story.end(100.0)
    assert (
        msgspec.json.decode(msgspec.json.encode(story.breaker), type=BreakerRecord) == story.breaker
    )


def test_time_asleep_does_not_count() -> None:
    story = Story()
    for number in (1, 2, 3):
        story.good_end(100.0 + 30 * number, number)
    opened_s = story.breaker.opened_s
    story.breaker = put_off(story.breaker, 5000.0)
    story.step(opened_s + 5000.0 + OPEN_S - 1.0, 4.0)
    assert story.state() is BreakerState.OPEN
    story.step(opened_s + 5000.0 + OPEN_S, 4.0)
    assert story.state() is BreakerState.HALF_OPEN


def test_the_quiet_after_an_end_is_not_slept_through() -> None:
    story = Story()
    story.good_end(100.0, 1)
    story.breaker = put_off(story.breaker, 5000.0)
    assert not may_end(story.breaker, 5101.0 + QUIET_S - 0.1)
    assert may_end(story.breaker, 5101.0 + QUIET_S)
    assert story.breaker.ends == (5100.0,)
    assert put_off(BreakerRecord(), 5.0).ending is None


def test_term_keeps_its_time_while_what_others_take_leaves_enough() -> None:
    story = Story()
    story.end(100.0, left=0.7)
    assert not hurry(story.breaker, memory(0.7 - 1e-9), 5.0, 100.5)
    assert not hurry(story.breaker, memory(0.69), 5.0, 100.5)
    assert hurry(story.breaker, memory(0.68), 5.0, 100.5)


def test_term_keeps_its_time_when_memory_comes_back_after_a_fall() -> None:
    story = Story()
    story.end(100.0, left=0.7)
    story.step(100.3, 0.5)
    assert hurry(story.breaker, memory(0.5), 5.0, 100.6)
    assert not hurry(story.breaker, memory(0.55), 5.0, 100.6)


def test_an_end_with_much_left_is_in_no_hurry_however_memory_falls() -> None:
    story = Story()
    story.end(100.0, left=8.0)
    assert not hurry(story.breaker, memory(7.7), 5.0, 100.5)


def test_term_has_as_long_as_it_really_gets() -> None:
    assert circuit_breaker.TERM_S == KILL_AFTER_S


def test_an_end_during_another_is_hurried_at_half_the_floor_too() -> None:
    story = Story()
    story.good_end(100.0, 1)
    assert hurry(story.breaker, memory(0.3), 5.0, 102.0, ends=True)
    assert not hurry(story.breaker, memory(0.5), 5.0, 102.0, ends=True)
    assert not hurry(story.breaker, memory(0.3), 5.0, 102.0)

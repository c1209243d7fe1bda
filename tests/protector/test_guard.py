import pytest

from omnitray.base.policy import ProtectPolicy
from omnitray.protector.guard import (
    LONGEST_S,
    SHORTEST_S,
    DelayReason,
    Guard,
    next_delay,
    next_quick_check,
)
from support.scenes import GB, reading

POLICY = ProtectPolicy()


def test_with_plenty_it_sleeps_five_seconds() -> None:
    delay_s, reason = next_delay(reading(used=10.0, total=128 * GB), None, POLICY)

    assert (delay_s, reason) == (LONGEST_S, DelayReason.PLENTY)


def test_it_wakes_half_way_to_the_floor_at_the_fastest_rate_there_is() -> None:
    delay_s, reason = next_delay(reading(used=50.0, total=16 * GB), None, POLICY)

    headroom = 0.45 * 16 * GB
    assert delay_s == pytest.approx(headroom / (6000 << 20) / 2)
    assert reason is DelayReason.FILL_RATE


def test_swap_that_is_left_counts_as_time() -> None:
    without, _ = next_delay(reading(used=80.0), None, POLICY)
    with_swap, _ = next_delay(reading(used=80.0, swap=(2 * GB, 2 * GB)), None, POLICY)

    assert with_swap - without == pytest.approx(0.9 * 2 * GB / (800 << 20) / 2)


def test_near_the_floor_it_looks_ten_times_a_second() -> None:
    assert next_delay(reading(used=96.0), None, POLICY) == (SHORTEST_S, DelayReason.CLOSE)


def test_growth_towards_the_limit_is_looked_at_four_times_on_the_way() -> None:
    before, now = reading(100.0, used=60.0, total=64 * GB), reading(101.0, used=70.0, total=64 * GB)

    delay_s, reason = next_delay(now, before, POLICY)

    assert delay_s == pytest.approx(1.0 / 4.0, rel=0.01)
    assert reason is DelayReason.GROWTH


def test_readings_out_of_order_and_slow_growth_are_left_to_the_worst_case() -> None:
    big = 128 * GB
    earlier = reading(101.0, used=10.0, total=big)

    assert next_delay(reading(100.0, used=20.0, total=big), earlier, POLICY)[0] == LONGEST_S
    assert next_delay(reading(102.0, used=10.0, total=big), earlier, POLICY)[0] == LONGEST_S


def test_past_every_line_growth_asks_for_the_shortest_sleep() -> None:
    now = reading(101.0, used=97.0, swap=(64 * GB, 64 * GB))

    assert next_delay(now, reading(100.0, used=96.0), POLICY)[0] == SHORTEST_S


def test_at_rest_no_process_is_looked_at() -> None:
    guard = Guard()

    steps = [guard.observe(reading(100.0 + at, used=50.0), POLICY) for at in range(20)]

    assert not any(step.wants_scan for step in steps)


def test_what_others_take_of_the_processors_is_looked_at_every_three_seconds() -> None:
    guard = Guard()

    def looks(first: float) -> int:
        steps = [
            guard.observe(reading(first + at / 10, used=50.0, cpu=99.0), POLICY) for at in range(61)
        ]
        return sum(step.wants_scan for step in steps)

    assert looks(100.0) == 7
    guard.looked(cpu_is_others=True)
    assert looks(107.0) == 2
    guard.looked()
    assert looks(114.0) == 7


def test_over_the_limit_it_looks_once_a_second_while_memory_moves() -> None:
    guard = Guard()
    looks = [
        guard.observe(reading(100.0 + at / 10, used=81.0 + (at // 10) % 2), POLICY).wants_scan
        for at in range(31)
    ]

    assert sum(looks) == 4


def test_where_the_floor_comes_near_and_memory_moves_it_looks_three_times_a_second() -> None:
    guard, still = Guard(), Guard()
    moving = [
        guard.observe(reading(100.0 + at / 10, used=89.5 + at / 10), POLICY).wants_scan
        for at in range(11)
    ]
    resting = [
        still.observe(reading(100.0 + at / 10, used=90.0), POLICY).wants_scan for at in range(11)
    ]

    assert sum(moving) >= 2
    assert sum(resting) == 1


def test_looks_that_cost_much_become_fewer_when_a_shortage_lasts() -> None:
    """A page that leaks in a browser of a hundred processes may not be touched for a minute."""
    used = iter(at * 0.025 for at in range(10_000))  # a look takes 25 ms of a processor
    guard = Guard(lambda: next(used))
    looked = []
    for at in range(600):
        now_s = 100.0 + at / 10
        guard.begin()
        if guard.observe(reading(now_s, used=96.0), POLICY).wants_scan:
            guard.looked()
            looked.append(now_s)
    first, last = (sum(now_s < 102.0 for now_s in looked), sum(now_s >= 150.0 for now_s in looked))

    assert first >= 16  # of twenty: nothing is lost where there is no time
    assert 10 <= last <= 25  # of a hundred: 2.5 to 6 % of a core


def test_looks_that_cost_little_are_as_many_as_are_asked_for() -> None:
    used = iter(at * 0.003 for at in range(10_000))
    guard = Guard(lambda: next(used))
    looks = 0
    for at in range(100):
        guard.begin()
        if guard.observe(reading(100.0 + at / 10, used=96.0), POLICY).wants_scan:
            guard.looked()
            looks += 1

    assert looks == 100


def test_over_the_limit_it_looks_seldom_when_nothing_moves() -> None:
    guard = Guard()
    looks = [
        guard.observe(reading(100.0 + at / 10, used=81.0), POLICY).wants_scan for at in range(101)
    ]

    assert sum(looks) == 3


@pytest.mark.parametrize(
    ("now", "every_s"),
    [
        (reading(used=96.0), 0.1),
        (reading(used=93.0), 0.3),
        (reading(used=50.0, cpu=90.0), 1.0),
        (reading(used=50.0, memory_full=20.0), 1.0),
    ],
)
def test_what_is_short_is_looked_at(now: object, every_s: float) -> None:
    step = Guard().observe(now, POLICY)  # type: ignore[arg-type]  # a reading

    assert step.wants_scan
    assert step.delay_s <= every_s


def test_what_is_held_is_looked_after_every_five_seconds() -> None:
    guard = Guard()
    looks = [guard.observe(reading(100.0 + at), POLICY, held=True).wants_scan for at in range(11)]

    assert sum(looks) == 3


def test_processors_that_are_short_and_held_are_looked_at_seldom() -> None:
    guard = Guard()
    looks = [
        guard.observe(reading(100.0 + at, cpu=95.0), POLICY, held=True).wants_scan
        for at in range(11)
    ]

    assert sum(looks) == 3


def test_after_acting_it_watches_for_two_seconds_and_foretells_anew() -> None:
    guard = Guard()
    for at in range(30):
        step = guard.observe(reading(100.0 + at / 10, used=70.0 + at / 10), POLICY)
    assert step.forecast is not None
    guard.acted()

    step = guard.observe(reading(103.0, used=72.0), POLICY)

    assert step.forecast is None
    assert step.wants_scan
    assert not guard.observe(reading(106.0, used=60.0), POLICY).wants_scan


def test_it_rests_where_nothing_is_near_and_there_is_time() -> None:
    assert Guard().observe(reading(used=30.0, total=64 * GB), POLICY).idle


@pytest.mark.parametrize(
    ("used", "total", "cpu", "held"),
    [
        (85.0, 64 * GB, 5.0, False),  # over the limit
        (30.0, 64 * GB, 90.0, False),
        (30.0, 64 * GB, 5.0, True),
        (60.0, 8 * GB, 5.0, False),  # a fast hog needs a quarter of a second from here
    ],
)
def test_it_does_not_rest_where_something_is_at_stake(
    used: float,
    total: int,
    cpu: float,
    held: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    now = reading(used=used, total=total, cpu=cpu)

    assert not Guard().observe(now, POLICY, held=held).idle


def test_it_does_not_rest_while_something_runs_out() -> None:
    guard = Guard()
    falling = [reading(100.0 + at, used=30.0 + at, total=64 * GB) for at in range(12)]

    steps = [guard.observe(each, POLICY) for each in falling]

    assert steps[-1].forecast is not None
    assert not steps[-1].idle


def test_quick_checks_go_on_until_the_reading_is_five_seconds_old() -> None:
    assert next_quick_check(1.8, 1.8) == 1.8
    assert next_quick_check(3.6, 1.8) == pytest.approx(LONGEST_S - 3.6)
    assert next_quick_check(LONGEST_S - SHORTEST_S / 2, 1.8) is None
    assert next_quick_check(LONGEST_S + 1.0, 1.8) is None


def test_what_moves_but_could_not_matter_for_a_minute_is_looked_at_seldom() -> None:
    """Over the limit, 0.2 % of the memory a second, where the floor is 14 % away."""
    guard = Guard()
    looks = [
        guard.observe(reading(100.0 + at, used=81.0 + 0.2 * (at % 4), total=24 * GB), POLICY)
        for at in range(31)
    ]

    assert sum(step.wants_scan for step in looks) == 7


def test_what_moves_fast_near_the_floor_is_looked_at_three_times_a_second() -> None:
    guard = Guard()
    guard.observe(reading(100.0, used=90.0, total=24 * GB), POLICY)

    assert guard.observe(reading(100.3, used=90.6, total=24 * GB), POLICY).wants_scan


def test_what_moves_slowly_near_the_floor_is_not() -> None:
    guard = Guard()
    guard.observe(reading(100.0, used=90.0, total=24 * GB), POLICY)
    looks = [
        guard.observe(reading(100.0 + at, used=90.0 + at * 0.05, total=24 * GB), POLICY).wants_scan
        for at in range(1, 13)
    ]

    assert sum(looks) <= 3

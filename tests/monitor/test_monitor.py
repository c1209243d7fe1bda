import asyncio

import pytest

from omnitray.base.facts import (
    MonitorLevel,
    ProcessFacts,
    Resource,
    Snapshot,
)
from omnitray.base.policy import Band, MonitorPolicy, Thresholds
from omnitray.monitor.history import Report
from omnitray.monitor.levels import LevelReason
from omnitray.monitor.monitor import MonitorStep
from omnitray.monitor.thresholds import AlarmLevel
from support.clock import FakeClock
from support.scenes import job
from support.told_machine import ToldMachine, told_monitor


class Bench:
    """A monitor with its clock and machine, and a way to let time pass."""

    def __init__(self, policy: MonitorPolicy | None = None) -> None:
        self.clock = FakeClock()
        self.machine = ToldMachine(self.clock)
        self.monitor = told_monitor(self.machine, policy or MonitorPolicy(grace_s=0))

    def run(self, seconds: float) -> list[MonitorStep]:
        end = self.clock.monotonic() + seconds
        steps = [self.monitor.step()]
        while self.clock.monotonic() + steps[-1].next_delay_s <= end:
            self.clock.advance(steps[-1].next_delay_s)
            steps.append(self.monitor.step())
        self.clock.advance(end - self.clock.monotonic())
        return steps


@pytest.mark.parametrize(
    ("level", "looks", "reports"),
    [
        (MonitorLevel.IDLE, 21, 2),
        (MonitorLevel.NORMAL, 121, 10),
        (MonitorLevel.INTENSIVE, 601, 60),
        (MonitorLevel.CRITICAL, 1201, 300),
    ],
)
def test_each_level_looks_and_reports_at_its_rhythm(
    level: MonitorLevel, looks: int, reports: int
) -> None:
    steps = Bench(MonitorPolicy(level=level)).run(600)
    assert len(steps) == looks
    assert sum(step.report is not None for step in steps) == reports


def test_a_held_critical_value_escalates_at_once_and_calms_down_to_the_chosen_level() -> None:
    bench = Bench(MonitorPolicy(level=MonitorLevel.IDLE, grace_s=0))
    bench.machine.cpu = 97.0
    steps = bench.run(8)
    told = [item for step in steps for item in step.transitions]
    assert [(item.resource, item.after) for item in told] == [
        (Resource.CPU, AlarmLevel.CRITICAL),
    ]
    levels = [bench.monitor.level]
    bench.machine.cpu = 5.0
    changes = [change for step in bench.run(60) for change in step.level_changes]
    assert [(each.reason, each.overrides) for each in changes] == [(LevelReason.CALM, None)]
    assert [*levels, bench.monitor.level] == [MonitorLevel.CRITICAL, MonitorLevel.IDLE]


def busy_by(bench: Bench, uid: int) -> None:
    """A process of this user takes all that there is."""
    process = ProcessFacts(
        pid=9, ppid=1, start_ticks=1, name="hog", state="R", cpu_percent=97.0, rss_bytes=1, uid=uid
    )
    bench.machine.jobs = (job("hog", process, cpu=97.0),)


def test_what_others_take_of_the_processors_raises_the_level_for_a_while_only() -> None:
    bench = Bench(MonitorPolicy(level=MonitorLevel.NORMAL, grace_s=0))
    bench.monitor = told_monitor(bench.machine, bench.monitor.policy, own_uid=1000)
    bench.machine.cpu = 97.0
    busy_by(bench, uid=0)
    bench.run(30)
    assert bench.monitor.level is MonitorLevel.CRITICAL
    steps = bench.run(120)
    (fallen,) = [change for step in steps for change in step.level_changes]
    assert (fallen.after, fallen.reason) == (MonitorLevel.NORMAL, LevelReason.BY_OTHERS)
    bench.machine.cpu = None  # the first reading at another pace has no rates
    bench.run(1)
    bench.machine.cpu = 97.0
    assert bench.run(60)[-1].next_delay_s == 5.0  # though it is as busy as before
    bench.monitor.escalate()  # a critical alert: something is new
    bench.run(1)
    assert bench.monitor.level is MonitorLevel.CRITICAL
    bench.run(120)
    busy_by(bench, uid=1000)  # now there is something to act on
    (raised,) = [change for step in bench.run(6) for change in step.level_changes]
    assert (raised.after, raised.reason) == (MonitorLevel.CRITICAL, LevelReason.CRITICAL_RESOURCE)


def test_it_looks_sooner_while_a_threshold_is_being_waited_out() -> None:
    bench = Bench(MonitorPolicy(level=MonitorLevel.IDLE, grace_s=0))
    bench.machine.cpu = 75.0
    steps = bench.run(6)
    assert [step.next_delay_s for step in steps[:5]] == [1.0] * 5
    assert steps[-1].transitions[0].after is AlarmLevel.WARNING


def test_a_warning_waits_for_the_grace_to_end_and_a_critical_does_not() -> None:
    bench = Bench(MonitorPolicy(grace_s=60))
    bench.machine.cpu = 75.0
    assert not [item for step in bench.run(55) for item in step.transitions]
    told = [item for step in bench.run(10) for item in step.transitions]
    assert [item.after for item in told] == [AlarmLevel.WARNING]

    bench = Bench(MonitorPolicy(grace_s=60))
    bench.machine.cpu = 99.0
    told = [item for step in bench.run(10) for item in step.transitions]
    assert [item.after for item in told] == [AlarmLevel.CRITICAL]


def test_after_a_suspend_there_is_grace_again_and_no_held_time_is_carried_over() -> None:
    bench = Bench(MonitorPolicy(grace_s=60))
    bench.run(100)
    bench.machine.cpu = 75.0
    bench.monitor.step()
    bench.clock.jump_wall(3600)
    told = [item for step in bench.run(50) for item in step.transitions]
    assert not told
    assert [item.after for step in bench.run(20) for item in step.transitions] == [
        AlarmLevel.WARNING
    ]


def test_a_clock_set_back_does_not_silence_the_monitor() -> None:
    bench = Bench(MonitorPolicy(grace_s=60))
    bench.run(100)
    bench.clock.jump_wall(-86400)
    bench.machine.cpu = 75.0
    assert [item.after for step in bench.run(20) for item in step.transitions] == [
        AlarmLevel.WARNING
    ]


def test_a_full_disk_raises_the_level_when_it_fills_and_not_for_ever() -> None:
    bench = Bench()
    bench.machine.disk = 97.0
    levels = []
    for seconds in (10, 60):
        bench.run(seconds)
        levels.append(bench.monitor.level)
    assert levels == [MonitorLevel.CRITICAL, MonitorLevel.NORMAL]


def test_each_disk_has_its_own_alarm_and_one_that_is_unplugged_is_no_longer_full() -> None:
    bench = Bench()
    bench.machine.other_disks = {"/home": 92.0, "/media/usb": 97.0}
    told = [item for step in bench.run(20) for item in step.transitions]
    assert {(each.mount, each.after) for each in told} == {
        ("/home", AlarmLevel.WARNING),
        ("/media/usb", AlarmLevel.CRITICAL),
    }
    del bench.machine.other_disks["/media/usb"]
    (gone,) = [item for step in bench.run(20) for item in step.transitions]
    assert (gone.mount, gone.after) == ("/media/usb", AlarmLevel.CLEAR)
    bench.machine.disk = 97.0
    assert [item.mount for step in bench.run(20) for item in step.transitions] == ["/"]
    bench.machine.other_disks["/home"] = 40.0
    (clear,) = [item for step in bench.run(40) for item in step.transitions]
    assert (clear.mount, clear.after) == ("/home", AlarmLevel.CLEAR)


def test_a_second_disk_that_fills_raises_the_level_again() -> None:
    bench = Bench()
    bench.machine.disk = 97.0
    levels = []
    for seconds in (70, 10):
        bench.run(seconds)
        levels.append(bench.monitor.level)
        bench.machine.other_disks = {"/home": 97.0}
    assert levels == [MonitorLevel.NORMAL, MonitorLevel.CRITICAL]


def test_an_alert_from_elsewhere_makes_it_look_closely_for_a_while() -> None:
    bench = Bench()
    change = bench.monitor.escalate()
    assert change is not None
    assert change.reason is LevelReason.CRITICAL_ALERT
    assert change.overrides is LevelReason.CRITICAL_ALERT
    bench.run(40)
    assert bench.monitor.level is MonitorLevel.NORMAL


def test_choosing_a_level_in_an_escalation_holds_after_it() -> None:
    bench = Bench()
    bench.monitor.escalate()
    assert bench.monitor.set_level(MonitorLevel.INTENSIVE) is None
    bench.run(31)
    assert bench.monitor.level is MonitorLevel.INTENSIVE


def test_changed_thresholds_are_taken_up_and_the_others_keep_their_state() -> None:
    bench = Bench()
    bench.machine.disk = 85.0
    bench.run(10)
    cpu = Band(warning=5.0, critical=90.0, hold_s=0)
    bench.monitor.set_policy(MonitorPolicy(thresholds=Thresholds(cpu=cpu), grace_s=0))
    told = [item for step in bench.run(10) for item in step.transitions]
    assert [(item.resource, item.after) for item in told] == [(Resource.CPU, AlarmLevel.WARNING)]


def test_a_report_holds_the_least_and_most_of_its_span() -> None:
    bench = Bench()
    reports: list[Report] = []
    bench.monitor.reports.add(reports.append)
    bench.machine.cpu = 30.0
    bench.run(30)
    bench.machine.cpu = None
    bench.run(10)
    bench.machine.cpu = 50.0
    bench.run(30)
    assert len(reports) == 1
    assert (reports[0].cpu_percent.least, reports[0].cpu_percent.most) == (30.0, 50.0)


@pytest.mark.expect_log("callback .*broken.* failed")
def test_plain_and_async_callbacks_get_the_snapshots_and_a_broken_one_stops_nobody() -> None:
    bench = Bench()
    seen: list[str] = []

    async def later(_: Snapshot) -> None:
        seen.append("async")

    def broken(_: Snapshot) -> None:
        raise ValueError("no")

    async def program() -> None:
        bench.monitor.add_callback(broken)
        bench.monitor.add_callback(lambda _: seen.append("plain"))
        remove = bench.monitor.add_callback(later)
        await asyncio.to_thread(bench.monitor.step)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        remove()
        bench.monitor.step()
        await asyncio.sleep(0)

    asyncio.run(program())
    assert sorted(seen) == ["async", "plain", "plain"]

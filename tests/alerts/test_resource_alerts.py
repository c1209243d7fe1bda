"""Who is named for a shortage: of this moment, a good part of it, and never we ourselves."""

import msgspec
import pytest

from omnitray.alerts.resource_alerts import (
    ResourceAlert,
    ResourceAlerts,
    ResourceCleared,
    explained,
)
from omnitray.base.facts import (
    DiskFacts,
    Job,
    JobKind,
    MemoryFacts,
    Mode,
    MonitorLevel,
    PressureFacts,
    PressurePair,
    ProcessFacts,
    Resource,
    Severity,
    Snapshot,
)
from omnitray.monitor.levels import LevelChange, LevelReason
from omnitray.monitor.monitor import MonitorStep
from omnitray.monitor.thresholds import AlarmLevel, Transition, Watched


def job(name: str, cpu: float, rss: int = 10**9, growth: float | None = None) -> Job:
    return Job(
        key=name,
        name=name,
        project="~/shop",
        kind=JobKind.COMMAND,
        leader_pid=1,
        processes=(),
        cpu_percent=cpu,
        rss_bytes=rss,
        growth_bps=growth,
    )


def step(
    now: float,
    *jobs: Job,
    moved: tuple[Resource, AlarmLevel, AlarmLevel] | None = None,
    waiting: float | None = 0.0,
    cpu: float = 97.0,
) -> MonitorStep:
    pressure = None
    if waiting is not None:
        pressure = PressureFacts(cpu=PressurePair(some_avg10=waiting))
    shot = Snapshot(
        taken_at=now,
        monotonic_s=now,
        level=MonitorLevel.NORMAL,
        cpu_percent=cpu,
        cpu_per_core_percent=(cpu, cpu),
        memory=MemoryFacts(total_bytes=32 * 10**9, available_bytes=2 * 10**9),
        pressure=pressure,
    )
    transitions: tuple[Transition, ...] = ()
    if moved is not None:
        resource, before, after = moved
        transitions = (
            Transition(resource=resource, before=before, after=after, value=cpu, threshold=85.0),
        )
    return MonitorStep(
        snapshot=shot,
        jobs=jobs,
        transitions=transitions,
        level_changes=(),
        report=None,
        next_delay_s=1.0,
    )


CPU = Watched(Resource.CPU)
UP = (Resource.CPU, AlarmLevel.CLEAR, AlarmLevel.CRITICAL)
DOWN = (Resource.CPU, AlarmLevel.CRITICAL, AlarmLevel.CLEAR)


def raised(alerts: ResourceAlerts, one: MonitorStep) -> ResourceAlert:
    (found,) = alerts.take(one, Mode.DEV)
    assert isinstance(found, ResourceAlert)
    return found


def test_an_incident_names_its_culprit_and_carries_the_figures_of_the_wire() -> None:
    alert = raised(ResourceAlerts(), step(0.0, job("make", 40), job("pytest", 150), moved=UP))
    assert alert.title == "CPU 97 %: pytest · ~/shop"
    assert alert.severity is Severity.CRITICAL
    assert alert.context["cpu"] == 97.0
    assert alert.context["level"] == "normal"
    assert alert.context["mode"] == "dev"
    assert alert.context["others_wait"] is False
    culprits = alert.context["culprits"]
    assert isinstance(culprits, list)
    assert culprits[0]["job"] == "pytest · ~/shop"
    assert culprits[0]["figure"] == "150 % of one core, 77 % of what is in use"


def test_a_reading_without_a_figure_raises_nothing_and_the_next_one_says_it() -> None:
    """Rates are unknown after a change of level; whether others wait may be known first."""
    alerts = ResourceAlerts()
    raised(alerts, step(0.0, job("pytest", 150), moved=UP))
    blind = step(61.0, job("pytest", 150), waiting=90.0)
    unread = msgspec.structs.replace(blind.snapshot, cpu_percent=None)
    assert alerts.take(msgspec.structs.replace(blind, snapshot=unread), Mode.DEV) == []
    again = raised(alerts, step(62.0, job("pytest", 150), waiting=90.0, cpu=99.0))
    assert (again.title, again.context["cpu"]) == ("CPU 99 %: pytest · ~/shop", 99.0)


def test_the_level_is_the_one_that_the_alert_has_brought_about() -> None:
    change = LevelChange(
        before=MonitorLevel.NORMAL,
        after=MonitorLevel.CRITICAL,
        reason=LevelReason.CRITICAL_RESOURCE,
    )
    one = msgspec.structs.replace(step(0.0, moved=UP), level_changes=(change,))
    assert raised(ResourceAlerts(), one).context["level"] == "critical"


def test_one_that_falls_from_critical_to_warning_is_not_told_as_if_it_rose() -> None:
    alerts = ResourceAlerts()
    raised(alerts, step(0.0, moved=UP))
    fell = (Resource.CPU, AlarmLevel.CRITICAL, AlarmLevel.WARNING)
    assert alerts.take(step(1.0, moved=fell), Mode.DEV) == []


def test_a_busy_cpu_that_nobody_waits_for_interrupts_nobody_until_somebody_waits() -> None:
    alerts = ResourceAlerts()
    assert not raised(alerts, step(0.0, moved=UP, waiting=5.0)).context["others_wait"]
    assert alerts.take(step(1.0, waiting=20.0), Mode.DEV) == []
    assert raised(alerts, step(2.0, waiting=80.0)).context["others_wait"]
    assert alerts.take(step(3.0, waiting=85.0), Mode.DEV) == []


def compiling(runnable: int) -> Job:
    """A build with so many processes that could run."""
    process = ProcessFacts(pid=7, ppid=1, start_ticks=7, name="cc1", state="R")
    idle = msgspec.structs.replace(process, state="S")
    processes = (process,) * runnable + (idle,) * 9
    return msgspec.structs.replace(job("make", 190), kind=JobKind.BUILD, processes=processes)


def test_a_build_with_more_to_run_than_there_are_cores_waits_for_itself_alone() -> None:
    alerts = ResourceAlerts()
    assert not raised(alerts, step(0.0, compiling(3), moved=UP, waiting=95.0)).context[
        "others_wait"
    ]
    assert alerts.take(step(1.0, compiling(3), waiting=95.0), Mode.DEV) == []
    assert alerts.take(step(2.0, compiling(1), waiting=90.0), Mode.DEV) == []


def test_when_the_build_has_been_small_for_as_long_as_pressure_looks_back_others_wait() -> None:
    alerts = ResourceAlerts()
    alerts.take(step(0.0, compiling(3), moved=UP, waiting=95.0), Mode.DEV)
    assert alerts.take(step(9.0, compiling(2), waiting=90.0), Mode.DEV) == []
    assert raised(alerts, step(10.0, compiling(2), waiting=90.0)).context["others_wait"]


def test_what_is_no_build_may_have_been_started_unknowingly() -> None:
    loops = msgspec.structs.replace(compiling(8), kind=JobKind.COMMAND)
    assert raised(ResourceAlerts(), step(0.0, loops, moved=UP, waiting=95.0)).context["others_wait"]


def test_two_jobs_that_make_each_other_wait_are_felt() -> None:
    both = compiling(2), msgspec.structs.replace(compiling(2), key="pytest")
    assert raised(ResourceAlerts(), step(0.0, *both, moved=UP, waiting=95.0)).context["others_wait"]


def test_without_pressure_information_a_critical_cpu_counts_as_felt() -> None:
    assert raised(ResourceAlerts(), step(0.0, moved=UP, waiting=None)).context["others_wait"]


def test_memory_says_what_is_left_and_what_grows() -> None:
    moved = (Resource.MEMORY, AlarmLevel.CLEAR, AlarmLevel.CRITICAL)
    hog = job("pytest", 10, 9 * 10**9, growth=310e6)
    alert = raised(ResourceAlerts(), step(0.0, hog, moved=moved))
    assert alert.context["others_wait"]
    assert "2.0 of 32.0 GB are available" in alert.message
    culprits = alert.context["culprits"]
    assert isinstance(culprits, list)
    assert culprits[0]["figure"].endswith("grows by 310 MB/s")


def test_it_is_brought_up_to_date_once_a_minute_and_resolved_when_clear() -> None:
    alerts = ResourceAlerts()
    raised(alerts, step(0.0, moved=UP))
    assert alerts.take(step(30.0), Mode.DEV) == []
    raised(alerts, step(60.0))
    assert alerts.take(step(61.0, moved=DOWN), Mode.DEV) == [ResourceCleared(watched=CPU)]
    assert alerts.take(step(200.0), Mode.DEV) == []


def test_who_takes_it_now_replaces_who_took_it_before_in_the_headline() -> None:
    alerts = ResourceAlerts()
    first = raised(alerts, step(0.0, job("pytest", 150), moved=UP))
    assert first.title == "CPU 97 %: pytest · ~/shop"
    assert alerts.take(step(1.0, job("make", 180)), Mode.DEV) == []
    assert alerts.take(step(5.0, job("make", 180)), Mode.DEV) == []
    assert raised(alerts, step(6.0, job("make", 180))).title == "CPU 97 %: make · ~/shop"
    assert alerts.take(step(7.0, job("make", 180)), Mode.DEV) == []


def test_a_moment_of_somebody_else_changes_nothing() -> None:
    alerts = ResourceAlerts()
    raised(alerts, step(0.0, job("pytest", 150), moved=UP))
    for second in range(1, 60):
        other = job("make", 180) if second % 4 == 0 else job("pytest", 150)
        assert alerts.take(step(float(second), other), Mode.DEV) == []


def test_who_takes_the_rest_once_it_is_over_is_no_culprit() -> None:
    """A database was ended: the largest that is left has not used memory up."""
    alerts = ResourceAlerts()
    raised(alerts, step(0.0, job("make", 180), moved=UP))
    for second in range(1, 120):
        assert alerts.take(step(float(second), job("steady", 10), cpu=12.0), Mode.DEV) == []
    fallen = (Resource.CPU, AlarmLevel.CRITICAL, AlarmLevel.WARNING)
    late = step(120.0, job("steady", 10), moved=fallen, cpu=12.0)
    assert alerts.take(late, Mode.DEV) == []
    assert alerts.take(step(121.0, moved=DOWN), Mode.DEV) == [ResourceCleared(watched=CPU)]


def test_where_no_job_that_can_be_seen_explains_it_none_is_named() -> None:
    alert = raised(ResourceAlerts(), step(0.0, job("OmniTray", 2), moved=UP))
    assert alert.title == "CPU 97 % in use"
    assert alert.message.endswith("No job that can be seen takes a good part of it.")
    assert alert.context["culprits"] == []


@pytest.mark.parametrize(("cpu", "over"), [(20.0, True), (80.0, False)])
def test_an_alert_left_open_by_the_last_run_is_closed_once_it_no_longer_holds(
    cpu: float, *, over: bool
) -> None:
    alerts = ResourceAlerts({CPU: 60.0})
    found = alerts.take(step(0.0, cpu=cpu), Mode.DEV)
    assert bool(found) is over
    unreadable = msgspec.structs.replace(
        step(1.0), snapshot=msgspec.structs.replace(step(1.0).snapshot, cpu_percent=None)
    )
    assert alerts.take(unreadable, Mode.DEV) == []


def disks(now: float, *moved: tuple[str, AlarmLevel], **used: float) -> MonitorStep:
    """A step on a machine with these disks under ``/``."""
    told = step(now)
    shot = msgspec.structs.replace(
        told.snapshot,
        disks=tuple(
            DiskFacts(
                mount=f"/{name}",
                filesystem="ext4",
                total_bytes=10**12,
                free_bytes=int(10**10 * (100 - percent)),
                used_percent=percent,
            )
            for name, percent in used.items()
        ),
    )
    transitions = tuple(
        Transition(
            resource=Resource.DISK,
            mount=mount,
            before=AlarmLevel.CLEAR,
            after=after,
            value=97.0,
            threshold=95.0,
        )
        for mount, after in moved
    )
    return msgspec.structs.replace(told, snapshot=shot, transitions=transitions)


def test_each_disk_has_its_own_alert_with_its_own_figures() -> None:
    alerts = ResourceAlerts()
    full = ("/home", AlarmLevel.CRITICAL), ("/data", AlarmLevel.WARNING)
    found = alerts.take(disks(0.0, *full, data=96.0, home=98.0), Mode.DEV)
    told = [each for each in found if isinstance(each, ResourceAlert)]
    assert [(each.title, each.context["disk"], each.context["mount"]) for each in told] == [
        ("Disk 98 %: /home", 98.0, "/home"),
        ("Disk 96 %: /data", 96.0, "/data"),
    ]
    assert told[0].message == "/home has been at or over 95 %: 20.0 GB are free."
    home = Watched(Resource.DISK, "/home")
    clear = disks(5.0, ("/home", AlarmLevel.CLEAR), data=96.0, home=40.0)
    assert alerts.take(clear, Mode.DEV) == [ResourceCleared(watched=home)]


def test_an_alert_of_a_disk_that_is_not_there_any_more_is_over() -> None:
    gone, still = Watched(Resource.DISK, "/usb"), Watched(Resource.DISK, "/data")
    before = Watched(Resource.DISK)  # as written by versions with one alert for all disks
    alerts = ResourceAlerts({gone: 90.0, still: 90.0, before: 90.0})
    assert alerts.take(step(0.0), Mode.DEV) == []  # no disk could be read
    found = alerts.take(disks(1.0, data=96.0), Mode.DEV)
    assert found == [ResourceCleared(watched=gone), ResourceCleared(watched=before)]
    assert alerts.take(disks(2.0, data=89.0), Mode.DEV) == [ResourceCleared(watched=still)]


GB = 10**9
OWN = 900
BUSY = Snapshot(
    taken_at=0.0,
    monotonic_s=0.0,
    level=MonitorLevel.NORMAL,
    cpu_percent=100.0,
    cpu_per_core_percent=(100.0,) * 8,
    memory=MemoryFacts(total_bytes=20 * GB, available_bytes=4 * GB),
)


def a_job(name: str, cpu: float = 0.0, rss: float = 0.0, growth: float = 0.0, pid: int = 1) -> Job:
    process = ProcessFacts(
        pid=pid, ppid=1, start_ticks=1, name=name, state="R", cpu_percent=cpu, rss_bytes=int(rss)
    )
    return Job(
        key=name,
        name=name,
        project=None,
        kind=JobKind.COMMAND,
        leader_pid=pid,
        processes=(process,),
        cpu_percent=cpu,
        rss_bytes=int(rss),
        growth_bps=growth,
    )


def named(resource: Resource, *jobs: Job) -> dict[str, str]:
    """Each culprit and its figure, the first to be named first."""
    found = explained(resource, jobs, BUSY, OWN)
    return {each.culprit.job: each.culprit.figure for each in found}


def heads(resource: Resource, *jobs: Job) -> list[str]:
    return [each.key for each in explained(resource, jobs, BUSY, OWN) if each.heads]


def test_figures_say_of_what_they_are_and_add_up() -> None:
    assert named(Resource.CPU, a_job("make", 480), a_job("pytest", 240)) == {
        "make": "480 % of one core, 60 % of what is in use",
        "pytest": "240 % of one core, 30 % of what is in use",
    }
    assert named(Resource.MEMORY, a_job("pytest", rss=8 * GB, growth=310e6)) == {
        "pytest": "8.0 GB, 50 % of what is in use, grows by 310 MB/s"
    }


def test_of_many_small_ones_none_explains_it() -> None:
    many = [a_job(f"j{number}", 75) for number in range(10)]
    assert named(Resource.CPU, *many) == {}
    assert heads(Resource.CPU, *[a_job(f"j{number}", 160) for number in range(5)]) == []


def test_what_takes_a_fortieth_of_the_largest_is_no_culprit() -> None:
    assert list(named(Resource.CPU, a_job("hog", 600), a_job("player", 90))) == ["hog"]


def test_a_small_job_that_does_the_growing_is_named_first() -> None:
    jobs = a_job("browser", rss=6 * GB), a_job("pytest", rss=2 * GB, growth=500e6)
    assert heads(Resource.MEMORY, *jobs) == ["pytest", "browser"]


def test_shared_pages_count_once_where_they_were_measured() -> None:
    browser = msgspec.structs.replace(a_job("Chromium", rss=16 * GB), pss_bytes=int(2.6 * GB))
    assert named(Resource.MEMORY, browser) == {"Chromium": "2.6 GB, 16 % of what is in use"}


def test_without_a_measure_no_job_holds_more_than_there_is_in_use() -> None:
    assert named(Resource.MEMORY, a_job("Chromium", rss=40 * GB)) == {
        "Chromium": "16.0 GB, 100 % of what is in use"
    }


def ours_with_a_cleaner(*others: ProcessFacts) -> Job:
    own = a_job("omnitray", 5, pid=OWN)
    cleaner = msgspec.structs.replace(
        own.processes[0], pid=901, ppid=OWN, name="pip", cpu_percent=700.0, rss_bytes=9 * GB
    )
    below = msgspec.structs.replace(cleaner, pid=902, ppid=901, cpu_percent=50.0)
    processes = (*own.processes, below, cleaner, *others)
    return msgspec.structs.replace(
        own,
        processes=processes,
        cpu_percent=sum(each.cpu_percent or 0.0 for each in processes),
        rss_bytes=sum(each.rss_bytes for each in processes),
    )


@pytest.mark.parametrize("resource", [Resource.CPU, Resource.MEMORY])
def test_neither_we_nor_what_we_clean_with_is_blamed(resource: Resource) -> None:
    assert named(resource, ours_with_a_cleaner()) == {}


def test_who_shares_a_job_with_us_is_blamed_for_its_own_part() -> None:
    loop = msgspec.structs.replace(a_job("loop", 400, pid=77).processes[0], ppid=1)
    assert named(Resource.CPU, ours_with_a_cleaner(loop)) == {
        "omnitray": "400 % of one core, 50 % of what is in use"
    }


def test_beside_what_cannot_be_seen_a_quarter_of_the_processors_heads_nothing() -> None:
    """A player whose loops have just ended, or with busy neighbours outside of its container."""
    player = a_job("player", 240)
    assert heads(Resource.CPU, player) == []
    assert list(named(Resource.CPU, player)) == ["player"]
    assert heads(Resource.CPU, player, a_job("make", 240)) == ["player", "make"]
    ours = msgspec.structs.replace(a_job("omnitray top", 400), is_own_command=True)
    assert heads(Resource.CPU, player, ours) == ["player"]  # what is ours is seen


def test_a_disk_and_a_machine_that_cannot_be_read_have_no_culprit() -> None:
    blind = msgspec.structs.replace(BUSY, cpu_percent=None, memory=None)
    assert explained(Resource.DISK, [a_job("dd", 90, rss=GB)], BUSY) == ()
    assert explained(Resource.CPU, [a_job("dd", 90)], blind) == ()
    assert explained(Resource.MEMORY, [a_job("dd", rss=GB)], blind) == ()


@pytest.mark.parametrize("resource", [Resource.CPU, Resource.MEMORY])
def test_a_command_of_ours_is_never_a_culprit(resource: Resource) -> None:
    asks = msgspec.structs.replace(job("omnitray top", 190.0, 20 * 10**9), is_own_command=True)
    seen = step(0.0, asks, job("make", 60.0, 9 * 10**9))
    assert [each.key for each in explained(resource, seen.jobs, seen.snapshot)] == ["make"]
